"""NPS answers: bands, revisions, the contact's score. Source: LANGUAGE section 8, SCENARIOS S4."""

from typing import Any

from workflows.domain import as_of, refusing, themes
from workflows.state import Doc, instant
from workflows.steps import asking
from workflows.turn import Turn

RESPONSES_MAX = 200
"""Responses a contact remembers; the oldest is forgotten, so a revision of it counts anew."""


def band_of(score: int, promoter: int, passive: int) -> str:
    """Return a score's band.

    >>> [band_of(score, 9, 7) for score in (0, 6, 7, 8, 9, 10)]
    ['detractor', 'detractor', 'passive', 'passive', 'promoter', 'promoter']
    """
    if score >= promoter:
        return "promoter"
    return "passive" if score >= passive else "detractor"


def answered(turn: Turn, event: Doc) -> bool:
    """Give an answer its band and set the contact's score.

    The same response again replaces the answer and counts once; an older revision changes
    nothing and starts nothing. A detractor's answer withdraws an open ask at once.
    """
    policy = turn.programme.policies.nps
    data = event["data"]
    score = data["score"]
    low, high = policy.scale
    if not low <= score <= high:
        return refusing.reject(turn, event, "out_of_scale", "data.score")
    responses = turn.doc.setdefault("responses", {})
    known = responses.get(data["response"])
    order = _order(event)
    band = band_of(score, policy.promoter, policy.passive)
    said: Doc = {"score": score, "band": band, "at": event["time"], **as_of.whose(turn, event)}
    if known is not None and _is_older(order, known["order"]):
        as_of.replaced(turn, said, known["at"])
        return False
    if known is not None:
        as_of.replaced(turn, known, event["time"])
    previous = known["band"] if known else ""
    event["data"] = {**data, "band": band, "previous_band": previous}
    responses[data["response"]] = {"order": order, **said, "survey": data.get("survey", "")}
    while len(responses) > RESPONSES_MAX:
        del responses[min(responses, key=lambda name: (responses[name]["at"], name))]
    current = turn.doc.get("nps")
    if current is not None and current.get("response") not in responses:
        as_of.replaced(turn, {**current, as_of.GIVEN: True}, event["time"])
    newest = current is None or instant(current["at"]) <= instant(event["time"])
    if newest or (current or {}).get("response") == data["response"]:
        turn.doc["nps"] = {
            "score": score, "band": band, "at": event["time"], "response": data["response"],
            "improve": data.get("improve", ""), "comment": data.get("comment", ""),
        }  # fmt: skip
    turn.save()
    if turn.programme.themes is not None:
        themes.look(turn, event)
    if band == "detractor":
        asking.withdraw_all(turn, "detractor")
    return True


def _order(event: Doc) -> list[Any]:
    """Return what a later revision has more of: its number, its time."""
    return [int(event["data"].get("revision") or 0), event["time"]]


def _is_older(order: list[Any], known: list[Any]) -> bool:
    """Tell whether a revision is older than the one known: by number where both have one.

    >>> _is_older([1, "2027-01-02T00:00:00Z"], [2, "2027-01-01T00:00:00Z"])
    True
    >>> _is_older([0, "2027-01-02T00:00:00.5Z"], [2, "2027-01-02T00:00:00Z"])
    False
    """
    if order[0] and known[0] and order[0] != known[0]:
        return bool(order[0] < known[0])
    return instant(order[1]) < instant(known[1])
