"""Share codes: whose they are, and how often their links were followed.

A code is an actor of its own that knows its contact. What names a code and no contact is handed
on to whoever's it is.
"""

from events.referrals import code_key
from workflows.state import Doc, iso
from workflows.turn import Turn

CODES_MAX = 50
"""Codes of one contact, and of how many of them clicks are counted."""


def claim(turn: Turn) -> None:
    """Tell the contact's codes whose they are; the first who has a code keeps it."""
    claimed = turn.doc.setdefault("claimed", [])
    codes = turn.doc.get("codes")
    for code in codes[:CODES_MAX] if isinstance(codes, list) else ():
        key = code_key(str(code))
        if key and key not in claimed:
            claimed.append(key)
            turn.forward(f"code/{key}", {
                "id": f"{turn.mark}/{key}/claimed", "source": "vouch", "type": "code.claimed",
                "fact": True, "time": iso(turn.time), "contact": "",
                "data": {"contact": turn.contact},
            })  # fmt: skip
    turn.save()


def claimed(turn: Turn, event: Doc) -> bool:
    """Remember whose this code is."""
    if not turn.doc.get("contact"):
        turn.doc["contact"] = event["data"]["contact"]
        turn.save()
    return False


def passed_on(turn: Turn, event: Doc) -> bool:
    """Hand an event that names only a code on to its contact; False where this is no code."""
    if not turn.state.actor.startswith("code/"):
        return False
    contact = turn.doc.get("contact")
    if contact:
        turn.forward(f"contact/{contact}", {**event, "contact": contact})
    else:
        turn.fact(
            "event.rejected", event["id"], event=event["id"], type=event["type"],
            reason="unknown_code", field="data.code",
        )  # fmt: skip
    return True


def clicked(turn: Turn, event: Doc) -> bool:
    """Count a click by a person; mail scanners follow links as well."""
    if passed_on(turn, event):
        return False
    if not event["data"].get("bot") and turn.contact:
        clicks: dict[str, int] = turn.doc.setdefault("clicks", {})
        code = str(event["data"]["code"])
        if code in clicks or len(clicks) < CODES_MAX:
            clicks[code] = clicks.get(code, 0) + 1
            turn.save()
    return True


def planted(actors: dict[str, Doc]) -> dict[str, Doc]:
    """Return the actors of the codes that contacts have, for those who store them as they are."""
    found: dict[str, Doc] = {}
    for key, doc in sorted(actors.items()):
        if key.startswith("contact/"):
            for code in doc.get("codes", ()):
                found.setdefault(f"code/{code_key(str(code))}", {"contact": doc["id"]})
    return found
