"""Consent of two records that are one: the strictest of both, and what was said since then."""

from dataclasses import replace

from workflows.state import Consent
from workflows.turn import Turn


def take(turn: Turn, theirs: list[Consent]) -> list[tuple[str, str]]:
    """Take the strictest of both; return where a no is new to this record.

    What was said since they are one is no word of another record: the most recent one counts.
    """
    said_no: list[tuple[str, str]] = []
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
    _as_of_now(turn)
    return said_no


def _as_of_now(turn: Turn) -> None:
    """Have each no hold from the merge on: a yes of before, heard later, may be the other's."""
    for way, word in turn.state.consents.items():
        if not word.granted and word.at < turn.time:
            turn.state.consents[way] = replace(word, at=turn.time)
            turn.changes.consents.append(turn.state.consents[way])


def come_back(turn: Turn) -> None:
    """Have the contact be back in what it came back to since the two records are one."""
    topics = turn.doc.get("unsubscribed", ())
    words = turn.state.consents
    left = [each for each in topics
            if (word := words.get(("email", each))) is None or not word.granted]  # fmt: skip
    if len(left) < len(topics):
        turn.doc["unsubscribed"] = left
