"""NPS answers: bands, revisions, the contact's score. Source: LANGUAGE section 8, SCENARIOS S4."""

from datetime import datetime
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
    low, high = turn.programme.policies.nps.scale
    if not low <= event["data"]["score"] <= high:
        return refusing.reject(turn, event, "out_of_scale", "data.score")
    if not count(turn, event):
        return False
    if turn.programme.themes is not None:
        themes.look(turn, event)
    if event["data"]["band"] == "detractor":
        asking.withdraw_all(turn, "detractor")
    return True


def count(turn: Turn, event: Doc) -> bool:
    """Count an answer and give it its band; False for an older revision of one that is known."""
    policy, data = turn.programme.policies.nps, event["data"]
    score = data["score"]
    responses = turn.doc.setdefault("responses", {})
    known = responses.get(data["response"])
    order = _order(event)
    band = band_of(score, policy.promoter, policy.passive)
    said: Doc = {"score": score, "band": band, "at": event["time"], **as_of.whose(turn, event)}
    name = {"response": data["response"]}
    if known is not None and _is_older(order, known["order"]):
        as_of.replaced(turn, said | name, known["at"])
        return False
    if known is not None:
        as_of.replaced(turn, known | name, event["time"])
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
    return True


def back_to(turn: Turn, at: datetime) -> None:
    """Let those answers count that were given by an instant, as they were then."""
    doc = turn.doc
    responses: dict[str, Doc] = doc.get("responses", {})
    late = [name for name, each in responses.items() if instant(each["at"]) > at]
    if "nps" not in doc or (not late and instant(doc["nps"]["at"]) <= at):
        return
    past = [each for each in doc.get("nps_was", ()) if instant(each["at"]) <= at]
    for name in late:
        before = [each for each in past if each.get("response") == name]
        del responses[name]
        if before:
            last = max(before, key=lambda each: instant(each["at"]))
            responses[name] = {**_plain(last, name), "order": [0, last["at"]], "survey": ""}
    found = [_plain(each, each.get("response", "")) for each in past]
    found += [_plain(each, name) for name, each in responses.items()]
    if instant(doc["nps"]["at"]) <= at:
        found.append(doc["nps"])
    doc["nps"] = max(found, key=lambda each: instant(each["at"]), default=None)
    if doc["nps"] is None:
        del doc["nps"]


def _plain(said: Doc, response: str) -> Doc:
    found = {name: said[name] for name in ("score", "band", "at")}
    return found | {"response": response} if response else found


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
