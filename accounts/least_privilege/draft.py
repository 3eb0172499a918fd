"""Suggestions as policy.yaml says them, and what the house is once that is imported. Pure."""

import io
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from ruamel.yaml import YAML

from accounts.effects import Snapshot
from accounts.least_privilege.model import Suggestion
from accounts.policy import Grant, Subject, compile_policy

Content = dict[str, Any]
LINE = 100


def draft_of(suggestions: Iterable[Suggestion], snapshot: Snapshot) -> Content:
    """The content of a policy.yaml that makes exactly these changes."""
    drafting = _Drafting(snapshot)
    for one in suggestions:
        drafting.add(one)
    return drafting.content()


def as_yaml(draft: Mapping[str, Any]) -> str:
    """The draft as it stands in a file; empty for one that says nothing."""
    if not draft:
        return ""
    yaml, text = YAML(), io.StringIO()
    yaml.width = LINE
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(dict(draft), text)
    return text.getvalue()


@dataclass(frozen=True)
class _Drafting:
    """A draft as it grows, section by section."""

    snapshot: Snapshot
    grants: list[Content] = field(default_factory=list)
    mcps: dict[str, Content] = field(default_factory=dict)
    roles: dict[str, Content] = field(default_factory=dict)
    default_user: Content = field(default_factory=dict)
    people: dict[str, Content] = field(default_factory=dict)

    def content(self) -> Content:
        servers = [{"name": server, **said} for server, said in self.mcps.items()]
        whole: Content = {"grants": self.grants, "mcps": servers, "roles": self.roles}
        whole |= {"default_user": self.default_user, "people": self.people}
        return {section: said for section, said in whole.items() if said}

    def add(self, one: Suggestion) -> None:
        section, name, server = one.place
        match section:
            case "grants":
                self.grants.append({"person": name, "server": server, "tools": one.value})
            case "mcps":
                self._restrictions_on(server)[name] = one.value
            case "roles":
                self._tools_of(name)[server] = one.value
            case "people":
                self._reach_of(name)[server] = one.value
            case "reach" if name:
                reach = self._reach_of(name)
                self.people[name]["allowed_mcps"] = _only(one.value, reach)
            case "reach":
                self.default_user.update(deepcopy(self.snapshot.document["default_user"]))
                reach = self.default_user["allowed_mcps"]
                self.default_user["allowed_mcps"] = _only(one.value, reach)
            case "role":
                self.people.setdefault(name, {})["role"] = one.value

    def _restrictions_on(self, server: str) -> Content:
        whole = deepcopy(self.snapshot.document["servers"][server])
        restrictions: Content = self.mcps.setdefault(server, whole)["role_restrictions"]
        return restrictions

    def _tools_of(self, role: str) -> Content:
        allowed = deepcopy(self.snapshot.document["roles"][role]["allowed_mcp_tools"])
        tools: Content = self.roles.setdefault(role, {"allowed_mcp_tools": allowed})[
            "allowed_mcp_tools"
        ]
        return tools

    def _reach_of(self, person: str) -> Any:
        said = self.people.setdefault(person, {})
        return said.setdefault("allowed_mcps", deepcopy(self.snapshot.people[person].allowed_mcps))


def _only(kept: list[str], before: Any) -> Any:
    """A reach with these servers alone."""
    if not isinstance(before, Mapping):
        return kept
    return {server: entry for server, entry in before.items() if server in kept}


# --- What it makes --------------------------------------------------------------------------------
def laid_over(snapshot: Snapshot, draft: Mapping[str, Any]) -> Snapshot:
    """The house as it is once a draft of `draft_of` is imported."""
    document = deepcopy(dict(snapshot.document))
    for said in draft.get("mcps", ()):
        document["servers"][said["name"]] = {key: said[key] for key in said if key != "name"}
    for role, said in draft.get("roles", {}).items():
        document["roles"][role] |= said
    if "default_user" in draft:
        document["default_user"] = draft["default_user"]
    people = dict(snapshot.people)
    for person, said in draft.get("people", {}).items():
        people[person] = replace(people[person], **said)
    for said in draft.get("grants", ()):
        person = said["person"]
        people[person] = _granted(people[person], said["server"], said["tools"])
    return replace(snapshot, document=document, policy=compile_policy(document), people=people)


def _granted(subject: Subject, server: str, tools: Iterable[str]) -> Subject:
    """The person with each of their grants on the server of these tools; none revokes them."""
    kept = tuple(tools)
    grants = [
        Grant(one.server, kept, one.expires_at) if one.server == server else one
        for one in subject.grants
        if kept or one.server != server
    ]
    return replace(subject, grants=tuple(grants))
