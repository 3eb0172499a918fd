"""What users.yaml and mcps.yaml say of alerts becomes rules of theirs."""

import pytest

from audit import following, record, seal
from gateway.alerts import watching
from gateway.models import AlertRule, Incident
from tests.omni2.importing import problems, run

pytestmark = pytest.mark.django_db

USERS = """
    user_audit:
      watch_users: [Ada@Example.com]
      alert_on_suspicious_activity: true
      suspicious_patterns: [after_hours_access, blocked_tool_attempts]
    auto_provisioning: {notify_admins: true}
"""
MCPS = """
    audit:
      alert_on_patterns: ["drop_*", "crm/delete_*"]
      watch_users: [bo@example.com]
"""


def rules(origin):
    return dict(AlertRule.objects.filter(origin=origin).values_list("name", "enabled"))


def test_each_file_has_its_rules(tmp_path):
    report = run(tmp_path, users=USERS, mcps=MCPS)

    assert rules("users.yaml") == dict.fromkeys(
        ["after hours access", "blocked tool attempts", "newcomers", "watch ada@example.com"], True
    )
    assert rules("mcps.yaml") == dict.fromkeys(
        ["calls of crm/delete_*", "calls of drop_*", "watch bo@example.com"], True
    )
    assert "alert rule calls of drop_*: created" in report.changes
    assert run(tmp_path, users=USERS, mcps=MCPS).changes == []


def test_what_a_file_does_not_ask_for_any_more_is_gone_and_what_is_by_hand_stays(tmp_path):
    run(tmp_path, users=USERS, mcps=MCPS)
    AlertRule.objects.create(name="watch cleo@example.com", severity="critical")
    said = "user_audit:\n  watch_users: [cleo@example.com, dan@example.com]\n"
    report = run(tmp_path, users=said)

    assert rules("users.yaml") == {"watch dan@example.com": True}
    assert AlertRule.objects.get(name="watch cleo@example.com").severity == "critical"
    assert len(rules("mcps.yaml")) == 3
    assert "alert rule newcomers: deleted" in report.changes


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("alert_on_suspicious_activity: false\n  suspicious_patterns: [after_hours_access]",
         {"after hours access": False}),
        ("suspicious_patterns: [after_hours_access]", {"after hours access": True}),
        ("alert_on_suspicious_activity: true",
         {"after hours access": True, "blocked tool attempts": True,
          "rapid successive requests": True, "unusual database access": True}),
        ("alert_on_suspicious_activity: false", {}),
    ],
)  # fmt: skip
def test_suspicious_patterns_are_switched_as_a_whole(tmp_path, said, found):
    run(tmp_path, users=f"user_audit:\n  {said}\n")

    assert rules("users.yaml") == found


def test_a_pattern_that_is_none_is_refused_with_its_line(tmp_path):
    said = 'audit:\n  alert_on_patterns:\n  - "ok_*"\n  - "a[b]"\n'
    [problem] = problems(tmp_path, mcps=said)

    assert problem.startswith("mcps.yaml:4: audit.alert_on_patterns[1]: ")


def test_the_imported_rules_find_what_they_are_for(tmp_path):
    AlertRule.objects.all().delete()
    run(tmp_path, users=USERS, mcps=MCPS)
    AlertRule.objects.filter(name="after hours access").delete()
    following.start_again(watching.FOLLOWER)
    ada, dev = record.Who(person="ada@example.com"), record.Who(person="dev@example.com")
    record.write("call.calling", "pending", who=ada, server="crm", tool="delete_row")
    record.write("call.calling", "pending", who=dev, server="files", tool="delete_row")
    for _ in range(5):
        record.write("call.refused", "refused", who=dev, server="files", tool="delete_row")
    record.write("person.created", "ok", detail={"person": "new@example.com"})
    seal.seal_once()
    watching.watch()

    assert sorted(map(str, Incident.objects.all())) == [
        "blocked tool attempts: person dev@example.com",
        "calls of crm/delete_*: person ada@example.com",
        "newcomers",
        "watch ada@example.com: person ada@example.com",
    ]
