"""Where an answer's figures, dates and names are from: worked out as it ends, kept on its row.

Of the results only places are kept, not text: what a result says is read from the call's own row
when it is shown, so nothing outlives that row.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.citations import Citation, Origin, Source, Status, link
from gateway.llm.offline import OfflineModel
from gateway.models import Call, Question

log = logging.getLogger(__name__)
EXCERPT_AROUND = 70
# So many calls and questions of the conversation before this one are looked at, the last ones.
EARLIER_CALLS = 30
EARLIER_QUESTIONS = 20
_RETURNED = (Call.State.DONE, Call.State.FAILED)


def of(question: Question, answer: str, *, model: str = "") -> dict[str, Any]:
    """What is known of the figures of an answer that `model` gave; empty where nobody could look.

    An answer is not lost because of that: it is shown as one that was not checked.
    """
    if model == OfflineModel.name and not question.calls.exists():
        # The product's own words, about the tools there are: they claim nothing of any data.
        return {"whole": True, "claims": []}
    try:
        linked = link(answer, list(_sources(question)))
    except Exception:
        log.exception("an answer's figures were not checked", extra={"question": str(question.pk)})
        return {}
    return {"whole": linked.whole, "claims": [_kept(one) for one in linked.citations]}


def _sources(question: Question) -> Iterator[Source]:
    """Everything a figure may be from, the likeliest first."""
    own = list(question.calls.order_by("created_at"))
    for call in own:
        if call.state in _RETURNED:
            yield Source(Origin.RESULT, call.text, str(call.pk))
    before = question.conversation.questions.filter(
        person=question.person_id, created_at__lt=question.created_at
    ).order_by("-created_at")[:EARLIER_QUESTIONS]
    earlier = list(before)
    calls = Call.objects.filter(
        question__in=[one.pk for one in earlier], person=question.person_id, state__in=_RETURNED
    )
    for call in calls.order_by("-created_at")[:EARLIER_CALLS]:
        yield Source(Origin.EARLIER, call.text, str(call.pk))
    yield from (Source(Origin.QUESTION, one.text) for one in (question, *earlier))
    yield from (Source(Origin.ARGUMENTS, _made_with(call), str(call.pk)) for call in own)


def _made_with(call: Call) -> str:
    return f"{call.server}/{call.tool} {json.dumps(call.arguments, ensure_ascii=False)}"


def _kept(cited: Citation) -> dict[str, Any]:
    """A citation as it is kept: what it says of the answer, and the place in its source."""
    claim, source = cited.claim, cited.source
    kept = {"kind": claim.kind, "text": claim.text, "start": claim.start, "status": cited.status}
    if source is None:
        return kept
    place = {"origin": source.origin, "call": source.call, "at": cited.at, "length": cited.length}
    return kept | place | {"how": cited.how}


def counts(kept: Mapping[str, Any]) -> dict[str, int]:
    """How many claims there are of each status, as the record says it."""
    found: dict[str, int] = {}
    for claim in kept.get("claims", ()):
        found[claim["status"]] = found.get(claim["status"], 0) + 1
    return found


def shown(row: Question) -> dict[str, Any]:
    """`citations` and `unsupported` as every door shows them, and whether all was looked at.

    `checked` is "all", "part" (there was more than is read) or "" (not looked at).
    """
    kept = row.provenance if row.answer else {}
    claims = kept.get("claims", [])
    calls = _calls_of(row, claims)
    known = [one for one in claims if one["status"] != Status.UNSUPPORTED]
    unknown = [one for one in claims if one["status"] == Status.UNSUPPORTED]
    return {
        "citations": [_place(one) | _from(one, calls) for one in known],
        "unsupported": [_place(one) for one in unknown],
        "checked": ("all" if kept["whole"] else "part") if kept else "",
    }


def _calls_of(row: Question, claims: list[dict[str, Any]]) -> dict[str, Call]:
    """The calls that are cited: those of the question, and earlier ones of the same person."""
    calls = {str(call.pk): call for call in row.calls.all()}
    missing = {one["call"] for one in claims if one.get("call")} - calls.keys()
    if missing:
        found = Call.objects.filter(pk__in=missing, person=row.person_id)
        calls |= {str(call.pk): call for call in found}
    return calls


def _place(claim: Mapping[str, Any]) -> dict[str, Any]:
    start, text = claim["start"], claim["text"]
    return {"text": text, "kind": claim["kind"], "start": start, "end": start + len(text)}


def _from(claim: Mapping[str, Any], calls: Mapping[str, Call]) -> dict[str, Any]:
    call = calls.get(claim["call"])
    return {
        "status": claim["status"],
        "origin": claim["origin"],
        "call": claim["call"] or None,
        "server": call.server if call else "",
        "tool": call.tool if call else "",
        "how": claim["how"],
        "excerpt": _excerpt(claim, call) if call else "",
    }


def _excerpt(claim: Mapping[str, Any], call: Call) -> str:
    """What stands around the place in its source, on one line."""
    text = _made_with(call) if claim["origin"] == Origin.ARGUMENTS else call.text
    start, end = claim["at"] - EXCERPT_AROUND, claim["at"] + claim["length"] + EXCERPT_AROUND
    part = " ".join(text[max(0, start) : end].split())
    return f"{'…' if start > 0 else ''}{part}{'…' if end < len(text) else ''}"
