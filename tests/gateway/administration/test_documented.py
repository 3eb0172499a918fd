"""Each path under /api/admin/: who may and who may not, and that it answers as it is documented."""

import json
import re

import pytest
from drf_spectacular.drainage import reset_generator_stats
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from accounts.models import Role
from audit.models import Entry
from tests.gateway.administration.samples import ADMIN, REQUESTS, rows, send

pytestmark = pytest.mark.django_db


def as_json_schema(node):
    """OpenAPI 3.0's `nullable` said in JSON Schema's words."""
    if isinstance(node, list):
        return [as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    said = {key: as_json_schema(value) for key, value in node.items() if key != "nullable"}
    return {"anyOf": [said, {"type": "null"}]} if node.get("nullable") is True else said


@pytest.fixture(scope="module")
def description():
    return as_json_schema(SchemaGenerator().get_schema(request=None, public=True))


def test_the_description_is_made_without_a_warning(capsys):
    reset_generator_stats()
    SchemaGenerator().get_schema(request=None, public=True)

    assert capsys.readouterr().err == ""


def operation(description, method, path):
    """The documented operation that this address belongs to; the most literal one."""
    fitting = [
        place
        for place in description["paths"]
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", place), path)
        and method in description["paths"][place]
    ]
    return description["paths"][min(fitting, key=lambda place: place.count("{"))][method]


def faults(description, method, answer, path):
    """What of the answer is not as documented."""
    responses = operation(description, method, path)["responses"]
    if str(answer.status_code) not in responses:
        return [f"{answer.status_code} is not documented: {answer.content[:200]!r}"]
    content = responses[str(answer.status_code)]["content"]
    if "application/json" not in content:
        return [] if answer["Content-Type"].split(";")[0] in content else ["another media type"]
    said = content["application/json"]["schema"]
    whole = {**said, "components": description["components"]}
    return [one.message for one in Draft202012Validator(whole).iter_errors(answer.json())]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "right"),
    REQUESTS,
    ids=[f"{r[0]} {r[1]}" for r in REQUESTS],
)
class TestEachPath:
    def test_answers_whoever_has_the_right_as_documented(
        self, cast, upstream, client_of, description, method, path, body, status, right
    ):
        path = path.format(**rows(cast))
        Role.objects.filter(name="admin").update(can_bypass_tool_restrictions=False)
        answer = send(client_of(cast.ada, scopes=["admin"]), method, path, body)

        assert (answer.status_code, answer.content[:500]) == (status, answer.content[:500])
        assert faults(description, method, answer, f"{ADMIN}/{path}") == []

    def test_refuses_without_the_right_or_without_the_scope(
        self, cast, upstream, client_of, description, method, path, body, status, right
    ):
        path = path.format(**rows(cast))
        others = {
            flag.name: flag.name != right
            for flag in Role._meta.fields
            if flag.name.startswith("can_")
        }
        Role.objects.filter(name="developer").update(**others)
        lacking = send(client_of(cast.dev, scopes=["admin"]), method, path, body)
        unscoped = send(client_of(cast.ada), method, path, body)

        assert [lacking.status_code, unscoped.status_code] == [403, 403]
        assert lacking.json()["error"]["code"] == "not_allowed"
        assert faults(description, method, lacking, f"{ADMIN}/{path}") == []
        assert Entry.objects.get(kind="auth.refused").detail["right"] == right

    def test_the_right_alone_is_enough(
        self, cast, upstream, client_of, description, method, path, body, status, right
    ):
        path = path.format(**rows(cast))
        cast.sue.role = Role.objects.create(name="clerk", **{right: True})
        cast.sue.status = "active"
        cast.sue.save()
        answer = send(client_of(cast.sue, scopes=["admin"]), method, path, body)

        assert (answer.status_code, answer.content[:500]) == (status, answer.content[:500])


def test_every_documented_path_answers_an_administrator_as_documented(
    cast, upstream, client_of, description
):
    """Those above with a good request; here every one with an empty body and an id of nobody."""
    ada = client_of(cast.ada, scopes=["admin"])
    found = {}
    for place, operations in description["paths"].items():
        for method in operations if place.startswith(f"{ADMIN}/") else ():
            path = re.sub(r"\{(\w+)\}", "999999", place)
            answer = send(ada, method, path.removeprefix(f"{ADMIN}/"), {})
            found[f"{method} {place}"] = (
                answer.status_code,
                faults(description, method, answer, path),
            )

    assert {place: said for place, said in found.items() if said[1]} == {}
    missing = {place: said[0] for place, said in found.items() if "{" in place}
    assert set(missing.values()) <= {400, 404}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [(r[0], r[1], r[2]) for r in REQUESTS if r[0] != "get" and r[2] is not None],
)
def test_a_field_that_is_not_known_is_refused_by_name(
    cast, upstream, client_of, method, path, body
):
    path = path.format(**rows(cast))
    answer = send(
        client_of(cast.ada, scopes=["admin"]), method, path, {**body, "is_superuser": True}
    )

    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "is_superuser")


def test_no_answer_but_the_one_that_makes_it_shows_a_secret(cast, upstream, client_of):
    ada, known = client_of(cast.ada, scopes=["admin"]), rows(cast)
    issued = send(ada, "post", f"people/{known['dev']}/keys", {"name": "ci", "scopes": ["admin"]})
    link = send(ada, "post", f"people/{known['dev']}/setup-link")
    secrets = [issued.json()["key"].split("_", 2)[2], link.json()["setup_link"].rpartition("/")[2]]

    pages = [
        send(ada, "get", path.format(**known)).content.decode()
        for method, path, *_ in REQUESTS
        if method == "get"
    ]
    record = json.dumps(list(Entry.objects.values()), default=str)
    assert [issued["Cache-Control"], link["Cache-Control"]] == ["no-store, private"] * 2
    assert [secret in text for secret in secrets for text in (*pages, record)] == [False] * (
        2 * (len(pages) + 1)
    )
