"""users.yaml → people, teams, how newcomers enter, and what holds for anybody else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.importing import (
    PeopleSpec,
    PersonSpec,
    ProvisioningSpec,
    RoleSpec,
    RuleSpec,
    TeamSpec,
)
from accounts.models import Rule, User
from accounts.policy import PolicyError, check_allowed_mcps
from omni2.configuration.checking import Checked
from omni2.configuration.known import Known
from omni2.configuration.limits import read_usage_limit
from omni2.configuration.policy import check_patterns
from omni2.configuration.reading import join
from omni2.configuration.roles import NOT_A_SLUG, SLUG, undefined
from omni2.configuration.shapes import nearest

_WITHOUT_RIGHTS = "(it is made, with no rights at all)"


def read_people(
    checked: Checked, roles: Sequence[RoleSpec], known: Known, *, workspace: str | None = None
) -> PeopleSpec:
    """All that the file says; what is wrong with it is added to its problems.

    `workspace` is the Slack team of people who have a Slack user and name no team of their own.
    """
    reader = People(checked, known, workspace)
    teams, people = reader.teams(), reader.people()
    provisioning, default_user = reader.provisioning(), reader.default_user()
    bare = [RoleSpec(name) for name in sorted(reader.bare_roles)]
    named = {team.key for team in teams} | known.teams
    bare_teams = [TeamSpec(key) for key in sorted(reader.named_teams - named)]
    return PeopleSpec(
        roles=[*roles, *bare],
        teams=[*teams, *bare_teams],
        people=people,
        provisioning=provisioning,
        default_user=default_user,
    )


class People:
    """Reads the people's sections of one file."""

    def __init__(self, checked: Checked, known: Known, workspace: str | None) -> None:
        self.checked = checked
        self.workspace = workspace
        self.known = known
        self.bare_roles: set[str] = set()
        self.named_teams: set[str] = set()
        self.seen: dict[str, str] = {}
        self.slack_ids: dict[str, str] = {}

    def _role(self, said: Mapping[str, Any], key: str, path: str) -> str:
        name: str = said.get(key, "")
        if name and not SLUG.fullmatch(name):
            self.checked.refuse(f"{path}.{key}", f"a role's name {NOT_A_SLUG}")
        elif name and name not in self.known.roles:
            undefined(self.checked, name, f"{path}.{key}", known=self.known, then=_WITHOUT_RIGHTS)
            self.bare_roles.add(name)
        return name

    def teams(self) -> list[TeamSpec]:
        """The teams of the file."""
        teams = []
        for key, said in self.checked.data.get("teams", {}).items():
            path = join("teams", key)
            if not SLUG.fullmatch(key):
                self.checked.refuse(path, f"a team's key {NOT_A_SLUG}")
            role = self._role(said, "default_role", path)
            teams.append(TeamSpec(key, **said | {"default_role": role}))
        return teams

    def people(self) -> list[PersonSpec]:
        """Super admins and users, each once."""
        people = []
        for part in ("super_admins", "users"):
            for index, said in enumerate(self.checked.data.get(part, [])):
                if said is not None and "email" in said:
                    path = f"{part}[{index}]"
                    people.append(self._person(said, path, super_admin=part == "super_admins"))
        self._check_slack_ids({person.email for person in people})
        return people

    def _person(self, said: Mapping[str, Any], path: str, *, super_admin: bool) -> PersonSpec:
        return PersonSpec(
            email=self._email(said["email"], f"{path}.email"),
            name=said.get("name", ""),
            description=said.get("description", ""),
            role=self._role(said, "role", path),
            teams=self._teams_of(said, path),
            slack_user_id=self._slack_id(said.get("slack_user_id", ""), path),
            slack_team_id=self._slack_team(said, path),
            allowed_mcps=self.reach(said.get("allowed_mcps"), f"{path}.allowed_mcps"),
            allowed_domains=_all_or_some(said.get("allowed_domains")),
            allowed_databases=_all_or_some(said.get("allowed_databases")),
            super_admin=super_admin,
            usage_limit=read_usage_limit(said.get("usage_limit")),
        )

    def _email(self, text: str, path: str) -> str:
        email = text.strip().lower()
        try:
            validate_email(email)
        except ValidationError:
            self.checked.refuse(path, f"{ascii(text)} is no e-mail address")
        if email in self.seen:
            first = self.checked.place(self.seen[email]).line
            self.checked.refuse(path, f"stands in line {first} already")
        self.seen.setdefault(email, path)
        return email

    def _teams_of(self, said: Mapping[str, Any], path: str) -> tuple[str, ...]:
        keys = [key for key in said.get("teams", []) if key is not None]
        for index, key in enumerate(keys):
            here = f"{path}.teams[{index}]"
            if not SLUG.fullmatch(key):
                self.checked.refuse(here, f"a team's key {NOT_A_SLUG}")
            elif key not in self.known.teams:
                close = nearest(key, self.known.teams)
                self.checked.warn(here, f"no file defines the team {key!r}; {close} (it is made)")
        self.named_teams.update(keys)
        return tuple(keys)

    def _slack_id(self, text: str, path: str) -> str:
        slack_id = text.strip()
        if slack_id and slack_id in self.slack_ids:
            first = self.checked.place(self.slack_ids[slack_id]).line
            message = f"is the Slack user of the person in line {first} already"
            self.checked.refuse(f"{path}.slack_user_id", message)
        if slack_id:
            self.slack_ids.setdefault(slack_id, f"{path}.slack_user_id")
        return slack_id

    def _slack_team(self, said: Mapping[str, Any], path: str) -> str | None:
        """The person's workspace; None leaves what the database has."""
        team: str | None = said.get("slack_team_id", self.workspace)
        if not said.get("slack_user_id"):
            return str(said.get("slack_team_id", ""))
        if team is None and not self._has_slack_team(said["email"]):
            self.checked.warn(
                f"{path}.slack_user_id",
                "Slack tells people by workspace and user: without slack_team_id here, or "
                "slack.workspace_id in a slack.yaml imported with it, nobody is recognised",
            )
        return team

    def _has_slack_team(self, email: str) -> bool:
        stored = User.objects.filter(email=email.strip().lower()).exclude(slack_team_id="")
        return stored.exists()

    def _check_slack_ids(self, named: set[str]) -> None:
        """Refuse Slack users that already are somebody whom the file does not name."""
        others = User.objects.filter(slack_user_id__in=self.slack_ids)
        for user in others.exclude(email__in=named):
            path = self.slack_ids[user.slack_user_id]
            self.checked.refuse(path, f"is the Slack user of {user.email} already")

    def reach(self, value: Any, path: str) -> Any:
        """`allowed_mcps` as it is stored: None, "*", a list of servers, or a map."""
        if value is None or value == "*":
            return value
        if isinstance(value, list):
            names = [name for name in value if name is not None]
            if "*" in names:
                return "*"
            places = {name: f"{path}[{index}]" for index, name in enumerate(names)}
        else:
            names, places = value, {name: join(path, name) for name in value}
            for name, entry in value.items():
                self._check_own_rule(entry, places[name])
        self._check_servers(places)
        if not self.checked.sound(path):
            return names
        try:
            check_allowed_mcps(names, dict.fromkeys(self.known.groups, ()), place="")
        except PolicyError as error:
            self.checked.refuse(path + error.place, error.problem)
        return names

    def _check_own_rule(self, entry: Any, path: str) -> None:
        if entry == "*":
            return
        for key in ("tools", "deny"):
            if key not in entry:
                continue
            check_patterns(self.checked, entry[key], f"{path}.{key}", groups=self.known.groups)
            if entry.get("mode", "custom") != "custom":
                message = f"has no effect with mode {entry['mode']}; it needs mode: custom"
                self.checked.refuse(f"{path}.{key}", message)

    def _check_servers(self, places: Mapping[str, str]) -> None:
        for name, path in places.items():
            if name not in self.known.servers:
                close = nearest(name, self.known.servers)
                self.checked.warn(path, f"there is no server {name!r}; {close}")

    def default_user(self) -> RuleSpec | None:
        """What holds for whoever has no value of their own."""
        if "default_user" not in self.checked.data:
            return None
        said = self.checked.data["default_user"]
        condition = {
            "role": self._role(said, "role", "default_user"),
            "allowed_mcps": self.reach(said.get("allowed_mcps"), "default_user.allowed_mcps"),
            "allowed_domains": _all_or_some(said.get("allowed_domains")),
            "allowed_databases": _all_or_some(said.get("allowed_databases")),
        }
        given = {key: value for key, value in condition.items() if value not in (None, "")}
        return RuleSpec(Rule.Kind.DEFAULT_USER, condition=given)

    def provisioning(self) -> list[ProvisioningSpec]:
        """How newcomers enter; nothing when that is not enabled."""
        said = self.checked.data.get("auto_provisioning", {})
        specs = list(self._provisioning(said))
        return specs if said.get("enabled") else []

    def _provisioning(self, said: Mapping[str, Any]) -> Iterator[ProvisioningSpec]:
        path = "auto_provisioning"
        general = self._role(said, "default_role", path)
        approval = said.get("require_approval", True)
        yield ProvisioningSpec(default_role=general, require_approval=approval)
        for part, column in (
            ("email_domain_mapping", "email_domain"),
            ("slack_team_mapping", "slack_team"),
        ):
            for name, entry in said.get(part, {}).items():
                here = join(f"{path}.{part}", name)
                self._check_entrance(name, column, here)
                yield ProvisioningSpec(
                    **{column: name.lower() if column == "email_domain" else name},
                    default_role=self._role(entry, "default_role", here) or general,
                    require_approval=entry.get("require_approval", approval),
                )

    def _check_entrance(self, name: str, column: str, path: str) -> None:
        if column == "email_domain" and not (name.startswith("@") and "." in name):
            self.checked.refuse(path, "a domain is written with its @, as in '@example.com'")
        if len(name) > 64:
            self.checked.refuse(path, "is longer than 64 characters")


def _all_or_some(value: Any) -> Any:
    """`"*"`, a list, or None where nothing is said; a list that holds `"*"` is `"*"`."""
    if value is None or value == "*":
        return value
    return "*" if "*" in value else [item for item in value if item is not None]
