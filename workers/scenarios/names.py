"""What a scenario names: workflows, people, steps, sections; only the programme can tell."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from events.errors import did_you_mean
from workers.scenarios.form import Happening, Scenario
from workers.scenarios.local import is_day, is_instant, to_utc
from workers.scenarios.sections import CONTACT, METRICS, NPS, ROWS, SECTIONS, Kind
from workers.trial import OUTCOMES, STATUSES
from workflows.check.findings import Finding
from workflows.check.scenarios import gone
from workflows.loaded import Loaded
from workflows.nodes import flatten
from workflows.wallclock import zone_or
from workflows.yaml_document import Document, Loc

CHANNELS = ("email", "sms")
REVIEW = "review"
"""The task of a review, which is no step of a workflow."""
_KINDS: Mapping[str, Kind] = {
    "string": "string", "int": "int", "bool": "bool", "instant": "instant", "list": "list",
}  # fmt: skip
"""What a field of the programme's own holds, by its type."""


class Names:
    """Looks up every name that a scenario gives."""

    def __init__(
        self, document: Document, scenario: Scenario, laid: Loaded, loaded: Loaded
    ) -> None:
        self.document = document
        self.scenario = scenario
        self.laid = laid
        self.every = loaded.known("workflow")
        self.sources = loaded.known("source")
        self.unread = loaded.unread_of("workflow")
        self.zone = zone_or(laid.policies.zone, ZoneInfo("UTC"))[0]
        self.own = set(laid.policies.fields.contact)

    def findings(self) -> list[Finding]:
        """Return every name that nothing bears, and every value of another kind."""
        return [
            *self._workflows(), *self._people(), *self._outside(), *self._events(),
            *self._expect(),
        ]  # fmt: skip

    # -- what is given -------------------------------------------------------------------------

    def _workflows(self) -> Iterator[Finding]:
        for number, name in enumerate(self.scenario.workflows or ()):
            if name not in self.every:
                yield self._gone(("workflows", number), name)

    def _people(self) -> Iterator[Finding]:
        policies = self.laid.policies
        for number, row in enumerate(self.scenario.contacts):
            yield from self._own(("contacts", number), row.own, CONTACT, policies.fields.contact)
            for place, sent in enumerate(row.sent):
                at = ("contacts", number, "sent", place, "class")
                if sent.class_ not in policies.classes:
                    yield self._unknown("V042", at, "class", sent.class_, policies.classes)
        for number, account in enumerate(self.scenario.accounts):
            known = dict.fromkeys(("id", "name", "owner", "manager", "segments"), "text")
            own = policies.fields.account
            yield from self._own(("accounts", number), account.own, known, own)

    def _own(
        self, at: Loc, given: Mapping[str, Any], known: Mapping[str, Any], own: Mapping[str, Any]
    ) -> Iterator[Finding]:
        for field, value in given.items():
            inner: Loc = (*at, "fields")
            nested = self.document.node(inner)[1] and self.document.node((*inner, field))[1]
            where = (*inner, field) if nested else (*at, field)
            if field not in own:
                yield self._unknown("V010", where, "field", field, [*known, *own], key=True)
            else:
                yield from self._value(where, _KINDS[own[field]], value)

    def _outside(self) -> Iterator[Finding]:
        endpoints = {*self.laid.policies.endpoints, *self.laid.policies.sync}
        known = ("draws", *CHANNELS, *sorted(endpoints))
        for name, said in self.scenario.outside.items():
            at = ("outside", name)
            if name not in known:
                yield self._unknown("V047", at, "channel or endpoint", name, known, key=True)
            elif (name == "draws") != isinstance(said, dict):
                yield self._at("V013", at, "draws are a mapping, all else is a list", "email: [ok]")
            elif name in endpoints:
                for number, word in enumerate(said):
                    if (
                        not (str(word).isdecimal() and int(word) in STATUSES)
                        and word not in OUTCOMES
                    ):
                        where = (*at, number)
                        message = f'"{word}" is no answer of an endpoint'
                        yield self._at("V014", where, message, "a status: 200, 500; or timeout")
            elif name in CHANNELS:
                for number, word in enumerate(said):
                    if word not in OUTCOMES:
                        where = (*at, number)
                        yield self._unknown("V014", where, "outcome", str(word), OUTCOMES)

    def _events(self) -> Iterator[Finding]:
        start = to_utc(self.scenario.at, self.zone)
        steps = {verb: self._steps(verb) for verb in ("task", "ask")}
        steps["task"].add(REVIEW)
        for number, entry in enumerate(self.scenario.events):
            at = ("events", number)
            yield from self._entry(at, entry)
            if to_utc(entry.at, self.zone) < start:
                yield self._at(
                    "V015",
                    (*at, "at"),
                    "this is before the clock starts",
                    "move at: of the scenario",
                )
            for verb, known in steps.items():
                named = getattr(entry, verb)
                if not named:
                    continue
                if not entry.type.startswith(f"{verb}."):
                    message = f"only an event {verb}.... has a {verb}"
                    yield self._at("V010", (*at, verb), message, "leave it out", key=True)
                elif named not in known and not self._may_be_unread():
                    yield self._unknown("V021", (*at, verb), f"{verb} step", named, known)

    def _entry(self, at: Loc, entry: Happening) -> Iterator[Finding]:
        if entry.is_webhook:
            if not entry.source:
                yield self._at(
                    "V011",
                    at,
                    "an event needs a type, a webhook its source and body",
                    "add type: ...",
                )
            elif entry.source not in self.sources:
                yield self._unknown("V053", (*at, "source"), "source", entry.source, self.sources)
        elif entry.headers is not None or entry.body is not None:
            yield self._at(
                "V020", at, "an event has no body or headers, a webhook no type", "keep one kind"
            )
        people = self._contacts()
        if entry.contact and people and entry.contact not in people:
            help_ = did_you_mean(entry.contact, people)
            where = (*at, "contact")
            message = f'no contact "{entry.contact}" is given: the event will make one'
            yield self._at("V053", where, message, help_, warning=True)

    def _contacts(self) -> set[str]:
        """Return everybody who is given, or named as a lead by some event."""
        found = {row.id for row in self.scenario.contacts}
        for entry in self.scenario.events:
            lead = entry.data.get("lead")
            found.add(str(lead.get("id", "")) if isinstance(lead, dict) else str(lead or ""))
        return found - {""}

    def _may_be_unread(self) -> bool:
        """Return whether this scenario plays a workflow of which no step is known."""
        chosen = self.scenario.workflows
        if chosen is None:
            return bool(self.unread)
        return any(name in self.unread or name not in self.every for name in chosen)

    def _steps(self, verb: str) -> set[str]:
        return {
            node.name
            for flow in self.laid.workflows.values()
            for node in flatten(flow).values()
            if node.step.verb == verb
        }

    # -- what is expected ----------------------------------------------------------------------

    def _expect(self) -> Iterator[Finding]:
        expect = self.scenario.expect
        if not expect:
            message = "nothing is expected: the scenario would pass whatever happens"
            yield self._at("V054", ("expect",), message, "name a section, as messages", key=True)
        for section, rows in expect.items():
            at = ("expect", section)
            if section not in SECTIONS:
                yield self._unknown("V010", at, "section", section, SECTIONS, key=True)
            elif section == "metrics":
                yield from self._metrics(at, rows)
            elif not isinstance(rows, list):
                yield self._at("V013", at, "a list is needed here", "[] means none", key=True)
            else:
                yield from self._rows(section, at, rows)

    def _metrics(self, at: Loc, given: object) -> Iterator[Finding]:
        if not isinstance(given, dict):
            yield self._at("V013", at, "a mapping is needed here", "name: number", key=True)
            return
        for name, value in given.items():
            if name not in METRICS:
                yield self._unknown("V010", (*at, name), "metric", name, METRICS, key=True)
            elif value is not None and (not isinstance(value, int) or isinstance(value, bool)):
                yield self._at(
                    "V013", (*at, name), "a whole number is needed here", "count them: 3"
                )

    def _rows(self, section: str, at: Loc, rows: list[Any]) -> Iterator[Finding]:
        kinds: dict[str, Kind] = dict(ROWS.get(section, {}))
        if section == "contacts":
            kinds = {"contact": "text", "at": "at", **CONTACT}
            kinds |= dict.fromkeys(self.own, "any")
        for number, row in enumerate(rows):
            place = (*at, number)
            if not isinstance(row, dict):
                yield self._at("V013", place, "a mapping is needed here", "- {field: value}")
                continue
            if section in ("contacts", "balances") and not row.get("contact"):
                yield self._at(
                    "V011", place, 'the key "contact" is missing here', "add contact: ..."
                )
            for field, value in row.items():
                where = (*place, field)
                if field not in kinds:
                    yield self._unknown("V010", where, "field", field, kinds, key=True)
                else:
                    yield from self._value(where, kinds[field], value)
                if field == "nps" and section == "contacts" and isinstance(value, dict):
                    yield from self._nps(where, value)
            named = row.get("workflow")
            if named and isinstance(named, str) and named not in self.every:
                yield self._gone((*place, "workflow"), named)

    def _nps(self, at: Loc, given: Mapping[str, Any]) -> Iterator[Finding]:
        for field, value in given.items():
            if field not in NPS:
                yield self._unknown("V010", (*at, field), "field", field, NPS, key=True)
            else:
                yield from self._value((*at, field), NPS[field], value)

    def _value(self, at: Loc, kind: Kind, value: object) -> Iterator[Finding]:
        if value is None or kind == "any":
            return
        whole = isinstance(value, int) and not isinstance(value, bool)
        right, what = {
            "at": (is_instant(value), "an instant: 2027-02-11T16:00"),
            "text": (isinstance(value, str) or whole, "text"),
            "string": (isinstance(value, str), "text: in quotes where it looks like a number"),
            "int": (whole, "a whole number"),
            "bool": (isinstance(value, bool), "true or false"),
            "map": (isinstance(value, dict), "a mapping"),
            "list": (isinstance(value, list), "a list"),
            "instant": (is_instant(value) or is_day(value), "an instant: 2027-02-11T16:00"),
        }[kind]
        if not right:
            code = "V031" if kind in ("at", "instant") else "V013"
            yield self._at(
                code, at, f"this needs {what}, or null for none", "write the value itself"
            )

    # -- findings ------------------------------------------------------------------------------

    def _at(
        self,
        code: str,
        loc: Loc,
        message: str,
        help_: str = "",
        *,
        key: bool = False,
        warning: bool = False,
    ) -> Finding:
        spot = self.document.key_position(loc) if key else self.document.position(loc)
        severity = "warning" if warning else "error"
        return self.document.finding(code, spot, message, help_, severity)  # type: ignore[arg-type]

    def _gone(self, loc: Loc, name: str) -> Finding:
        """Report a workflow that there is not: misspelt, or removed while this tells of it."""
        return self._at("V053", loc, f'unknown workflow "{name}"', gone(name, self.every))

    def _unknown(
        self,
        code: str,
        loc: Loc,
        what: str,
        name: str,
        known: Collection[str],
        *,
        key: bool = False,
    ) -> Finding:
        help_ = did_you_mean(name, known) or f"there is no {what} here"
        return self._at(code, loc, f'unknown {what} "{name}"', help_, key=key)
