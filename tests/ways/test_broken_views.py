"""A view that breaks tells the person an id and nothing of the house (T-39)."""

import itertools
import re
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db

# What a driver might say: a statement, a path of the machine, an address with a password.
SAID = 'INSERT INTO "T39_table" failed in /srv/T39/code.py for postgres://u:T39@db.internal'
INSIDE = ("T39", "Traceback", "RuntimeError", "site-packages", 'File "')
# Who somebody is has to be known before their view can break.
WHO = re.compile(
    r'"(accounts_(user|role|apikey|team|rule|policyversion|servergrant|browsersession)'
    r"|django_session|audit_stamp|audit_entry|audit_unsealed)|sqlite_master|pg_trigger"
)
SAMPLES = {
    "uuid": "6f1c1a3e-0000-4000-8000-000000000000",
    "int": "1",
    "slug": "upstream",
    "str": "upstream",
    "path": "1",
}


def paths(patterns, before="/"):
    for one in patterns:
        place = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from paths(one.url_patterns, place)
        elif isinstance(one, URLPattern) and "(" not in place:
            yield re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES[found[1] or "str"], place)


def everywhere():
    """Every path there is, but for those that answer bit by bit."""
    found = paths(get_resolver().url_patterns)
    return sorted({path for path in found if not path.endswith(("/events", "/export", "logout/"))})


@contextmanager
def broken():
    """Every look at a table of the house's own fails as nobody has foreseen."""
    broke = itertools.count()

    def run(execute, sql, params, many, context):
        if re.search(r'(FROM|INTO|UPDATE) "', sql) and not WHO.search(sql):
            next(broke)
            raise RuntimeError(SAID)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(run):
        yield broke


@pytest.fixture
def clients(cast, upstream):
    """The administrator in a browser, and with a key."""
    cast.ada.is_superuser = cast.ada.is_staff = True
    cast.ada.save()
    browser, program = Client(raise_request_exception=False), APIClient()
    browser.force_login(cast.ada)
    program.raise_request_exception = False
    scopes = ["query", "tools", "read", "admin"]
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {cast.key(cast.ada, scopes=scopes)}")
    return browser, program


def test_no_view_that_breaks_tells_how_the_house_is_built(clients):
    statuses = {}
    for path in everywhere():
        client = clients[path.startswith("/api/")]
        with broken() as broke:
            answer = client.get(path)
        text = b"".join(answer) if answer.streaming else answer.content
        told = [word for word in INSIDE if word in text.decode(errors="replace")]
        assert (path, told) == (path, [])
        if next(broke):
            statuses[path] = answer.status_code

    assert {*statuses.values()} <= {500, 503}, statuses
    api = [path for path in statuses if path.startswith("/api/")]
    pages = [path for path in statuses if path.startswith("/admin/")]
    assert min(len(api), len(pages)) > 20, "so many views did break"


def test_a_program_is_told_an_id_as_json_and_a_person_on_a_page(clients):
    browser, program = clients
    with broken():
        told = program.get("/api/admin/servers")
        page = browser.get("/admin/registry/server/")

    assert (told.status_code, told.json()["error"]["code"]) == (500, "internal")
    assert re.fullmatch("[0-9a-f]{12}", told.json()["error"]["error_id"])
    assert (page.status_code, page["Content-Type"]) == (500, "text/html; charset=utf-8")
