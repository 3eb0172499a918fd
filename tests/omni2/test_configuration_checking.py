"""A file against its vocabulary: every error has its line, its field, and what is expected."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni2.configuration.checking import Checked, check
from omni2.configuration.reading import read_text
from omni2.configuration.shapes import Either, ListOf, MapOf, Section, Shape, Text
from omni2.configuration.vocabulary import ALL_VOCABULARIES as VOCABULARIES
from omni2.configuration.vocabulary.people import PEOPLE
from omni2.configuration.vocabulary.servers import SERVERS
from omni2.configuration.vocabulary.settings import SETTINGS
from omni2.configuration.vocabulary.slack import SLACK

ENVIRON = {"SET": "7", "WORD": "often", "SECRET_KEY": "own"}


def checked(text: str, vocabulary: Section = SERVERS) -> Checked:
    top, _ = read_text(text, "f.yaml")
    return check(top, vocabulary, environ=ENVIRON, own_secrets=["SECRET_KEY"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("globl: {}", "f.yaml:1: globl: unknown key 'globl'; did you mean global?"),
        (
            "mcps:\n- name: a\n  retry:\n    max_atempts: 3",
            "f.yaml:4: mcps[0].retry.max_atempts: unknown key 'max_atempts'; "
            "did you mean max_attempts?",
        ),
        (
            "advanced:\n  zzz: 1",
            "f.yaml:2: advanced.zzz: unknown key 'zzz'; known here: allow_parallel_execution, "
            "allow_tool_chaining, cache_tool_results, cache_ttl_seconds, fallback_strategy, "
            "max_chain_length, max_parallel_tools, mcp_fallback_enabled",
        ),
        ("mcps: {}", "f.yaml:1: mcps: expected a list (a mapping), found a mapping"),
        ("mcps:\n- time", "f.yaml:2: mcps[0]: expected a mapping, found text"),
        ("mcps:\n- url: x", "f.yaml:2: mcps[0]: name is missing"),
        ("mcps:\n- name: null", "f.yaml:2: mcps[0]: name is missing"),
        (
            "mcps:\n- name: a\n  protocol: htpp",
            "f.yaml:3: mcps[0].protocol: expected http | http_streamable | sse | stdio | "
            "openapi, found 'htpp'; did you mean http?",
        ),
        (
            "mcps:\n- name: a\n  enabled: maybe",
            "f.yaml:3: mcps[0].enabled: expected true or false, found 'maybe'",
        ),
        (
            "mcps:\n- name: a\n  enabled: 'yes'",
            "f.yaml:3: mcps[0].enabled: expected true or false, found 'yes'",
        ),
        (
            "mcps:\n- name: a\n  timeout_seconds: 0",
            "f.yaml:3: mcps[0].timeout_seconds: expected a number from 0.1, found '0'",
        ),
        (
            "mcps:\n- name: a\n  timeout_seconds: .nan",
            "f.yaml:3: mcps[0].timeout_seconds: expected a number from 0.1, found '.nan'",
        ),
        (
            "mcps:\n- name: a\n  timeout_seconds: 1e99",
            "f.yaml:3: mcps[0].timeout_seconds: expected a number from 0.1, at most 3600",
        ),
        (
            "global: {retry: {max_attempts: 1.5}}",
            "f.yaml:1: global.retry.max_attempts: expected a whole number from 1, found '1.5'",
        ),
        (
            "mcps:\n- name: a\n  rate_limit: {burst: -1}",
            "f.yaml:3: mcps[0].rate_limit.burst: expected a whole number, found '-1'",
        ),
        (
            "mcps:\n- name: a\n  tags: [x, [y]]",
            "f.yaml:3: mcps[0].tags[1]: expected text, found a list",
        ),
        ("mcps:\n- name: a\n  tags: [' ']", "f.yaml:3: mcps[0].tags[0]: must not be empty"),
        ("mcps:\n- name: true", "f.yaml:2: mcps[0].name: expected text, found true or false"),
        (
            'mcps:\n- name: a\n  description: "a\\x07"',
            "f.yaml:3: mcps[0].description: holds a control character",
        ),
        (
            "mcps:\n- name: a\n  url: ${UNSET}",
            "f.yaml:3: mcps[0].url: the environment variable UNSET is not set",
        ),
        (
            "mcps:\n- name: a\n  url: http://${SECRET_KEY}",
            "f.yaml:3: mcps[0].url: SECRET_KEY is a secret of OMNI2 itself "
            "and must not be used here",
        ),
        (
            "mcps:\n- name: a\n  url: http://${SET",
            "f.yaml:3: mcps[0].url: holds ${ that is neither ${NAME} nor ${NAME:-default}",
        ),
        (
            "mcps:\n- name: a\n  timeout_seconds: ${WORD}",
            "f.yaml:3: mcps[0].timeout_seconds: expected a number from 0.1, "
            "found something else in its variable",
        ),
        (
            "mcps:\n- name: a\n  argument_defaults: {x: [.inf]}",
            "f.yaml:3: mcps[0].argument_defaults.x[0]: is not a number that JSON knows",
        ),
        (
            'mcps:\n- name: a\n  argument_defaults: {x: [{y: "\\ud800"}]}',
            "f.yaml:3: mcps[0].argument_defaults.x[0].y: holds half a character (\\ud800)",
        ),
        (
            'mcps:\n- name: a\n  argument_defaults: {x: "\\0"}',
            "f.yaml:3: mcps[0].argument_defaults.x: holds a NUL",
        ),
        (
            'mcps:\n- name: a\n  argument_defaults: {"\\ud800": 1}',
            "f.yaml:3: mcps[0].argument_defaults['\\ud800']: holds half a character (\\ud800)",
        ),
        (
            'mcps:\n- name: a\n  argument_defaults: {x: {"\\0": 1}}',
            "f.yaml:3: mcps[0].argument_defaults.x['\\x00']: holds a NUL",
        ),
        (
            'mcps:\n- name: a\n  tags: ["\\ud800"]',
            "f.yaml:3: mcps[0].tags[0]: holds half a character (\\ud800)",
        ),
    ],
)
def test_error_names_line_field_and_what_is_expected(text: str, said: str) -> None:
    assert list(map(str, checked(text).problems)) == [said]


def test_a_secret_of_the_wrong_kind_is_not_repeated() -> None:
    text = "mcps:\n- name: a\n  authentication: sk-very-secret\n"
    assert list(map(str, checked(text).problems)) == [
        "f.yaml:3: mcps[0].authentication: expected a mapping, found text"
    ]


def test_all_errors_are_found_at_once() -> None:
    text = "globl: 1\nmcps:\n- name: a\n  enabled: 3\n- nme: b\nadvanced: []\n"
    lines = [problem.place.line for problem in checked(text).problems]
    assert lines == [1, 4, 5, 5, 6]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("true", True),
        ("${NONE:-no}", False),
    ],
)
def test_flags_may_be_written_as_yaml_1_1_had_them(text: str, value: bool) -> None:
    data = checked(f"mcps:\n- name: a\n  enabled: {text}\n").data
    assert data == {"mcps": [{"name": "a", "enabled": value}]}


def test_variables_become_the_kind_that_is_expected() -> None:
    text = "global:\n  default_timeout_seconds: ${SET}\n  retry: {max_attempts: '${NONE:-2}'}\n"
    assert checked(text).data == {
        "global": {"default_timeout_seconds": 7.0, "retry": {"max_attempts": 2}}
    }


def test_unquoted_numbers_keep_their_digits_as_text() -> None:
    text = "mcps:\n- name: 007\n  authentication: {api_key: 0123}\n"
    assert checked(text).data == {"mcps": [{"name": "007", "authentication": {"api_key": "0123"}}]}


def test_keys_without_effect_are_noted_with_line_and_reason() -> None:
    found = checked("advanced:\n  allow_tool_chaining: true\n  cache_ttl_seconds: 5\n")
    assert list(map(str, found.notes)) == [
        "f.yaml: no effect here: advanced.allow_tool_chaining (line 2), because a question may "
        "always use several tools, one after the other",
        "f.yaml: no effect here: advanced.cache_ttl_seconds (line 3), because results are never "
        "cached: each call is decided and made anew",
    ]


def test_a_list_is_told_once_and_not_for_each_of_its_values() -> None:
    text = "restrictions:\n  allowed_ips: [192.0.2.1, 192.0.2.2]\n"
    assert [note.message for note in checked(text, PEOPLE).notes] == [
        "not imported: restrictions.allowed_ips (line 2); "
        "set OMNI2_ALLOWED_IPS=192.0.2.1,192.0.2.2 in the environment"
    ]


def test_settings_name_their_variables_and_show_no_secret() -> None:
    text = """
llm: {api_key: sk-secret, model: big, temperature: 0.5}
app: {debug: true}
database: {url: "${UNSET}"}
mcp: {request_timeout_seconds: "${SET}"}
"""
    notes = [note.message for note in checked(text, SETTINGS).notes]
    assert notes == [
        "not imported: llm.api_key (line 2); set ANTHROPIC_API_KEY in the environment "
        "(a secret, not shown here)",
        "not imported: llm.model (line 2); set OMNI2_MODEL=big in the environment",
        "no effect here: llm.temperature (line 2), because the API has no temperature any more; "
        "see OMNI2_MODEL_EFFORT",
        "not imported: app.debug (line 3); set DEBUG=true in the environment",
        "not imported: database.url (line 4); set DATABASE_URL in the environment "
        "(a secret, not shown here): as postgres://… without a driver's name",
        "not imported: mcp.request_timeout_seconds (line 5); "
        "set OMNI2_MCP_CALL_TIMEOUT_SECONDS in the environment",
    ]


def test_unset_variable_is_no_error_where_nothing_is_applied() -> None:
    found = checked("slack: {bot_token: '${UNSET}'}", SLACK)
    assert (found.problems, len(found.notes)) == ([], 1)


def test_person_says_reach_in_three_ways() -> None:
    text = """
users:
- {email: a, allowed_mcps: "*"}
- {email: b, allowed_mcps: [x, y]}
- {email: c, allowed_mcps: {x: "*", y: {mode: custom, tools: [t]}}}
- {email: d, allowed_mcps: all}
- {email: e, allowed_mcps: {x: 3}}
- {email: f, allowed_mcps: {x: {tools: []}}}
"""
    found = checked(text, PEOPLE)
    assert [user["allowed_mcps"] for user in found.data["users"][:3]] == [
        "*",
        ["x", "y"],
        {"x": "*", "y": {"mode": "custom", "tools": ["t"]}},
    ]
    assert [str(problem).split(": ", 2)[1:] for problem in found.problems] == [
        ["users[3].allowed_mcps", "expected \"*\", found 'all'; known here: *"],
        ["users[4].allowed_mcps.x", "expected \"*\", found '3'; known here: *"],
        ["users[5].allowed_mcps.x", "mode is missing"],
    ]


# --- Unknown keys, at every level ---
def _sections(shape: Shape, way: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Section]]:
    """Every section of a vocabulary, with the keys and 0s that lead to it."""
    if isinstance(shape, Section):
        inner = [_sections(value, (*way, key)) for key, value in shape.keys.items()]
        return [(way, shape), *(found for part in inner for found in part)]
    if isinstance(shape, MapOf):
        return _sections(shape.value, (*way, "name"))
    if isinstance(shape, ListOf):
        return _sections(shape.item, (*way, 0))
    if isinstance(shape, Either):
        return [found for option in shape.options for found in _sections(option, way)]
    return []


SECTIONS = [
    (name, way, section)
    for name, vocabulary in VOCABULARIES.items()
    for way, section in _sections(vocabulary)
]


def _yaml(way: tuple[Any, ...], key: str) -> str:
    text = f"{{{key}: 1}}"
    for step in reversed(way):
        text = f"[{text}]" if step == 0 else f"{{{step}: {text}}}"
    return text


@given(place=st.sampled_from(SECTIONS), key=st.from_regex(r"[a-z_]{1,20}", fullmatch=True))
def test_unknown_key_is_caught_at_every_level(
    place: tuple[str, tuple[Any, ...], Section], key: str
) -> None:
    name, way, section = place
    top, _ = read_text(_yaml(way, key), "f.yaml")
    problems = check(top, VOCABULARIES[name], environ={}).problems
    unknown = [problem for problem in problems if "unknown key" in problem.message]
    assert bool(unknown) is (key not in section.keys)


def test_every_section_is_walked() -> None:
    assert len(SECTIONS) > 80
    assert all(isinstance(section, Section) for _, _, section in SECTIONS)
    assert Text in {type(shape) for _, _, section in SECTIONS for shape in section.keys.values()}
