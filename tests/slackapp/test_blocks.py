import json

import pytest

from slackapp import blocks
from tests.fakes.slack_api import FakeSlack


def call(**changed):
    usual = {"server": "time", "tool": "get_current_time", "milliseconds": 240, "state": "done"}
    return usual | {"refusal": None} | changed


def question(**changed):
    usual = {"state": "answered", "answer": "It is noon.", "warning": None, "error": None}
    usual |= {"checked": "all", "citations": [], "unsupported": []}
    return usual | {"calls": [call()], "cost_usd": "0.0012"} | changed


def failed(state, **error):
    return question(
        state=state, answer="", error={"code": "x", "message": "", "error_id": ""} | error, calls=[]
    )


def written(message):
    return "".join(block["text"] for block in message.blocks if block["type"] == "markdown")


def text_of(**changed):
    [message] = blocks.messages(question(**changed))
    return written(message)


def test_footnotes_say_where_figures_are_from_as_plain_text_alone():
    cited = {"text": "<!here>", "origin": "result", "status": "found"}
    cited |= {"server": "a&b", "tool": "list"}

    [message] = blocks.messages(question(citations=[cited], unsupported=[{"text": "57"}]))

    assert message.blocks[-1] == {
        "type": "context",
        "elements": [
            {
                "type": "plain_text",
                "text": "&lt;!here&gt;: from a&amp;b/list\nIn no result: 57",
                "emoji": False,
            }
        ],
    }


def test_an_answer_is_markdown_with_a_line_that_names_the_tool():
    [message] = blocks.messages(question())

    assert message == blocks.Message(
        "It is noon.",
        (
            {"type": "markdown", "text": "It is noon."},
            {
                "type": "context",
                "elements": [
                    {
                        "type": "plain_text",
                        "text": "time/get_current_time · 240 ms · $0.0012",
                        "emoji": False,
                    }
                ],
            },
        ),
    )


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"calls": []}, "no tool was used · $0.0012"),
        ({"cost_usd": None}, "time/get_current_time · 240 ms · cost unknown"),
        ({"cost_usd": "0E-8"}, "time/get_current_time · 240 ms · $0"),
        ({"cost_usd": "0.00001"}, "time/get_current_time · 240 ms · under $0.0001"),
        ({"cost_usd": "1.25000000"}, "time/get_current_time · 240 ms · $1.2500"),
        (
            {"calls": [call(state="failed")]},
            "time/get_current_time · 240 ms (failed) · $0.0012",
        ),
        (
            {"calls": [call(state="unknown")]},
            "time/get_current_time · 240 ms (outcome unknown) · $0.0012",
        ),
        (
            {"calls": [call(), call(server="git", tool="git_log", milliseconds=31)]},
            "time/get_current_time · 240 ms\ngit/git_log · 31 ms\n$0.0012 in all",
        ),
        (
            {"calls": [call(state="refused", refusal={"reason": "No.", "fix": ""})]},
            "no tool was used · $0.0012",
        ),
    ],
)
def test_the_line_says_what_was_used_and_what_it_cost(changed, line):
    assert blocks.used(question(**changed)) == line


def test_more_calls_than_are_shown_are_counted():
    lines = blocks.used(question(calls=[call()] * 23)).splitlines()

    assert len(lines) == blocks.TOOLS_SHOWN + 2
    assert lines[-2] == "and 3 more calls, all of them in the question's history"


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (
            failed("failed", message="The model is not there."),
            "**I could not answer this.**\n\nThe model is not there.",
        ),
        (
            failed("failed", message="Something went wrong.", error_id="ab12"),
            "**I could not answer this.**\n\nSomething went wrong. (error id ab12)",
        ),
        (
            failed("refused", message="Ask your administrator."),
            "**I may not answer this.**\n\nAsk your administrator.",
        ),
        (failed("cancelled", message="cancelled"), "**This question was cancelled.**"),
        (
            failed("expired", message="Too late."),
            "**I ran out of time on this question.**\n\nToo late.",
        ),
        (
            question(
                answer="I could not.",
                calls=[
                    call(
                        state="refused",
                        refusal={
                            "layer": "role",
                            "rule": "r",
                            "reason": "The role viewer may not.",
                            "fix": "ask for git_push on git",
                        },
                    )
                ],
            ),
            "time/get_current_time was refused: The role viewer may not. (layer role, rule r)"
            " To change it: ask for git_push on git.\n\nI could not.",
        ),
        (
            question(warning="max_iterations_reached"),
            "It is noon.\n\nNote: max iterations reached.",
        ),
        (question(answer=""), "There is no answer."),
    ],
)
def test_what_went_wrong_is_said_plainly_with_the_smallest_fix(outcome, text):
    [message] = blocks.messages(outcome)

    assert written(message) == text


MENTIONS = [
    "<!channel>",
    "<!here>",
    "<@U0ADA>",
    "<#C1|x>",
    "<https://evil.example|bank>",
    "&lt;!channel&gt;",
]


@pytest.mark.parametrize("hostile", MENTIONS)
@pytest.mark.parametrize(
    "place",
    [
        lambda text: question(answer=text),
        lambda text: question(answer=f"```\n{text}\n```"),
        lambda text: question(warning=text),
        lambda text: failed("failed", message=text),
        lambda text: question(calls=[call(tool=text)]),
        lambda text: question(calls=[call(refusal={"reason": text, "fix": text}, state="refused")]),
    ],
)
def test_no_mention_and_no_disguised_link_gets_out(hostile, place):
    made = blocks.messages(place(hostile))

    sent = json.dumps([[message.text, message.blocks] for message in made])
    assert hostile not in sent
    assert "<" not in sent


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("[bank](https://evil.example)", "[bank] (https://evil.example)"),
        ("![logo](https://evil.example/?q=secret)", "![logo] (https://evil.example/?q=secret)"),
        ("[bank][1]\n\n[1]: https://evil.example", "[bank][1]\n\n[1] : https://evil.example"),
        ("> [1]: https://evil.example", "&gt; [1]: https://evil.example"),
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("**bold** and `code`", "**bold** and `code`"),
    ],
)
def test_markdown_keeps_its_form_but_links_show_where_they_lead(given, shown):
    assert blocks.markdown(given) == shown


def test_a_long_answer_goes_out_whole_in_messages_that_slack_takes():
    lines = [f"{number}: {'word & ' * 40}" for number in range(400)]
    answer = "\n".join(lines)

    made = blocks.messages(question(answer=answer))

    assert "\n".join(written(message) for message in made) == blocks.markdown(answer)
    assert [len(message.blocks) for message in made] == [1] * (len(made) - 1) + [2]
    for message in made:
        FakeSlack()._check_message({"channel": "C1", "blocks": message.blocks})


def test_a_code_block_that_is_cut_goes_on_as_one():
    text = "before\n\n```\n" + "\n".join(f"line {number}" for number in range(30)) + "\n```\nafter"

    pieces = blocks.split(text, 100)

    assert all(len(piece) <= 100 for piece in pieces)
    assert [piece.count("```") % 2 for piece in pieces] == [0] * len(pieces)
    seen = [line for piece in pieces for line in piece.splitlines() if line.startswith("line")]
    assert seen == [f"line {number}" for number in range(30)]


@pytest.mark.parametrize("limit", [20, 21, 22, 23, 24])
def test_no_entity_is_cut_in_two(limit):
    pieces = blocks.split("&amp;" * 30, limit)

    assert "".join(pieces) == "&amp;" * 30
    assert all(piece.replace("&amp;", "") == "" for piece in pieces)


def test_the_parent_message_names_the_person_and_nobody_else():
    assert blocks.parent("U0DEV", "tell <!channel> & me") == (
        "Question from <@U0DEV>: tell &lt;!channel&gt; &amp; me"
    )


def test_a_parent_message_that_is_cut_says_so():
    assert blocks.parent("U0DEV", "x" * 2_503).endswith("xxx … (3 more characters)")


def test_notifications_show_the_beginning():
    [message] = blocks.messages(question(answer="**Hello** " + "word " * 60))

    assert message.text.startswith("**Hello** word word")
    assert message.text.endswith(" …")
    assert len(message.text) <= blocks.PREVIEW_MAX + 2


@pytest.mark.parametrize(("grant_helps", "shown"), [(True, True), (False, False)])
def test_where_a_grant_would_help_the_way_to_it_is_said(grant_helps, shown):
    refusal = {"layer": "role", "rule": "r", "reason": "No.", "fix": "", "grant_helps": grant_helps}
    outcome = question(calls=[call(state="refused", refusal=refusal)])
    page = "https://omni2.example.com/conversation/1"

    [message] = blocks.messages(outcome, page=page)

    assert (f"Request access on the question's page: {page}" in written(message)) == shown
