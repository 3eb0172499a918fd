"""The policy once more, as short and as slow as it can be: written from the rules' text, to compare with.

Takes the raw document and plain values, answers (effect, layer), and knows nothing of `accounts.policy`.
"""

# ruff: noqa: E501  it reads like the table it is written from

DATABASE_NAMES = ("database", "database_name", "db", "db_name", "schema", "preset")
FLAGS = ("can_bypass_tool_restrictions", "can_execute_dangerous_tools", "can_access_all_databases")


def fits(p, s):
    """Glob by recursion: a star stands for nothing, or for one character and a star."""
    if p[:1] == "*":
        return fits(p[1:], s) or (s != "" and fits(p, s[1:]))
    return s == "" if p == "" else s != "" and p[0] in ("?", s[0]) and fits(p[1:], s[1:])


def evaluate(doc, who, tool, args, now):
    """Layers 1 to 10, with the first four here."""
    rules, power = doc["servers"].get(tool["server"], {}), powers(doc, who)

    def hit(patterns):
        flat = [q for p in patterns for q in (doc["groups"][p[1:]] if p[0] == "@" else [p])]
        return any(
            fits(p if "/" in p else f"*/{p}", f"{tool['server']}/{tool['tool']}") for p in flat
        )

    shown = rules.get("tool_policy", {})
    dangerous = ["@dangerous"] if "dangerous" in doc["groups"] and not power["danger"] else []
    if who["status"] != "active" or not tool["enabled"] or tool["state"] != "offered":
        return "deny", "standing"
    if not power["bypass"] and hit(doc["blocked_tools"] + dangerous):
        return "deny", "global blocks"
    if not (power["bypass"] or power["admin"]) and hit(doc["admin_only_tools"]):
        return "deny", "admin only"
    if hit(shown.get("exclude", [])) or ("allow" in shown and not hit(shown["allow"])):
        return "deny", "exposure"
    layer = own_or_role(doc, who, rules, tool["server"], hit, power, now)
    if layer.startswith("no: ") or (layer == "default" and doc["default_effect"] == "deny"):
        return "deny", layer.removeprefix("no: ")
    broken = broken_rules(doc, who, args, hit, power["databases"])
    if "deny" in broken:
        return "deny", "arguments"
    destroys = rules.get("confirm_destructive") and tool["destructive"]
    if broken or destroys or hit(doc["require_confirmation"]["actions"]):
        return "ask", "confirmation"
    return "allow", layer


def powers(doc, who):
    """Which roles count, and what all of them may."""
    teams = [doc["teams"][t]["default_role"] for t in who["teams"] if t in doc["teams"]]
    names = [who["role"]] if who["role"] else teams or [doc["default_user"]["role"]]
    roles = [{"name": n, **doc["roles"].get(n, {})} for n in names if n]
    bypass, danger, databases = (roles != [] and all(r.get(f) for r in roles) for f in FLAGS)
    admin = roles != [] and all(r["name"] == "admin" for r in roles)
    top = who["super_admin"]
    return {"roles": roles, "danger": danger} | {
        "bypass": bypass or top, "databases": databases or top, "admin": admin or top,
    }  # fmt: skip


def own_or_role(doc, who, rules, server, hit, power, now):
    """Layers 5 to 8: the layer that answers, with "no: " before it when it refuses."""
    own = (
        doc["default_user"]["allowed_mcps"] if who["allowed_mcps"] is None else who["allowed_mcps"]
    )
    listed = own == "*" or server in (own or [])
    grants = [t for s, t, end in who["grants"] if s == server and (end is None or end > now)]
    narrowed = who["only_servers"] is not None and server not in who["only_servers"]
    if narrowed or not (listed or grants or power["admin"]):
        return "no: reach"
    entry = {"mode": "inherit" if listed or power["admin"] else "only grants"}
    if listed and isinstance(own, dict):
        entry = {"mode": "all"} if own[server] == "*" else own[server]
    mine = (
        entry["mode"] == "all"
        or (entry["mode"] == "custom" and hit(entry["tools"]))
        or any(map(hit, grants))
    )
    if hit(entry.get("deny", [])) or (not mine and entry["mode"] != "inherit"):
        return "no: own rule"
    return "own rule" if mine else by_role(power["roles"], rules, server, hit, power["bypass"])


def by_role(roles, rules, server, hit, bypass):
    """Layer 7: any denial, then any permission, then the default."""
    said = [(r, rules.get("role_restrictions", {}).get(r["name"], {})) for r in roles]
    for role, on in [] if bypass else said:
        denied = on.get("deny", []) + on.get("allow_all_except", []) + role.get("denied_tools", [])
        if on.get("deny_all") or hit(denied) or ("allow_only" in on and not hit(on["allow_only"])):
            return "no: role"
    for role, on in said:
        named = role.get("allowed_mcp_tools", {}).get(server, []) + role.get(
            "allowed_tool_patterns", []
        )
        if (
            on.get("allow_all")
            or {"allow_only", "deny", "allow_all_except"} & set(on)
            or hit(named)
        ):
            return "role"
    return "role" if bypass else "default"


def broken_rules(doc, who, args, hit, databases):
    """Layer 9: the effects of the argument rules that these arguments break."""
    rules = [r for r in doc["argument_rules"] if hit(r["tools"])]
    if not any(r.get("from") == "allowed_databases" for r in rules):
        rules += [{"argument": n, "from": "allowed_databases"} for n in DATABASE_NAMES]
    return {
        r.get("effect", "deny")
        for r in rules
        if not kept(r, doc, who, dig(args, r["argument"].split(".")), databases)
    }


def kept(rule, doc, who, values, databases):
    mine = who["attributes"].get(rule.get("from"), doc["default_user"].get(rule.get("from"), ()))
    lifted = (
        "from" not in rule or (databases and rule["from"] == "allowed_databases") or mine == "*"
    )
    if lifted and not {"allow", "deny", "min", "max", "required"} & set(rule):
        return True
    if rule.get("required") and all(v is None for v in values or []):
        return False
    return values is not None and all(
        ("allow" not in rule or (isinstance(v, str) and any(fits(p, v) for p in rule["allow"])))
        and (
            "deny" not in rule or (isinstance(v, str) and not any(fits(p, v) for p in rule["deny"]))
        )
        and (lifted or (isinstance(v, str) and v in mine))
        and not (("min" in rule or "max" in rule) and (type(v) not in (int, float) or v - v != 0))
        and ("min" not in rule or v >= rule["min"])
        and ("max" not in rule or v <= rule["max"])
        for v in values
    )


def dig(node, path):
    """Every value at the path; None when the path leads through something that is no object."""
    if isinstance(node, list):
        parts = [dig(item, path) for item in node]
        return None if None in parts else sum(parts, [])
    if not path or node is None:
        return [] if path else [node]
    return (
        (dig(node[path[0]], path[1:]) if path[0] in node else [])
        if isinstance(node, dict)
        else None
    )
