"""Asking for access and deciding on it: what may be asked, who decides, what is on the record."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import grants
from accounts.errors import BadValue, Conflict, NotAllowed
from accounts.models import AccessRequest, Role, Rule, ServerGrant, User
from audit.models import Entry
from gateway import access_requests as requests
from gateway import toolbox
from gateway.errors import BadRequest, NotFound
from registry.models import Server, Tool

State = AccessRequest.State


@pytest.fixture
def dev(upstream, cast):
    return cast.asker(cast.dev)


@pytest.fixture
def ada(cast):
    return cast.asker(cast.ada)


@pytest.fixture
def asked(dev):
    return ask(dev)


def ask(asker, *tools, server="upstream", reason="To take notes."):
    return requests.request(asker, server=server, tools=tools or ["write_note"], reason=reason)


def entries(*kinds):
    rows = Entry.objects.filter(kind__in=kinds).order_by("id")
    return [(row.kind, row.outcome, row.person) for row in rows]


# --- Asking ---------------------------------------------------------------------------------------
def test_what_is_asked_for_waits_and_is_on_the_record(asked, cast):
    assert (asked.person, asked.server, asked.tools, asked.state) == (
        cast.dev, "upstream", ["write_note"], State.OPEN,
    )  # fmt: skip
    entry = Entry.objects.get(kind=Entry.Kind.ACCESS_REQUESTED)
    assert (entry.person, entry.outcome, entry.server) == (
        "dev@example.com", "pending", "upstream",
    )  # fmt: skip
    assert (entry.detail["tools"], entry.detail["reason"]) == (["write_note"], "To take notes.")


@pytest.mark.parametrize(
    ("wanted", "field", "message"),
    [
        ({"server": "nowhere"}, "server", "There is no server 'nowhere'."),
        ({"tools": ["nothing"]}, "tools", "No tool of upstream fits nothing."),
        ({"tools": ["other/write_note"]}, "tools", "No tool of upstream fits other/write_note."),
        ({"tools": ["write["]}, "tools", "'write[': '[' has no meaning here, only * and ? do."),
        ({"tools": ["@nobody"]}, "tools", "'@nobody': there is no group of that name."),
        ({"tools": []}, "tools", 'a list of patterns is expected, for example ["get_*"] or ["*"].'),
        ({"tools": ["a" * n for n in range(1, 22)]}, "tools", "There may be at most 20 patterns."),
        ({"reason": "  "}, "reason", "Say why, in a few words."),
        ({"reason": "x" * 2001}, "reason", "This is a text of at most 2000 characters."),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told_with_its_field(dev, wanted, field, message):
    whole = {"server": "upstream", "tools": ["write_note"], "reason": "Because."} | wanted
    with pytest.raises((BadRequest, NotFound)) as caught:
        requests.request(dev, **whole)
    assert (caught.value.field, caught.value.message) == (field, message)
    assert AccessRequest.objects.count() == 0


def test_what_is_open_already_is_not_asked_for(dev):
    with pytest.raises(Conflict, match=r"^get_time is open to you already\.$"):
        ask(dev, "get_time")


@pytest.mark.parametrize("pattern", ["write_note", "write_*", "*"])
def test_a_pattern_is_asked_for_when_it_opens_anything(dev, pattern):
    assert ask(dev, pattern).tools == [pattern]


def test_where_a_grant_does_not_help_what_would_is_said(dev):
    with pytest.raises(Conflict) as caught:
        ask(dev, "delete_everything")
    assert str(caught.value) == (
        "A grant would not help: delete_everything is blocked for everybody."
        " To change it: ask an administrator to take it out of tool_patterns.dangerous."
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda: Server.objects.update(enabled=False), "The server upstream is disabled."),
        (
            lambda: Tool.objects.update(state="quarantined"),
            "is set aside until an administrator has looked at it.",
        ),
    ],
)
def test_a_grant_does_not_help_against_standing(dev, change, reason):
    change()
    with pytest.raises(Conflict, match=f"A grant would not help: .*{reason}"):
        ask(dev)


def test_what_nobody_is_shown_cannot_be_granted(dev):
    Rule.objects.create(
        kind=Rule.Kind.EXPOSURE, server="upstream", mode="allow_only", patterns=["get_*"]
    )
    requests.access.publish("tests")
    with pytest.raises(Conflict, match="does not expose write_note to anybody"):
        ask(dev)


def test_one_tool_is_asked_for_once_while_it_is_open(dev, asked, ada):
    with pytest.raises(Conflict, match=f"Your request {asked.pk} for write_note is still open"):
        ask(dev, "*", "write_note")

    requests.refuse(asked, by=ada, answer="Not now.")
    assert ask(dev).state == State.OPEN


def test_a_key_asks_for_no_server_beyond_its_own(cast, upstream):
    narrowed = replace(cast.asker(cast.dev), only_servers=frozenset({"other"}))
    with pytest.raises(NotAllowed, match="does not reach upstream"):
        ask(narrowed)


# --- Deciding -------------------------------------------------------------------------------------
def test_a_yes_is_a_grant_with_an_end(asked, ada, dev, settings):
    settings.GRANT_DAYS = 7
    before = timezone.now()
    requests.grant(asked, by=ada, answer="Be careful.")

    given = ServerGrant.objects.get()
    assert (given.user, given.server, given.tools, given.granted_by, given.reason) == (
        dev.user, "upstream", ["write_note"], "ada@example.com", "To take notes.",
    )  # fmt: skip
    assert timedelta(days=7) <= given.expires_at - before < timedelta(days=7, minutes=1)
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by, asked.answer, asked.grant) == (
        State.GRANTED, "ada@example.com", "Be careful.", given,
    )  # fmt: skip
    assert "write_note" in {spec.tool for spec in toolbox.open_for(dev).offered}
    assert entries("access.requested", "grant.given") == [
        ("access.requested", "pending", "dev@example.com"),
        ("grant.given", "ok", "ada@example.com"),
    ]


@pytest.mark.parametrize(
    ("days", "message"),
    [(-1, "A grant ends in the future."), (91, "A grant ends after at most 90 days.")],
)
def test_a_grant_ends_within_the_limit(asked, ada, days, message):
    with pytest.raises(BadValue) as caught:
        requests.grant(asked, by=ada, until=timezone.now() + timedelta(days=days))
    assert (caught.value.field, str(caught.value)) == ("until", message)
    assert (ServerGrant.objects.count(), AccessRequest.objects.open().count()) == (0, 1)


def test_the_usual_time_is_never_longer_than_the_longest(settings):
    settings.GRANT_DAYS, settings.GRANT_MAX_DAYS = 30, 2
    assert grants.usual_end() - timezone.now() <= timedelta(days=2)


def test_a_no_needs_a_reason_and_grants_nothing(asked, ada):
    with pytest.raises(BadRequest, match="Say why"):
        requests.refuse(asked, by=ada, answer=" ")

    requests.refuse(asked, by=ada, answer="Use the other one.")
    assert (asked.state, asked.answer, ServerGrant.objects.count()) == (
        State.REFUSED, "Use the other one.", 0,
    )  # fmt: skip
    assert entries("access.requested")[-1] == ("access.requested", "refused", "ada@example.com")


@pytest.mark.parametrize("verb", ["grant", "refuse", "withdraw"])
def test_what_is_closed_stays_closed(asked, ada, dev, verb):
    requests.refuse(asked, by=ada, answer="No.")
    by = dev if verb == "withdraw" else ada
    stale = AccessRequest.objects.get(pk=asked.pk)
    stale.state = State.OPEN
    with pytest.raises(Conflict, match=r"This request is no longer open: Refused\."):
        getattr(requests, verb)(stale, by=by, **({"answer": "x"} if verb == "refuse" else {}))
    assert ServerGrant.objects.count() == 0


def test_only_who_asked_withdraws(asked, ada, dev):
    with pytest.raises(NotAllowed):
        requests.withdraw(asked, by=ada)
    assert requests.withdraw(asked, by=dev).state == State.WITHDRAWN
    assert entries("access.requested")[-1] == ("access.requested", "cancelled", "dev@example.com")


# --- Who decides ----------------------------------------------------------------------------------
def test_nobody_decides_on_their_own_request(cast, upstream):
    """Not even who manages people and owns the server."""
    Role.objects.filter(name="developer").update(can_manage_users=True)
    Server.objects.update(owner="dev@example.com")
    own = ask(cast.asker(cast.dev))
    for verb, options in ((requests.grant, {}), (requests.refuse, {"answer": "x"})):
        with pytest.raises(NotAllowed, match="Nobody decides on their own request"):
            verb(own, by=cast.asker(cast.dev), **options)


def may_decide(user, row):
    return requests.decidable_by(user).filter(pk=row.pk).exists()


def test_who_manages_people_decides_and_nobody_else(asked, cast):
    assert (may_decide(cast.ada, asked), may_decide(cast.guest, asked)) == (True, False)
    with pytest.raises(NotAllowed):
        requests.grant(asked, by=cast.asker(cast.guest))

    Role.objects.filter(name="viewer").update(can_manage_users=True)
    guest = User.objects.get(pk=cast.guest.pk)
    assert may_decide(guest, asked)
    assert requests.grant(asked, by=cast.asker(guest)).state == State.GRANTED


def test_nobody_decides_for_whom_is_above_them(asked, cast):
    Role.objects.filter(name="viewer").update(can_manage_users=True)
    Role.objects.filter(name="developer").update(can_delete_data=True)
    assert not may_decide(User.objects.get(pk=cast.guest.pk), asked)


def test_the_owner_of_the_server_decides_on_it_and_on_no_other(asked, cast):
    Server.objects.update(owner="guest@example.com")
    other = AccessRequest.objects.create(person=cast.dev, server="other", tools=["*"], reason="x")
    assert (may_decide(cast.guest, asked), may_decide(cast.guest, other)) == (True, False)

    User.objects.filter(pk=cast.guest.pk).update(status="suspended")
    assert not may_decide(User.objects.get(pk=cast.guest.pk), asked)


def test_a_request_is_found_by_who_asked_and_who_decides(asked, cast):
    for user in (cast.dev, cast.ada):
        assert requests.find(user, asked.pk) == asked
    with pytest.raises(NotFound):
        requests.find(cast.guest, asked.pk)


# --- Time -----------------------------------------------------------------------------------------
def test_a_request_nobody_decided_on_is_closed_once(asked, settings):
    requests.sweep()
    asked.refresh_from_db()
    assert asked.state == State.OPEN

    AccessRequest.objects.update(created_at=timezone.now() - timedelta(days=31))
    requests.sweep()
    requests.sweep()
    asked.refresh_from_db()
    assert asked.state == State.EXPIRED
    assert entries("access.requested")[1:] == [("access.requested", "expired", "")]
