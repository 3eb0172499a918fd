"""Servers that people reach and never used: `allowed_mcps`, theirs and the default user's. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from accounts.least_privilege.looking import Looking
from accounts.least_privilege.model import Kind, Suggestion, Use
from accounts.policy import Subject

ALL = "*"


def narrower_reaches(looking: Looking) -> Iterator[Suggestion]:
    """Reach that could be the servers used: the default user's first, then people by name."""
    if not looking.house.whole:
        return
    yield from _of_the_default_user(looking)
    for person, subject in sorted(looking.snapshot.people.items()):
        uses = looking.by_person.get(person, [])
        if uses and _counts(looking, person, subject) and looking.still_given(subject, uses):
            yield from _narrowed(looking, person, subject.allowed_mcps, uses=uses)


def _counts(looking: Looking, person: str, subject: Subject) -> bool:
    """Whether reach bounds this person, and they were there all the time."""
    administers = subject.super_admin or looking.case(subject).admin
    return not administers and looking.house.knows_all_of(person)


def _of_the_default_user(looking: Looking) -> Iterator[Suggestion]:
    """What holds for whoever has no reach of their own, and for people who are gone."""
    people = looking.snapshot.people
    uses = [
        use
        for use in looking.house.uses
        if use.person not in people or people[use.person].allowed_mcps is None
    ]
    said = (looking.snapshot.document.get("default_user") or {}).get("allowed_mcps")
    if uses:
        yield from _narrowed(looking, "", said, uses=uses)


def _narrowed(
    looking: Looking, person: str, said: Any, *, uses: Sequence[Use]
) -> Iterator[Suggestion]:
    used = {use.server for use in uses}
    reached = _reached(looking, said)
    kept = [server for server in reached if server in used or _takes_away(said, server)]
    if len(kept) == len(reached):
        return
    named = f"allowed_mcps: {', '.join(kept) or 'no server'}"
    yield Suggestion(
        kind=Kind.REACH,
        who=f"person {person}" if person else "the default user",
        server="",
        patterns=(ALL,) if said == ALL else tuple(reached),
        given=len(reached),
        used=tuple(server for server in reached if server in used),
        **looking.evidence(use for use in uses if use.server in reached),
        change=f"default_user.{named}" if not person else named,
        place=("reach", person, ""),
        value=kept,
    )


def _reached(looking: Looking, said: Any) -> list[str]:
    """The servers that a reach names; `*` names those that are known, or were used."""
    if said == ALL:
        known = {server for server, _tool in looking.snapshot.targets}
        return sorted(known | {use.server for use in looking.house.uses})
    return list(said) if isinstance(said, list | tuple | Mapping) else []


def _takes_away(said: Any, server: str) -> bool:
    """Whether an entry of the person's denies something: without it a grant would give it."""
    entry = said[server] if isinstance(said, Mapping) else None
    return isinstance(entry, Mapping) and (entry.get("mode") == "none" or bool(entry.get("deny")))
