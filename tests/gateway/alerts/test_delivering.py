"""Messages arrive: signed, at least once, with pauses, at no address they must not go to."""

import json
import threading
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.db import connection
from django.utils import timezone

from audit import redact
from audit.models import Entry
from gateway.alerts import delivering, webhook
from gateway.models import AlertRule, Destination, Notice
from registry import credentials
from tests.fakes import smtp_server

DEV = "dev@example.com"


@pytest.fixture
def raised(happen):
    """An incident that somebody has to be told of."""

    def run(**facts):
        AlertRule.objects.get_or_create(name="blocked", kinds=["call.refused"], each="person")
        happen("call.refused", DEV, server="crm", tool="delete_row", **facts)

    return run


def due_now():
    Notice.objects.update(due_at=timezone.now())


def test_a_webhook_gets_the_message_signed_with_its_secret(hook, sink, raised):
    raised()
    assert delivering.deliver() == 1

    [posted] = sink.posted
    notice = Notice.objects.get()
    said = json.loads(posted.body)
    assert (posted.path, posted.headers["content-type"]) == ("/alerts?for=us", "application/json")
    assert said["event"] == "alert.opened"
    assert said["incident"]["cause"] == f"person {DEV}"
    assert said["incident"]["filters"] == {"person": DEV, "kind": "call.refused"}
    assert said["incident"]["url"].endswith(f"/admin/gateway/incident/{notice.incident_id}/change/")
    secret = credentials.unseal(hook.sealed)["secret"]
    at = int(posted.headers["webhook-timestamp"])
    signed = webhook.signed(posted.body, id=str(notice.pk), secret=secret, at=at)
    assert {name: posted.headers[name] for name in signed} == signed
    assert (notice.state, notice.attempts, notice.error) == ("sent", 1, "")
    assert delivering.deliver() == 0


def test_what_is_not_taken_is_tried_again_with_the_same_id_and_longer_pauses(hook, sink, raised):
    sink.answers += [500, 302, 429]
    raised()
    pauses = []
    for _ in range(3):
        assert delivering.deliver() == 0
        notice = Notice.objects.get()
        pauses.append(round((notice.due_at - timezone.now()).total_seconds(), -1))
        due_now()
    assert (pauses, notice.error) == ([10, 30, 120], "It answered 429.")

    assert delivering.deliver() == 1
    assert len({posted.headers["webhook-id"] for posted in sink.posted}) == 1
    assert len(sink.posted) == 4


def test_after_a_day_it_is_given_up(hook, sink, raised):
    sink.answers += [500]
    raised()
    Notice.objects.update(created_at=timezone.now() - timedelta(days=2))
    delivering.deliver()

    assert Notice.objects.get().state == "given_up"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://169.254.169.254/latest", "Plain http"),
        ("https://127.0.0.1/", "not a public address"),
        ("https://[::1]/", "not a public address"),
        ("https://[fe80::1%25eth0]/", "with a zone"),
        ("file:///etc/passwd", "A URL begins with https://"),
        ("https://user@example.com/", "Not a plain http"),
    ],
)
def test_no_message_goes_to_an_address_inside(hook, sink, raised, url, said):
    Destination.objects.update(url=url)
    raised()
    delivering.deliver()

    assert said in Notice.objects.get().error
    assert sink.posted == []


def test_a_destination_that_is_switched_off_meanwhile_gets_nothing(hook, sink, raised):
    raised()
    Destination.objects.update(enabled=False)

    assert (delivering.deliver(), sink.posted) == (0, [])


def test_one_destination_that_fails_keeps_no_other_back(hook, sink, raised):
    bad = Destination(name="a bad one", url="https://127.0.0.1/")
    webhook.new_secret(bad)
    bad.save()
    raised()

    assert delivering.deliver() == 1
    assert len(sink.posted) == 1


def test_one_that_is_gone_is_tried_once_however_much_waits_for_it(hook, sink, happen, settings):
    AlertRule.objects.create(name="all", kinds=["call.called"], each="tool")
    for number in range(20):
        happen("call.called", DEV, server="crm", tool=f"t{number}")
    sink.answers += [500]
    assert delivering.deliver() == 0
    assert len(sink.posted) == 1
    assert delivering.deliver() == 0
    assert len(sink.posted) == 1

    due_now()
    assert delivering.deliver() == 20


def test_what_nobody_foresaw_keeps_no_other_back(hook, sink, raised, settings, caplog):
    settings.EMAIL_URL = "smtp://localhost"
    Destination.objects.create(name="a spoiled one", kind="email", addresses="nobody")
    raised()

    assert delivering.deliver() == 1
    assert "an alert could not be sent" in caplog.text
    assert "on our side" in Notice.objects.get(state="waiting").error


def test_e_mail_is_for_people_to_read(settings, raised):
    settings.EMAIL_URL, settings.EMAIL_FROM = "smtp://localhost", "OMNI2 <omni2@example.com>"
    Destination.objects.create(name="us", kind="email", addresses="a@example.com\n\nb@example.com")
    raised()
    assert delivering.deliver() == 1

    [message] = outbox.outbox
    assert message.to == ["a@example.com", "b@example.com"]
    assert message.subject == f"OMNI2 warning: blocked: person {DEV}"
    assert message.extra_headers["Message-ID"] == f"<{Notice.objects.get().pk}@example.com>"
    assert "Entries: 1, from " in message.body
    assert "tool: crm/delete_row" in message.body


def test_e_mail_goes_over_the_mail_server_until_it_is_taken(settings, raised):
    with smtp_server.serve() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_URL, settings.EMAIL_FROM = f"smtp://127.0.0.1:{server.port}", "o@example.com"
        Destination.objects.create(name="us", kind="email", addresses="a@example.com")
        server.refuses = 1
        raised()
        assert delivering.deliver() == 0
        assert "451" in Notice.objects.get().error
        due_now()
        assert delivering.deliver() == 1

    [(wanted, text)] = server.taken
    assert wanted == ["a@example.com"]
    assert f"Subject: OMNI2 warning: blocked: person {DEV}" in text
    assert f"Message-ID: <{Notice.objects.get().pk}@example.com>" in text


def test_no_line_of_a_cause_becomes_a_header(settings, raised, happen):
    settings.EMAIL_URL = "smtp://localhost"
    Destination.objects.create(name="us", kind="email", addresses="a@example.com")
    AlertRule.objects.create(name="tools", kinds=["call.called"], each="tool")
    happen("call.called", DEV, server="crm", tool="x\r\nBcc: c@example.com")

    assert delivering.deliver() == 1
    assert outbox.outbox[0].subject == "OMNI2 warning: tools: tool x Bcc: c@example.com"
    assert outbox.outbox[0].recipients() == ["a@example.com"]


def test_without_a_mail_server_it_says_what_to_set(settings, raised):
    settings.EMAIL_URL = ""
    Destination.objects.create(name="us", kind="email", addresses="a@example.com")
    raised()
    delivering.deliver()

    assert Notice.objects.get().error == "There is no mail server: set OMNI2_EMAIL_URL."


# --- Secrets (T-38) -------------------------------------------------------------------------------
def test_no_alert_holds_arguments_results_or_a_known_secret(hook, sink, raised, settings):
    settings.EMAIL_URL = "smtp://localhost"
    Destination.objects.create(name="us", kind="email", addresses="a@example.com")
    secret = "tr0ub4dor-and-three"
    AlertRule.objects.create(name=f"rule {secret}", kinds=["call.refused"])
    raised(arguments={"note": "planted-in-arguments"}, result="planted-in-result")
    entry = Entry.objects.filter(kind="call.refused").get()
    assert (entry.arguments, entry.preview) == (
        {"note": "planted-in-arguments"},
        "planted-in-result",
    )
    before = sink.posted.copy()
    redact.remember(secret)
    try:
        AlertRule.objects.filter(name="blocked").delete()
        Notice.objects.all().delete()
        raised()
        delivering.deliver()
    finally:
        redact.forget(secret)

    sent = [posted.body.decode() for posted in sink.posted[len(before) :]]
    sent += [message.subject + message.body for message in outbox.outbox]
    assert len(sent) == 2
    assert [word for word in ("planted", secret) for text in sent if word in text] == []


def test_an_error_of_a_destination_shows_no_secret(hook, sink, raised):
    secret = credentials.unseal(hook.sealed)["secret"]
    Destination.objects.update(
        sealed=credentials.seal({"secret": secret}), url="https://127.0.0.1/"
    )
    raised()
    delivering.deliver()

    assert secret not in Notice.objects.get().error


def test_what_was_told_long_ago_is_forgotten_and_what_waits_is_not(hook, sink, raised):
    raised()
    Notice.objects.update(created_at=timezone.now() - timedelta(days=91))
    assert (delivering.forget(), Notice.objects.count()) == (0, 1)

    Notice.objects.update(state="sent")
    assert (delivering.forget(), Notice.objects.count()) == (1, 0)


# --- Trying out -----------------------------------------------------------------------------------
def test_a_destination_is_tried_out_at_once(hook, sink):
    assert delivering.try_out(hook).state == "sent"
    assert json.loads(sink.posted[0].body)["event"] == "alert.test"

    sink.answers += [404]
    tried = delivering.try_out(hook)
    assert (tried.state, tried.error) == ("given_up", "It answered 404.")


@pytest.mark.django_db(transaction=True)
def test_of_two_processes_one_sends(hook, sink, raised):
    raised()
    [notice] = Notice.objects.all()
    taken = []

    def claim():
        taken.append(Notice.objects.get(pk=notice.pk).claim(60))
        connection.close()

    rivals = [threading.Thread(target=claim) for _ in range(4)]
    same = [Notice.objects.get(pk=notice.pk) for _ in range(2)]
    assert [one.claim(60) for one in same] == [True, False]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    assert Notice.objects.get(pk=notice.pk).attempts == 1 + sum(taken)
