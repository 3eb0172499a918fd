"""The page of one's own keys, and the command."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiKey
from audit.models import Entry
from tests.admin_pages import HOSTILE
from tests.cast import open_to

pytestmark = pytest.mark.django_db

FORM = {"name": "laptop", "scopes": ["tools"], "servers": "a b", "days": "3"}


@pytest.fixture
def dev(client, cast):
    open_to(cast.dev, "a", "b")
    client.force_login(cast.dev)
    return client


def test_a_key_is_made_on_the_page_and_shown_once(dev, cast):
    page = dev.post("/keys/", FORM)
    text = re.search(r"omni2_[0-9a-f]{12}_[\w-]+", page.content.decode())[0]

    key = cast.dev.api_keys.get()
    assert key.matches(text.split("_", 2)[2])
    assert (key.scopes, key.servers) == (["tools"], ["a", "b"])
    assert "no-store" in page["Cache-Control"]
    assert text not in dev.get("/keys/").content.decode()
    assert Entry.objects.get(kind="key.issued").person == "dev@example.com"


def test_configurations_to_copy_have_the_fresh_key_in_them_and_later_none(dev):
    page = dev.post("/keys/", FORM).content.decode()
    text = re.search(r"omni2_[0-9a-f]{12}_[\w-]+", page)[0]
    later = dev.get("/keys/").content.decode()

    assert (page.count(text), page.count("data-copies=")) == (6, 6)
    assert (later.count("omni2_…"), later.count("data-copies=")) == (6, 5)


def test_a_key_is_revoked_on_the_page_by_its_person_alone(dev, cast):
    own, other = ApiKey.issue(cast.dev, HOSTILE)[0], ApiKey.issue(cast.ada, "hers")[0]
    page = dev.get("/keys/").content.decode()
    statuses = [dev.post(f"/keys/{key.prefix}/revoke").status_code for key in (own, other)]

    assert (own.prefix in page, other.prefix in page, HOSTILE in page) == (True, False, False)
    assert statuses == [302, 404]
    assert (ApiKey.objects.get(pk=own.pk).usable(), ApiKey.objects.get(pk=other.pk).usable()) == (
        False,
        True,
    )
    assert dev.get(f"/keys/{own.prefix}/revoke").status_code == 405


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"days": "999"}, "A key lives for 1 to 365 days."),
        ({"scopes": []}, "required"),
        ({"servers": "a nosuch"}, "has no use of: nosuch. Servers they may use: a, b."),
    ],
)
def test_what_is_wrong_is_said_on_the_page(dev, change, said):
    page = dev.post("/keys/", FORM | change)

    assert (page.status_code, said in page.content.decode(), ApiKey.objects.count()) == (
        200,
        True,
        0,
    )


def test_the_page_says_what_is_chosen_in_the_same_words_and_asks_before_it_revokes(dev, cast):
    ApiKey.issue(cast.dev, "laptop", scopes=["tools", "admin"])
    page = dev.get("/keys/").content.decode()

    assert "list and call tools; manage, as far as the person may · every server" in page
    assert "Empty: 90 days. At most 365." in page
    assert page.index("<summary") < page.index("Yes, revoke it")


def test_a_stranger_is_asked_to_log_in(client, cast):
    assert client.get("/keys/")["Location"] == "/login/?next=/keys/"


# --- The command ----------------------------------------------------------------------------------
def run(*words: str) -> str:
    out = StringIO()
    call_command("api_key", *words, stdout=out)
    return out.getvalue()


def test_the_command_issues_lists_and_revokes(cast):
    open_to(cast.dev, "a")
    words = ["--name", "ci", "--scope", "tools", "--server", "a", "--days", "7", "--author", "boss"]
    text = run("issue", "Dev@example.com", *words).strip()
    key = ApiKey.objects.get()

    assert key.matches(text.split("_", 2)[2])
    assert run("list") == f"{key.prefix}  dev@example.com  usable  tools  a  ci\n"
    assert run("list", "ada@example.com") == ""
    assert run("revoke", key.prefix) == f"ci ({key.prefix}) of dev@example.com is revoked.\n"
    assert run("revoke", key.prefix).endswith("is revoked already.\n")
    assert run("list").split()[2] == "revoked"
    entries = Entry.objects.order_by("pk").values_list("kind", "person")
    assert list(entries) == [("key.issued", "boss"), ("key.revoked", "command line")]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["issue", "nobody@example.com"], "There is no person"),
        (["issue", "dev@example.com", "--days", "999"], "A key lives for 1 to 365 days."),
        (["issue", "dev@example.com", "--server", "x"], "has no use of: x."),
        (["revoke", "x"], "There is no key with the prefix 'x'."),
    ],
)
def test_the_command_says_what_is_wrong(cast, words, said):
    with pytest.raises(CommandError, match=said):
        run(*words)
