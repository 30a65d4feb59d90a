"""Plays a scenario in one of three ways, and brings home what happened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

from store import contacts as contact_rows
from store.db import Connection
from store.listings import work
from store.listings.events import rejects
from store.listings.pages import PAGE_MAX, Page
from workers.programmes import Applied
from workers.scenarios import webhooks
from workers.scenarios.form import Happening
from workers.scenarios.local import to_utc
from workers.scenarios.reading import Story
from workers.scenarios.sections import LOOKED_UP
from workers.scenarios.seed import plant
from workers.scenarios.seen import Seen, look
from workers.trial import Trial
from workflows.state import Doc, iso

Way = Literal["as_written", "twice", "crashes"]
WAYS: tuple[Way, ...] = get_args(Way)


class Crash(BaseException):
    """The process dies here; nothing in it may catch this."""


class Crasher:
    """Kills the process once after each commit and each call to the outside.

    A drain's commit is progress, so that the next one is another; deliver's claims are
    told apart by the messages in them.
    """

    def __init__(self) -> None:
        self._died: set[str] = set()

    def commit(self, what: str) -> None:
        """Die after a commit, once if it could be made again."""
        if what.startswith("claim"):
            self.once(what)
        else:
            raise Crash(what)

    def once(self, what: str) -> None:
        """Die here the first time."""
        if what not in self._died:
            self._died.add(what)
            raise Crash(what)


@dataclass(slots=True)
class Played:
    """What one playing of a story came to."""

    way: Way
    seen: Seen
    compiled: Applied
    crashes: int = 0


@dataclass(slots=True)
class Player:
    """A story on its way through a trial."""

    story: Story
    trial: Trial
    way: Way
    ids: "count[int]" = field(default_factory=lambda: count(1))
    crashes: int = 0
    unsettled: bool = False
    docs: dict[datetime, dict[str, Doc]] = field(default_factory=dict)
    repeated: set[int] = field(default_factory=set)

    def utc(self, written: str) -> datetime:
        """Return the instant that the story writes."""
        return to_utc(written, self.story.zone)

    def play(self) -> None:
        """Play every event at its arrival, and look at contacts where somebody asks."""
        events = sorted(self.story.scenario.events, key=lambda each: self.utc(each.at))
        looks = sorted(self._looks())
        end = self._end()
        for entry in events:
            at = self.utc(entry.at)
            if at > end:
                break
            while looks and looks[0] < at:
                self._look(looks.pop(0))
            self._reach(at)
            self.happen(entry)
        for at in looks:
            if at <= end:
                self._look(at)
        self._advance(end)

    def _end(self) -> datetime:
        """Return until when the clock runs: `until`, else the last event."""
        scenario = self.story.scenario
        if scenario.until:
            return self.utc(scenario.until)
        return max(self.utc(at) for at in (scenario.at, *(each.at for each in scenario.events)))

    def _looks(self) -> set[datetime]:
        """Return the instants at which `expect` asks what is true of contacts."""
        expect = self.story.scenario.expect
        rows = [row for section in LOOKED_UP for row in expect.get(section, ())]
        return {self.utc(row["at"]) for row in rows if row.get("at")}

    def _look(self, at: datetime) -> None:
        self._advance(at)
        expect = self.story.scenario.expect
        who = {row["contact"] for section in LOOKED_UP for row in expect.get(section, ())}
        with self.trial.store.reader() as conn:
            docs = contact_rows.get(conn, [f"contact/{each}" for each in who])
        self.docs[at] = {key.removeprefix("contact/"): doc for key, doc in docs.items()}

    # -- time ---------------------------------------------------------------------------------

    def _reach(self, at: datetime) -> None:
        if at > self.trial.clock.now():
            self._alive(lambda: self.trial.reach(at))
            self.unsettled = False

    def _advance(self, until: datetime) -> None:
        self._alive(lambda: self.trial.advance(until))
        self.unsettled = False

    def _alive(self, work_: Callable[[], None]) -> None:
        """Do what can be begun again, as often as the process dies over it."""
        while True:
            try:
                work_()
            except Crash:
                self.crashes += 1
                self.trial.restart()
            else:
                return

    # -- events -------------------------------------------------------------------------------

    def happen(self, entry: Happening) -> None:
        """Deliver an event; what follows from it comes when the clock or a look-up needs it.

        So events of one instant go before its timers.
        """
        if self.unsettled and (entry.task or entry.ask):
            self._alive(self.trial.settle)
        deliver = self._webhook(entry) if entry.is_webhook else self._event(entry)
        deliver()
        if self.way == "twice":
            before = self._rejected()
            deliver()
            self.repeated |= self._rejected() - before
        self.unsettled = True

    def _webhook(self, entry: Happening) -> Callable[[], None]:
        source = self.trial.app.programmes.current().sources[entry.source]
        return lambda: webhooks.deliver(self.trial.app, source, entry)

    def _event(self, entry: Happening) -> Callable[[], None]:
        raw = self._raw(entry)

        def deliver() -> None:
            self.trial.app.publish([raw])

        return deliver

    def _raw(self, entry: Happening) -> dict[str, Any]:
        """Return the CloudEvent that an entry stands for."""
        data = dict(entry.data)
        raw: dict[str, Any] = {
            "specversion": "1.0", "id": entry.id or f"scenario-{next(self.ids)}",
            "source": entry.source or "scenario", "type": entry.type,
            "time": iso(self.utc(entry.time or entry.at)), "data": data,
        }  # fmt: skip
        if entry.contact:
            raw["subject"] = f"contact/{entry.contact}"
        elif entry.account:
            raw["subject"] = f"account/{entry.account}"
        if entry.account and entry.contact:
            data.setdefault("account", entry.account)
        if entry.natural_key:
            raw["naturalkey"] = entry.natural_key
        if entry.by:
            data["by"] = entry.by
        if entry.task:
            data["task"] = self.task_key(entry)
        if entry.ask:
            data["ask"] = self.ask_key(entry)
        return raw

    def task_key(self, entry: Happening) -> str:
        """Return the key of the task that a step's name means.

        An open one before any other, of several the one of whoever acts, else the newest.
        """
        with self.trial.store.reader() as conn:
            found = [
                work.task(conn, row["key"]) or row
                for row in work.tasks(conn, page=Page(PAGE_MAX))
                if row["step"] == entry.task
            ]
            contact = _now(conn, entry.contact)
        mine = [row for row in found if _concerns(row, contact)] or found
        theirs = [row for row in mine if _is_of(row, entry.by)]
        return _newest(theirs or mine, "opened_at", ("open",)) or entry.task

    def ask_key(self, entry: Happening) -> str:
        """Return the key of the ask that a step's name means: an open one, else the newest."""
        with self.trial.store.reader() as conn:
            rows = work.asks(conn, contact=_now(conn, entry.contact), page=Page(PAGE_MAX))
        found = [row for row in rows if row["step"] == entry.ask]
        return _newest(found, "opened_at", ("open", "pending")) or entry.ask

    def _rejected(self) -> set[int]:
        with self.trial.store.reader() as conn:
            return {row["seq"] for row in rejects(conn, page=Page(PAGE_MAX))}


def _now(conn: Connection, contact: str) -> str:
    """Return whose the asks and tasks of a contact are now: a merge took them along."""
    return (
        contact_rows.resolve(conn, f"contact/{contact}").removeprefix("contact/") if contact else ""
    )


def _concerns(task: Mapping[str, Any], contact: str) -> bool:
    about = (task.get("doc") or {}).get("about")
    return not contact or task["actor"] == f"contact/{contact}" or about == contact


def _is_of(task: Mapping[str, Any], who: str) -> bool:
    return bool(who) and task["status"] == "open" and task["assignee"] == who


def _newest(rows: list[Any], at: str, live: tuple[str, ...]) -> str:
    """Return the key of the newest row that is open, else of the newest; '' where there is none."""
    ranked = sorted(rows, key=lambda row: (row["status"] in live, str(row[at] or ""), row["key"]))
    return str(ranked[-1]["key"]) if ranked else ""


def play(story: Story, way: Way, *, compiled: Applied | None = None) -> Played:
    """Play a story in one way, in a folder that is gone afterwards.

    Raises:
        TrialStuckError: Its workflows go round in a circle.
    """
    crasher = Crasher() if way == "crashes" else None
    scenario = story.scenario
    with TemporaryDirectory(prefix="vouch-trial-") as folder:
        trial = Trial(
            Path(folder), to_utc(scenario.at, story.zone), outside=scenario.script,
            draws=scenario.draws, on_commit=crasher.commit if crasher else None,
            on_call=crasher.once if crasher else None,
        )  # fmt: skip
        try:
            applied = trial.apply(story.loaded, compiled=compiled)
            plant(trial.store, story, applied.programme)
            player = Player(story, trial, way)
            player.play()
            seen = look(trial.store, ignore=frozenset(player.repeated), docs=player.docs)
            return Played(way, seen, applied, player.crashes)
        finally:
            trial.close()
