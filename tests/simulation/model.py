"""The oracle: what must have come out, worked out on dicts from the order in which things happened.

It takes from the log what only the run can say (in which order and at which instant inputs were
handled, messages judged and outcomes recorded) and plays the pure core on it, with none of
`store` and `workers`. Where the log says that something happened which could not, or the other
way about, that is a finding.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tests.simulation.things import (
    Mail,
    Place,
    Waiting,
    copied,
    gist,
    key_of,
    mark,
    mark_of,
    named,
    normal,
    place_of,
    plain,
)
from workflows.compiled import Programme
from workflows.engine import decide
from workflows.people import QUEUE
from workflows.schedules import PAGE, told
from workflows.state import (
    MOVED,
    Ask,
    Changes,
    Consent,
    Doc,
    Entry,
    Input,
    Message,
    Page,
    Run,
    State,
    Task,
    Timer,
    slice_of,
)

PAGE_MAX = 500
"""Contacts that one input of a schedule reaches."""


@dataclass
class Model:
    """Every table, as dicts."""

    programmes: Mapping[str, Programme]
    bundles: Mapping[str, Any]
    forgets: bool = False
    findings: list[str] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)
    events: dict[tuple[str, str], Doc] = field(default_factory=dict)
    naturals: set[tuple[str, str]] = field(default_factory=set)
    inbox: dict[str, list[Waiting]] = field(default_factory=dict)
    docs: dict[str, Doc] = field(default_factory=dict)
    runs: dict[Place, Run] = field(default_factory=dict)
    asks: dict[Place, Ask] = field(default_factory=dict)
    tasks: dict[Place, Task] = field(default_factory=dict)
    timers: dict[Place, Timer] = field(default_factory=dict)
    consents: dict[tuple[str, str, str], Consent] = field(default_factory=dict)
    mails: dict[str, Mail] = field(default_factory=dict)
    entries: dict[Place, Entry] = field(default_factory=dict)
    suppressed: dict[tuple[str, str], datetime] = field(default_factory=dict)
    emptied: set[str] = field(default_factory=set)
    turns: dict[str, int] = field(default_factory=dict)
    records: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)
    dead: list[tuple[str, tuple[str, str]]] = field(default_factory=list)
    seq: int = 0

    def find(self, what: str) -> None:
        """Note that something is wrong."""
        self.findings.append(what)

    def record(self, actor: str, cause: str, doc: Doc) -> None:
        """Keep a decision."""
        self.records.setdefault(actor, []).append((cause, gist(plain(doc))))

    # -- intake -----------------------------------------------------------------------------------

    def intake(self, now: datetime, offered: list[tuple[Any, bool]]) -> None:
        """Take in events: a source's id, or its natural key, is new but once."""
        for arrival, fresh in offered:
            key = (arrival.source, mark_of(arrival))
            natural = (arrival.source, arrival.natural_key)
            new = key not in self.events and not (arrival.natural_key and natural in self.naturals)
            if new is not fresh:
                self.find(f"intake called {key} {'new' if fresh else 'seen'}, and it is not")
            if not fresh:
                continue
            self.events[key] = plain(arrival.doc)
            self.naturals.add(natural)
            for actor in arrival.actors:
                self.put(actor, arrival.arrived, arrival.doc)
            for consent in arrival.consents:
                self.consent(consent)

    def put(self, actor: str, at: datetime, event: Doc) -> None:
        """Put an event into an inbox."""
        self.inbox.setdefault(actor, []).append(Waiting(at, plain(event)))

    def suppress(self, at: datetime, addresses: list[tuple[str, str]]) -> None:
        """Write to an address no more, from this instant on."""
        for channel, address in addresses:
            self.suppressed.setdefault((channel, normal(address)), at)

    def consents_of(self, actor: str, doc: Doc, topic: str) -> dict[tuple[str, str], bool]:
        """Return what somebody said; an address that is not written to says no, until a new yes."""
        words = {
            (channel, topic_): word
            for (who, channel, topic_), word in self.consents.items() if who == actor
        }  # fmt: skip
        said = {way: word.granted for way, word in words.items()}
        for channel, name in (("email", "email"), ("sms", "phone")):
            since = self.suppressed.get((channel, normal(str(doc.get(name) or ""))))
            word = words.get((channel, topic))
            if since is not None and (word is None or word.at <= since):
                said[channel, topic] = False
        return said

    def of_run(self, message: Message) -> Run | None:
        """Return the run of a message, where it was decided."""
        return self.runs.get((slice_of(message.actor), message.run))

    def living_run_of(self, message: Message) -> Run | None:
        """Return the run of a message where it goes on, if a merge took it along."""
        run = self.of_run(message)
        if run is None or run.status != MOVED:
            return run
        home = self.home_of(f"contact/{run.doc['moved_to']}")
        return self.runs.get((slice_of(home), run.id), run)

    def home_of(self, actor: str) -> str:
        """Return who remains of somebody: themselves, or whom they were merged into."""
        seen = set[str]()
        while actor not in seen and (into := self.docs.get(actor, {}).get("merged_into")):
            seen.add(actor)
            actor = f"contact/{into}"
        return actor

    def consent(self, word: Consent) -> None:
        """Take a word on consent: the most recent counts, and a no wins a tie."""
        key = (word.actor, word.channel, word.topic)
        known = self.consents.get(key)
        if known is None or (known.at, not known.granted) < (word.at, not word.granted):
            self.consents[key] = replace(word)

    # -- the drain --------------------------------------------------------------------------------

    def drain(
        self, now: datetime, programme: str, handled: list[tuple[str, tuple[str, str]]]
    ) -> None:
        """Handle inputs in the order the log gives, all from what was true before the batch."""
        rules = self.programmes[programme]
        items = [self._take(actor, name, now) for actor, name in handled]
        inputs = [item for item in items if item is not None]
        states = self._load(inputs)
        loads: dict[str, int] = dict(self.turns)
        for task in self.tasks.values():
            if task.status == "open":
                loads[task.assignee] = loads.get(task.assignee, 0) + 1
        changes = Changes()
        for item in inputs:
            if item.event is not None and item.event["type"] == PAGE:
                item.page = self._page(
                    (item.event["data"]["after"][0], item.event["data"]["after"][1])
                )
        for item in inputs:
            decide(rules, states[item.actor], item, now=now, changes=changes,
                   loads=loads if rules.needs_loads else {})  # fmt: skip
        self.turns = {name: place for name, place in loads.items() if name.startswith(QUEUE)}
        self._write(changes, inputs, now)

    def _take(self, actor: str, name: tuple[str, str], now: datetime) -> Input | None:
        """Take an input out of its inbox: it must be the next of its actor."""
        kind, key = name
        self.seq += 1
        waiting = self.inbox.get(actor, [])
        if kind == "timer":
            mine = (t for t in self.timers.values() if t.actor == actor and named(t) == key)
            timer = next(mine, None)
            if timer is None:
                self.find(f"{actor} handled a timer that is not set: {key}")
                return None
            if timer.due_at > now:
                self.find(f"{actor} handled {key} before it was due, at {now}")
            if any(each.at <= timer.due_at for each in waiting):
                self.find(f"{actor} handled {key} before an event accepted before it was due")
            return Input(actor, timer.due_at, self.seq, timer=replace(timer))
        if not waiting:
            self.find(f"{actor} handled an event that is not in its inbox: {key}")
            return None
        places = [i for i, each in enumerate(waiting) if mark(each.event) == key]
        if not places:
            self.find(f"{actor} handled an event that is not in its inbox: {key}")
            return None
        if places[0] != 0:
            self.find(f"{actor} handled {key} before {mark(waiting[0].event)}, which came first")
        found = waiting.pop(places[0])
        return Input(actor, found.at, self.seq, event=found.event)

    def _load(self, inputs: list[Input]) -> dict[str, State]:
        """Load what a batch sees: everything as it was when the batch began."""
        accounts: dict[str, str] = {}
        for item in inputs:
            own = self.docs.get(item.actor, {}).get("account", "")
            named = (item.event or {}).get("account", "")
            if not accounts.get(item.actor):
                accounts[item.actor] = own or named
        return {actor: self._state(actor, account) for actor, account in accounts.items()}

    def _state(self, actor: str, account: str) -> State:
        key = account if "/" in account else f"account/{account}"
        runs = [r for r in self.runs.values() if r.actor == actor and r.status == "live"]
        runs.sort(key=lambda run: (run.doc.get("number", 0), run.started_at, run.id))
        asks = [a for a in self.asks.values() if a.actor == actor]
        tasks = [t for t in self.tasks.values() if t.actor == actor]
        return State(
            actor,
            doc=plain(self.docs.get(actor, {})),
            account=plain(self.docs.get(key, {})) if account else {},
            runs={run.id: copied(run) for run in runs},
            asks={a.key: copied(a) for a in sorted(asks, key=key_of)
                  if a.status in ("pending", "open")},
            tasks={t.key: copied(t) for t in sorted(tasks, key=key_of) if t.status == "open"},
            timers={t.key: replace(t) for t in sorted(self.timers.values(), key=key_of)
                    if t.actor == actor},
            consents={(channel, topic): replace(word)
                      for (who, channel, topic), word in sorted(self.consents.items())
                      if who == actor},
        )  # fmt: skip

    def _write(self, changes: Changes, inputs: list[Input], now: datetime) -> None:
        fired = [item.timer for item in inputs if item.timer is not None]
        for timer in (*fired, *changes.timers_cut.values()):
            if timer.key not in changes.timers_set:
                self.timers.pop(place_of(timer), None)
        self.timers |= {place_of(timer): replace(timer) for timer in changes.timers_set.values()}
        self.docs |= {actor: plain(doc) for actor, doc in changes.actors.items()}
        self.runs |= {(slice_of(run.actor), key): copied(run) for key, run in changes.runs.items()}
        self.asks |= {place_of(ask): copied(ask) for ask in changes.asks.values()}
        self.tasks |= {place_of(task): copied(task) for task in changes.tasks.values()}
        self._post(changes)
        for word in changes.consents:
            self.consent(word)
        self.emptied |= {each.actor for each in changes.erasures}
        for forward in changes.forwards:
            self.put(forward.actor, now, forward.event)
        for made in changes.records:
            self.record(made.actor, made.cause, made.doc)

    def _post(self, changes: Changes) -> None:
        """Take over what is decided once and for all: messages, and lines of the book."""
        for key, message in changes.messages.items():
            if key in self.mails:
                self.find(f"the message {key} was decided twice")
            at = message.planned_at
            self.mails.setdefault(key, Mail(copied(message), message.status, at, at))
        for entry in changes.entries:
            place = (slice_of(entry.account), entry.key)
            if place in self.entries:
                self.find(f"the entry {entry.key} was decided twice")
            self.entries.setdefault(place, entry)

    def apply(self, hash: str, now: datetime) -> None:  # noqa: A002 - as the log calls it
        """Another programme is the newest: the actors of schedules hear of it."""
        old = self.bundles[self.applied[-1]] if self.applied else {}
        self.applied.append(hash)
        for word in told(old, self.bundles[hash], now, f"apply/{len(self.applied)}"):
            self.put(word.actor, now, word.event)

    def _page(self, after: tuple[int, str]) -> Page:
        """Return the contacts behind a place, as they are before the batch."""
        places = sorted((slice_of(key), key) for key in self.docs if key.startswith("contact/"))
        behind = [place for place in places if place > after][:PAGE_MAX]
        contacts = []
        for _, key in behind:
            account = self.docs[key].get("account", "")
            firm = account if "/" in account else f"account/{account}"
            contacts.append((key, plain(self.docs[key]), plain(self.docs.get(firm, {}))))
        return Page(contacts, behind[-1] if len(behind) == PAGE_MAX else None)

    def set_aside(self, dead: list[tuple[str, tuple[str, str]]]) -> None:
        """Take inputs out of their inboxes, with no effect."""
        for actor, (kind, key) in dead:
            waiting = self.inbox.get(actor, [])
            places = [i for i, each in enumerate(waiting) if mark(each.event) == key]
            if kind == "timer":
                self.timers = {
                    k: t for k, t in self.timers.items() if t.actor != actor or named(t) != key
                }
            elif places:
                del waiting[places[0]]
            else:
                self.find(f"{actor} set aside what is not in its inbox: {key}")
            self.dead.append((actor, (kind, key)))
