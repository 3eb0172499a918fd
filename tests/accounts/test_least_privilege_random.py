"""Random policies, people and calls: no draft, whole or in part, refuses a call or gives more."""

from collections import Counter
from datetime import timedelta

from accounts.backtest import Recorded, rehearse
from accounts.effects import Snapshot
from accounts.least_privilege.draft import draft_of, laid_over
from accounts.least_privilege.looking import Looking
from accounts.least_privilege.model import House, Use
from accounts.least_privilege.patterns import narrower_patterns
from accounts.least_privilege.proof import suggest
from accounts.least_privilege.reach import narrower_reaches
from accounts.policy import Effect, Grant, Inputs, Subject, Target, compile_policy, decide
from tests.accounts.policies import NOW, SERVERS, TOOLS, Maker

# In the last ones somebody would manage with a smaller role, which is rare.
SEEDS = (*range(12), 35, 37, 56)
PEOPLE, CALLS = 5, 40
OLD = NOW - timedelta(days=100)
FLAGS = ("can_bypass_tool_restrictions", "can_execute_dangerous_tools", "can_access_all_databases")
RANKS = {Effect.DENY: 0, Effect.ASK: 1, Effect.ALLOW: 2}


def subject_of(maker, name):
    who = maker.who() | {"status": "active"}
    grants = tuple(Grant(server, tools, until) for server, tools, until in who["grants"])
    return Subject(name, **(who | {"grants": grants, "only_servers": None}))


def random_house(seed):
    """A house with what its people did, most of them as they are, some as they were once."""
    maker = Maker(seed)
    document = maker.document()
    people = {name: subject_of(maker, name) for name in (f"{n}@x" for n in range(PEOPLE))}
    targets = {(s, t): Target(s, t, destructive=maker.often(0.5)) for s in SERVERS for t in TOOLS}
    snapshot = Snapshot(document, compile_policy(document), people, targets)
    calls = [random_call(maker, snapshot, number) for number in range(CALLS)]
    uses = Counter(
        (kept["subject"]["person"], kept["subject"].get("role"))
        + (
            tuple(kept["subject"].get("teams", ())),
            kept["target"]["server"],
            kept["target"]["tool"],
        )
        for kept in (call.inputs for call in calls if call.effect != Effect.DENY)
    )
    powers = {
        role: frozenset(flag for flag in FLAGS if said[flag])
        for role, said in document["roles"].items()
    }
    known = {
        "grants_since": {(one, server): OLD for one in people for server in SERVERS},
        "joined": dict.fromkeys(people, OLD),
        "powers": powers,
    }
    used = [Use(*named, calls=count, last=NOW) for named, count in uses.items()]
    return House(snapshot, used, since=NOW - timedelta(days=90), now=NOW, **known), calls


def random_call(maker, snapshot, number):
    subject = snapshot.people[maker.one(sorted(snapshot.people))]
    if maker.often(0.05):
        subject = subject_of(maker, subject.person)
    target = snapshot.targets[maker.one(SERVERS), maker.one(TOOLS[:3])]
    arguments = maker.arguments()
    effect = decide(snapshot.policy, subject, target, arguments, NOW).effect
    return Recorded(number, NOW, str(effect), Inputs(subject, target, NOW).as_json(), arguments)


def ranks(snapshot):
    """What everybody is given, tool by tool."""
    return [
        RANKS[decide(snapshot.policy, subject, target, None, NOW).effect]
        for _, subject in sorted(snapshot.people.items())
        for _, target in sorted(snapshot.targets.items())
    ]


def drafts(suggestions, maker):
    """All, half of them each by itself, and some."""
    yield suggestions
    yield from ([one] for one in suggestions if maker.often(0.5))
    yield [one for one in suggestions if maker.often(0.5)]


def refuted(house, found):
    """How many looks for less found something that the record refutes."""
    looking = Looking(house)
    narrower = [*narrower_patterns(looking), *narrower_reaches(looking)]
    return len({one.id for one in narrower} - {one.id for one in found.suggestions})


def test_no_draft_refuses_a_recorded_call_or_gives_anybody_more():
    kinds, wrong = Counter(), 0
    for seed in SEEDS:
        house, calls = random_house(seed)
        found, before = suggest(house, lambda calls=calls: calls), ranks(house.snapshot)
        kinds.update((str(one.kind), one.place[0]) for one in found.suggestions)
        wrong += refuted(house, found)
        for chosen in drafts(found.suggestions, Maker(seed)):
            after = laid_over(house.snapshot, draft_of(chosen, house.snapshot))
            rehearsal = rehearse(calls, house.snapshot, after)
            assert (rehearsal.changes, rehearsal.refused) == ((), 0), (seed, chosen)
            assert all(new <= old for old, new in zip(before, ranks(after), strict=True)), seed

    # Else it would not have tested much.
    assert wrong > 0
    assert set(kinds) == {
        ("unused_grant", "grants"),
        *(("wildcard", section) for section in ("grants", "mcps", "roles", "people")),
        ("reach", "reach"),
        ("smaller_role", "role"),
    }
