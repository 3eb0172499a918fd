"""A change of the policy is on the record and in force at once, or not at all."""

import pytest

from accounts import access, publishing
from accounts.errors import BadValue, Conflict, NotAllowed
from accounts.models import PolicyVersion, Role, Rule
from accounts.policy import PolicyError
from audit.changes import Changed
from audit.models import Entry
from audit.record import Who

pytestmark = pytest.mark.django_db

ADA = Who(person="ada@example.com", door="admin")
NOTHING = Changed((), {})


def blocking(*patterns):
    return Rule(kind=Rule.Kind.BLOCKED, patterns=list(patterns))


def recorded():
    entries = Entry.objects.filter(kind="admin.changed").order_by("pk")
    return list(entries.values_list("detail__action", flat=True))


def test_a_row_that_is_saved_is_in_force_and_on_the_record(cast):
    version = publishing.save(blocking("drop_*"), NOTHING, who=ADA)

    policy, digest = access.current()
    assert (digest, policy.blocked.first("db", "drop_a")) == (version.digest, "drop_*")
    assert recorded() == ["added"]


def test_what_makes_no_policy_is_neither_saved_nor_recorded(cast):
    before = (PolicyVersion.objects.count(), access.current()[1])

    with pytest.raises(PolicyError):
        publishing.save(blocking("drop_["), NOTHING, who=ADA)

    assert (PolicyVersion.objects.count(), access.current()[1]) == before
    assert (Rule.objects.filter(kind=Rule.Kind.BLOCKED).exists(), recorded()) == (False, [])


def test_what_is_deleted_is_out_of_force(cast):
    publishing.save(rule := blocking("drop_*"), NOTHING, who=ADA)
    publishing.delete(rule, who=ADA)

    assert access.current()[0].blocked.first("db", "drop_a") is None
    assert recorded() == ["added", "deleted"]


def test_a_fault_is_told_and_the_change_taken_back(cast):
    faults = [publishing.fault_of(blocking(pattern).save) for pattern in ("drop_*", "drop_[")]

    assert (faults[0], "drop_[" in faults[1]) == ("", True)
    assert not Rule.objects.filter(kind=Rule.Kind.BLOCKED).exists()


def test_a_row_is_held_as_it_is_now_by_whoever_may_have_it(cast):
    def never(by, row):
        raise NotAllowed(f"{by} and {row}")

    role = Role.objects.get(name="viewer")
    Role.objects.update(display_name="changed since")

    with publishing.held(role, by=cast.ada, require=lambda by, row: None) as now:
        assert now.display_name == "changed since"
    with (
        pytest.raises(NotAllowed, match="Ada and changed since"),
        publishing.held(role, by=cast.ada, require=never),
    ):
        raise AssertionError("nobody gets here")


def test_each_fault_is_told_in_the_terms_of_who_asked():
    fault = PolicyError("roles.dev.denied_tools", "is no list")
    with pytest.raises(BadValue) as wrong, publishing.naming(lambda error: error.place[10:]):
        raise fault
    with pytest.raises(Conflict) as conflict, publishing.needed():
        raise fault
    with pytest.raises(BadValue) as column:
        publishing.check(Role(name="no slug"))

    said = "The policy would not hold together: "
    assert (wrong.value.field, str(wrong.value)) == ("denied_tools", f"{said}{fault}")
    assert str(conflict.value) == f"{said}{fault}"
    assert column.value.field == "name"
