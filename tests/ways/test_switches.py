"""Kill switches in the middle of a running question: the next step is refused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import access, switching
from accounts.models import ApiKey, Role, Rule, User
from audit.record import Who
from gateway import ask, work
from gateway import switching as by_name
from gateway.asker import Asker
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Door
from gateway.switching import Kind
from registry import discovery, importing
from registry.models import Server, Tool
from tests.ways.asking import Parked, asked, results_read

pytestmark = pytest.mark.django_db(transaction=True)

WHO = Who(person="ada@example.com", door="admin")
ECHO = ("upstream__echo", {"text": "x"})


def between(change):
    """A model that calls a tool, has this happen, calls it again, and then answers."""
    steps = iter([lambda: uses(ECHO), lambda: (change(), uses(ECHO))[1], lambda: says("done")])
    return ScriptedModel(lambda _messages: next(steps)())


def switch(kind, name, on=False):
    by_name.switch(kind, name, on=on, by=None, who=WHO)


@pytest.mark.parametrize(
    "change",
    [
        lambda: switch(Kind.SERVER, "upstream"),
        lambda: switch(Kind.TOOL, "upstream/echo"),
        lambda: User.objects.update(allowed_mcps=[]),
        lambda: (Rule.objects.filter(kind="role").delete(), access.publish("x")),
    ],
    ids=["server off", "tool off", "out of reach", "rule gone"],
)
def test_the_next_call_is_refused_and_the_model_sees_no_tool(cast, upstream, change):
    model = between(change)
    question = asked(cast, cast.dev, "echo twice", model)

    assert upstream.calls == [("echo", {"text": "x"})]
    assert results_read(model) == [("There is no such tool.", True)]
    assert [call.state for call in question.calls.order_by("created_at")] == ["done", "refused"]
    assert question.state == "answered"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: switch(Kind.PERSON, "dev@example.com"), "This account is suspended."),
        (lambda: switch(Kind.ROLE, "developer"), "This account has a role that is switched off."),
        (lambda: User.objects.update(is_active=False), "This account is not active."),
    ],
    ids=["suspended", "role off", "inactive"],
)
def test_the_question_of_a_person_who_is_stopped_ends_at_once(cast, upstream, change, said):
    model = between(change)
    question = asked(cast, cast.dev, "echo twice", model)

    assert (upstream.calls, len(model.heard)) == ([("echo", {"text": "x"})], 2)
    assert [call.state for call in question.calls.order_by("created_at")] == ["done", "refused"]
    assert (question.state, question.error_code, question.error_message) == (
        "refused",
        "not_allowed",
        said,
    )


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_key_that_is_stopped_reaches_nothing_more(cast, upstream, how):
    key = ApiKey.issue(cast.dev, "k")[0]

    def stop() -> None:
        if how == "revoked":
            key.revoke()
        else:
            ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    model = between(stop)
    asker = Asker(cast.dev, Who(person=cast.dev.email, door=Door.REST, api_key=key.prefix))
    question = ask.ask("echo twice", asker=asker, door=Door.REST, task=Parked())
    work.run(question.pk, model=model)

    assert upstream.calls == [("echo", {"text": "x"})]


def test_what_is_switched_on_again_is_there_at_the_next_call(cast, upstream):
    role = Role.objects.get(name="developer")
    for on in (False, True):
        switch(Kind.TOOL, "upstream/echo", on=on)
        switching.switch_role(role, on=on, by=None, who=WHO)

    question = asked(cast, cast.dev, "echo", ScriptedModel([uses(ECHO), says("done")]))

    assert (question.state, upstream.calls) == ("answered", [("echo", {"text": "x"})])


def test_neither_a_sync_nor_an_import_switches_anything_on(cast, upstream):
    server = Server.objects.get()
    stale = Tool.objects.get(name="echo")
    switch(Kind.TOOL, "upstream/echo")
    switch(Kind.SERVER, "upstream")
    discovery.sync(server)
    stale.save()
    importing.apply([importing.ServerSpec("upstream", "http", url=upstream.url, enabled=True)])

    assert Server.objects.get().is_off and Tool.objects.get(name="echo").is_off
    assert list(Server.objects.enabled()) == []
    assert Tool.objects.offered().count() == 0
