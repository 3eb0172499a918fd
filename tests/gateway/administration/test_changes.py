"""Changes over /api/admin/: on the record with before and after, in force, never above oneself."""

import pytest

from accounts import access
from accounts.models import ApiKey, PolicyVersion, Role, Rule, ServerGrant, Team, User
from audit.models import Entry
from audit.stamps import Kept
from tests.gateway.administration.samples import rows, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(cast, upstream):
    return rows(cast)


@pytest.fixture
def ada(client_of, cast):
    return client_of(cast.ada, scopes=["admin"])


@pytest.fixture
def clerk(client_of, cast, known):
    """Guest, whose role may manage people and the configuration, and cannot do more."""
    flags = ("can_manage_users", "can_promote_users", "can_modify_config")
    Role.objects.filter(name="viewer").update(**dict.fromkeys(flags, True))
    return client_of(cast.guest, scopes=["admin"])


@pytest.mark.parametrize(
    ("method", "path", "body", "model", "values"),
    [
        ("patch", "roles/spare", {"denied_tools": ["x"]}, "accounts.role", [[], ["x"]]),
        ("patch", "teams/red", {"default_role": "spare"}, "accounts.team", [None, "spare"]),
        (
            "patch",
            "rules/{rule}",
            {"patterns": ["wipe_*"]},
            "accounts.rule",
            [["delete_*", "drop_*"], ["wipe_*"]],
        ),
        ("patch", "people/{dev}", {"teams": ["red"]}, "accounts.user", [[], ["red"]]),
        ("patch", "people/{dev}", {"allowed_mcps": ["a"]}, "accounts.user", ["*", ["a"]]),
    ],
)
def test_a_change_is_on_the_record_with_before_and_after(
    ada, known, method, path, body, model, values
):
    assert send(ada, method, path.format(**known), body).status_code == 200

    entry = Entry.objects.get(kind="admin.changed")
    assert (entry.person, entry.door, entry.detail["model"]) == ("ada@example.com", "rest", model)
    assert entry.detail["values"] == {next(iter(body)): values}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "roles", {"name": "analyst"}),
        ("patch", "roles/spare", {"denied_tools": ["x"]}),
        ("delete", "roles/spare", None),
        ("patch", "teams/red", {"default_role": "spare"}),
        ("post", "rules", {"kind": "blocked", "patterns": ["echo"]}),
        ("patch", "rules/{rule}", {"patterns": ["wipe_*"]}),
        ("delete", "rules/{rule}", None),
    ],
)
def test_each_change_of_the_policy_is_a_version_in_force_that_is_answered(
    ada, known, method, path, body
):
    access.publish("the samples")
    before = PolicyVersion.objects.count()
    said = send(ada, method, path.format(**known), body).json()

    published = said.get("policy", said)
    newest = PolicyVersion.objects.order_by("-pk")[0]
    assert PolicyVersion.objects.count() == before + 1
    assert (published["version"], published["changed"]) == (newest.pk, True)
    assert published["difference"] == newest.difference.splitlines() != []
    assert access.current()[1] == published["digest"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "blocked", "patterns": ["a[b]"]}, "patterns"),
        ({"kind": "blocked", "patterns": "x"}, "patterns"),
        ({"kind": "blocked", "patterns": ["x"], "server": "upstream"}, "server"),
        ({"kind": "everything"}, "kind"),
        ({"kind": "exposure", "server": "upstream", "mode": "sometimes"}, "mode"),
        ({"kind": "role", "server": "upstream", "role": "viewer", "mode": "x"}, "mode"),
        ({"kind": "role", "server": "upstream", "mode": "allow_all"}, "role"),
        (
            {"kind": "role", "server": "u", "role": "viewer", "mode": "deny", "patterns": ["@no"]},
            "patterns",
        ),
        ({"kind": "default_effect", "mode": "perhaps"}, "mode"),
        ({"kind": "argument", "patterns": ["x"], "condition": {"what": 1}}, "condition.what"),
        ({"kind": "default_user", "condition": {"role": 7}}, "condition.role"),
    ],
)
def test_a_bad_rule_is_a_400_that_names_the_field_and_changes_nothing(ada, known, body, field):
    assert send(ada, "get", "rules").status_code == 200
    before = (access.current()[1], Rule.objects.count(), Entry.objects.count())
    answer = send(ada, "post", "rules", body)

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert (access.current()[1], Rule.objects.count(), Entry.objects.count()) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "roles", {"name": "x", "can_bypass_tool_restrictions": True}),
        ("patch", "roles/spare", {"can_view_audit_logs": True}),
        ("patch", "roles/viewer", {"denied_tools": []}),
        ("patch", "roles/admin", {"description": "x"}),
        ("delete", "roles/admin", None),
        ("post", "teams", {"key": "x", "default_role": "admin"}),
        ("patch", "teams/red", {"name": "our own"}),
        ("post", "rules", {"kind": "role", "server": "u", "role": "viewer", "mode": "allow_all"}),
        ("post", "rules", {"kind": "default_user", "condition": {"role": "admin"}}),
        ("post", "people", {"email": "x@example.com", "role": "admin"}),
        ("patch", "people/{dev}", {"role": "admin"}),
        ("patch", "people/{guest}", {"role": None}),
        ("patch", "people/{guest}", {"allowed_mcps": "*"}),
        ("patch", "people/{ada}", {"name": "x"}),
        ("post", "people/{ada}/setup-link", None),
        ("post", "people/{ada}/keys", {"name": "x", "scopes": ["admin"]}),
        ("post", "people/{guest}/keys", {"name": "x", "scopes": ["admin"]}),
        ("post", "grants", {"person": "guest@example.com", "server": "upstream", "tools": ["*"]}),
        ("post", "teams/blue/members", {"person": "guest@example.com"}),
    ],
)
def test_nobody_reaches_above_or_raises_themselves(clerk, cast, known, method, path, body):
    models = (Role, Team, Rule, User, ApiKey, ServerGrant)
    before = [list(model.objects.exclude(pk=None).values_list("pk", flat=True)) for model in models]
    answer = send(clerk, method, path.format(**known, ada=cast.ada.pk), body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed")
    after = [list(model.objects.exclude(pk=None).values_list("pk", flat=True)) for model in models]
    assert after == before
    assert Entry.objects.filter(kind="admin.changed").count() == 0


def test_without_the_right_to_promote_nobodys_role_or_team_is_changed(clerk, known):
    Role.objects.filter(name="viewer").update(can_promote_users=False)
    bodies = ({"role": "spare"}, {"teams": ["red"]}, {"name": "Devi"})
    answers = [send(clerk, "patch", f"people/{known['dev']}", body) for body in bodies]

    assert [one.status_code for one in answers] == [403, 403, 200]


@pytest.mark.parametrize(
    ("path", "said"),
    [("roles/developer", "2 people and 1 rule have it"), ("teams/red", "1 person")],
)
def test_what_people_have_is_not_deleted(ada, known, path, said):
    answer = send(ada, "delete", path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
    assert said in answer.json()["error"]["message"]
    assert send(ada, "get", path).status_code == 200


def test_permissions_are_what_a_call_would_be_told(ada, cast, known):
    said = send(ada, "get", f"people/{known['dev']}/permissions?server=upstream&limit=500").json()
    effects = {one["tool"]: one["effect"] for one in said["items"]}

    assert (effects["echo"], effects["get_time"], said["person"]) == (
        "allow",
        "allow",
        "dev@example.com",
    )
    counted = {name: list(effects.values()).count(name) for name in ("allow", "ask", "deny")}
    assert said["servers"] == [{"server": "upstream", **counted}]
    only = send(ada, "get", f"people/{known['dev']}/permissions?effect=allow").json()
    assert only["total"] == counted["allow"]
    assert send(ada, "get", f"people/{known['dev']}/permissions?server=no").status_code == 404


def test_clearing_the_cache_has_everything_read_anew(ada, known):
    kept, looks = Kept("accounts"), []
    send(ada, "get", "people")
    counted = {one["of"]: one["values"] for one in send(ada, "get", "cache").json()["process"]}
    assert counted["people, keys and the policy"] > 0

    for _ in range(2):
        kept.get("answer", lambda: looks.append(1) or 42)
    assert len(looks) == 1
    assert send(ada, "post", "cache/clear").json() == {"cleared": True}
    kept.get("answer", lambda: looks.append(1) or 42)
    assert len(looks) == 2
    assert Entry.objects.get(kind="admin.changed").detail["action"] == "caches cleared"


def test_who_am_i(client_of, cast, client):
    said = client_of(cast.ada).get("/api/me").json()
    assert (said["email"], said["role"], said["key"]["scopes"], said["rights"]) == (
        "ada@example.com",
        "admin",
        ["query", "tools", "read"],
        [],
    )
    assert (
        "can_modify_config" in client_of(cast.ada, scopes=["admin"]).get("/api/me").json()["rights"]
    )
    client.force_login(cast.dev)
    said = client.get("/api/me").json()
    assert (said["key"], said["rights"], said["roles"]) == (None, [], ["developer"])
