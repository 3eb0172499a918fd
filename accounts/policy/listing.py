"""One person's decisions over many tools: each as `decide` says it, without deciding on each.

Two tools of one server that look alike (state, tags, hints) are decided alike as long as every
question a layer puts to their names has the same answer. So one of them is decided, its questions
and answers are noted as a path, and whoever gives the same answers all along shares its end. A tool
that answers differently is decided itself, and adds a branch.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter

from accounts.policy.case import Case
from accounts.policy.decide import decide_case
from accounts.policy.model import Decision, Effect, Subject, Target
from accounts.policy.patterns import Patterns
from accounts.policy.rules import ArgumentRule, Policy

# What a layer asks of a server's and a tool's name.
_Question = Callable[[str, str], Hashable]
_Noted = list[tuple[_Question, Hashable]]
# Everything of a target but the tool's name.
_looks_of = attrgetter(*(part.name for part in fields(Target) if part.name != "tool"))


def effects(
    policy: Policy, subject: Subject, targets: Iterable[Target], now: datetime
) -> Iterator[Effect]:
    """The effect that `decide` has for each target in turn, the arguments not yet known."""
    return (one.effect for one in decisions(policy, subject, targets, now))


def decisions(
    policy: Policy, subject: Subject, targets: Iterable[Target], now: datetime
) -> Iterator[Decision]:
    """The same with layer, rule and verdicts; sentences may name another tool that looks alike."""
    trees: dict[Hashable, _Node] = {}
    for target in targets:
        # What is not offered is refused by a rule that names the tool.
        looks = _looks_of(target), "" if target.state == "offered" else target.tool
        tree = trees.get(looks)
        if tree is None:
            tree = trees[looks] = _Node()
        decision = tree.find(target.server, target.tool)
        if decision is None:
            case = _NotingCase.of(policy, subject, target=target, arguments=None, now=now)
            decision = decide_case(case)
            tree.learn(case.noted, decision)
        yield decision


@dataclass(frozen=True, slots=True)
class _NotingCase(Case):
    """A case that notes what is asked of the tool's name, and what the answer was."""

    noted: _Noted = field(default_factory=list)

    def fitting(self, patterns: Patterns) -> str | None:
        answer = patterns.first(self.target.server, self.target.tool)
        if patterns.texts:
            self.noted.append((patterns.first, answer))
        return answer

    @property
    def argument_rules(self) -> tuple[ArgumentRule, ...]:
        answer = self.policy.argument_rules_for(self.target.server, self.target.tool)
        self.noted.append((self.policy.argument_rules_for, answer))
        return answer


@dataclass(slots=True)
class _Node:
    """The next question with what each answer leads to, or the decision at the end of a path."""

    question: _Question | None = None
    answers: dict[Hashable, "_Node"] = field(default_factory=dict)
    decision: Decision | None = None

    def find(self, server: str, tool: str) -> Decision | None:
        """The decision for a tool of this name; None when one of its answers is new."""
        node: _Node | None = self
        while node is not None and node.question is not None:
            node = node.answers.get(node.question(server, tool))
        return None if node is None else node.decision

    def learn(self, noted: _Noted, decision: Decision) -> None:
        """Add the path of one decision."""
        node = self
        for question, answer in noted:
            node.question = question
            node = node.answers.setdefault(answer, _Node())
        node.decision = decision
