"""A key does what it was made for, and never more than what made it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import issuing
from accounts.errors import BadValue, Conflict, NotAllowed
from accounts.issuing import Wanted
from accounts.models import ApiKey
from audit.models import Entry
from audit.record import Who
from registry.models import Server
from tests.cast import open_to

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_servers(cast):
    open_to(cast.dev, "a", "b")


WHO = Who(person="dev@example.com", door="rest")


def days(key: ApiKey) -> float:
    return round((key.expires_at - timezone.now()) / timedelta(days=1), 2)


def made(cast, through=None, **wanted):
    return issuing.issue(cast.dev, Wanted("k", **wanted), who=WHO, through=through)[0]


def test_a_key_is_on_the_record_without_its_secret(cast):
    key, text = issuing.issue(cast.dev, Wanted(" laptop ", servers=["a"]), who=WHO)

    entry = Entry.objects.get(kind="key.issued")
    assert (key.name, key.user, key.matches(text.split("_", 2)[2])) == ("laptop", cast.dev, True)
    assert (entry.detail["prefix"], entry.detail["servers"]) == (key.prefix, ["a"])
    assert text.split("_", 2)[2] not in repr(list(Entry.objects.values()))


@pytest.mark.parametrize(("asked", "given"), [(None, 90), (1, 1), (365, 365)])
def test_a_key_lives_as_long_as_asked_or_as_usual(cast, asked, given):
    assert days(made(cast, days=asked)) == given


def test_where_it_may_a_key_lives_for_ever(cast, settings):
    settings.KEY_MAX_DAYS = 0

    assert made(cast, days=0).expires_at is None


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"servers": [""]}, "servers"),
        ({"servers": ["x" * 65]}, "servers"),
        ({"days": 0}, "days"),
        ({"days": 366}, "days"),
        ({"days": -1}, "days"),
    ],
)
def test_what_is_wrong_is_named(cast, wanted, field):
    with pytest.raises(BadValue) as error:
        issuing.issue(cast.dev, Wanted(**{"name": "k"} | wanted), who=WHO)

    assert (error.value.field, ApiKey.objects.count()) == (field, 0)


def test_a_key_is_for_servers_that_its_person_may_use(cast):
    open_to(cast.ada, "hers")
    Server.objects.create(name="bare", transport="http", url="https://8.8.8.8/mcp")
    cast.dev.grants.create(server="bare", tools=["*"])
    said = []
    for name in ("nosuch", "hers"):
        with pytest.raises(BadValue) as error:
            made(cast, servers=["a", name])
        assert error.value.field == "servers"
        said.append(str(error.value).replace(name, "?"))

    # One that is not there and one that they may not see are told apart by nobody.
    assert (
        said[0] == said[1] == "dev@example.com has no use of: ?. Servers they may use: a, b, bare."
    )
    assert made(cast, servers=["b", "bare"]).servers == ["b", "bare"]
    assert ApiKey.objects.count() == 1


def test_a_key_with_few_servers_is_told_of_no_others(cast):
    narrow = made(cast, servers=["a"], scopes=["tools"])
    Server.objects.filter(name="a").delete()

    with pytest.raises(BadValue, match=r"Servers they may use: none\.$"):
        made(cast, through=narrow, servers=["a"], scopes=["tools"])


# What a key that is narrow asks for, and what comes of it (None: refused).
NARROW = {"scopes": ["admin", "tools"], "servers": ["a", "b"], "days": 10}
ASKED = [
    ({"scopes": ["tools"]}, (["tools"], ["a", "b"], 10)),
    ({"scopes": ["tools"], "servers": ["a"]}, (["tools"], ["a"], 10)),
    ({"scopes": ["tools"], "days": 5}, (["tools"], ["a", "b"], 5)),
    ({"scopes": ["tools"], "days": 300}, (["tools"], ["a", "b"], 10)),
    ({"scopes": ["tools"], "servers": ["a", "c"]}, None),
    ({"scopes": ["tools", "query"]}, None),
    ({}, None),
]


@pytest.mark.parametrize(("wanted", "expected"), ASKED)
def test_a_key_made_through_another_has_nothing_that_one_lacks(cast, wanted, expected):
    narrow = made(cast, **NARROW)
    if expected is None:
        with pytest.raises(NotAllowed):
            made(cast, through=narrow, **wanted)
        return
    key = made(cast, through=narrow, **wanted)
    assert (key.scopes, key.servers, days(key)) == expected


def test_a_key_that_ends_makes_none_that_does_not(cast, settings):
    narrow = made(cast, scopes=["tools"], days=10)
    settings.KEY_MAX_DAYS = 0

    with pytest.raises(NotAllowed):
        made(cast, through=narrow, scopes=["tools"], days=0)


def test_keys_are_bounded_and_a_revoked_one_makes_room(cast, monkeypatch):
    monkeypatch.setattr(issuing, "MOST_KEYS", 2)
    first, _ = made(cast), made(cast)
    with pytest.raises(Conflict):
        made(cast)
    issuing.revoke(first, who=WHO)

    assert made(cast).usable()


def test_a_key_is_revoked_once(cast):
    key = made(cast)

    assert [issuing.revoke(key, who=WHO), issuing.revoke(key, who=WHO)] == [True, False]
    assert Entry.objects.filter(kind="key.revoked").count() == 1
