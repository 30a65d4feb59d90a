"""What a scenario may hold and is hardly meant: warned of, since a test may be about it."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from events.errors import VouchError, did_you_mean
from events.refusals import EventError
from workers.scenarios.form import Happening, Scenario
from workers.scenarios.local import to_utc
from workers.scenarios.standins import with_stand_ins
from workflows.check.context import CHANNELS
from workflows.check.findings import Finding
from workflows.check.policies import BUILT_IN_CLASS
from workflows.check.sources import catalogue_of
from workflows.check.words import ASSIGNED, TASK_TEMPLATES
from workflows.loaded import Loaded
from workflows.walking import walk
from workflows.yaml_document import Document, Loc

OUTCOMES = {
    "asks": ("answered", "declined", "silent", "withdrawn", "skipped", "snoozed"),
    "moments": ("chosen", "absorbed", "held", "expired"),
}
"""By section of `expect`: what a row's `outcome` can be."""


ENDINGS = ("done", "failed", "restarted", "cancelled", "merged", "erased")
"""How a run of any workflow can end, beside its exits and stops."""


class Doubts:
    """Looks for what a scenario hardly means."""

    def __init__(
        self, document: Document, scenario: Scenario, laid: Loaded, zone: ZoneInfo
    ) -> None:
        self.document = document
        self.scenario = scenario
        self.laid = laid
        self.zone = zone
        self.catalogue, _ = catalogue_of(laid)

    def findings(self) -> list[Finding]:
        """Return a warning for each doubt."""
        return [*self._twice(), *self._times(), *self._events(), *self._history(), *self._rows()]

    def _twice(self) -> Iterator[Finding]:
        """Give people and customers who are given twice: the later one silently wins."""
        scenario = self.scenario
        given: dict[str, list[str]] = {
            "contacts": [row.id for row in scenario.contacts],
            "accounts": [row.id for row in scenario.accounts],
        }
        for section, ids in given.items():
            first: dict[str, int] = {}
            for number, id_ in enumerate(ids):
                if id_ in first:
                    line = self.document.position((section, first[id_])).line
                    message = f'"{id_}" is given twice; the first is in line {line}'
                    yield self._doubt("V018", (section, number, "id"), message, "give another id")
                first.setdefault(id_, number)

    def _times(self) -> Iterator[Finding]:
        """Give what comes after the end: it never happens."""
        if not self.scenario.until:
            return
        end = to_utc(self.scenario.until, self.zone)
        if end < to_utc(self.scenario.at, self.zone):
            message = "the scenario ends before its clock starts"
            yield self._doubt("V015", ("until",), message, "write a later instant than at:")
            return
        for number, entry in enumerate(self.scenario.events):
            if to_utc(entry.at, self.zone) > end:
                message = f"this never happens: the scenario ends at {self.scenario.until}"
                help_ = "move until: behind it, or the event before it"
                yield self._doubt("V076", ("events", number, "at"), message, help_)

    def _events(self) -> Iterator[Finding]:
        """Give events that will be refused, where no row of `rejected` says that they are."""
        rows = self.scenario.expect.get("rejected") or ()
        meant = {row.get("type", "") for row in rows if isinstance(row, dict)}
        for number, entry in enumerate(self.scenario.events):
            at: Loc = ("events", number)
            if entry.is_webhook or "" in meant or entry.type in meant:
                continue
            if entry.type not in self.catalogue.types:
                help_ = did_you_mean(entry.type, self.catalogue.types)
                message = f'unknown event type "{entry.type}": the event will be rejected'
                yield self._doubt("V040", (*at, "type"), message, help_)
            else:
                yield from self._data(at, entry)

    def _data(self, at: Loc, entry: Happening) -> Iterator[Finding]:
        fields = self.catalogue.fields(entry.type)
        misspelt = {
            name: close[0]
            for name in entry.data
            if name not in fields and (close := get_close_matches(name, fields, n=1, cutoff=0.75))
        }
        for name, nearest in misspelt.items():
            message = f'unknown field of {entry.type} "{name}"'
            place = (*at, "data", name)
            yield self._doubt("V010", place, message, f'did you mean "{nearest}"?', key=True)
        given: dict[str, Any] = {"task": "t", "ask": "a", "by": "p"} if "." in entry.type else {}
        given = {name: value for name, value in given.items() if name in fields}
        try:
            self.catalogue.check(entry.type, {**given, **entry.data})
        except EventError as error:
            name = error.field.removeprefix("data.")
            if name not in misspelt.values():
                place = (*at, "data", *name.split("."))
                hint = error.hint or "or list it under expect: rejected:"
                yield self._doubt("V013", place, f"the event will be rejected: {error}", hint)
        except VouchError:
            return

    def _history(self) -> Iterator[Finding]:
        """Give channels, kinds of asks, levels and scores of contacts that nobody knows."""
        levels = list(self.laid.policies.tiers.levels) if self.laid.policies.tiers else []
        low, high = self.laid.policies.nps.scale
        kinds = [rung.kind for rung in self.laid.policies.asks.ladder]
        for number, row in enumerate(self.scenario.contacts):
            at: Loc = ("contacts", number)
            for channel in row.consent or {}:
                place = (*at, "consent", channel)
                yield from self._known("V046", place, "channel", channel, CHANNELS, key=True)
            topics = {known.consent for known in self.laid.policies.classes.values()} - {""}
            for channel, agreed in (row.consent or {}).items():
                for place_, topic in enumerate(agreed):
                    if topic not in topics and get_close_matches(topic, topics):
                        where = (*at, "consent", channel, place_)
                        yield from self._known("V014", where, "topic", topic, topics)
            if row.tier and levels:
                yield from self._known("V014", (*at, "tier"), "level", row.tier, levels)
            if row.nps is not None and not low <= row.nps.score <= high:
                message = f"{row.nps.score} is outside the scale, {low} to {high}"
                yield self._doubt("V015", (*at, "nps", "score"), message, "no answer gives it")
            for place_, asked in enumerate(row.asked):
                where = (*at, "asked", place_, "kind")
                yield from self._known("V045", where, "kind of ask", asked.kind, kinds)

    def _rows(self) -> Iterator[Finding]:
        """Give names in the rows of `expect` that nothing of the programme bears."""
        policies = self.laid.policies
        written, _ = with_stand_ins(self.laid, self.laid.workflows)
        templates = {*(key.name for key in written.templates), *TASK_TEMPLATES, ASSIGNED}
        known: dict[str, tuple[str, str, Collection[str]]] = {
            "template": ("V051", "template", templates),
            "class": ("V042", "class", (*policies.classes, BUILT_IN_CLASS)),
            "channel": ("V046", "channel", CHANNELS),
            "kind": ("V045", "kind of ask", [rung.kind for rung in policies.asks.ladder]),
        }
        for section, rows in self.scenario.expect.items():
            for number, row in enumerate(rows if isinstance(rows, list) else ()):
                for field, value in row.items() if isinstance(row, dict) else ():
                    at: Loc = ("expect", section, number, field)
                    if field == "as" and section == "runs" and isinstance(value, str):
                        yield from self._ending(at, str(row.get("workflow", "")), value)
                    elif field == "outcome" and section in OUTCOMES and isinstance(value, str):
                        yield from self._known("V017", at, "outcome", value, OUTCOMES[section])
                    elif field in known and isinstance(value, str) and value:
                        yield from self._known(
                            known[field][0], at, known[field][1], value, known[field][2]
                        )

    def _ending(self, at: Loc, workflow: str, name: str) -> Iterator[Finding]:
        """Give a name under which no run of a workflow ends, where one is near."""
        flow = self.laid.workflows.get(workflow)
        if flow is None:
            return
        own = {exit_.as_ for exit_ in flow.exit} | {step.stop for step in walk(flow.steps)}
        known = [*filter(None, own), *ENDINGS]
        if name not in known and get_close_matches(name, known, n=1):
            yield from self._known("V017", at, f"ending of {workflow}", name, known)

    def _known(
        self, code: str, at: Loc, what: str, name: str, known: Collection[str], *, key: bool = False
    ) -> Iterator[Finding]:
        if name not in known and known:
            yield self._doubt(
                code, at, f'unknown {what} "{name}"', did_you_mean(name, known), key=key
            )

    def _doubt(
        self, code: str, loc: Loc, message: str, help_: str, *, key: bool = False
    ) -> Finding:
        spot = self.document.key_position(loc) if key else self.document.position(loc)
        return self.document.finding(code, spot, message, help_, "warning")
