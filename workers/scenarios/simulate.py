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
from workers.scenarios.seen import Rows, Seen, look
from workers.sentences import sentence, when
from workers.trial import Trial
from workflows.load import Loaded
from workflows.state import iso
from workflows.wallclock import zone_or

LINES_MAX = 1_000_000
"""Most events of one simulation."""

Format = Literal["text", "jsonl"]
FORMATS: tuple[Format, ...] = get_args(Format)


class SimulationError(VouchError):
    """A line that no simulation can play."""

    code = "simulation"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, and when it reaches us."""

    at: datetime
    event: Any


def simulate(loaded: Loaded, lines: Iterable[str | bytes], until: datetime | None = None) -> Rows:
    """Return the facts that a programme makes of recorded events, until `until` or the last one.

    A line is an event as intake takes it, which arrives at its `time`; or
    `{"arrival": ..., "event": {...}}`, as `vouch demo generate` writes it. They are played in
    order of arrival, whatever their order in the file; what intake refuses is among the facts
    as `event.rejected` or `event.duplicate`.

    Raises:
        SimulationError: A line is no JSON object, or says no time.
        TrialStuckError: Two workflows start each other for ever.
    """
    arrivals = sorted(read(lines), key=lambda each: each.at)
    start = min((each.at for each in arrivals), default=until)
    if start is None:
        raise SimulationError("there is no event to play", hint="give a file with an event a line")
    with TemporaryDirectory(prefix="vouch-simulate-") as folder:
        trial = Trial(Path(folder), start)
        try:
            trial.apply(loaded)
            for arrival in arrivals:
                if until is not None and arrival.at > until:
                    break
                trial.reach(arrival.at)
                trial.publish([arrival.event])
            trial.advance(until or arrivals[-1].at)
            return _history(look(trial.store))
        finally:
            trial.close()


def read(lines: Iterable[str | bytes]) -> Iterator[Arrival]:
    """Give the events of a file, an event a line; blank lines are passed over.

    Raises:
        SimulationError: A line is no JSON object, or says no time.
    """
    for number, line in enumerate(lines, 1):
        if number > LINES_MAX:
            raise SimulationError(f"more than {LINES_MAX} lines", hint="simulate a part of them")
        if line.strip():
            yield _arrival(number, line)


def _arrival(number: int, line: str | bytes) -> Arrival:
    try:
        told = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise SimulationError(
            f"line {number} is not JSON: {error}", hint="write one event a line"
        ) from None
    if not isinstance(told, dict):
        raise SimulationError(f"line {number} is no object", hint="write one event a line")
    wrapped = "arrival" in told and "event" in told
    at, event = (told["arrival"], told["event"]) if wrapped else (told.get("time"), told)
    try:
        return Arrival(parse_instant(str(at)), event)
    except ValueError:
        raise SimulationError(
            f"line {number} does not say when it happened",
            hint='give it a time: "time": "2027-02-05T14:40:00Z"',
        ) from None


def to_lines(facts: Rows, loaded: Loaded, form: Format = "text") -> Iterator[str]:
    """Give the facts of a simulation, a line each: sentences for people, or JSON."""
    zone = _zone(loaded)
    for fact in facts:
        if form == "text":
            who = f"{fact['contact']}: " if fact["contact"] else ""
            yield f"{when(fact['at'], zone)}  {who}{sentence(fact, zone)}"
        else:
            yield json.dumps({**fact, "at": iso(fact["at"])}, ensure_ascii=False)


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


def _history(seen: Seen) -> Rows:
    """Return the facts in order of time, with those of events that did not enter."""
    refused = [
        {
            "at": row["at"], "fact": f"event.{row['verdict']}", "key": row["event"],
            "contact": "", "cause": "",
            "data": {n: row[n] for n in ("event", "type", "reason", "field") if row[n]},
        }
        for row in seen.rejects
    ]  # fmt: skip
    return sorted([*refused, *seen.facts], key=lambda fact: fact["at"])
