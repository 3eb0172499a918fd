"""What the policy could stop giving, over REST: as the command says it, whole or chosen."""

import io
import json

import pytest
import yaml
from django.core.management import call_command

from tests.gateway.using import use_little

pytestmark = pytest.mark.django_db

PLACE = "/api/admin/policy/suggestions"


@pytest.fixture
def ada(client_of, cast, upstream):
    use_little(cast, client_of)
    return client_of(cast.ada, scopes=["admin"])


def test_it_says_what_the_command_says(ada):
    said = ada.get(PLACE, {"days": 30}).json()
    printed = io.StringIO()
    call_command("suggest_policy", "--since", "30d", "--json", stdout=printed)

    assert [(one["who"], one["used"], one["given"]) for one in said["suggestions"]] == [
        ("role developer", ["add"], 9),
        ("person guest@example.com", ["echo"], 9),
    ]
    assert said == json.loads(printed.getvalue())
    assert said["remark"].startswith("The record reaches back to ")


def test_the_draft_is_of_all_or_of_the_chosen_and_a_file_that_imports(ada, tmp_path):
    suggested = ada.get(PLACE).json()
    whole = ada.get(f"{PLACE}.yaml")
    ids = [one["id"] for one in suggested["suggestions"]]
    chosen = ada.get(f"{PLACE}.yaml", {"id": ids[1]})

    assert whole["Content-Disposition"] == 'attachment; filename="policy.yaml"'
    assert yaml.safe_load(whole.content) == suggested["draft"]
    assert yaml.safe_load(chosen.content) == {"people": suggested["draft"]["people"]}
    both = ada.get(f"{PLACE}.yaml", {"id": ids})
    assert both.content == whole.content
    path = tmp_path / "policy.yaml"
    path.write_bytes(whole.content)
    call_command("import_policy", str(path), "--against", "90d", "--max-refused", "0")
    assert ada.get(PLACE).json()["suggestions"] == []
    assert ada.get(f"{PLACE}.yaml").content == b""


@pytest.mark.parametrize(
    ("place", "asked", "status", "field"),
    [
        ("", {"days": "0"}, 400, "days"),
        ("", {"days": "3661"}, 400, "days"),
        ("", {"days": "ten"}, 400, "days"),
        ("", {"day": "10"}, 400, "day"),
        (".yaml", {"id": "0123456789ab"}, 404, "id"),
        (".yaml", {"id": "\x00"}, 400, "id"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(ada, place, asked, status, field):
    answer = ada.get(f"{PLACE}{place}", asked)
    assert (answer.status_code, answer.json()["error"]["field"]) == (status, field)
