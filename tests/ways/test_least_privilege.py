"""From real calls to a narrower policy, suggested, drafted and imported; the calls still go."""

import io
import json
from datetime import timedelta

import pytest
import yaml
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import access
from accounts.least_privilege.draft import laid_over
from accounts.least_privilege.used import house_since
from accounts.models import Role, Rule, ServerGrant, User
from audit import record
from audit.models import Entry
from tests.cast import register
from tests.omni2.importing import command, everything


def call(client, tool, arguments):
    body = {"server": "upstream", "tool": tool, "arguments": arguments}
    return client.post("/api/mcp/tools/call", body, format="json").status_code


def suggested(*options):
    out = io.StringIO()
    call_command("suggest_policy", *options, "--json", stdout=out)
    return json.loads(out.getvalue())


def old_record(days=100):
    """An entry so old that the record reaches back beyond the window."""
    entry = record.prepare(Entry.Kind.SETUP_DONE, Entry.Outcome.OK)
    entry.at = timezone.now() - timedelta(days=days)
    entry.digest = entry.reckon_digest()
    record.write_many([entry])


def grant(cast, tools, days):
    at = timezone.now() - timedelta(days=days)
    ServerGrant.objects.create(user=cast.dev, server="upstream", tools=tools, created_at=at)


def house(cast):
    """Developers may call all, by a wildcard; so may Guest, by an entry of their own."""
    Rule.objects.filter(kind="role").update(patterns=["echo", "*"])
    cast.guest.allowed_mcps = {"upstream": "*"}
    cast.guest.save()
    access.publish("tests")


def test_a_draft_from_real_calls_refuses_none_of_them(upstream, cast, client_of, tmp_path):
    old_record()
    house(cast)
    ServerGrant.objects.create(
        user=cast.ada,
        server="upstream",
        tools=["write_*"],
        created_at=timezone.now() - timedelta(days=95),
    )
    dev, guest = client_of(cast.dev), client_of(cast.guest)
    assert [call(dev, "add", {"a": 1, "b": 2}) for _ in range(2)] == [200, 200]
    assert call(guest, "echo", {"text": "x"}) == 200
    before = everything()

    path = tmp_path / "draft.yaml"
    found = suggested("--since", "90d", "--draft", str(path))
    assert [
        (one["kind"], one["who"], one["used"], one["calls"]) for one in found["suggestions"]
    ] == [
        ("unused_grant", "grant of ada@example.com", [], 0),
        ("wildcard", "role developer", ["add"], 2),
        ("wildcard", "person guest@example.com", ["echo"], 1),
    ]
    assert yaml.safe_load(path.read_text()) == {
        "grants": [{"person": "ada@example.com", "server": "upstream", "tools": []}],
        "mcps": [
            {
                "name": "upstream",
                "role_restrictions": {"developer": {"allow_only": ["echo", "add"]}},
            }
        ],
        "people": {
            "guest@example.com": {
                "allowed_mcps": {"upstream": {"mode": "custom", "tools": ["echo"]}}
            }
        },
    }
    assert everything() == before
    printed = command("import_policy", str(path), "--dry-run", "--against", "90d")
    at = printed.index("on recorded calls:")
    assert printed[at + 1] == "  of 3 recorded calls: 0 refused, 0 newly allowed, 0 newly asked"

    command("import_policy", str(path), "--against", "90d", "--max-refused", "0")
    assert ServerGrant.objects.exists() is False
    assert [call(dev, "add", {"a": 1, "b": 2}), call(dev, "write_note", {"text": "x"})] == [
        200,
        403,
    ]
    assert [call(guest, "echo", {"text": "x"}), call(guest, "add", {"a": 1, "b": 2})] == [200, 403]
    assert suggested("--since", "90d")["suggestions"] == []


def test_a_smaller_role_and_a_smaller_reach_are_imported_as_they_were_rehearsed(
    upstream, cast, client_of, tmp_path
):
    old_record()
    User.objects.update(date_joined=timezone.now() - timedelta(days=95))
    reader = Role.objects.create(name="reader")
    patterns = {"patterns": ["get_time"], "mode": "allow_only"}
    Rule.objects.create(kind="role", server="upstream", role=reader.name, **patterns)
    register(upstream.url, name="second")
    access.publish("tests")
    dev = client_of(cast.dev)
    assert call(dev, "get_time", {}) == 200

    path = tmp_path / "draft.yaml"
    found = suggested("--draft", str(path))
    assert [(one["who"], one["change"]) for one in found["suggestions"]] == [
        ("person dev@example.com", "allowed_mcps: upstream"),
        ("person dev@example.com", "role: reader, which gives 1 tool"),
    ]
    house = house_since(timezone.now() - timedelta(days=90))
    rehearsed = laid_over(house.snapshot, found["draft"])
    command("import_policy", str(path), "--against", "90d", "--max-refused", "0")
    imported = access.snapshot()
    assert imported.policy.digest == rehearsed.policy.digest
    assert imported.people == rehearsed.people
    assert [call(dev, "get_time", {}), call(dev, "echo", {"text": "x"})] == [200, 403]
    assert suggested()["suggestions"] == []


def test_no_call_on_record_is_no_evidence(upstream, cast, tmp_path):
    old_record()
    house(cast)
    grant(cast, ["*"], days=95)
    path = tmp_path / "draft.yaml"
    found = suggested("--draft", str(path))
    assert (found["suggestions"], found["draft"], path.exists()) == ([], {}, False)
    assert "nothing is suggested" in found["remark"]


def test_a_grant_is_called_unused_only_when_it_and_the_record_are_older(upstream, cast, client_of):
    dev = client_of(cast.dev)
    assert call(dev, "echo", {"text": "x"}) == 200
    grant(cast, ["write_note"], days=95)
    assert [one["kind"] for one in suggested()["suggestions"] if one["kind"] != "wildcard"] == []
    assert suggested()["whole"] is False

    old_record()
    assert [one["kind"] for one in suggested()["suggestions"] if one["kind"] != "wildcard"] == [
        "unused_grant"
    ]
    grant(cast, ["write_note"], days=5)
    assert [one["kind"] for one in suggested()["suggestions"] if one["kind"] != "wildcard"] == []


def test_it_prints_a_table_and_never_writes_over_a_file(upstream, cast, client_of, tmp_path):
    house(cast)
    assert call(client_of(cast.dev), "add", {"a": 1, "b": 2}) == 200
    said = command("suggest_policy")
    assert said[0].startswith("The record reaches back to ")
    assert sum("developer" in line for line in said) >= 1
    taken = tmp_path / "taken.yaml"
    taken.write_text("mine")
    with pytest.raises(CommandError, match="--draft: File exists"):
        command("suggest_policy", "--draft", str(taken))
    assert taken.read_text() == "mine"
