"""Consent of two records that are one: the strictest of both, and what was said since then."""

from datetime import datetime
from typing import TypeAlias

from workflows.state import Consent, Doc, instant, iso
from workflows.turn import Turn

Way: TypeAlias = tuple[str, str]
"""A channel and a topic."""


def take(turn: Turn, them: str, theirs: list[Consent]) -> list[Way]:
    """Take the strictest of both; return where a no is new to this record.

    What was said since they are one is no word of another record: the most recent one counts.
    """
    said_no: list[Way] = []
    words = [(turn.contact, each) for each in turn.state.consents.values()]
    left: dict[Way, set[str]] = {}
    for name, word in (*words, *((them, each) for each in theirs)):
        if not word.granted and word.at <= turn.time:
            left.setdefault((word.channel, word.topic), set()).add(name)
    _note(turn, left)
    for other in theirs:
        way = (other.channel, other.topic)
        known = turn.state.consents.get(way)
        if known is None:
            word = other
        elif max(known.at, other.at) > turn.time:
            word = max(known, other, key=lambda each: (each.at, not each.granted))
        elif not other.granted or known.granted:
            # A no counts though it is older; a yes is as old as the younger of both.
            word = Consent(turn.state.actor, *way, granted=other.granted,
                           at=max(known.at, other.at), source=other.source)  # fmt: skip
        else:
            continue
        word.actor = turn.state.actor
        if not word.granted and (known is None or known.granted):
            said_no.append(way)
        turn.state.consents[way] = word
        turn.changes.consents.append(word)
        topics = turn.doc.get("unsubscribed", [])
        if other.channel == "email" and not word.granted and other.topic not in topics:
            turn.doc["unsubscribed"] = sorted([*topics, other.topic])
    return said_no


def _note(turn: Turn, said: dict[Way, set[str]]) -> None:
    """Remember which record left what: a yes of before, heard later, may be the other's."""
    for (channel, topic), names in said.items():
        kept = turn.doc.setdefault("left_by", {}).setdefault(f"{channel}/{topic}", {"by": []})
        kept |= {"by": sorted({*kept["by"], *names}), "until": iso(turn.time)}


def stands(turn: Turn, channel: str, topic: str, at: datetime, event: Doc) -> bool:
    """Tell whether another record's no stands against a yes of when they were two."""
    kept = turn.doc.get("left_by", {}).get(f"{channel}/{topic}")
    if not kept or at > instant(kept["until"]):
        return False
    return bool(set(kept["by"]) - {event.get("was") or turn.contact})


def come_back(turn: Turn) -> None:
    """Have the contact be back in what it came back to since the two records are one."""
    topics = turn.doc.get("unsubscribed", ())
    words = turn.state.consents
    left = [each for each in topics
            if (word := words.get(("email", each))) is None or not word.granted]  # fmt: skip
    if len(left) < len(topics):
        turn.doc["unsubscribed"] = left
