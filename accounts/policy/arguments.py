"""Layer 9: argument rules. Before the arguments are known it answers "not yet known"."""

import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from accounts.policy.case import Case
from accounts.policy.model import Layer, Step, Verdict
from accounts.policy.rules import DATABASES, ArgumentRule
from accounts.policy.values import Unclear, values_at

_UNQUOTINGS = 3


def arguments(case: Case) -> Step:
    """Every rule must be kept; for a listing, some arguments must be able to keep them all."""
    rules = [rule for rule in case.argument_rules if not rule.asks]
    if case.arguments is None:
        return _listing(case, rules)
    if not isinstance(case.arguments, Mapping):
        return _deny("arguments", "The arguments are not an object.", fix="send an object")
    broken = _first_broken(case, rules, case.arguments)
    if broken is not None:
        return _refusal(case, *broken)
    return Step(Layer.ARGUMENTS, Verdict.PASS, "", "Every argument rule is kept.")


def may_be_asked(case: Case) -> str:
    """The labels of the rules with `effect: ask`, while the arguments are not known."""
    if case.arguments is not None:
        return ""
    return ", ".join(rule.label for rule in case.argument_rules if rule.asks)


def asked(case: Case) -> str | None:
    """The label of the first rule with `effect: ask` that these arguments break."""
    if case.arguments is None:
        return None
    broken = _first_broken(
        case, [rule for rule in case.argument_rules if rule.asks], case.arguments
    )
    return broken[0].label if broken else None


def _listing(case: Case, rules: list[ArgumentRule]) -> Step:
    if not rules:
        return Step(Layer.ARGUMENTS, Verdict.PASS, "", "No argument rule holds for the tool.")
    example: dict[str, Any] = {}
    for rule in sorted(rules, key=lambda rule: -len(rule.path)):
        if rule.required and not _given(example, rule):
            _put(example, rule.path, _passing_value(case, rules, rule.path))
    broken = _first_broken(case, rules, example)
    if broken is not None:
        return _refusal(case, *broken)
    names = dict.fromkeys(rule.argument for rule in rules if not _binds_nothing(case, rule))
    if not names:
        return Step(Layer.ARGUMENTS, Verdict.PASS, "", "No argument rule binds this person.")
    reason = f"It depends on the arguments: {', '.join(names)}."
    return Step(Layer.ARGUMENTS, Verdict.UNKNOWN, "", reason)


def _passing_value(case: Case, rules: list[ArgumentRule], path: tuple[str, ...]) -> Any:
    """A value that keeps every rule at this path; None, which keeps none, when none was found."""
    here = [rule for rule in rules if rule.path == path]
    for value in _candidates(case, here):
        if not any(_fault(case, rule, value) for rule in here):
            return value
    return None


def _candidates(case: Case, rules: Iterable[ArgumentRule]) -> Iterator[Any]:
    """Texts and numbers the rules themselves suggest, and some that few would think of denying."""
    for rule in rules:
        allowed = case.attribute(rule.attribute) if rule.attribute else ()
        yield from allowed if isinstance(allowed, (list, tuple)) else ()
        for glob in rule.allow or ():
            for filling in ("", "x", "q7w"):
                yield glob.text.replace("?", "z").replace("*", filling)
        yield from (bound for bound in (rule.minimum, rule.maximum) if bound is not None)
    yield from ("x", "q7w", "0", 0)


def _put(example: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        example = example.setdefault(name, {})
    example[path[-1]] = value


def _first_broken(
    case: Case, rules: Iterable[ArgumentRule], given: Mapping[str, Any]
) -> tuple[ArgumentRule, str] | None:
    for rule in rules:
        fault = _broken(case, rule, given)
        if fault:
            return rule, fault
    return None


def _broken(case: Case, rule: ArgumentRule, given: Mapping[str, Any]) -> str:
    """What is wrong with the arguments under one rule; empty when nothing is."""
    if _binds_nothing(case, rule):
        return ""
    try:
        values = values_at(given, rule.path)
    except Unclear as error:
        return str(error)
    if rule.required and all(value is None for value in values):
        return "it is required"
    return next((fault for value in values if (fault := _fault(case, rule, value))), "")


def _given(example: Mapping[str, Any], rule: ArgumentRule) -> bool:
    return bool(values_at(example, rule.path))


def _lifted(case: Case, rule: ArgumentRule) -> bool:
    """Whether `from` binds nothing here: by the person's "*", or their right to all databases."""
    if not rule.attribute or (rule.attribute == DATABASES and case.all_databases):
        return True
    return bool(case.attribute(rule.attribute) == "*")


def _binds_nothing(case: Case, rule: ArgumentRule) -> bool:
    """Whether the rule says nothing but `from`, and that binds nothing here."""
    more = _demands_text(rule) or _demands_number(rule) or rule.required
    return _lifted(case, rule) and not more


def _demands_text(rule: ArgumentRule) -> bool:
    return rule.allow is not None or rule.deny is not None


def _demands_number(rule: ArgumentRule) -> bool:
    return rule.minimum is not None or rule.maximum is not None


def _fault(case: Case, rule: ArgumentRule, value: Any) -> str:
    faults = (
        _text_fault(rule, value) if _demands_text(rule) else "",
        "" if _lifted(case, rule) else _membership_fault(case.attribute(rule.attribute), value),
        _number_fault(rule, value) if _demands_number(rule) else "",
    )
    return next((fault for fault in faults if fault), "")


def _text_fault(rule: ArgumentRule, value: Any) -> str:
    if not isinstance(value, str):
        return "it must be a text"
    globs = (*(rule.allow or ()), *(rule.deny or ()))
    if any("/" in glob.text for glob in globs) and _climbs(value):
        return "it must not climb with .."
    if any(glob.matches(value) for glob in rule.deny or ()):
        return "the value is denied"
    if rule.allow is None:
        return ""
    if any(unicodedata.category(character) == "Cc" for character in value):
        return "it must not hold control characters"
    return "" if any(glob.matches(value) for glob in rule.allow) else "the value is not allowed"


def _climbs(value: str) -> bool:
    """Whether a path goes up a step, however it is written: `..`, `\\`, percent-encoded, twice."""
    for _ in range(_UNQUOTINGS):
        value = unquote(value)
    return ".." in value.replace("\\", "/").split("/")


def _membership_fault(allowed: Any, value: Any) -> str:
    if isinstance(allowed, (list, tuple)) and isinstance(value, str) and value in allowed:
        return ""
    return "the value is not among those the person may use"


def _number_fault(rule: ArgumentRule, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _finite(value):
        return "it must be a number"
    if rule.minimum is not None and value < rule.minimum:
        return "it is too small"
    return "it is too large" if rule.maximum is not None and value > rule.maximum else ""


def _finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _refusal(case: Case, rule: ArgumentRule, fault: str) -> Step:
    reason = f"The argument {rule.argument} breaks a rule: {fault}."
    return _deny(rule.label, reason, fix=_fix(case, rule))


def _fix(case: Case, rule: ArgumentRule) -> str:
    """What would pass, from the rule itself; never what was sent."""
    demands = []
    if not _lifted(case, rule):
        mine = case.attribute(rule.attribute)
        demands.append(f"one of {_listed(mine)} ({rule.attribute})")
    if rule.allow is not None:
        demands.append(f"a value like {' or '.join(glob.text for glob in rule.allow) or '(none)'}")
    if rule.deny is not None:
        demands.append(f"no value like {' or '.join(glob.text for glob in rule.deny)}")
    if rule.minimum is not None:
        demands.append(f"at least {rule.minimum}")
    if rule.maximum is not None:
        demands.append(f"at most {rule.maximum}")
    return f"give {rule.argument}: {', and '.join(demands) or 'a value'}"


def _listed(mine: Any) -> str:
    return (", ".join(map(str, mine)) if isinstance(mine, (list, tuple)) else "") or "(none)"


def _deny(rule: str, reason: str, *, fix: str) -> Step:
    return Step(Layer.ARGUMENTS, Verdict.DENY, rule, reason, fix)
