"""Random policies, people, tools and arguments, dense enough that every layer decides often."""

import random
from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SERVERS = ("db", "crm", "Db2")
TOOLS = ("get_a", "get_b", "drop_a", "Get_a", "run")
PATTERNS = (
    *(
        "*",
        "get_*",
        "*_a",
        "?et_a",
        "drop_?",
        "run",
        "get_a",
        "db/*",
        "db/get_*",
        "*/run",
        "crm/drop_a",
    ),
    *("d?/*", "@dangerous", "@reads", "nothing", "g*t*a", "D*/get_a"),
)
ROLES = ("admin", "dev", "guest", "ghost")
VALUES = ("prod", "sales", "hr", "Prod", "", None, 3, 10.5, -1, True, float("nan"), {"x": 1})
PATHS = ("database", "db", "limit", "options.database", "options.limit", "items.name")


class Maker:
    """Makes everything from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def some(self, of, most=3):
        return self.random.sample(of, self.random.randint(0, min(most, len(of))))

    def patterns(self, most=3):
        return self.some(PATTERNS, most)

    def often(self, share):
        return self.random.random() < share

    def one(self, of):
        return self.random.choice(of)

    def document(self):
        return {
            "default_effect": self.one(("deny", "deny", "allow")),
            "blocked_tools": self.patterns(1),
            "admin_only_tools": self.patterns(1),
            "groups": {"dangerous": self.some(PATTERNS[2:12], 1), "reads": ["get_*", "crm/run"]},
            "servers": {server: self.server() for server in self.some(SERVERS)},
            "roles": {role: self.role() for role in self.some(ROLES, 4)},
            "teams": {team: {"default_role": self.one(ROLES)} for team in self.some(("a", "b"), 2)},
            "default_user": {
                "role": self.one((None, "guest", "dev")),
                "allowed_mcps": self.allowed_mcps(),
                **({"allowed_databases": self.attribute()} if self.often(0.7) else {}),
            },
            "argument_rules": [self.argument_rule() for _ in range(self.random.randint(0, 3))],
            "require_confirmation": {"enabled": True, "actions": self.patterns(1)},
        }

    def server(self):
        mode = self.one(("", "allow_all", "allow_all_except", "allow_only"))
        listed = {"allow_all_except": "exclude", "allow_only": "allow"}.get(mode)
        shown = {"mode": mode} | ({listed: self.patterns(2)} if listed else {})
        return {
            **({"tool_policy": shown} if mode else {}),
            "role_restrictions": {role: self.restriction() for role in self.some(ROLES, 4)},
            "confirm_destructive": self.often(0.2),
        }

    def restriction(self):
        said = {}
        for key in self.some(
            ("allow_all", "deny_all", "allow_only", "deny", "allow_all_except"), 2
        ):
            said[key] = self.often(0.5) if key.endswith("_all") else self.patterns(2)
        return said

    def role(self):
        return {
            "can_bypass_tool_restrictions": self.often(0.2),
            "can_execute_dangerous_tools": self.often(0.3),
            "can_access_all_databases": self.often(0.3),
            "denied_tools": self.patterns(1),
            "allowed_mcp_tools": {server: self.patterns(2) for server in self.some(SERVERS, 2)},
            "allowed_tool_patterns": self.patterns(1),
        }

    def argument_rule(self):
        rule = {"tools": self.patterns(3) or ["*"], "argument": self.one(PATHS)}
        rule |= self.one(
            (
                {"allow": self.some(("s*", "p?od", "hr", "*"), 2)},
                {"deny": self.some(("s*", "p?od", "hr"), 2)},
                {"from": self.one(("allowed_databases", "allowed_domains"))},
                {"min": self.random.randint(-2, 4)},
                {"max": self.random.randint(0, 11)},
                {"required": True},
            )
        )
        if self.often(0.3):
            rule["required"] = True
        return rule | ({"effect": self.one(("ask", "deny"))} if self.often(0.4) else {})

    def allowed_mcps(self):
        kind = self.one(("everything", "list", "map", "map", "none"))
        if kind == "everything":
            return "*"
        if kind == "list":
            return self.some(SERVERS)
        return (
            {server: self.own_entry() for server in self.some(SERVERS)} if kind == "map" else None
        )

    def own_entry(self):
        if self.often(0.2):
            return "*"
        mode = self.one(("inherit", "inherit", "custom", "all", "none"))
        return {"mode": mode, "tools": self.patterns(2), "deny": self.patterns(1)}

    def attribute(self):
        return "*" if self.often(0.3) else tuple(self.some(("prod", "sales", "hr")))

    def who(self):
        ends = (None, NOW, NOW - timedelta(days=1), NOW + timedelta(seconds=1))
        return {
            "role": self.one((None, None, *ROLES)),
            "teams": tuple(self.some(("a", "b", "c"), 2)),
            "super_admin": self.often(0.1),
            "status": "active"
            if self.often(0.95)
            else self.one(("inactive", "suspended", "pending")),
            "allowed_mcps": self.allowed_mcps(),
            "grants": [
                (self.one(SERVERS), tuple(self.patterns(2)), self.one(ends))
                for _ in range(self.random.randint(0, 2))
            ],
            "attributes": {"allowed_databases": self.attribute()} if self.often(0.6) else {},
            "only_servers": frozenset(self.some(SERVERS)) if self.often(0.1) else None,
        }

    def tool(self):
        return {
            "server": self.one(SERVERS),
            "tool": self.one(TOOLS),
            "enabled": self.often(0.97),
            "state": "offered" if self.often(0.97) else self.one(("quarantined", "gone")),
            "destructive": self.often(0.5),
        }

    def value(self):
        if self.often(0.1):
            return [self.one(VALUES) for _ in range(self.random.randint(0, 3))]
        return self.one(VALUES)

    def arguments(self):
        given = {name: self.value() for name in self.some(("database", "db", "limit", "other"), 2)}
        if self.often(0.4):
            given["options"] = self.one(
                (
                    {"database": self.value(), "limit": self.value()},
                    [{"database": self.value()}, {"limit": self.value()}],
                    self.value(),
                )
            )
        if self.often(0.3):
            given["items"] = [{"name": self.value()} for _ in range(self.random.randint(0, 2))]
        return given
