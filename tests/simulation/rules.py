"""What must never happen, whatever the engine thinks: checked on rows and on what people got.

Nothing here asks the engine or the guard: where those are wrong, the oracle that plays them is
wrong with them, and only rules of their own see it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.simulation import people_rules
from tests.simulation.model import Model
from tests.simulation.outward_post import CALL, SYNC
from tests.simulation.shapes import shape_of
from workflows.turn import CHAIN_MAX

if TYPE_CHECKING:
    from tests.simulation.oracle import Rows
    from tests.simulation.world import World

ZONE = ZoneInfo("Europe/Amsterdam")
QUIET = (8, 20)
OPEN = ("pending", "open")
LEFT = ("sending", "in_doubt", "sent", "reported")
AHEAD = timedelta(minutes=5)
UNKNOWN = "never.heard.of"


def broken(world: "World", rows: "Rows", model: Model) -> list[str]:
    """Return every rule that this run broke."""
    others = people_rules.CHECKS if shape_of(world.seed).is_wide else ()
    return [
        f"{check.__name__.removeprefix('_')}: {what}"
        for check in (_nothing_is_lost, _nothing_is_left, _only_poison_is_dead, _once_to_people,
                      _the_book_balances, _one_open_ask, _caps_hold, _consent_holds, _cooldowns,
                      _hours, _somebody_wakes_every_run, _every_task_is_somebodys,
                      _every_refusal_has_a_reason, _a_pause_holds, *others)
        for what in check(world, rows, model)
    ]  # fmt: skip


def _nothing_is_lost(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """Whatever was acknowledged is there, once; what was refused is not.

    What was dated ahead and came again later, because its publisher got no answer, is right.
    """
    stored = Counter(row.id for row in rows.events)
    ripe = {
        arrival.id
        for note in world.log if note.kind == "intake"
        for arrival, fresh in note.doc["offered"]
        if fresh and arrival.time <= arrival.arrived + AHEAD and arrival.type != UNKNOWN
    }  # fmt: skip
    for id_, verdict in world.acknowledged.items():
        wanted = 0 if id_ in world.company.bad - ripe else 1
        if stored[id_] != wanted or (verdict == "rejected") != (not wanted):
            yield f"{id_} is {verdict}, and stored {stored[id_]} times"


def _nothing_is_left(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """When all is quiet no inbox holds anything, and nothing is due, leaving or in doubt."""
    now = world.clock.now() - timedelta(minutes=20)
    yield from (f"{row.actor} waits to handle {row.doc['id']}" for row in rows.inbox)
    for actor, waiting in model.inbox.items():
        yield from (f"{actor} never heard of {each.event['id']}" for each in waiting)
    yield from (f"{row.key} was due {row.due_at}" for row in rows.timers if row.due_at < now)
    for row in rows.messages:
        if row.status in ("sending", "in_doubt") or (row.status == "pending" and row.due_at < now):
            yield f"{row.key} is {row.status}, due {row.due_at}"


def _only_poison_is_dead(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """Poison is set aside, and harms nothing else.

    So is what goes round in a circle: a workflow that answers its own skipped messages.
    """
    dead = {
        row.doc.get("id", row.doc.get("key")): row.error
        for row in rows.dead
        if row.doc.get("depth", 0) <= CHAIN_MAX
    }
    innocent = sorted(dead.keys() - world.poison.keys())
    yield from (f"{name} is a dead letter: {dead[name]}" for name in innocent)
    stored = {row.id for row in rows.events}
    yield from (
        f"{name} is no dead letter" for name in sorted((world.poison.keys() & stored) - dead.keys())
    )


def _once_to_people(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """Nobody gets a message twice, and what is called sent was."""
    got = Counter(each.key for each in world.delivered)
    yield from (f"{key} came {number} times" for key, number in got.items() if number > 1)
    for row in rows.messages:
        known = row.status in {"sent", "skipped", "pending", "failed"}
        mail = model.mails.get(row.key)
        if row.status == "pending" and mail is not None and mail.unsure:
            continue  # it may have left, and leaves once more
        if row.to.startswith((CALL, SYNC)):
            continue  # which is another matter
        if known and bool(got[row.key]) != (row.status == "sent"):
            yield f"{row.key} is {row.status}, and came {got[row.key]} times"
    unknown = got.keys() - {row.key for row in rows.messages}
    yield from (f"{key} came, and was never decided" for key in sorted(unknown))


def _the_book_balances(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """The lines of a transaction sum to zero; one reward a deal and side is live at a time."""
    sums: Counter[tuple[str, str]] = Counter()
    grants: defaultdict[tuple[str, str, str], list[Any]] = defaultdict(list)
    back: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows.entries:
        sums[row.txn, row.benefit] += row.delta
        entry, _, what = row.txn.partition("/")
        if what == "accrued" and row.delta > 0 and row.object:
            grants[row.account, row.object, row.side].append((row.at, entry, row.delta))
        elif row.bucket == "reversed":
            back[entry].append((row.at, row.delta))
    yield from (f"{txn} sums to {total}" for txn, total in sums.items() if total)
    for grant, accrued in grants.items():
        changes: Counter[datetime] = Counter()  # of how many are live
        for at, entry, amount in accrued:
            taken = sum(delta for _, delta in back[entry])
            changes[at] += 1
            if taken:
                changes[max(when for when, _ in back[entry])] -= 1
            if taken not in (0, amount):
                yield f"{grant} of {amount} was taken back by {taken}"
        for live, at in zip(accumulate(changes[at] for at in sorted(changes)), sorted(changes),
                            strict=True):  # fmt: skip
            if live > 1:
                yield f"{grant} was live {live} times at {at}"


def _one_open_ask(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """A contact has one open ask at most."""
    open_ = Counter(row.actor for row in rows.asks if row.status in OPEN)
    yield from (f"{who} has {number}" for who, number in open_.items() if number > 1)


def _caps_hold(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """In no window of any cap are there more messages than it allows.

    Counted are those bound by the cap: what may leave although a cap is used up, and what
    other tools sent, is not the guard's doing.
    """
    policies = world.versions[0].programme.policies
    for name, cap in policies.caps.items():
        counted = {n for n, c in policies.classes.items() if name in c.caps}
        by: defaultdict[str, list[Any]] = defaultdict(list)
        for row in rows.messages:
            if row.class_ in counted and row.status in LEFT:
                by[row.account if cap.per == "account" else row.to].append(row)
        by.pop("", None)
        span = timedelta(days=int(cap.within.removesuffix("d"))) - timedelta(hours=1)
        for who, sent in by.items():
            sent.sort(key=lambda row: (row.planned_at, row.recorded_at or row.planned_at))
            for place, row in enumerate(sent):
                before = [e for e in sent[:place] if row.planned_at - e.planned_at < span]
                free = row.uncapped or any(e.status == "reported" for e in (row, *before))
                if len(before) >= cap.max and not free:
                    yield f"{row.key} is one too many of {name} to {who}"


class Records:
    """Who is who at a moment of the log: what a merged record says is said for who remains.

    Nobody merges a record that is forgotten.
    """

    def __init__(self, world: "World") -> None:
        self._into: dict[str, str] = {}
        self._gone: set[str] = set()
        self._said = {
            f"company#{arrival.id}": arrival.doc
            for note in world.log if note.kind == "intake"
            for arrival, _ in note.doc["offered"]
        }  # fmt: skip

    def hear(self, drain: Any) -> None:
        """Take in the merges that were handled, and who was forgotten."""
        for who, (_, name) in drain.doc["handled"]:
            said = self._said.get(name, {"type": ""})
            match said["type"]:
                case "contact.merged" if who not in self._gone:
                    into = f"contact/{said['data']['into']}"
                    if into != who:
                        self._into.setdefault(who, into)
                case "contact.erase_requested":
                    self._gone.add(who)
                case "optin.confirmed":
                    self._gone.discard(who)
                case _:
                    pass

    def now(self, who: str) -> str:
        """Return the record that remains of somebody."""
        for _ in range(len(self._into)):
            who = self._into.get(who, who)
        return who


def _consent_holds(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """Nobody who said no before a message was claimed gets it."""
    policies = world.versions[0].programme.policies
    topics = {name: c.consent for name, c in policies.classes.items()}
    classes = {row.key: (row.class_, row.to) for row in rows.messages}
    noes: dict[tuple[str, str], datetime] = {}
    yeses: dict[tuple[str, str], datetime] = {}
    records = Records(world)
    for note in world.log:
        if note.kind == "intake":
            for arrival, fresh in note.doc["offered"]:
                if fresh and arrival.type == "contact.unsubscribed":
                    who = records.now(f"contact/{arrival.contact}")
                    key = (who, arrival.doc["data"].get("topic") or "programme")
                    noes[key] = max(noes.get(key, arrival.time), arrival.time)
                elif fresh and (
                    arrival.type == "optin.confirmed" or arrival.doc["data"].get("consent")
                ):
                    key = (records.now(f"contact/{arrival.contact}"), "programme")
                    yeses[key] = max(yeses.get(key, arrival.time), arrival.time)
        elif note.kind == "drain":
            records.hear(note)
        elif note.kind == "leave":
            for message in note.doc["keys"]:
                class_, to = classes[message]
                key = (to, topics.get(class_, ""))
                if key in noes and (key not in yeses or yeses[key] <= noes[key]):
                    yield f"{message} left at {note.doc['until']} against a no of {noes[key]}"


def _cooldowns(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """After an answer nobody is asked again before the cool-down is over."""
    asks: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows.asks:
        asks[row.actor].append(row)
    for listed in asks.values():
        for one in listed:
            for other in listed:
                if (one is not other and one.opened_at and other.cooling_until and other.closed_at
                        and other.closed_at < one.opened_at < other.cooling_until):  # fmt: skip
                    yield f"{one.key} was opened in the cool-down of {other.key}"


def _hours(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """Whatever has to leave on office days and by day was planned so."""
    policies = world.versions[0].programme.policies
    for row in rows.messages:
        policy = policies.classes.get(row.class_)
        if policy is None or row.status != "sent":
            continue
        local = row.planned_at.astimezone(ZONE)
        if "email" not in policy.at_night and not QUIET[0] <= local.hour < QUIET[1]:
            yield f"{row.key} was planned for {local}, at night"
        if policy.calendar and local.weekday() > 4:
            yield f"{row.key} was planned for {local}, a weekend"


def _somebody_wakes_every_run(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """A live run waits for something that can come: a timer, a message, a task, an ask."""
    woken = {row.run for row in rows.timers} | {
        row.run for row in rows.messages if row.status == "pending"
    }
    woken |= {row.run for row in rows.tasks if row.status == "open"}
    woken |= {row.run for row in rows.asks if row.status in OPEN}
    for row in rows.runs:
        if row.status == "live" and row.id not in woken:
            yield f"nothing ever wakes {row.workflow} of {row.actor}, at {row.doc.get('at')}"


def _every_task_is_somebodys(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """A task has an assignee, or an alarm that said it has none."""
    alarmed = {row.subject for row in rows.timers}
    for row in rows.tasks:
        if row.status == "open" and not row.assignee and row.key not in alarmed:
            told = any(row.key in m.doc.get("task", {}).get("key", "") for m in rows.messages)
            if not told:
                yield f"{row.key} is nobody's, and nobody hears of it"


def _every_refusal_has_a_reason(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """A message that did not leave says why."""
    for row in rows.messages:
        if row.status in ("skipped", "failed") and not row.reason:
            yield f"{row.key} is {row.status} without a reason"


def _a_pause_holds(world: "World", rows: "Rows", model: Model) -> Iterator[str]:
    """Between an operator's pause and what ends it nothing of a run leaves but news of tasks.

    A word that a merged record hands on counts from when it has arrived.
    """
    arrived = {
        name: place for place, note in enumerate(world.log) if note.kind == "drain"
        for _, (_, name) in note.doc["handled"]
    }  # fmt: skip
    messages = {row.key: row for row in rows.messages}
    ended = {row.id: row.ended_at for row in rows.runs if row.ended_at}
    paused: dict[str, datetime] = {}
    for place, note in enumerate(world.log):
        if note.kind == "drain":
            for _, (_, name) in note.doc["handled"]:
                if not name.startswith("vouch/operator#run.") or arrived[name] > place:
                    continue
                verb, _, rest = name.removeprefix("vouch/operator#run.").partition("/")
                run = rest.partition("/")[0]
                if verb == "pause":
                    paused.setdefault(run, note.doc["now"])
                else:
                    paused.pop(run, None)
        elif note.kind == "leave":
            for key in note.doc["keys"]:
                run = messages[key].run
                over = run in ended and run in paused and ended[run] <= paused[run]
                news = messages[key].doc.get("task") or not messages[key].doc  # emptied since
                if run in paused and not over and not news:
                    yield f"{key} left while its run was paused"
