"""Which tools and roles the difference of two policies can reach at all. Pure.

It errs on one side only: what it leaves out is decided alike by both.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from accounts.policy import Target
from accounts.policy.patterns import Patterns

Document = Mapping[str, Any]

# A difference here may concern anybody and anything.
_EVERYTHING = ("default_effect", "teams", "default_user")


class Touched:
    """Ask it about the names of somebody's roles and a tool."""

    def __init__(self, before: Document, after: Document) -> None:
        groups = (before.get("groups") or {}).keys() ^ (after.get("groups") or {}).keys()
        # A person's own rule that names a group which is not there cannot be read, and denies all.
        self.everything = bool(groups) or any(
            before.get(key) != after.get(key) for key in _EVERYTHING
        )
        self.servers = _differing(before.get("servers"), after.get("servers"))
        self.roles = _differing(before.get("roles"), after.get("roles"))
        self.patterns = _either(_named(before, after), before, after)

    def __call__(self, roles: Iterable[str], target: Target) -> bool:
        return (
            self.everything
            or target.server in self.servers
            or not self.roles.isdisjoint(roles)
            or any(one.first(target.server, target.tool) for one in self.patterns)
        )


def _differing(before: Document | None, after: Document | None) -> set[str]:
    old, new = before or {}, after or {}
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def _named(before: Document, after: Document) -> list[str]:
    """Every pattern that only one of the two has in a list that holds for all servers."""
    found: list[str] = []
    for key in ("blocked_tools", "admin_only_tools"):
        found += _only_in_one(before.get(key), after.get(key))
    found += _only_in_one(_actions(before), _actions(after))
    old, new = before.get("groups") or {}, after.get("groups") or {}
    for group in {*old, *new}:
        found += _only_in_one(old.get(group), new.get(group))
    if before.get("argument_rules") != after.get("argument_rules"):
        for rule in (*(before.get("argument_rules") or ()), *(after.get("argument_rules") or ())):
            found += rule.get("tools") or ()
    return found


def _actions(document: Document) -> Sequence[str]:
    said = document.get("require_confirmation") or {}
    return () if said.get("enabled") is False else said.get("actions") or ()


def _only_in_one(old: Sequence[Any] | None, new: Sequence[Any] | None) -> list[Any]:
    before, after = list(old or ()), list(new or ())
    return [one for one in before if one not in after] + [one for one in after if one not in before]


def _either(named: list[str], before: Document, after: Document) -> list[Patterns]:
    """The patterns as both policies read them: a group may stand for something else in each."""
    found = []
    for document in (before, after):
        groups = {name: tuple(said) for name, said in (document.get("groups") or {}).items()}
        known = [one for one in named if not one.startswith("@") or one[1:] in groups]
        found.append(Patterns(dict.fromkeys(known), groups))
    return found
