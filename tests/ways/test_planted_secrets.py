"""A secret that a server, a tool's caller or the model's provider lets slip is nowhere (T-38).

The server gives its own credential back in results, errors and content of every kind; arguments
hold secrets by their names and by their shape. Then everything that OMNI2 keeps, shows, sends and
logs is read. Each way of looking is shown to find what is there.
"""

import io
import json
import logging
from uuid import UUID

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from audit.seal import seal_once
from gateway import progress
from gateway.models import Question
from omni2.logs import json_formatter
from registry.credentials import seal
from registry.models import Server, Tool
from tests.cast import register
from tests.fakes import mcp_server, messages_api
from tests.fakes.mcp_server import FakeTool
from tests.mcp_client import ask
from tests.slackapp.signing import signed, slash
from tests.ways.test_secrets_at_rest import tables_with

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

TOKEN = "T38-the-token-of-the-server"
PROVIDERS = "T38-the-key-of-the-provider"
IN_ARGUMENTS = {
    "named": ({"note": "n", "password": "T38-hunter2"}, "T38-hunter2"),
    "shaped": ({"note": "use AKIAIOSFODNN7T38ABCD for it"}, "AKIAIOSFODNN7T38ABCD"),
    "bearer": ({"note": "Authorization: Bearer T38abcdefghijklmnop"}, "T38abcdefghijklmnop"),
}
SECRETS = (TOKEN, PROVIDERS, *(secret for _, secret in IN_ARGUMENTS.values()))


def _raises(arguments, headers):
    raise ValueError(f"401 for {headers['authorization']}")


LOOSE = [
    FakeTool("in_text", lambda a, h: f"I was called with {h['authorization']}"),
    FakeTool("in_a_name", lambda a, h: {h["authorization"]: {"deep": [h["authorization"]]}}),
    FakeTool("in_an_error", _raises),
    FakeTool("keep", lambda a, h: f"kept: {a}", properties={"note": {}, "password": {}},
             required=("note",)),
]  # fmt: skip


@pytest.fixture
def loose(cast, settings):
    """A server of loose tongue, which Ada may use through every door."""
    with mcp_server.serve(LOOSE) as running:
        settings.INTERNAL_ADDRESSES = [running.url.split("/")[2]]
        sealed = seal({"authentication": {"type": "bearer", "api_key": TOKEN}})
        register(running.url, name="loose", authentication="bearer", sealed=sealed)
        cast.ada.slack_team_id, cast.ada.slack_user_id = "T0TEAM", "U0ADA"
        cast.ada.is_superuser = cast.ada.is_staff = True
        cast.ada.save()
        yield running


@pytest.fixture
def log():
    """All that is logged meanwhile, as it is written in production."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(json_formatter())
    logging.getLogger().addHandler(handler)
    yield handler.stream
    logging.getLogger().removeHandler(handler)


def wishes():
    for name in ("in_text", "in_a_name", "in_an_error"):
        yield f"loose__{name}", {}
    for arguments, _ in IN_ARGUMENTS.values():
        yield "loose__keep", arguments


def wants_everything(body):
    """A model that calls every tool; what it read is repeated in its answer."""
    if len(body["messages"]) == 1:
        return messages_api.uses(*wishes())
    return messages_api.says("done: " + json.dumps(body["messages"][-1]["content"]))


def test_the_server_is_called_with_all_of_it_and_nothing_else_ever_shows_it(
    cast, loose, scripted_api, slack, client, client_of, mcp_url, log, settings
):
    api = scripted_api(wants_everything)
    settings.ANTHROPIC_API_KEY = PROVIDERS
    ada = client_of(cast.ada)
    said = [by_rest(ada), by_page(cast.ada), by_slack(client, slack)]
    said += failing_provider(ada, scripted_api, settings)
    passed_on = by_mcp(cast, mcp_url)
    unforeseen()
    while seal_once():
        pass

    arguments = [given for tool, given in loose.calls if tool == "keep"]
    assert all(given in arguments for given, _ in IN_ARGUMENTS.values()), "sent as they are"
    assert len(api.requests) == 4
    shown = {
        "answers": "\n".join(said),
        "what the model read": str([request.body for request in api.requests]),
        "slack": str([slack.messages, slack.ephemerals, [one.body for one in slack.requests]]),
        "pages": pages(cast),
        "export": exported(),
        "log": log.getvalue(),
    }
    assert [name for name, text in shown.items() if not text] == []
    found = {name: [one for one in SECRETS if one in text] for name, text in shown.items()}
    # An MCP client gets a result as the server sent it, but for the credential it was called with.
    assert (TOKEN in passed_on, passed_on.count("[redacted]"), "kept: " in passed_on) == (
        False, 6, True,
    )  # fmt: skip
    found["what the model read"] = [TOKEN] * (TOKEN in shown["what the model read"])
    assert found == dict.fromkeys(shown, [])
    assert {secret: tables_with(secret) for secret in SECRETS} == dict.fromkeys(SECRETS, set())


def by_rest(ada):
    answers = []
    for name, arguments in wishes():
        body = {"server": "loose", "tool": name.removeprefix("loose__"), "arguments": arguments}
        answers.append(ada.post("/api/mcp/tools/call", body, format="json"))
    assert [one.status_code for one in answers] == [200] * 6
    return "\n".join(one.content.decode() for one in answers)


def by_mcp(cast, mcp_url):
    key, answers = cast.key(cast.ada), []
    for name, arguments in wishes():
        answers.append(ask(mcp_url, key, "tools/call", {"name": name, "arguments": arguments}))
    assert "kept: " in answers[-1].text
    return "\n".join(one.text for one in answers)


def by_page(user):
    browser = Client()
    browser.force_login(user)
    body = json.dumps({"question": "everything", "wait": True})
    answer = browser.post("/api/query", body, content_type="application/json")
    assert answer.json()["state"] == "answered"
    return answer.content.decode() + str(progress.read(UUID(answer.json()["id"])))


def by_slack(client, slack):
    client.post(**signed(slash("everything", user_id="U0ADA")))
    slack.wait_for(lambda: Question.objects.filter(door="slack").exclude(finished_at=None).exists())
    slack.wait_for(lambda: any("done: " in str(one) for one in slack.messages))
    return str(slack.messages)


def failing_provider(ada, scripted_api, settings):
    """The provider's refusal repeats the key it was called with."""
    rejection = messages_api.rejects(401, "authentication_error", f"no such key: {PROVIDERS}")
    scripted_api(lambda body: rejection)
    settings.ANTHROPIC_API_KEY = PROVIDERS
    answer = ada.post("/api/query", {"question": "anything", "wait": True}, format="json")
    assert answer.json()["state"] == "failed"
    return [answer.content.decode()]


def unforeseen():
    """What nobody caught is logged with its traceback."""
    try:
        raise ValueError(f"no answer to {TOKEN}")
    except ValueError:
        logging.getLogger("gateway").exception("unexpected: %s", TOKEN)


def pages(cast):
    """Every admin page about questions, calls and the record, and the one for asking."""
    browser = Client()
    browser.force_login(cast.ada)
    paths = ["/"]
    for model, rows in (("gateway_question", Question), ("audit_entry", Entry)):
        paths.append(reverse(f"admin:{model}_changelist"))
        paths += [reverse(f"admin:{model}_change", args=[row.pk]) for row in rows.objects.all()]
    for name in (Server, Tool):
        paths += [reverse(f"admin:registry_{name._meta.model_name}_change", args=[row.pk])
                  for row in name.objects.all()]  # fmt: skip
    answers = [browser.get(path) for path in paths]
    assert {one.status_code for one in answers} == {200}
    return "\n".join(one.content.decode() for one in answers)


def exported():
    texts = []
    for form in ("csv", "jsonl"):
        out = io.StringIO()
        call_command("export_audit", format=form, stdout=out)
        texts.append(out.getvalue())
    return "\n".join(texts)
