"""The document goes back into rows, and the rows make the same document again."""

import pytest

from accounts.access import build_document
from accounts.document import restore
from accounts.models import Role, Rule, Team
from accounts.policy import Inputs, Subject, Target, compile_policy
from tests.accounts.policies import NOW, ROLES, Maker

pytestmark = pytest.mark.django_db


def furnish():
    dev = Role.objects.create(name="dev", denied_tools=["drop_*"], can_access_all_databases=True)
    Team.objects.create(key="red", default_role=dev)
    for kind, fields in (
        ("default_effect", {"mode": "allow"}),
        ("blocked", {"patterns": ["a"]}),
        ("blocked", {"patterns": ["b"], "position": 1}),
        ("admin_only", {"patterns": ["c"]}),
        ("group", {"name": "dangerous", "patterns": ["d"]}),
        ("exposure", {"server": "db", "mode": "allow_only", "patterns": ["e"]}),
        ("exposure", {"server": "crm", "mode": "allow_all"}),
        ("role", {"server": "db", "role": "dev", "mode": "allow_all"}),
        ("role", {"server": "db", "role": "dev", "mode": "deny", "patterns": ["f"]}),
        ("confirm", {"server": "db", "mode": "destructive"}),
        ("confirm", {"patterns": ["g"]}),
        ("argument", {"name": "n", "patterns": ["h"], "condition": {"argument": "x", "max": 1}}),
        (
            "argument",
            {"patterns": ["i"], "condition": {"argument": "y", "required": True}, "position": 1},
        ),
        ("default_user", {"condition": {"role": "dev", "allowed_mcps": ["db"]}}),
    ):
        Rule.objects.create(kind=kind, **fields)
    return build_document()


def test_every_kind_of_rule_comes_back_from_the_document():
    document = furnish()
    Rule.objects.all().delete()
    Role.objects.update(denied_tools=[], can_access_all_databases=False)
    Team.objects.update(default_role=None)

    restore(document)

    assert build_document() == document


def test_rows_that_say_the_same_already_are_left_as_they_are():
    document = furnish()
    restore(document)
    before = list(Rule.objects.values_list())
    assert (restore(document), list(Rule.objects.values_list())) == ([], before)


def test_a_role_made_since_stays_without_what_the_policy_gave_it():
    document = furnish()
    Role.objects.create(
        name="new", can_bypass_tool_restrictions=True, can_manage_users=True, denied_tools=["x"]
    )

    said = [line for line in restore(document) if line.startswith("role ")]

    role = Role.objects.get(name="new")
    assert (role.can_bypass_tool_restrictions, role.denied_tools) == (False, [])
    assert role.can_manage_users is True
    assert said == [
        "role new: can_bypass_tool_restrictions True → False",
        "role new: denied_tools ['x'] → []",
    ]


def test_a_role_deleted_since_is_made_again_with_no_other_rights():
    document = furnish()
    Role.objects.all().delete()

    restore(document)

    assert build_document() == document
    assert Role.objects.get().can_manage_users is False


def test_a_team_made_since_loses_its_default_role():
    document = furnish()
    Team.objects.create(key="new", default_role=Role.objects.get())

    assert "team new: default_role dev → nothing" in restore(document)
    assert Team.objects.get(key="new").default_role is None


@pytest.mark.parametrize("seed", range(10))
def test_rows_made_of_a_random_document_decide_as_it_does(seed):
    maker = Maker(seed)
    document = maker.document()
    roles = {role: Role.objects.create(name=role) for role in ROLES}
    for team in document["teams"]:
        Team.objects.create(key=team, default_role=roles["guest"])

    restore(document)

    was, now = compile_policy(document), compile_policy(build_document())
    for _ in range(60):
        who = maker.who() | {"grants": ()}
        inputs = Inputs(Subject("p@x", **who), Target(**maker.tool()), NOW)
        arguments = maker.arguments()
        assert inputs.decide(now, arguments).effect == inputs.decide(was, arguments).effect
