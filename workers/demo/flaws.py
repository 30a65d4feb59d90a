"""What goes wrong between systems: things told twice, late, or so that nobody can read them."""

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from workers.demo.lines import Line, minutes, quarter, rfc3339

AGAIN_PER_MILLE = 20
SAME_KEY_PER_MILLE = 15
LATE_PER_MILLE = 25
BROKEN_EACH = 9
"""How many lines of each kind of nonsense there are in a year."""

MAY_BE_LATE = frozenset({"project.delivered", "problem.solved", "compliment.given"})

MISSPELT = {
    "nps.answered": "nps.answred",
    "project.delivered": "project.deliverd",
    "problem.solved": "problem.slved",
    "contact.updated": "contact.update",
    "message.reported": "message.reportd",
}
NO_OBJECTS: tuple[Any, ...] = ("test", 42, ["nps.answered"], None, "<event/>")


def disturb(lines: list[Line], rng: Random) -> list[Line]:
    """Return the lines with a few of them late or repeated, and some nonsense among them.

    Nothing that happened is lost: nonsense comes on top, and what is late does arrive.
    """
    disturbed = [_maybe_late(line, rng) for line in lines]
    extra = [copy for line in disturbed for copy in _copies(line, rng)]
    return disturbed + extra + _nonsense(lines, rng)


def _maybe_late(line: Line, rng: Random) -> Line:
    if line.event["type"] in MAY_BE_LATE and rng.randrange(1_000) < LATE_PER_MILLE:
        return replace(line, arrival=line.arrival + timedelta(days=rng.randint(2, 6)))
    return line


def _copies(line: Line, rng: Random) -> list[Line]:
    """Return what a source sends twice: by its own retry, or as a new delivery of one fact."""
    copies = []
    if rng.randrange(1_000) < AGAIN_PER_MILLE:
        copies.append(replace(line, arrival=line.arrival + minutes(rng, 0, 90)))
    if "naturalkey" in line.event and rng.randrange(1_000) < SAME_KEY_PER_MILLE:
        event = {**line.event, "id": f"{line.event['id']}-again"}
        copies.append(Line(line.arrival + minutes(rng, 5, 3_000), line.via, event))
    return copies


def _nonsense(lines: list[Line], rng: Random) -> list[Line]:
    answers = [line for line in lines if line.event["type"] == "nps.answered"]
    named = [line for line in lines if line.event["type"] in MISSPELT]
    broken = []
    for number in range(BROKEN_EACH):
        broken += [
            _changed(rng.choice(answers), number, "incomplete", score=None),
            _changed(rng.choice(answers), number, "off-scale", score=rng.choice((11, 12, 99, -1))),
            _misspelt(rng.choice(named), number),
            _from_the_future(rng.choice(answers), number, rng),
            replace(rng.choice(answers), event=NO_OBJECTS[number % len(NO_OBJECTS)]),
        ]
    return broken


def _fresh(line: Line, number: int, what: str) -> dict[str, Any]:
    event: dict[str, Any] = deepcopy(line.event)
    event["id"] = f"{event['source']}-{what}-{number + 1}"
    event.pop("naturalkey", None)
    return event


def _changed(line: Line, number: int, what: str, *, score: int | None) -> Line:
    """Return an answer of its own whose score is missing, or none of the scale."""
    event = _fresh(line, number, what)
    event["data"]["response"] = f"{event['data']['response']}-{what}"
    if score is None:
        del event["data"]["score"]
    else:
        event["data"]["score"] = score
    return replace(line, event=event)


def _misspelt(line: Line, number: int) -> Line:
    event = _fresh(line, number, "misspelt")
    event["type"] = MISSPELT[event["type"]]
    return replace(line, event=event)


def _from_the_future(line: Line, number: int, rng: Random) -> Line:
    """Return an answer that a clock two to nine days ahead has dated."""
    event = _fresh(line, number, "ahead")
    event["time"] = rfc3339(quarter(line.arrival + timedelta(days=rng.randint(2, 9))))
    return replace(line, event=event)
