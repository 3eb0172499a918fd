"""One's own API keys over REST."""

import pytest
from rest_framework.test import APIClient

from accounts.models import ApiKey

pytestmark = pytest.mark.django_db

KEYS = "/api/keys"
WISH = {"name": "laptop", "scopes": ["admin"], "days": 3}


def using(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


@pytest.fixture
def dev(client_of, cast):
    return client_of(cast.dev, scopes=["admin"])


def test_a_key_is_made_shown_once_used_and_revoked(dev):
    answer = dev.post(KEYS, WISH, format="json")
    made = answer.json()
    own = using(made["key"])

    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store, private")
    assert own.get(KEYS).json()[0] == {k: v for k, v in made.items() if k != "key"} | {
        "last_used_at": own.get(KEYS).json()[0]["last_used_at"]
    }
    assert made["key"].split("_", 2)[2] not in dev.get(KEYS).content.decode()
    assert dev.delete(f"{KEYS}/{made['prefix']}").status_code == 204
    assert own.get(KEYS).status_code == 401


def test_a_key_without_the_scope_makes_no_keys(client_of, cast):
    assert client_of(cast.dev).post(KEYS, WISH, format="json").status_code == 403
    assert ApiKey.objects.count() == 1


def test_a_key_makes_none_that_may_do_more(dev):
    answer = dev.post(KEYS, WISH | {"scopes": ["query"]}, format="json")

    assert (answer.status_code, answer.json()["error"]["field"]) == (403, "scopes")


def test_somebody_elses_key_is_as_unknown_as_none(dev, cast):
    other = ApiKey.issue(cast.ada, "k")[0]

    assert [dev.delete(f"{KEYS}/{one}").status_code for one in (other.prefix, "x")] == [404, 404]
    assert ApiKey.objects.get(pk=other.pk).usable()
    assert [key["prefix"] for key in dev.get(KEYS).json()] == [cast.dev.api_keys.get().prefix]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"name": ""}, "name"), ({"days": "x"}, "days"), ({"scopes": "admin"}, "scopes")]
    + [({"person": "ada@example.com"}, "person"), ({"days": 999}, "days")]
    + [({"servers": ["nosuch"]}, "servers")],
)
def test_what_is_wrong_is_named(dev, change, field):
    answer = dev.post(KEYS, WISH | change, format="json")

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
