"""No answer reaches anybody but whoever asked (T-55): many people at one server, all at once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.models import User
from audit.models import Entry
from tests.cast import register
from tests.fakes import mcp_server
from tests.fakes.mcp_server import FakeTool
from tests.mcp_client import ask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PEOPLE, CALLS = 20, 25


async def _late(arguments, headers):
    """Answers come back in another order than the questions came in."""
    await asyncio.sleep(hash(arguments["text"]) % 7 / 500)
    return arguments["text"]


@pytest.fixture
def upstream(cast, settings):
    tools = [FakeTool("echo", _late, "", {"text": {}}, {"readOnlyHint": True})]
    with mcp_server.serve(tools) as running:
        settings.INTERNAL_ADDRESSES = [running.address]
        register(running.url, concurrent_calls=100)
        yield running


def test_of_five_hundred_calls_of_twenty_people_each_gets_its_own_answer(cast, upstream, mcp_url):
    people = [
        User.objects.create_user(f"p{number}@example.com", role=cast.dev.role, allowed_mcps="*")
        for number in range(PEOPLE)
    ]
    keys = {person.email: cast.key(person) for person in people}

    def call(wish):
        email, text = wish
        arguments = {"name": "upstream__echo", "arguments": {"text": text}}
        answer = ask(mcp_url, keys[email], "tools/call", arguments)
        return wish, answer.json()["result"]["content"][0]["text"]

    wishes = [(email, f"{email} {number}") for number in range(CALLS) for email in keys]
    with ThreadPoolExecutor(PEOPLE) as pool:
        answered = list(pool.map(call, wishes))

    assert [text for _, text in answered] == [text for _, text in wishes]
    rows = Entry.objects.filter(kind="call.called").values_list("person", "preview")
    assert sorted(rows) == sorted(wishes)
