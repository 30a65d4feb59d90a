"""Plays recorded events on a virtual clock: what would happen, without any of it happening."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import orjson

from events.errors import VouchError
from events.values import parse_instant
from workers.scenarios.local import is_day, is_instant, to_utc
from workers.scenarios.seen import Rows, told
from workers.sentences import sentence, when
from workers.trial import Trial
from workflows.loaded import Loaded
from workflows.state import iso
from workflows.wallclock import zone_or

LINES_MAX = 1_000_000
"""Most events of one simulation."""

Format = Literal["text", "jsonl"]
_NOT_ENTERED = ("event.rejected", "event.duplicate")
FORMATS: tuple[Format, ...] = get_args(Format)


MALFORMED = "malformed"
"""Why a line was refused that is no event at all."""


class SimulationError(VouchError):
    """Nothing that a simulation could play."""

    code = "simulation"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, when it reaches us, and in which line it stands."""

    at: datetime
    event: Any
    line: int = 0


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no event, and why."""

    line: int
    why: str


def simulate(loaded: Loaded, lines: Iterable[str | bytes], until: datetime | None = None) -> Rows:
    """Return the facts that a programme makes of recorded events, until `until` or the last one.

    A line is an event as intake takes it, which arrives at its `time`; or
    `{"arrival": ..., "event": {...}}`, as `vouch demo generate` writes it. They are played in
    order of arrival, whatever their order in the file; what intake takes or refuses is among the
    facts as `event.accepted`, `event.rejected` or `event.duplicate`. So is a line that is no
    event, by its number: the others are played all the same.

    Raises:
        SimulationError: There is no line that can be played.
        TrialStuckError: Two workflows start each other for ever.
    """
    given = list(read(lines))
    unreadable = [each for each in given if isinstance(each, Unreadable)]
    arrivals = sorted(
        (each for each in given if isinstance(each, Arrival)), key=lambda each: each.at
    )
    if not arrivals:
        why = f": line {unreadable[0].line} {unreadable[0].why}" if unreadable else ""
        hint = "give a file with an event a line"
        raise SimulationError(f"there is no event to play{why}", hint=hint)
    start = arrivals[0].at
    with TemporaryDirectory(prefix="vouch-simulate-") as folder:
        trial = Trial(Path(folder), start, keeps=False)
        try:
            trial.apply(loaded)
            for arrival in arrivals:
                if until is not None and arrival.at > until:
                    break
                trial.reach(arrival.at)
                trial.app.publish([arrival.event])
            trial.advance(until or arrivals[-1].at)
            return _history(*told(trial.store), unreadable, start)
        finally:
            trial.close()


def read(lines: Iterable[str | bytes]) -> Iterator[Arrival | Unreadable]:
    """Give the events of a file, an event a line; blank lines are passed over.

    Raises:
        SimulationError: There are too many of them.
    """
    for number, line in enumerate(lines, 1):
        if number > LINES_MAX:
            raise SimulationError(f"more than {LINES_MAX} lines", hint="simulate a part of them")
        if line.strip():
            yield _arrival(number, line)


def _arrival(number: int, line: str | bytes) -> Arrival | Unreadable:
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Unreadable(number, f"is not JSON: {error.msg}, column {error.colno}")
    if not isinstance(told, dict):
        return Unreadable(number, "is no object: write one event a line")
    wrapped = "arrival" in told and "event" in told
    at, event = (told["arrival"], told["event"]) if wrapped else (told.get("time"), told)
    try:
        return Arrival(parse_instant(str(at)), event, number)
    except ValueError:
        return Unreadable(number, 'has no time, such as "time": "2027-02-05T14:40:00Z"')


def to_lines(facts: Rows, loaded: Loaded, form: Format = "text") -> Iterator[str]:
    """Give the facts of a simulation, a line each: sentences for people, or JSON."""
    zone = _zone(loaded)
    for fact in facts:
        if form == "text":
            who = f"{fact['contact']}: " if fact["contact"] else ""
            yield f"{when(fact['at'], zone)}  {who}{_sentence(fact, zone)}"
        else:
            yield json.dumps({**fact, "at": iso(fact["at"])}, ensure_ascii=False)


def _sentence(fact: dict[str, Any], zone: ZoneInfo) -> str:
    data = fact.get("data", {})
    if data.get("reason") == MALFORMED and "line" in data:
        return f"line {data['line']} was refused: it {data['error']}"
    told = sentence(fact, zone)
    if fact["fact"] == "event.duplicate":
        told = f"{data.get('type')} was here before"
    return f"{told} (event {data.get('event')})" if fact["fact"] in _NOT_ENTERED else told


def until_of(text: str, loaded: Loaded) -> datetime:
    """Return the instant of an `--until`: the programme's wall clock, unless it has an offset.

    Raises:
        SimulationError: It is no instant and no date.
    """
    if not is_instant(text) and not is_day(text):
        raise SimulationError(f"{text!r} is no instant", hint="write it as 2027-02-11T16:00")
    return to_utc(text, _zone(loaded))


def _zone(loaded: Loaded) -> ZoneInfo:
    return zone_or(loaded.policies.zone, ZoneInfo("UTC"))[0]


def _history(
    entered: Rows, facts: Rows, rejects: Rows, unreadable: Iterable[Unreadable], start: datetime
) -> Rows:
    """Return the facts in order of time, with those of events that entered and that did not.

    Lines that say no time come first: nobody knows when they would have been.
    """
    accepted = [
        {
            "at": row["arrived"], "fact": "event.accepted", "key": row["id"],
            "contact": row["contact"], "cause": row["id"],
            "data": {"event": row["id"], "type": row["type"]},
        }
        for row in entered
    ]  # fmt: skip
    unread = [
        {
            "at": start, "fact": "event.rejected", "key": f"line/{each.line}",
            "contact": "", "cause": "",
            "data": {"line": each.line, "reason": MALFORMED, "error": each.why},
        }
        for each in unreadable
    ]  # fmt: skip
    refused = [
        {
            "at": row["at"], "fact": f"event.{row['verdict']}", "key": row["event"],
            "contact": "", "cause": "",
            "data": {n: row[n] for n in ("event", "type", "reason", "field") if row[n]},
        }
        for row in rejects
    ]  # fmt: skip
    return sorted([*unread, *accepted, *refused, *facts], key=lambda fact: fact["at"])
