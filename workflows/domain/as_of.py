"""A contact as it was at an instant: what `rewards.if` and a contest's conditions read of it.

NPS answers have a history: the contact keeps each response, and here what a revision replaced.
So have fields of `contact.updated` and `set` that a condition reads: their words are kept from
the first that is heard on. So have cases, and the level goes by what had been counted. Since
when somebody takes part is known. Everything else (a firm, consent, what may not be asked) is as
it is now, or as it was when somebody judged before.

Of two records that are one person only the record's own words count up to the merge, and both
records' afterwards.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from workflows.domain import joined, tiers
from workflows.state import Doc, instant, iso
from workflows.turn import Turn

WORDS_MAX = 50
"""Words on a field, and replaced answers, that a contact keeps; the oldest goes first."""
NOW_ONLY = frozenset({
    "id", "name", "no_asks", "cooling_until", "held_until", "balance", "unsubscribed", "owner",
    "account", "referrals", "codes",
})  # fmt: skip
"""What a condition can read of a contact that the engine keeps no history of."""
_ENGINES = NOW_ONLY | {"open_case", "tier"}
"""What no event says of a contact."""
GIVEN = "seeded"
"""Marks an answer that came with the contact, not by an event."""
_ALWAYS = "0001-01-01T00:00:00Z"


def whose(turn: Turn, event: Doc) -> Doc:
    """Return by which record something was said, where that was merged into this one since."""
    was = joined.record_of(turn.doc, event) if turn.programme.dated else ""
    if not was:
        return {}
    return {"of": was}


def replaced(turn: Turn, answer: Doc, until: str) -> None:
    """Keep an answer that another replaced, if it was what counted up to then."""
    if "nps" in turn.programme.dated and instant(answer["at"]) < instant(until):
        names = ("score", "band", "at", "response", "of", GIVEN)
        word = {name: answer[name] for name in names if name in answer}
        _keep(turn.doc.setdefault("nps_was", []), word)


def note(turn: Turn, field: str, value: Any, event: Doc) -> None:  # noqa: ANN401 - any field's
    """Keep a word on a field, before it is taken over: what the field was before it, too."""
    if field in _ENGINES or field not in turn.programme.dated:
        return
    words = turn.doc.setdefault("said", {}).setdefault(field, [])
    if not words and field in turn.doc:
        since = turn.doc.get("times", {}).get(field, _ALWAYS)
        words.append({"at": since, "value": turn.doc[field]})
    _keep(words, {"at": event["time"], "value": value, **whose(turn, event)})


def case(turn: Turn, key: str, since: datetime) -> None:
    """Keep since when a task has its contact have an open case."""
    if "open_case" in turn.programme.dated:
        word = {"key": key, "at": iso(since), **whose(turn, turn.event or {})}
        _keep(turn.doc.setdefault("cases", []), word)
        turn.doubt(since)


def case_over(turn: Turn, key: str) -> None:
    """Keep until when a task had its contact have an open case."""
    for word in turn.doc.get("cases", ()):
        if word["key"] == key:
            word["to"] = iso(turn.time)
            turn.doubt(turn.time)


def _keep(words: list[Doc], word: Doc) -> None:
    words.append(word)
    words.sort(key=lambda each: instant(each["at"]))
    del words[:-WORDS_MAX]


def seen(turn: Turn, reads: AbstractSet[str], firms: AbstractSet[str]) -> Doc:
    """Return what a condition reads that has no history, to be judged by again."""
    contact, account = turn.doc, turn.state.account
    names = reads & NOW_ONLY
    found = {
        "contact": {name: contact[name] for name in sorted(names) if name in contact},
        "account": {name: account[name] for name in sorted(firms) if name in account},
    }
    return found if names or firms else {}


def view(turn: Turn, judged: Doc, reads: AbstractSet[str]) -> Doc:
    """Return the contact as it was at an instant, as far as a condition `reads` it.

    `judged` says when (`at`), by which record (`of`), and what was
    `seen` then of what has no history.
    """
    doc = dict(turn.doc)
    for name in reads - NOW_ONLY:
        _set(doc, name, _then(turn, name, judged))
    if "seen" in judged:
        for name in reads & NOW_ONLY:
            _set(doc, name, judged["seen"]["contact"].get(name))
    return doc


def _then(turn: Turn, name: str, judged: Doc) -> Any:  # noqa: ANN401 - any field's
    """Return what a field was; None for nothing."""
    doc, at = turn.doc, instant(judged["at"])
    match name:
        case "nps":
            return _nps(doc, judged)
        case "participant" | "participant_since":
            since = doc.get("participant_since")
            return None if since and instant(since) > at else doc.get(name)
        case "open_case":
            return _had_case(doc, judged)
        case "tier":
            return tiers.as_of(turn, at) or None
        case _:
            pass
    words = doc.get("said", {}).get(name, ())
    counting = [each for each in words if _counts(doc, each, judged)]
    if any(instant(each["at"]) > at for each in words) or len(counting) < len(words):
        last = _last(counting, judged)
        return last and last["value"]
    return doc.get(name)


def has_case(doc: Doc, at: datetime) -> bool:
    """Tell whether a case is known to have been open at an instant, of whichever record."""
    return any(
        instant(each["at"]) <= at and ("to" not in each or at < instant(each["to"]))
        for each in doc.get("cases", ())
    )


def _had_case(doc: Doc, judged: Doc) -> bool:
    """Tell whether a case was open at an instant: from the one at which it opened on."""
    cases = doc.get("cases", ())
    if doc.get("open_case") and all("to" in each for each in cases):
        return True  # one that nobody dated
    counting = [each for each in cases if _counts(doc, each, judged)]
    return has_case({"cases": counting}, instant(judged["at"]))


def _set(doc: Doc, name: str, value: Any) -> None:  # noqa: ANN401 - any field's
    if value is None:
        doc.pop(name, None)
    else:
        doc[name] = value


def _nps(doc: Doc, judged: Doc) -> Doc | None:
    """Return the answer that counted then: the newest of those that had been given."""
    current: Doc | None = doc.get("nps")
    if current is None:
        return None
    same = doc.get("responses", {}).get(current.get("response"), {GIVEN: True})
    at = instant(judged["at"])
    if instant(current["at"]) <= at and _counts(doc, same, judged):
        return current
    counting = [each for each in _answers(doc) if _counts(doc, each, judged)]
    last = _last(counting, judged)
    if last is None:  # what we were given counts for the time before it too: we know no better
        given = [current, *counting] if same.get(GIVEN) and _counts(doc, same, judged) else counting
        given = [each for each in given if each is current or each.get(GIVEN)]
        last = min(given, key=lambda each: instant(each["at"]), default=None)
    return last and {name: last.get(name, "") for name in ("score", "band", "at")}


def _answers(doc: Doc) -> Iterator[Mapping[str, Any]]:
    yield from doc.get("nps_was", ())
    yield from doc.get("responses", {}).values()


def _last(words: Any, judged: Doc) -> Any:  # noqa: ANN401 - lists of words of either kind
    at = instant(judged["at"])
    past = [each for each in words if instant(each["at"]) <= at]
    return max(past, key=lambda each: instant(each["at"]), default=None)


def _counts(doc: Doc, word: Mapping[str, Any], judged: Doc) -> bool:
    """Tell whether a word counts: the same record's always, another's since both are one."""
    since = joined.together(doc, word.get("of", ""), judged.get("of", ""))
    return instant(judged["at"]) >= instant(since)


def moved(turn: Turn, theirs: Doc, them: str) -> None:
    """Mark what another record was told, and earned, as that record's own up to a merge."""
    if not turn.programme.dated or them == turn.contact:
        return
    for doc in (turn.doc, theirs):
        current = doc.get("nps")  # what nobody asked for here is nowhere else
        if current and current.get("response") not in doc.get("responses", {}):
            word = {name: current.get(name, "") for name in ("score", "band", "at")} | {GIVEN: True}
            doc.setdefault("nps_was", []).append(word)
    marked: list[Doc] = [*theirs.get("nps_was", ()), *theirs.get("responses", {}).values()]
    marked += [word for words in theirs.get("said", {}).values() for word in words]
    marked += theirs.get("cases", ())
    marked += [
        each
        for contest in theirs.get("contests", {}).values()
        for each in contest.get("tried", {}).values()
    ]
    marked += [each["judged"] for each in theirs.get("unearned", {}).values()]
    wishes = theirs.get("room", {}).get("out", {}).values()
    earned = [*theirs.get("accruals", {}).values(), *wishes]
    marked += [each["judged"] for each in earned if "judged" in each]
    for each in marked:
        each.setdefault("of", them)
