"""Which records are one person, since when, and what was said under each of them.

A contact that another record was merged into keeps, by record: into which it was merged and
when, and its last word on every field and every consent. What is true now is told anew from
that, in order of time: a word overrides what was true of whoever the record was one with by
then, and a merge joins what was true of both. So a word that is heard after a merge it came
before counts as if it had been heard in time, in whatever order merges and words arrive.

Of a record's words only the last one is needed: whatever an earlier one did to those it was
one with by then, the last one overrides. A contact that nobody merged has nothing of this.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from workflows.domain import blending
from workflows.state import Doc, instant, iso
from workflows.turn import Turn

RECORDS_MAX = 50
"""Records of one person that are told apart; the words of the oldest become the other's."""
ALWAYS = "0001-01-01T00:00:00Z"
_PARTICULARS = ("name", "first_name", "last_name", "email", "phone", "locale", "zone", "segments",
                "owner", "account", "company")  # fmt: skip
_EMPTY: tuple[Any, ...] = (None, "", [], {})

Said = tuple[str, Any]
"""When, and what: `ALWAYS` of what a record came with."""
Join = Callable[[Said, Said], Said]
"""What is true after a merge, of what was true of who remains and of the other."""


def key_of(field: str) -> str:
    """Return where a document holds a field."""
    return "given_name" if field == "name" else field


# -- merges ----------------------------------------------------------------------------------------


def note(turn: Turn, theirs: Doc, event: Doc) -> None:
    """Remember of a record that is merged into this one, before it is taken over."""
    data = event["data"]
    them, through = data["from"], data["through"]
    into = through[1] if len(through) > 1 else turn.contact
    mine = turn.doc.get("records") or {
        turn.contact: _record(turn, turn.doc, _words(turn.state.consents.values()))
    }
    brought = theirs.get("records") or {
        them: _record(turn, theirs, {_way(word): [word["at"], word["granted"]]
                                     for word in data["consents"]})
    }  # fmt: skip
    if them == turn.contact:  # our own pack came back
        records = {**mine, **brought}
    else:
        records = {**brought, **mine}
        records[them] = {**records[them], "into": into, "at": event["time"]}
    while len(records) > RECORDS_MAX:
        _forget(records, turn.contact)
    turn.doc["records"] = records


def _record(turn: Turn, doc: Doc, words: Doc) -> Doc:
    times = doc.get("times", {})
    fields = (*_PARTICULARS, *turn.programme.policies.fields.contact, *times)
    said = {name: [times.get(name, ALWAYS), doc[key_of(name)]]
            for name in fields if name != "consent" and key_of(name) in doc}  # fmt: skip
    met = dict(doc.get("referred", {}).get("met", {}))
    return {"fields": said, "words": words, "met": met}


def _words(consents: Any) -> Doc:  # noqa: ANN401 - consents of a state
    return {f"{each.channel}/{each.topic}": [iso(each.at), each.granted] for each in consents}


def _way(word: Doc) -> str:
    return f"{word['channel']}/{word['topic']}"


def _forget(records: Doc, me: str) -> None:
    """Make the words of the record that was merged first those of whom it was merged into."""
    parents = {each.get("into") for each in records.values()}
    leaves = [name for name in records if name not in parents and name != me]
    oldest = min(leaves, key=lambda name: (instant(records[name].get("at", ALWAYS)), name))
    gone = records.pop(oldest)
    kept = records.get(gone.get("into", me)) or records[me]
    for kind in ("fields", "words"):
        for name, (at, value) in gone[kind].items():
            known = kept[kind].get(name)
            if known is None or instant(known[0]) < instant(at):
                kept[kind][name] = [at, value]


def is_one(turn: Turn) -> bool:
    """Tell whether another record was merged into this contact."""
    return "records" in turn.doc


def record_of(doc: Doc, event: Doc) -> str:
    """Return under which record something was said; '' for this contact's own."""
    records = doc.get("records", ())
    for name in (event.get("of", ""), event.get("was", "")):
        if name in records and name != doc.get("id"):
            return str(name)
    return ""


def together(doc: Doc, one: str, other: str) -> str:
    """Return since when two records ('' is the contact's own) are one person, as an instant."""
    me = str(doc.get("id", ""))
    one, other = one or me, other or me
    if one == other or "records" not in doc:
        return ALWAYS
    ways = [dict(_way_up(doc["records"], each, me)) for each in (one, other)]
    met = next((name for name in ways[0] if name in ways[1]), None)
    if met is None:
        return ALWAYS
    return max(ways[0][met], ways[1][met], key=instant)


def _way_up(records: Doc, name: str, me: str) -> Iterator[tuple[str, str]]:
    """Give what a record was merged into, one after another, and since when it is one with it."""
    since = ALWAYS
    for _ in range(RECORDS_MAX + 1):
        yield name, since
        record = records.get(name, {})
        if name == me or "into" not in record:
            return
        since = max(since, record["at"], key=instant)
        name = record["into"]


def merges(turn: Turn) -> Iterator[tuple[datetime, set[str], set[str]]]:
    """Give every merge in order of time: when it was, who was one with whom on either side."""
    records = turn.doc.get("records", {})
    sides = {name: {name} for name in records}
    edges = ((instant(each["at"]), name) for name, each in records.items() if "into" in each)
    for at, name in sorted(edges):
        theirs = sides[name]
        ours = sides.get(records[name]["into"], sides[turn.contact])
        if ours is theirs:
            continue
        yield at, set(ours), set(theirs)
        ours |= theirs
        for each in theirs:
            sides[each] = ours


# -- what is true now ------------------------------------------------------------------------------


def tell(records: Doc, me: str, kind: str, name: str, join: Join) -> Said | None:
    """Return what is true of everybody together, told anew in order of time."""
    steps: list[tuple[datetime, int, str, Any]] = []
    for record, known in records.items():
        if name in known[kind]:
            at, value = known[kind][name]
            steps.append((instant(at), 0, record, (at, value)))
        if "into" in known:
            steps.append((instant(known["at"]), 1, record, known["into"]))
    true: dict[str, Said] = {}
    roots = {record: record for record in records}
    for _, is_merge, record, said in sorted(steps, key=lambda step: _order(step, kind)):
        root = _root(roots, record)
        if not is_merge:
            true[root] = said
            continue
        into = _root(roots, said if said in roots else me)
        if into == root:
            continue
        roots[root] = into
        theirs = true.pop(root, None)
        if theirs is not None:
            true[into] = join(true[into], theirs) if into in true else theirs
    return true.get(_root(roots, me))


def _order(step: tuple[datetime, int, str, Any], kind: str) -> tuple[Any, ...]:
    """Of one instant words come before merges, and a yes before a no, which so wins."""
    at, is_merge, record, said = step
    refuses = kind == "words" and not is_merge and not said[1]
    return at, is_merge, refuses, record


def _root(roots: dict[str, str], name: str) -> str:
    while roots[name] != name:
        name = roots[name]
    return name


def primary(ours: Said, theirs: Said) -> Said:
    """Return the word of who remains; where it has none, the other's; of lists both."""
    if ours[1] in _EMPTY:
        return theirs
    return ours[0], blending.both(ours[1], theirs[1])


def _strictest(ours: Said, theirs: Said) -> Said:
    """Return a no where either is one; as new as the newer of both."""
    return max(ours[0], theirs[0], key=instant), ours[1] and theirs[1]


def consent(turn: Turn, way: str) -> Said | None:
    """Return what is true of a channel and topic, by all words of all records."""
    return tell(turn.doc["records"], turn.contact, "words", way, _strictest)


def ways(turn: Turn) -> list[str]:
    """Return the channels and topics on which any record has a word."""
    return sorted({way for known in turn.doc["records"].values() for way in known["words"]})


# -- what is said since they are one ---------------------------------------------------------------


def says(turn: Turn, kind: str, name: str, value: Any, at: datetime, event: Doc) -> bool:  # noqa: ANN401
    """Keep a record's word; False where it is older than what that record said."""
    record = turn.doc["records"][record_of(turn.doc, event) or turn.contact]
    known = record[kind].get(name)
    if known is not None:
        before, was = instant(known[0]), known[1]
        if before > at or (kind == "words" and before == at and not was):
            return False
    record[kind][name] = [at.isoformat(), value]
    turn.save()
    return True
