"""The pages: who gets in and how, whose conversations are shown, what errors say."""

import json
import logging

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import SetupLink, User
from audit.models import Entry
from gateway import web
from gateway.models import Question
from tests.ways.asking import put

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-Pass-phrase-9"


@pytest.fixture(autouse=True)
def _quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def dev(cast):
    cast.dev.set_password(PASSWORD)
    cast.dev.save()
    return cast.dev


def log_in(client, email, password=PASSWORD, **more):
    return client.post("/login/", {"username": email, "password": password} | more)


def entries(kind):
    return [(e.outcome, e.person, e.door) for e in Entry.objects.filter(kind=kind)]


# --- Asking ---------------------------------------------------------------------------------------
def test_the_page_asks_for_a_login_and_comes_back(client, dev):
    response = client.get("/")
    assert (response.status_code, response["Location"]) == (302, "/login/?next=/")

    response = log_in(client, "DEV@example.com", next="/conversation/x")
    assert (response.status_code, response["Location"]) == (302, "/conversation/x")
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "place", ["https://attacker.example/", "//attacker.example/", "javascript:1"]
)
def test_a_login_leads_nowhere_else(client, dev, place):
    assert log_in(client, dev.email, next=place)["Location"] == "/"


def test_a_conversation_is_shown_to_its_person_alone(client, cast):
    question = put(cast, cast.dev, "mine </script><script>alert(1)</script>")
    address = f"/conversation/{question.conversation_id}"

    client.force_login(cast.dev)
    page = client.get(address).content.decode()
    client.force_login(cast.ada)

    start = page.index('<script id="questions" type="application/json">')
    shown = json.loads(page[page.index(">", start) + 1 : page.index("</script>", start)])
    assert [one["question"] for one in shown] == [question.text]
    assert "<script>alert" not in page
    assert client.get(address).status_code == 404
    assert client.get("/conversation/6f1c1a3e-0000-4000-8000-000000000000").status_code == 404


def test_recent_are_ones_own_conversations_by_their_first_question(client, cast):
    first = put(cast, cast.dev, "first of all")
    put(cast, cast.dev, "and then", conversation=first.conversation_id)
    put(cast, cast.dev, "something else")
    put(cast, cast.ada, "not yours")

    client.force_login(cast.dev)
    recent = client.get("/").context["recent"]

    assert [(one.text, newest.text) for one, newest in recent] == [
        ("something else", "something else"),
        ("first of all", "and then"),
    ]


def test_pages_are_under_the_strict_policy_and_cannot_be_framed(client, cast):
    client.force_login(cast.dev)
    response = client.get("/")
    policy = response["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "no-store" in response["Cache-Control"]


# --- Logging in -----------------------------------------------------------------------------------
def test_a_login_and_a_logout_are_on_the_record(client, dev):
    log_in(client, dev.email)
    client.post("/logout/")

    assert entries("auth.login") == [("ok", dev.email, "web")]
    assert entries("auth.logout") == [("ok", dev.email, "web")]
    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    ("email", "known"), [("dev@example.com", "dev@example.com"), ("My-Passw0rd!", "")]
)
def test_a_failed_login_is_on_the_record_without_what_was_typed(client, dev, email, known):
    response = log_in(client, email, "wrong-Pass-phrase")

    entry = Entry.objects.get(kind="auth.refused")
    assert response.status_code == 200
    assert (entry.outcome, entry.error_code, entry.detail) == (
        "refused", "login_failed", {"person": known},
    )  # fmt: skip
    assert "wrong-Pass-phrase" not in str(Entry.objects.values())
    assert "My-Passw0rd" not in str(Entry.objects.values())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "suspended"}, "it is suspended"),
        ({"status": "pending"}, "it waits for approval"),
        ({"is_active": False}, "Please enter a correct email and password"),
    ],
)
def test_whoever_may_not_act_cannot_log_in(client, dev, fields, said):
    User.objects.filter(pk=dev.pk).update(**fields)

    response = log_in(client, dev.email)

    assert said.lower() in response.content.decode().lower()
    assert client.get("/").status_code == 302
    assert entries("auth.login") == []


def test_a_session_ends_when_its_person_is_suspended(client, dev):
    log_in(client, dev.email)
    assert client.get("/").status_code == 200

    User.objects.filter(pk=dev.pk).update(status=User.Status.SUSPENDED)

    assert client.get("/", follow=True).request["PATH_INFO"] == "/login/"
    assert client.get("/admin/").status_code == 302


def test_logging_in_needs_the_csrf_token(dev):
    client = Client(enforce_csrf_checks=True)

    response = log_in(client, dev.email)

    assert response.status_code == 403
    assert b"no longer valid" in response.content


# --- Setting a password ---------------------------------------------------------------------------
def set_up(client, token, password=PASSWORD):
    return client.post(f"/setup/{token}", {"new_password1": password, "new_password2": password})


def test_a_set_up_link_works_once_and_logs_in(client, cast):
    token = SetupLink.issue(cast.dev)

    assert client.get(f"/setup/{token}").status_code == 200
    assert set_up(client, token)["Location"] == "/"
    assert client.get("/").status_code == 200
    assert client.get(f"/setup/{token}").status_code == 410
    assert set_up(Client(), token).status_code == 410
    assert entries("setup.done") == [("ok", cast.dev.email, "web")]


def test_a_weak_password_is_refused_and_the_link_still_works(client, cast):
    token = SetupLink.issue(cast.dev)

    assert b"too short" in set_up(client, token, "short").content
    assert set_up(client, token).status_code == 302


def test_a_newer_link_replaces_an_older_one(client, cast):
    old, new = SetupLink.issue(cast.dev), SetupLink.issue(cast.dev)

    assert client.get(f"/setup/{old}").status_code == 410
    assert client.get(f"/setup/{new}").status_code == 200


def test_a_suspended_person_sets_a_password_but_is_not_logged_in(client, cast):
    assert set_up(client, SetupLink.issue(cast.sue)).status_code == 302
    assert client.get("/").status_code == 302


# --- Errors ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/", "/login/", "/admin/", "/api/health"])
@pytest.mark.parametrize(
    ("error", "status", "retry"), [(RuntimeError, 500, None), (OperationalError, 503, "5")]
)
def test_what_goes_wrong_inside_is_not_told(
    client, cast, path, error, status, retry, monkeypatch, caplog
):
    client.force_login(cast.ada)
    client.raise_request_exception = False

    def broken(*args, **options):
        raise error("SELECT password FROM /srv/secret")

    monkeypatch.setattr("django.core.handlers.base.BaseHandler.resolve_request", broken)
    with caplog.at_level(logging.ERROR, "gateway.web"):
        response = client.get(path)

    text = response.content.decode()
    error_id = caplog.records[0].args[0]
    assert (response.status_code, response.get("Retry-After")) == (status, retry)
    assert error_id in text
    assert all(word not in text for word in ("SELECT", error.__name__, "Traceback", "/srv"))


@pytest.mark.parametrize(
    ("view", "status"),
    [(web.bad_request, 400), (web.forbidden, 403), (web.not_found, 404), (web.csrf_failure, 403)],
)
@pytest.mark.parametrize(("path", "kind"), [("/api/x", "application/json"), ("/x", "text/html")])
def test_errors_speak_the_language_of_whoever_came(rf, view, status, path, kind):
    response = view(rf.get(path), Exception("hidden"))

    assert (response.status_code, response["Content-Type"].split(";")[0]) == (status, kind)
    assert b"hidden" not in response.content


def test_a_running_question_is_handed_to_the_page_with_its_addresses(client, cast):
    question = put(cast, cast.dev, "still at it")
    client.force_login(cast.dev)

    shown = client.get(f"/conversation/{question.conversation_id}").context["questions"]

    assert Question.objects.get().state == "queued"
    assert [(one["finished_at"], one["urls"]["self"]) for one in shown] == [
        (None, f"/api/query/{question.pk}")
    ]
