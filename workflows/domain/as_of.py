"""A contact as it was at an instant: what `rewards.if` reads, where that has a history.

NPS answers have one: the contact keeps each response, and here what a revision replaced. So
have fields of `contact.updated` and `set` that the condition reads: their words are kept from
the first that is heard on. Since when somebody takes part is known. Everything else (an open
case, the level, the firm) is as it is now, or as it was when somebody judged before.

Of two records that are one person only the record's own words count up to the merge, and both
records' afterwards.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.state import Doc, instant
from workflows.turn import Turn

WORDS_MAX = 50
"""Words on a field, and replaced answers, that a contact keeps; the oldest goes first."""
NOW_ONLY = frozenset({
    "id", "name", "open_case", "no_asks", "cooling_until", "held_until", "tier", "balance",
    "unsubscribed", "owner", "account", "referrals", "codes",
})  # fmt: skip
"""What a condition can read of a contact that the engine keeps no history of."""
GIVEN = "seeded"
"""Marks an answer that came with the contact, not by an event."""
_ALWAYS = "0001-01-01T00:00:00Z"


def whose(turn: Turn, event: Doc) -> Doc:
    """Return by which record something was said, where that was merged into this one since."""
    was = event.get("was", "")
    if not turn.programme.earning or was in ("", turn.contact):
        return {}
    return {"of": was, "since": turn.doc.get("joined", {}).get(was, _ALWAYS)}


def replaced(turn: Turn, answer: Doc, until: str) -> None:
    """Keep an answer that another replaced, if it was what counted up to then."""
    if "nps" in turn.programme.earning and instant(answer["at"]) < instant(until):
        names = ("score", "band", "at", "of", "since", GIVEN)
        word = {name: answer[name] for name in names if name in answer}
        _keep(turn.doc.setdefault("nps_was", []), word)


def note(turn: Turn, field: str, value: Any, event: Doc) -> None:  # noqa: ANN401 - any field's
    """Keep a word on a field, before it is taken over: what the field was before it, too."""
    if field not in turn.programme.earning or field in NOW_ONLY:
        return
    words = turn.doc.setdefault("said", {}).setdefault(field, [])
    if not words and field in turn.doc:
        since = turn.doc.get("times", {}).get(field, _ALWAYS)
        words.append({"at": since, "value": turn.doc[field]})
    _keep(words, {"at": event["time"], "value": value, **whose(turn, event)})


def _keep(words: list[Doc], word: Doc) -> None:
    words.append(word)
    words.sort(key=lambda each: instant(each["at"]))
    del words[:-WORDS_MAX]


def seen(turn: Turn) -> Doc:
    """Return what a condition reads that has no history, to be judged by again."""
    contact, account = turn.doc, turn.state.account
    names, firms = turn.programme.earning & NOW_ONLY, turn.programme.earning_firm
    found = {
        "contact": {name: contact[name] for name in sorted(names) if name in contact},
        "account": {name: account[name] for name in sorted(firms) if name in account},
    }
    return found if names or firms else {}


def view(turn: Turn, judged: Doc) -> Doc:
    """Return the contact as it was when something was earned.

    `judged` says when (`at`), by which record (`of`, until it was merged: `since`), and what was
    `seen` then of what has no history.
    """
    doc, at = dict(turn.doc), instant(judged["at"])
    for name in turn.programme.earning - NOW_ONLY:
        if name == "nps":
            _set(doc, name, _nps(turn.doc, judged))
        elif name in ("participant", "participant_since"):
            since = doc.get("participant_since")
            if since and instant(since) > at:
                doc.pop("participant", None)
                doc.pop("participant_since")
        elif words := turn.doc.get("said", {}).get(name):
            counting = [each for each in words if _counts(each, judged)]
            if any(instant(each["at"]) > at for each in words) or len(counting) < len(words):
                last = _last(counting, judged)
                _set(doc, name, last and last["value"])
    if "seen" in judged:
        for name in turn.programme.earning & NOW_ONLY:
            _set(doc, name, judged["seen"]["contact"].get(name))
    return doc


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
    if instant(current["at"]) <= at and _counts(same, judged):
        return current
    counting = [each for each in _answers(doc) if _counts(each, judged)]
    last = _last(counting, judged)
    if last is None:  # what we were given counts for the time before it too: we know no better
        given = [current, *counting] if same.get(GIVEN) and _counts(same, judged) else counting
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


def _counts(word: Mapping[str, Any], judged: Doc) -> bool:
    """Tell whether a word counts: the same record's always, another's since both are one."""
    if word.get("of", "") == judged.get("of", ""):
        return True
    one = max(word.get("since", _ALWAYS), judged.get("since", _ALWAYS), key=instant)
    return instant(judged["at"]) >= instant(one)


def moved(turn: Turn, theirs: Doc, them: str, at: str) -> None:
    """Mark what another record was told, and earned, as that record's own up to a merge."""
    if not turn.programme.earning or them == turn.contact:
        return
    turn.doc.setdefault("joined", {}).setdefault(them, at)
    for doc in (turn.doc, theirs):
        current = doc.get("nps")  # what nobody asked for here is nowhere else
        if current and current.get("response") not in doc.get("responses", {}):
            word = {name: current.get(name, "") for name in ("score", "band", "at")} | {GIVEN: True}
            doc.setdefault("nps_was", []).append(word)
    marked: list[Doc] = [*theirs.get("nps_was", ()), *theirs.get("responses", {}).values()]
    marked += [word for words in theirs.get("said", {}).values() for word in words]
    marked += [each["judged"] for each in theirs.get("unearned", {}).values()]
    marked += [each["judged"] for each in theirs.get("accruals", {}).values() if "judged" in each]
    for each in marked:
        each.setdefault("of", them)
        each["since"] = max(each.get("since", at), at, key=instant)
