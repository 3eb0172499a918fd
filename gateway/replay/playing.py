"""The model takes its turns on a recorded question, within the bounds that every question has.

It mirrors `gateway.loop`, and ends as that does; but nothing is written down and nobody is called.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from accounts import access
from accounts.policy import effects
from gateway import errors, loop, prompt, retrieval, toolbox
from gateway.llm.base import NO_TOKENS, Message, Model, ModelError, Reply, ToolSpec, Usage, ignore
from gateway.reading import READ_RESULT
from gateway.replay.desk import Answered, Desk, Terms
from gateway.replay.recording import Recording, is_page
from gateway.spending import Spending
from registry import catalogue


@dataclass(frozen=True)
class Attempt:
    """What came of a question, recorded or replayed. `milliseconds` are those of its model."""

    state: str
    answer: str
    warning: str = ""
    error_code: str = ""
    model: str = ""
    turns: int = 0
    usage: Usage = NO_TOKENS
    cost: Decimal | None = None
    milliseconds: int = 0
    answered: tuple[Answered, ...] = ()


@dataclass
class Playing:
    """One replay under way. `spending` bounds it, and is charged to whoever replays."""

    recording: Recording
    model: Model
    terms: Terms
    spending: Spending
    rules: str = prompt.RULES
    turns: int = 0
    milliseconds: int = 0
    usage: Usage = NO_TOKENS
    cost: Decimal | None = Decimal(0)
    used_model: str = ""
    messages: list[Message] = field(default_factory=list)

    def run(self) -> Attempt:
        """Play it to its end; an error that ends a question ends the attempt."""
        desk = Desk(self.recording, self.terms)
        try:
            ending = self._loop(desk)
        except errors.GatewayError as error:
            return self._attempt(desk, state="failed", answer="", error_code=error.code)
        return self._attempt(desk, state="answered", answer=ending.answer, warning=ending.warning)

    def _loop(self, desk: Desk) -> loop.Ending:
        question = self.recording.question
        earlier = prompt.earlier_in(question, limit=settings.CONTEXT_MESSAGES)
        self.messages = [*prompt.opening(question, earlier)]
        system = prompt.system(question, self.terms.subject, rules=self.rules)
        tools = offered(self.recording, self.terms)
        deadline = time.monotonic() + settings.QUESTION_TIMEOUT
        reply = None
        while self.turns < settings.QUESTION_MAX_TURNS and (reply is None or loop.goes_on(reply)):
            reply = self._turn(system, tools, deadline)
            self.messages.append({"role": "assistant", "content": reply.content})
            if reply.tool_uses:
                content = [desk.answer(use) for use in reply.tool_uses]
                self.messages.append({"role": "user", "content": content})
        return loop.ending_of(reply, desk.unknown())

    def _turn(self, system: str, tools: Sequence[ToolSpec], deadline: float) -> Reply:
        self.spending.check()
        if time.monotonic() >= deadline:
            raise errors.Expired()
        started = time.monotonic()
        try:
            with self.spending.turn(self.model.name, [system, *tools, *self.messages]):
                reply = self.model.turn(
                    system=system,
                    tools=tools,
                    messages=self.messages,
                    on_delta=ignore_text,
                    deadline=min(deadline, started + settings.MODEL_TIMEOUT),
                    cancelled=never,
                    on_restart=ignore,
                )
        except ModelError as error:
            raise errors.ModelFailed(error.message) from error
        self.spending.hear(reply.usage)
        self._count(reply, round((time.monotonic() - started) * 1000))
        return reply

    def _count(self, reply: Reply, milliseconds: int) -> None:
        cost = self.spending.add(reply.model, reply.usage).amount
        self.cost = None if cost is None or self.cost is None else self.cost + cost
        self.usage += Usage(*(count or 0 for count in vars(reply.usage).values()))
        self.turns += 1
        self.milliseconds += milliseconds
        self.used_model = reply.model

    def _attempt(self, desk: Desk, **values: str) -> Attempt:
        return Attempt(
            **values,
            model=self.used_model,
            turns=self.turns,
            usage=self.usage,
            cost=self.cost,
            milliseconds=self.milliseconds,
            answered=tuple(desk.answered),
        )


def offered(recording: Recording, terms: Terms) -> list[ToolSpec]:
    """What the model is offered: what the policy gives the person now, and what was called then.

    With `tools_now`, or under a policy that is tried, only the former.
    """
    policy = terms.policy or access.current()[0]
    tools = catalogue.everything()
    allowed = effects(policy, terms.subject, list(map(toolbox.target_of, tools)), timezone.now())
    specs = {
        spec.name: spec
        for tool, effect in zip(tools, allowed, strict=True)
        if effect != "deny" and (spec := toolbox.spec_of(tool, policy))
    }
    if terms.policy is None and not terms.tools_now:
        then = {use.name for use in recording.uses if use.call and not is_page(use)}
        for name in sorted(then - specs.keys()):
            specs[name] = _as_it_was(name)
    return _of_these(recording, list(specs.values()))


def _as_it_was(name: str) -> ToolSpec:
    """A tool that was called and is not offered now, with what is known of it."""
    tool = catalogue.find_qualified(name)
    if tool is not None:
        return toolbox.spec_of(tool, access.current()[0])
    return ToolSpec(name, "A tool of the time of the recording.", {"type": "object"})


def _of_these(recording: Recording, specs: list[ToolSpec]) -> list[ToolSpec]:
    """In a fixed order; of very many the ones that matter, and a page-turner where one was used."""
    if len(specs) > settings.TOOLS_PER_TURN:
        ranked = retrieval.rank(recording.question.text, specs)
        specs = [spec for spec, _ in ranked[: settings.TOOLS_PER_TURN]]
    specs.sort(key=lambda spec: spec.name)
    long = settings.RESULT_MAX_CHARACTERS
    has_pages = any(use.call and len(use.call.text) > long for use in recording.uses)
    return [*specs, READ_RESULT] if has_pages else specs


def ignore_text(_text: str) -> None:
    """Nobody watches a replay's text grow."""


def never() -> bool:
    """A replay is not cancelled; it has its deadline."""
    return False
