"""The record over REST: who sees which entries, by which filters (T-40), page by page (T-41)."""

import random

import pytest
from drf_spectacular.generators import SchemaGenerator

from audit import erasing, record
from audit.filters import FILTERS
from audit.models import Entry
from tests.gateway.administration.test_documented import as_json_schema, faults
from tests.gateway.record.conftest import written

pytestmark = pytest.mark.django_db

ALL, OWN = "/api/audit/entries", "/api/me/history"


@pytest.fixture(scope="module")
def description():
    return as_json_schema(SchemaGenerator().get_schema(request=None, public=True))


@pytest.fixture
def dev(cast, client_of, entries):
    return client_of(cast.dev, scopes=["read"])


# --- Who sees what --------------------------------------------------------------------------------
def test_who_may_read_the_record_sees_everybodys_and_nobody_else_does(
    cast, entries, auditor, client_of, named
):
    one = f"{ALL}/{entries['devs'].pk}"
    assert named(auditor.get(ALL))[::-1] == [*entries]
    assert auditor.get(one).status_code == 200

    others = [client_of(cast.dev, scopes=["admin"]), client_of(cast.guest, scopes=["read"])]
    answers = [client.get(path) for client in others for path in (ALL, one)]
    assert [a.json()["error"]["code"] for a in answers] == ["not_allowed"] * 2 + ["scope"] * 2


def test_everybody_sees_their_own_and_no_other(cast, entries, dev, client_of, named):
    assert named(dev.get(OWN)) == ["login", "elsewhere", "devs"]
    assert dev.get(f"{OWN}/{entries['devs'].pk}").json()["arguments"] == {"name": "Bo"}
    assert dev.get(f"{OWN}/{entries['adas'].pk}").status_code == 404
    assert client_of(cast.dev, scopes=["query"]).get(OWN).json()["error"]["code"] == "scope"


def test_a_key_for_one_server_shows_ones_own_there_and_what_belongs_to_none(
    cast, entries, client_of, named
):
    narrow = client_of(cast.dev, scopes=["read"], servers=["files"])

    assert named(narrow.get(OWN)) == ["login", "elsewhere"]
    assert narrow.get(f"{OWN}/{entries['devs'].pk}").status_code == 404


def test_two_hundred_entries_of_others_are_not_found(cast, entries, client_of):
    chance = random.Random(41)
    people = [cast.ada, cast.dev, cast.guest]
    clients = {user.pk: client_of(user, scopes=["read"]) for user in people}
    owned = [(user, written(user.email)) for _ in range(4) for user in people]
    answers = set()
    for _ in range(200):
        owner, entry = chance.choice(owned)
        stranger = chance.choice([user for user in people if user != owner])
        answer = clients[stranger.pk].get(f"{OWN}/{entry.pk}")
        answers.add((answer.status_code, answer.content))

    nowhere = clients[cast.dev.pk].get(f"{OWN}/999999999")
    assert answers == {(404, nowhere.content)}
    owner, entry = owned[0]
    assert clients[owner.pk].get(f"{OWN}/{entry.pk}").status_code == 200


@pytest.mark.parametrize("key", [0, 10**18, 2**63, 10**40])
def test_an_id_of_no_entry_is_not_found(auditor, key):
    assert auditor.get(f"{ALL}/{key}").status_code == 404


# --- Filters and pages ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("_connector=OR", "_connector"),
        ("user__password__startswith=a", "user__password__startswith"),
        ("person__startswith=a", "person__startswith"),
        ("kind=call", "kind"),
        ("kind=auth.login&kind=auth.login", "kind"),
        ("from=tomorrow", "from"),
        ("limit=501", "limit"),
        ("before=1", "before"),
        ("before=1-1&after=1-1", "after"),
        ("offset=1", "offset"),
    ],
)
def test_what_is_no_filter_is_a_400_that_names_it(auditor, entries, dev, query, field):
    for client, path in ((auditor, ALL), (dev, OWN)):
        answer = client.get(f"{path}?{query}")
        assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)


def test_filters_leave_what_passes_all_of_them(auditor, entries, named):
    assert named(auditor.get(ALL, {"server": "crm"})) == ["devs", "adas"]
    assert named(auditor.get(ALL, {"server": "crm", "person": "ada@example.com"})) == ["adas"]
    assert named(auditor.get(ALL, {"server": "crm", "min_cost": "0.6"})) == []


def test_ones_own_history_has_all_filters_but_the_person(dev, named):
    assert named(dev.get(OWN, {"server": "crm"})) == ["devs"]
    answer = dev.get(OWN, {"person": "ada@example.com"})

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "person")
    assert "person" not in answer.json()["error"]["message"]


def test_pages_lead_there_and_back(dev, named):
    two = {"door": "web", "limit": 2}
    first = dev.get(OWN, two)
    second = dev.get(OWN, two | {"before": first.json()["older"]})
    back = dev.get(OWN, two | {"after": second.json()["newer"]})

    assert [named(page) for page in (first, second, back)] == [
        ["login", "elsewhere"],
        ["devs"],
        ["login", "elsewhere"],
    ]
    assert [first.json()["newer"], second.json()["older"], back.json()["newer"]] == [None] * 3


# --- What is shown --------------------------------------------------------------------------------
def test_an_erased_entry_names_the_one_that_says_why(auditor, entries):
    wanted = Entry.objects.filter(pk=entries["adas"].pk)
    erasing.erase(wanted, ["content"], reason="asked to", who=record.Who(door="cli"))

    found = auditor.get(f"{ALL}/{entries['adas'].pk}").json()

    said = Entry.objects.get(kind="record.erased")
    assert (found["erased_by"], found["arguments"], found["preview"]) == (said.pk, None, "")


def test_an_entry_is_whole_at_its_address_and_brief_in_lists(auditor, entries):
    whole = auditor.get(f"{ALL}/{entries['adas'].pk}").json()
    [brief] = auditor.get(ALL, {"person": "ada@example.com", "kind": "call.called"}).json()["items"]

    assert {*whole} == {"id", *Entry.columns(), "digest", "erased_by"}
    assert whole["erased_by"] is None
    assert (whole["arguments"], whole["preview"]) == ({"name": "Ünal"}, "one row")
    assert (whole["cost"], whole["milliseconds"]) == ("0.50000000", 12)
    assert brief.items() < whole.items()
    assert [name for name in ("arguments", "preview", "detail", "digest") if name in brief] == []


def test_answers_are_as_documented(auditor, entries, dev, description):
    for client, path in ((auditor, ALL), (dev, OWN)):
        one = f"{path}/{entries['devs'].pk}"
        for address in (path, f"{path}?limit=1", one, f"{path}?x=1", f"{path}/99999999"):
            answer = client.get(address)
            assert faults(description, "get", answer, address.partition("?")[0]) == []
    listed = description["paths"][ALL]["get"]["parameters"]
    assert {one["name"] for one in listed} == {*FILTERS, "before", "after", "limit"}


def test_no_cache_keeps_a_list(dev):
    assert dev.get(OWN)["Cache-Control"] == "private, no-store"
