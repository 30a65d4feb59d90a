"""Consent of two records that are one: the strictest of both, and what was said since then.

Every record's last word on a channel and topic is kept (`joined`), and what is true is told anew
from them in order of time, so that a yes or a no that is heard late counts as if in time.
"""

from datetime import datetime, timedelta
from typing import TypeAlias

from workflows.domain import joined
from workflows.state import Consent, Doc, instant
from workflows.turn import Turn

Way: TypeAlias = tuple[str, str]
"""A channel and a topic."""
_NEXT = timedelta(microseconds=1)


def take(turn: Turn, event: Doc) -> list[Way]:
    """Take what is true of all records together; return where a no is new to this one."""
    said_no: list[Way] = []
    for name in joined.ways(turn):
        channel, _, topic = name.partition("/")
        before = turn.state.consents.get((channel, topic))
        refused = before is not None and not before.granted
        if not _true(turn, channel, topic, event) and not refused:
            said_no.append((channel, topic))
    return said_no


def says(turn: Turn, channel: str, topic: str, event: Doc, *, granted: bool) -> bool:
    """Keep a record's word; return whether the contact agrees to that channel and topic now."""
    at = instant(event["time"])
    joined.says(turn, "words", f"{channel}/{topic}", granted, at, event)
    return _true(turn, channel, topic, event, heard=True)


def own_no(turn: Turn, channel: str, topic: str, event: Doc) -> bool:
    """Tell whether the last word of the record that an event is about is a no."""
    record = joined.record_of(turn.doc, event) or turn.contact
    known = turn.doc["records"][record]["words"].get(f"{channel}/{topic}")
    return known is not None and not known[1]


def _true(turn: Turn, channel: str, topic: str, event: Doc, *, heard: bool = False) -> bool:
    """Have the consent be what is true of all records together; return whether it is a yes.

    `heard`: what is handled is a word on it, which intake may have taken down already.
    """
    told = joined.consent(turn, f"{channel}/{topic}")
    known = turn.state.consents.get((channel, topic))
    if told is None:
        return known is None or known.granted
    at, granted = instant(told[0]), bool(told[1])
    if known is not None and known.at > at and known.at > _newest(turn, f"{channel}/{topic}"):
        granted = known.granted  # a word that intake took down, and that is handled later
    elif known is None or (known.at, known.granted) != (at, granted):
        if known is not None and known.at >= at and known.granted != granted:
            at = known.at + _NEXT if granted else known.at  # where it stands the newest wins
        word = Consent(turn.state.actor, channel, topic, granted=granted, at=at,
                       source=f"{event['source']}#{event['id']}")  # fmt: skip
        turn.state.consents[channel, topic] = word
        turn.changes.consents.append(word)
    left = not granted and (heard or known is None or known.granted)
    if channel == "email" and (left or granted):
        topics = set(turn.doc.get("unsubscribed", ()))
        now = topics | {topic} if left else topics - {topic}
        if now != topics:
            turn.doc["unsubscribed"] = sorted(now)
            turn.save()
    return granted


def _newest(turn: Turn, way: str) -> datetime:
    words = (each["words"].get(way) for each in turn.doc["records"].values())
    return max(instant(word[0]) for word in words if word)
