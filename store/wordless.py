"""What is left of a row when its words are taken out: pure functions of its document.

Scores, amounts, instants, keys and reasons stay; names, addresses and words go.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workflows.records import facts_of
from workflows.state import Doc, slice_of

_WORDS_KEPT = frozenset({
    "answer", "as", "ask", "band", "benefit", "bucket", "by", "channel", "class", "deal",
    "due", "endpoint", "entry", "event", "field", "from_tier", "into", "kind", "lead",
    "locale", "message", "moment", "outcome", "per", "planned", "previous_band", "reason",
    "referral", "response", "side", "stage", "status", "step", "target", "task", "template",
    "tier", "timer", "to", "to_tier", "topic", "touch", "type", "via", "workflow",
})  # fmt: skip
"""Texts that name nobody, as long as they are codes or keys; all others go."""
_EVENT_KEPT = ("id", "source", "type", "time", "contact", "account", "lead", "natural_key")
_LEAD_KEPT = frozenset({"id"})
_STEP_KEPT = frozenset({"outcome", "at", "reason", "amount"})


def event_without(doc: Doc) -> Doc:
    """Return an event: who, what and when, its numbers, and the words that name nobody."""
    kept = {name: doc[name] for name in _EVENT_KEPT if name in doc}
    return {**kept, "data": _without(doc.get("data", {})), "erased": True}


def emptied_event(doc: Doc) -> Doc:
    """Return an event that is older than is kept: as of somebody erased, and what was agreed to."""
    kept = event_without(doc)
    del kept["erased"]
    agreed = doc.get("data", {}).get("consent")
    data = {**kept["data"], "consent": agreed} if agreed is not None else kept["data"]
    return {**kept, "data": data, "emptied": True}


def _without(data: Mapping[str, Any]) -> Doc:
    """Return a fact's or event's own fields, without words that may name somebody."""
    found: Doc = {}
    for name, value in data.items():
        if (
            isinstance(value, (bool, int))
            or value is None
            or (isinstance(value, str) and name in _WORDS_KEPT and _is_code(value))
        ):
            found[name] = value
        elif isinstance(value, dict):
            found[name] = (
                {n: v for n, v in value.items() if n in _LEAD_KEPT}
                if name == "lead"
                else _without(value)
            )
    return found


def _is_code(text: str) -> bool:
    """Tell whether a text is a key or a word of ours: what people write, and errors, have blanks.

    A type of a programme's own may have any field, and a step's failure may say upon what.
    """
    return not any(map(str.isspace, text))


def decision_without(doc: Doc) -> Doc:
    """Return a decision: its facts and who looked, without what conditions saw."""
    facts = [
        {**{n: v for n, v in fact.items() if n != "data"}, "data": _without(fact.get("data", {}))}
        for fact in doc.get("facts", ())
    ]
    looked = [_look_without(look) for look in doc.get("looked", ())]
    kept = {name: value for name, value in doc.items() if name in ("type", "runs")}
    return {**kept, "facts": facts, "looked": looked, "erased": True}


def _look_without(look: Any) -> Any:  # noqa: ANN401 - a row, or a mapping
    """Return who looked and why not, without the values that a condition saw."""
    if isinstance(look, list):
        return [*look[:2], [], *look[3:]] if len(look) > 2 else look  # noqa: PLR2004
    return {name: look[name] for name in _LOOK_KEPT if name in look}


_LOOK_KEPT = ("workflow", "version", "per", "refused", "operand", "started", "account", "contact",
              "did", "by", "run", "reason", "idle", "field")  # fmt: skip


def places_named(docs: Sequence[Doc]) -> set[tuple[int, str]]:
    """Return where the messages and calls are that decisions queued: their slices and keys."""
    return {
        (slice_of(f"{kind}/{fact.get('data', {}).get(who, '')}"), str(fact["key"]))
        for doc in docs for fact in facts_of(doc)
        if (who := _WHERE_TO.get(str(fact.get("fact")))) is not None
        for kind in ("staff", "contact", "endpoint")
    }  # fmt: skip


_WHERE_TO = {"message.queued": "to", "call.attempted": "endpoint"}
"""Which field of a fact says where it went."""


def untitled(doc: Doc, title: str = "") -> Doc:
    """Return what a message that has still to leave, or to be skipped, needs for it: no words.

    But for the `title` of a task that names nobody any more.
    """
    task = doc.get("task")
    return {**doc, "task": {**task, "title": title}} if task else doc


def run_without(doc: Doc) -> dict[str, Any]:
    """Return the columns of a run: where it stood, what its steps came to."""
    trigger = {n: v for n, v in doc.get("trigger", {}).items() if n in _EVENT_KEPT}
    steps = {
        name: {n: v for n, v in step.items() if n in _STEP_KEPT and _is_code(str(v))}
        for name, step in doc.get("steps", {}).items()
    }
    kept = {n: doc[n] for n in ("time", "at", "number", "left", "moved_to") if n in doc}
    return {"doc": {**kept, "trigger": {**trigger, "data": {}}, "steps": steps}}


def task_without(doc: Doc) -> dict[str, Any]:
    """Return the columns of a task: how it was assigned, no title, nothing that was said."""
    names = ("via", "case", "version", "flags", "reason", "done_at")
    kept = {n: doc[n] for n in names if n in doc}
    return {"title": "", "doc": kept}
