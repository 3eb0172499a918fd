import random
import time

import pytest

from gateway import retrieval
from gateway.llm.base import ToolSpec


def tool(server: str, name: str, description: str, *arguments: str) -> ToolSpec:
    return ToolSpec(
        name=f"{server}__{name}",
        description=description,
        input_schema={"type": "object", "properties": {one: {} for one in arguments}},
        server=server,
        tool=name,
    )


TOOLS = [
    tool("time", "get_current_time", "Get the current time in a time zone.", "timezone"),
    tool("git", "git_log", "Shows the commit logs.", "repo_path", "max_count"),
    tool("git", "git_branch", "List Git branches.", "repo_path"),
    tool("sales", "list_tables", "List all tables of the database."),
    tool("sales", "read_query", "Run a SELECT query on the database.", "query"),
    tool("mail", "sendMessage", "Send an e-mail.", "to", "subject", "body"),
    tool("files", "remove_file", "Erases a file from disk.", "path"),
    tool("news", "headlines", "获取新闻", "topic"),
]


def best(question: str) -> str:
    return retrieval.rank(question, TOOLS)[0][0].name


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What time is it in Tokyo?", "time__get_current_time"),
        ("which branches do we have", "git__git_branch"),
        ("show the newest commits", "git__git_log"),
        ("What tables are in the database?", "sales__list_tables"),
        ("query the database", "sales__read_query"),
        ("send a message to Dana", "mail__sendMessage"),
        ("delete the file", "files__remove_file"),
        ("今天的新闻", "news__headlines"),
    ],
)
def test_the_tool_that_is_meant_comes_first(question: str, name: str) -> None:
    assert best(question) == name


def test_every_tool_is_ranked_and_no_shared_word_is_zero() -> None:
    ranked = retrieval.rank("quantum chromodynamics", TOOLS)
    assert [score for _, score in ranked] == [0.0] * len(TOOLS)
    assert [one.name for one, _ in ranked] == sorted(one.name for one in TOOLS)


def test_the_order_of_the_tools_does_not_matter() -> None:
    turned = list(reversed(TOOLS))
    assert retrieval.rank("database query", turned) == retrieval.rank("database query", TOOLS)


@pytest.mark.parametrize(
    ("question", "tools"), [("", TOOLS), ("anything", []), ("the of a", TOOLS)]
)
def test_empty_questions_and_tool_sets_are_no_error(question: str, tools: list[ToolSpec]) -> None:
    assert [score for _, score in retrieval.rank(question, tools)] == [0.0] * len(tools)


def test_a_changed_description_is_seen() -> None:
    before = tool("a", "one", "About cats.")
    after = tool("a", "one", "About dogs.")
    assert retrieval.rank("dogs", [before])[0][1] == 0
    assert retrieval.rank("dogs", [after])[0][1] > 0


def test_a_schema_of_any_shape_is_no_error() -> None:
    odd = ToolSpec(name="odd", description="Odd thing.", input_schema={"properties": ["no", "map"]})
    assert retrieval.rank("odd", [odd])[0][1] > 0


def test_matched_names_the_terms_a_tool_knows() -> None:
    assert retrieval.matched("list all the tables of Berlin", TOOLS[3]) == {"list", "tabl"}


def test_two_thousand_tools_are_ranked_quickly_once_indexed() -> None:
    rng = random.Random(1)
    vocabulary = [f"w{number}" for number in range(800)]
    many = [
        tool(f"s{number % 40}", f"tool_{number}", " ".join(rng.choices(vocabulary, k=40)))
        for number in range(2000)
    ]
    question = " ".join(rng.choices(vocabulary, k=12))
    retrieval.rank(question, many)
    spent = []
    for _ in range(5):
        started = time.process_time()
        retrieval.rank(question, many)
        spent.append(time.process_time() - started)
    # Measured at 8 ms; the bound only notices when the index is not used.
    assert min(spent) < 0.2
