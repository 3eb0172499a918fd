"""docs/api.md names every path of the API, and no other."""

import re
from pathlib import Path

from omni2 import urls
from tests.omni2.test_urls import paths

DOCS = Path(__file__).parents[2] / "docs" / "api.md"
PREFIXES = {"/api/admin", "/api/audit"}


def without_parameters(path):
    return re.sub(r"<[^>]+>", "<>", path)


def test_every_path_of_the_api_stands_in_its_docs_and_no_other():
    named = re.findall(r"/api/[\w/<>.-]*[\w>]", DOCS.read_text())
    there = {without_parameters(path) for path in paths(urls.urlpatterns) if "/api/" in path}

    assert {without_parameters(path) for path in named} - PREFIXES == there
