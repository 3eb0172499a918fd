"""The page of a policy draft: seen in rules, effect and calls; put in force as it was seen."""

import pytest

from accounts import access
from accounts.models import PolicyVersion, Role, Rule, ServerGrant
from audit.models import Entry
from tests.gateway.using import use_little
from tests.omni2.importing import everything

pytestmark = pytest.mark.django_db

PLACE = "/admin/policy-draft/"
NARROW = """
mcps:
- name: upstream
  role_restrictions: {developer: {allow_only: [echo]}}
"""


@pytest.fixture
def ada(client, cast, upstream, client_of):
    use_little(cast, client_of)
    client.force_login(cast.ada)
    return client


def send(client, act, text=NARROW, **more):
    return client.post(PLACE, {"act": act, "text": text, "days": "90"} | more)


def lines(page):
    return {part.title: part.lines for part in page.context["parts"]}


def test_it_shows_rules_effect_and_calls_and_writes_nothing(ada):
    before = everything()
    page = send(ada, "rehearse")

    denied = "(role_restrictions.developer on upstream: allow_only echo)"
    lost = "add, big, fail, get_time, headers, slow, write_note"
    assert lines(page) == {
        "Changes": [
            "policy, what a role may do on a server: upstream developer allow_only: * → echo"
        ],
        "Difference in rules": [
            "role_restrictions.developer on upstream: allow_only: added echo; removed *"
        ],
        "Who gains, who loses": [f"role developer loses on upstream: {lost} {denied}"],
        "On recorded calls": [
            "of 2 recorded calls: 1 refused, 0 newly allowed, 0 newly asked",
            lines(page)["On recorded calls"][1],
        ],
    }
    assert lines(page)["On recorded calls"][1].startswith(
        "refused: dev@example.com → upstream/add, 1 call, "
    )
    assert everything() == before


def test_what_was_seen_is_put_in_force_as_a_version_on_the_record(ada):
    seen = send(ada, "rehearse").context["seen"]
    answer = send(ada, "import", seen=seen)

    newest = PolicyVersion.objects.order_by("-pk").first()
    assert answer["Location"] == f"/admin/accounts/policyversion/{newest.pk}/change/"
    assert (newest.author, newest.note) == ("ada@example.com", "imported policy.yaml")
    assert access.current()[1] == newest.digest
    entry = Entry.objects.get(kind="config.imported")
    assert (entry.person, entry.door, entry.detail["files"]) == (
        "ada@example.com",
        "admin",
        ["policy.yaml"],
    )
    assert b"the policy says this already" in send(ada, "rehearse").content


def test_what_was_not_seen_is_shown_first(ada, cast):
    """Another text, no look at all, or a house that has changed since."""
    seen = send(ada, "rehearse").context["seen"]
    Rule.objects.create(kind="blocked", patterns=["headers"])
    access.publish("tests")
    before = everything()

    for more in ({}, {"seen": seen}, {"seen": seen, "text": NARROW.replace("echo", "add")}):
        page = send(ada, "import", **more)
        assert "It does not do what you have seen any more" in page.content.decode()
        assert lines(page)["Difference in rules"] != []
    assert everything() == before


def test_a_change_of_people_alone_makes_no_version(ada, cast):
    ServerGrant.objects.create(user=cast.dev, server="upstream", tools=["*"])
    text = "grants: [{person: dev@example.com, server: upstream, tools: []}]\n"
    page = send(ada, "rehearse", text)
    versions = PolicyVersion.objects.count()

    assert lines(page)["Changes"] == ["grant dev@example.com on upstream: revoked (*)"]
    answer = send(ada, "import", text, seen=page.context["seen"])
    assert (answer["Location"], PolicyVersion.objects.count()) == (PLACE, versions)
    assert ServerGrant.objects.exists() is False


def test_what_is_chosen_among_the_suggestions_comes_as_a_draft_that_refuses_nothing(ada):
    ids = [one.id for one in ada.get("/admin/least-privilege/").context["found"].suggestions]
    page = ada.post(PLACE, {"act": "draft", "days": "30", "id": ids})

    assert page.context["form"]["days"].value() == 30
    assert page.context["form"]["text"].value().startswith("mcps:\n  - name: upstream\n")
    assert lines(page)["On recorded calls"] == [
        "of 2 recorded calls: 0 refused, 0 newly allowed, 0 newly asked"
    ]
    gone = ada.post(PLACE, {"act": "draft", "days": "30", "id": "0123456789ab"})
    assert gone["Location"] == "/admin/least-privilege/"


WRONG = {
    "a: [": "policy.yaml:1: is not YAML",
    "blocked: 1": "policy.yaml:1: blocked: unknown key",
    "roles: {nobody: {}}": "policy.yaml:1: roles.nobody: there is no role",
    "roles: {developer: {denied_tools: ['${OMNI2_SAID}']}}": (
        "policy.yaml:1: roles.developer.denied_tools[0]: the environment variable OMNI2_SAID"
    ),
}


def test_a_wrong_draft_is_told_where_and_changes_nothing(ada, monkeypatch):
    """Nor does it read the variables of the machine."""
    monkeypatch.setenv("OMNI2_SAID", "the-word")
    before = everything()
    for act in ("rehearse", "import"):
        for text, said in WRONG.items():
            page = send(ada, act, text)
            problems = [str(one) for one in page.context["problems"]]
            assert [one[: len(said)] for one in problems] == [said]
            assert "the-word" not in page.content.decode()
    assert everything() == before


def test_a_time_that_is_none_is_an_error_of_its_field(ada):
    for days in ("0", "3661", "x", ""):
        page = send(ada, "rehearse", days=days)
        assert list(page.context["form"].errors) == ["days"]
        assert page.context.get("report") is None


def test_only_a_super_admin_opens_it_whatever_the_role_may(client, cast):
    flags = [flag.name for flag in Role._meta.fields if flag.name.startswith("can_")]
    Role.objects.filter(name="developer").update(**dict.fromkeys(flags, True))
    client.force_login(cast.dev)
    before = everything()

    answers = [client.get(PLACE), send(client, "rehearse"), send(client, "import")]
    assert [one.status_code for one in answers] == [403, 403, 403]
    assert PLACE not in client.get("/admin/").content.decode()
    assert everything() == before
