"""`manage.py drift`: tools that are new or have changed, and deciding on them as they are shown."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import authority
from accounts.authority import Right
from accounts.errors import AccountsError
from audit.record import Who
from gateway.management.commands.ask import asker_named
from registry import deciding, offerings, reviewing, withholding
from registry.errors import RegistryError
from registry.models import Server, Tool
from registry.offers import Offer
from registry.openapi.operation import Operation
from registry.reviewing import Review
from registry.selection import servers_called

FORM_SHOWN = 12
ARGUMENTS_SHOWN = 40


class Command(BaseCommand):
    help = (
        "Show what of servers' tools waits for a decision and why, accept it or reject it. What is"
        " decided is what was printed; the decision is a named person's, and on the record."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        listed = verbs.add_parser("list", help="What waits, with what is dangerous in it.")
        listed.add_argument("servers", nargs="*", metavar="SERVER", help="Default: all.")
        listed.add_argument("--rejected", action="store_true", help="What was rejected instead.")
        _decision(verbs.add_parser("accept", aliases=["approve"], help="Offer it from now on."))
        _decision(verbs.add_parser("reject", help="Keep it set aside until it changes."))
        withheld = verbs.add_parser(
            "withheld", help="Prompts and resources that look suspicious, and offering them."
        )
        withheld.add_argument("server", metavar="SERVER")
        withheld.add_argument(
            "--offer", nargs="+", default=[], metavar="FINGERPRINT", help="Offer these forms."
        )
        withheld.add_argument("--as", dest="person", metavar="EMAIL", help="Who decides.")
        trust = verbs.add_parser("trust", help="What of a server is accepted unasked.")
        trust.add_argument("server", metavar="SERVER")
        trust.add_argument("trust", choices=Server.Trust.values)
        _by(trust)

    def handle(self, *args: Any, **options: Any) -> None:
        verb = {"approve": "accept"}.get(options["verb"], options["verb"])
        try:
            getattr(self, f"_{verb}")(options)
        except (RegistryError, AccountsError) as error:
            raise CommandError(str(error)) from None

    def _list(self, options: dict[str, Any]) -> None:
        rows = Tool.objects.select_related("server")
        rows = rows.rejected() if options["rejected"] else rows.waiting()
        if options["servers"]:
            rows = rows.filter(server__in=servers_called(options["servers"]))
        reviews = reviewing.review(rows)
        for review in reviews:
            self._print(review)
        if not reviews:
            self.stdout.write("Nothing waits for a decision.")

    def _accept(self, options: dict[str, Any]) -> None:
        self._decide(options, deciding.accept, "offered from now on")

    def _reject(self, options: dict[str, Any]) -> None:
        self._decide(options, deciding.reject, "set aside until it changes")

    def _trust(self, options: dict[str, Any]) -> None:
        (server,) = servers_called([options["server"]])
        deciding.set_trust(server, options["trust"], _administrator(options))
        self.stdout.write(f"{server.name}: {server.get_trust_display()}, from its next sync on.")

    def _withheld(self, options: dict[str, Any]) -> None:
        (server,) = servers_called([options["server"]])
        if options["offer"]:
            if not options["person"]:
                raise CommandError("Say who decides: --as EMAIL.")
            withholding.accept(server, options["offer"], _administrator(options))
            self.stdout.write(f"{len(options['offer'])} of {server.name} offered from now on.")
            return
        found = offerings.set_aside(server.name)
        for one in found:
            self.stdout.write(f"{one.kind} {ascii(one.key)[1:-1]}  {one.fingerprint}")
            for warning in one.warnings:
                self.stdout.write(f"  ! {warning}")
            self.stdout.write(f"    {ascii(one.definition.get('description', ''))}")
        if not found:
            self.stdout.write("Nothing is set aside.")

    def _decide(self, options: dict[str, Any], do: Callable[..., None], said: str) -> None:
        by = _administrator(options)
        reviews = _chosen(options)
        for review in reviews:
            self._print(review)
        if not options["yes"] and not _is_confirmed(f"{options['verb']} these {len(reviews)}?"):
            raise CommandError("Nothing has been decided.")
        seen = {review.tool.pk: review.fingerprint for review in reviews}
        if options["seen"]:
            seen = {pk: _seen(form, options["seen"]) for pk, form in seen.items()}
        do([review.tool for review in reviews], by, seen=seen)
        for review in reviews:
            self.stdout.write(f"{review.tool} is {said}.")

    def _print(self, review: Review) -> None:
        # In ASCII, so that no character of a server's moves or hides what is shown.
        self.stdout.write(f"{review.tool}  {review.fingerprint[:FORM_SHOWN]}")
        self.stdout.write(f"    {ascii(review.tool.state_reason)[1:-1]}")
        for warning in review.warnings:
            self.stdout.write(f"  ! {warning}")
        for one in review.differences:
            self.stdout.write(f"  {'!' if one.dangerous else '-'} {one.said}")
        for key in ("description", "title"):
            if key in review.waiting:
                self.stdout.write(f"    {key}: {ascii(review.waiting[key])}")
        for line in _facts(review.waiting):
            self.stdout.write(f"    {line}")


def _facts(tool: Mapping[str, Any]) -> Iterator[str]:
    """What a call of the tool is, what its server declares of it, and what it takes; in ASCII."""
    operation = Operation.of(tool)
    if operation is not None:
        yield f"call: {ascii(str(operation))[1:-1]}"
    hints = Offer.of(dict(tool)).annotations
    given = [
        f"{name}: {json.dumps(hints[name])[:20]}"
        for name in ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
        if name in hints
    ]
    yield f"declares: {Tool(annotations=hints).declared_effect} ({', '.join(given) or 'no hints'})"
    yield f"arguments: {_arguments(tool.get('inputSchema')) or 'none'}"


def _arguments(schema: Any) -> str:
    """The names of the arguments, those first without which there is no call.

    The rest in the order of the alphabet: PostgreSQL does not keep that of a JSON object.
    """
    said = schema if isinstance(schema, dict) else {}
    properties, required = said.get("properties"), said.get("required")
    wanted = required if isinstance(required, list) else []
    known = properties if isinstance(properties, dict) else {}
    optional = sorted(name for name in known if name not in wanted)
    names = [f"{_shown(name)} (required)" for name in wanted] + [_shown(one) for one in optional]
    left = len(names) - ARGUMENTS_SHOWN
    return ", ".join(names[:ARGUMENTS_SHOWN]) + (f" and {left} more" if left > 0 else "")


def _shown(name: object) -> str:
    return ascii(name)[1:-1][:60] if isinstance(name, str) else ascii(name)[:60]


def _is_confirmed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ") == "y"
    except EOFError:
        raise CommandError("Nobody is there to confirm: say --yes.") from None


def _decision(parser: ArgumentParser) -> None:
    parser.add_argument("server", metavar="SERVER")
    parser.add_argument("tools", nargs="*", metavar="TOOL")
    parser.add_argument(
        "--all", action="store_true", help="All that wait, but those nobody can accept."
    )
    parser.add_argument("--seen", default="", help="The fingerprint, or its beginning, of the one.")
    parser.add_argument("--yes", action="store_true", help="Do not ask after showing them.")
    _by(parser)


def _by(parser: ArgumentParser) -> None:
    parser.add_argument("--as", dest="person", required=True, metavar="EMAIL", help="Who decides.")


def _administrator(options: dict[str, Any]) -> Who:
    asker = asker_named(options["person"])
    authority.require(asker.user, Right.MODIFY_CONFIG)
    return asker.who


def _chosen(options: dict[str, Any]) -> list[Review]:
    """What the command names, as it stands now."""
    (server,) = servers_called([options["server"]])
    if bool(options["tools"]) == options["all"]:
        raise CommandError("Name the tools to decide on, or all with --all.")
    if options["seen"] and len(options["tools"]) != 1:
        raise CommandError("--seen is the fingerprint of one tool; name that one.")
    if options["tools"]:
        return reviewing.review(deciding.called(server, options["tools"]))
    waiting = reviewing.review(server.tools.waiting().select_related("server"))
    usable = [one for one in waiting if options["verb"] == "reject" or not one.flaw]
    if not usable:
        raise CommandError(f"Nothing of {server.name} waits for a decision.")
    return usable


def _seen(form: str, said: str) -> str:
    """The form itself when its beginning was named; else what was named, which is refused."""
    return form if len(said) >= FORM_SHOWN and form.startswith(said) else said
