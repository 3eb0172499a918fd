"""Where an answer's figures are from: kept when it ends, shown from the calls' own rows."""

import pytest

from audit.models import Entry
from gateway import present, provenance
from gateway.llm.offline import OfflineModel
from gateway.llm.scripted import ScriptedModel, says, uses
from gateway.models import Call, Question
from tests.ways.asking import asked, put

pytestmark = pytest.mark.django_db(transaction=True)


def ended(cast, text="How many?", *, answer, results=(), person=None, **options):
    """A question that ended with this answer after calls that returned these texts."""
    question = put(cast, person or cast.dev, text, **options)
    for number, result in enumerate(results):
        question.calls.create(
            person=question.person,
            door="cli",
            server="crm",
            tool="list",
            step=f"s{number}",
            state=Call.State.DONE,
            text=result,
            arguments={"limit": 25},
        )
    question.answer, question.state = answer, Question.State.ANSWERED
    question.provenance = provenance.of(question, answer)
    question.save()
    return question


def texts(shown):
    return {name: [one["text"] for one in shown[name]] for name in ("citations", "unsupported")}


def test_each_figure_is_linked_to_its_call_or_to_none(cast):
    question = ended(cast, answer="41 of 1.2 million, not 57", results=['{"a": 1234567, "b": 41}'])
    call = question.calls.get()

    shown = provenance.shown(question)

    assert shown["checked"] == "all"
    assert shown["unsupported"] == [{"text": "57", "kind": "number", "start": 23, "end": 25}]
    assert shown["citations"] == [
        {
            "text": "41", "kind": "number", "start": 0, "end": 2, "status": "found",
            "origin": "result", "call": str(call.pk), "server": "crm", "tool": "list", "how": "",
            "excerpt": '{"a": 1234567, "b": 41}',
        },
        {
            "text": "1.2 million", "kind": "number", "start": 6, "end": 17, "status": "rounded",
            "origin": "result", "call": str(call.pk), "server": "crm", "tool": "list",
            "how": "1234567", "excerpt": '{"a": 1234567, "b": 41}',
        },
    ]  # fmt: skip


def test_what_the_person_and_the_call_said_is_not_unsupported(cast):
    question = ended(cast, "Over 250?", answer="Of 25, none is over 250.", results=["[]"])

    cited = provenance.shown(question)["citations"]

    assert [(one["text"], one["origin"], one["server"]) for one in cited] == [
        ("25", "arguments", "crm"),
        ("250", "question", ""),
    ]
    assert cited[0]["excerpt"] == 'crm/list {"limit": 25}'


def test_an_earlier_result_of_the_same_person_counts_in_its_conversation(cast):
    first = ended(cast, answer="41", results=["b: 41"])
    same = ended(cast, answer="As I said: 41.", conversation=first.conversation_id)
    other = ended(cast, answer="As I said: 41.")

    assert texts(provenance.shown(same)) == {"citations": ["41"], "unsupported": []}
    assert provenance.shown(same)["citations"][0]["origin"] == "earlier"
    assert texts(provenance.shown(other)) == {"citations": [], "unsupported": ["41"]}


def test_somebody_elses_results_never_count(cast):
    first = ended(cast, answer="41", results=["b: 41"])
    Call.objects.update(person=cast.ada)
    same = ended(cast, answer="As I said: 41.", conversation=first.conversation_id)

    assert texts(provenance.shown(same)) == {"citations": [], "unsupported": ["41"]}


def test_refused_and_unknown_calls_are_no_sources(cast):
    question = ended(cast, answer="41", results=["41"])
    assert provenance.of(question, "41")["claims"][0]["status"] == "found"

    for state in (Call.State.REFUSED, Call.State.UNKNOWN, Call.State.STARTED):
        question.calls.update(state=state)
        assert provenance.of(question, "41")["claims"][0]["status"] == "unsupported"


def test_what_a_result_said_is_gone_with_its_row(cast):
    question = ended(cast, answer="41", results=["secret plan: 41"])
    assert "secret plan" in str(provenance.shown(question))
    assert "secret plan" not in str(question.provenance)

    question.calls.update(text="")

    assert provenance.shown(Question.objects.get(pk=question.pk))["citations"][0]["excerpt"] == ""


def test_an_excerpt_is_one_line_around_the_place(cast):
    question = ended(cast, answer="41", results=["a" * 200 + "\n\n n:  41 \t" + "b" * 200])

    assert provenance.shown(question)["citations"][0]["excerpt"] == (
        f"…{'a' * 63} n: 41 {'b' * 68}…"
    )


def test_an_answer_that_cannot_be_looked_at_is_still_an_answer(cast, caplog):
    question = ended(cast, answer="41", results=["41"])

    assert provenance.of(question, None) == {}
    assert "were not checked" in caplog.text
    question.provenance = {}
    assert provenance.shown(question) == {"citations": [], "unsupported": [], "checked": ""}


def test_a_question_keeps_and_records_it_when_it_ends(cast, upstream):
    model = ScriptedModel([uses(("upstream__add", {"a": 40, "b": 2})), says("It is 42, not 57.")])

    question = asked(cast, cast.dev, "What is 40 and 2?", model)

    shown = present.question(question)
    assert texts(shown) == {"citations": ["42"], "unsupported": ["57"]}
    assert shown["citations"][0]["tool"] == "add"
    entry = Entry.objects.get(kind=Entry.Kind.QUESTION_ENDED, question=str(question.pk))
    assert entry.detail["figures"] == {"found": 1, "unsupported": 1}


def test_what_the_offline_router_says_by_itself_claims_nothing(cast):
    tools = "- `omni2_analytics`: `busiest_hours` and 8 more"
    question = ended(cast, answer=tools)

    assert texts(provenance.shown(question))["unsupported"] == ["omni2_analytics", "8"]
    assert provenance.of(question, tools, model="claude")["claims"] != []
    assert provenance.of(question, tools, model="offline") == {"whole": True, "claims": []}


def test_what_the_offline_router_says_of_a_result_is_held_against_it(cast):
    question = ended(cast, answer="41", results=["41"])

    claims = provenance.of(question, "41 and 57", model="offline")["claims"]

    assert [one["status"] for one in claims] == ["found", "unsupported"]


def test_a_question_for_which_the_offline_router_has_no_tool_has_no_marks(cast, upstream):
    question = asked(cast, cast.dev, "Tell me a joke", OfflineModel())

    shown = present.question(question)
    assert " more\n" in question.answer
    assert (shown["checked"], texts(shown)) == ("all", {"citations": [], "unsupported": []})


def test_how_many_of_each_there_are():
    claims = [{"status": "found"}, {"status": "unsupported"}, {"status": "found"}]

    assert provenance.counts({"claims": claims}) == {"found": 2, "unsupported": 1}
    assert provenance.counts({}) == {}
