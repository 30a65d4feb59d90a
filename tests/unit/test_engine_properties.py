"""Whatever arrives, in whatever order and how often: what must never happen does not."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.replay import Replay, balances, library
from workflows.guard import Skip, guard
from workflows.state import iso

START = datetime(2027, 3, 1, 8, tzinfo=UTC)
CONTACTS = ("c-anna", "c-bram")
LEADS = ("l-daan", "l-femke")


def _data(kind: str, number: int, word: str) -> dict[str, Any]:
    match kind:
        case "nps.answered":
            return {"response": f"r-{number % 3}", "score": number % 11, "improve": word}
        case "project.delivered":
            return {"project_id": f"p-{number}", "value_eur": number * 10_000}
        case "contact.unsubscribed":
            return {"topic": ("programme", "survey")[number % 2], "channel": "email"}
        case "referral.submitted":
            lead = LEADS[number % 2]
            return {
                "lead": {"id": lead, "name": "Daan", "email": f"{lead}@polder.example"},
                "consent_to_contact": bool(number % 2),
            }
        case "message.reported":
            return {"class": "newsletter"}
        case _:
            return {}


KINDS = (
    "nps.answered", "project.delivered", "problem.solved", "product.upgraded", "favour.granted",
    "optin.requested", "optin.confirmed", "contact.unsubscribed", "referral.submitted",
    "message.reported",
)  # fmt: skip


@st.composite
def inputs(draw: st.DrawFn) -> list[tuple[int, dict[str, Any]]]:
    """Give events with the hours between them: late ones, repeated ones, any order."""
    found: list[tuple[int, dict[str, Any]]] = []
    for number in range(draw(st.integers(1, 14))):
        hours = draw(st.integers(0, 24 * 12))
        contact = draw(st.sampled_from(CONTACTS))
        kind = draw(st.sampled_from((*KINDS, "lead", "answer", "task")))
        found.append((hours, {
            "kind": kind, "number": draw(st.integers(0, 20)), "contact": contact,
            "late": draw(st.integers(0, 72)), "id": f"e-{draw(st.integers(0, number))}",
        }))  # fmt: skip
    return found


def _play(given_inputs: list[tuple[int, dict[str, Any]]]) -> Replay:
    world = Replay(library(), START)
    for contact in CONTACTS:
        world.event({"id": f"known-{contact}", "source": "crm", "type": "contact.updated",
                     "time": iso(START), "contact": contact, "account": "acme", "lead": "",
                     "data": {"email": f"{contact}@acme.example", "first_name": "A",
                              "owner": "u-sam"}})  # fmt: skip
    for hours, what in given_inputs:
        world.advance(world.now + timedelta(hours=hours))
        _feed(world, what)
    world.advance(world.now + timedelta(days=400))
    return world


def _feed(world: Replay, what: dict[str, Any]) -> None:
    kind, contact, number = what["kind"], what["contact"], what["number"]
    time = iso(world.now - timedelta(hours=what["late"]))
    event: dict[str, Any] = {"id": what["id"], "source": "test", "time": time, "lead": "",
                             "contact": contact, "account": ""}  # fmt: skip
    if kind == "lead":
        lead = LEADS[number % 2]
        stage = ("lead.stage_changed", "deal.won", "deal.lost")[number % 3]
        data = {"lead": lead, "deal": f"d-{lead}", "stage": "contacted", "value_eur": 9}
        world.event(
            {**event, "type": stage, "contact": "", "lead": lead, "data": data}, f"contact/{lead}"
        )
    elif kind == "answer":
        asks = [key for key, ask in sorted(world.asks.items()) if ask.actor.endswith(contact)]
        if asks:
            answer = ("gladly", "not_now", "later", "never")[number % 4]
            world.event(
                {
                    **event,
                    "type": "ask.answered",
                    "data": {"ask": asks[number % len(asks)], "answer": answer},
                }
            )
    elif kind == "task":
        tasks = [key for key, task in sorted(world.tasks.items()) if task.actor.endswith(contact)]
        if tasks:
            word = ("task.accepted", "task.closed", "task.cancelled")[number % 3]
            world.event(
                {
                    **event,
                    "type": word,
                    "data": {"task": tasks[number % len(tasks)], "by": "u-olga", "root_cause": "x"},
                }
            )
    elif kind == "referral.submitted":
        lead = LEADS[number % 2]
        data = _data(kind, number, "")
        world.event(
            {**event, "type": kind, "lead": lead, "data": data},
            f"contact/{contact}",
        )
    else:
        world.event({**event, "type": kind, "data": _data(kind, number, "wachten")})


@examples(60)
@given(inputs())
def test_what_must_never_happen(given_inputs: list[Any]) -> None:
    """No key twice, a book that sums to zero, one open ask a contact, nobody left behind."""
    world = _play(given_inputs)

    assert not any(balances(world.entries).values())
    finals = ("moment.chosen", "moment.absorbed", "moment.expired")
    ends = Counter(f["key"] for f in world.facts if f["fact"] in finals)
    assert all(number == 1 for number in ends.values()), "a moment ended twice"
    assert {f["key"] for f in world.facts if f["fact"] == "moment.held"} <= ends.keys()
    open_asks = Counter(a.actor for a in world.asks.values() if a.status in ("pending", "open"))
    assert all(number == 1 for number in open_asks.values())
    assert all(
        state.doc.get("balance", {}).get("pending", 0) >= 0 for state in world.states.values()
    )
    for key, timer in world.timers.items():
        assert not timer.run or timer.subject or timer.run in world.states[timer.actor].runs, key
    waking = {timer.run for timer in world.timers.values()}
    for run in world.runs.values():
        asleep = run.doc.get("wait") is None and run.id not in waking
        assert run.status == "ended" or not asleep, f"nothing ever wakes {run.id}"


@examples(60)
@given(inputs())
def test_two_plays_of_the_same_inputs_agree(given_inputs: list[Any]) -> None:
    """The same events give the same facts, to the word: nothing is drawn or read from a clock."""
    assert _play(given_inputs).facts == _play(given_inputs).facts


@examples(60)
@given(inputs())
def test_every_input_twice_changes_nothing(given_inputs: list[Any]) -> None:
    """An event delivered again, with the same source and id, leaves no trace."""
    doubled = [each for one in given_inputs for each in (one, (0, one[1]))]

    assert _play(doubled).facts == _play(given_inputs).facts


@examples(60)
@given(inputs())
def test_no_message_leaves_that_the_guard_forbids(given_inputs: list[Any]) -> None:
    """Caps hold in every window over everything sent, at whatever moment it is asked."""
    world = _play(given_inputs)
    caps = world.programme.policies.caps
    classes = world.programme.policies.classes

    for name, cap in caps.items():
        counted = {n for n, c in classes.items() if name in c.caps}
        days = timedelta(days=int(cap.within.removesuffix("d")))
        by: dict[str, list[datetime]] = {}
        for message, leave in world.sent.values():
            if message.class_ in counted and not message.uncapped and message.template:
                who = message.account if cap.per == "account" else message.to
                if who:
                    by.setdefault(who, []).append(leave.planned)
        for times in by.values():
            times.sort()
            hour = timedelta(hours=1)  # a window across a clock change is an hour shorter
            for first, last in zip(times, times[cap.max :], strict=False):
                assert last - first >= days - hour, (name, times)


def test_the_guard_refuses_without_consent() -> None:
    """A programme mail to somebody who unsubscribed is skipped, whatever else is true."""
    world = Replay(library(), START)
    base = {"source": "t", "contact": "c-anna", "account": "", "lead": "", "time": iso(START)}
    world.event({**base, "id": "1", "type": "contact.updated", "data": {"email": "a@acme.example"}})
    world.event({**base, "id": "2", "type": "nps.answered", "data": {"response": "r", "score": 9}})
    world.event({**base, "id": "3", "type": "problem.solved", "data": {}})
    world.advance(START + timedelta(hours=24))
    (message,) = [m for m in world.pending.values() if m.template == "ask_referral"]
    world.event(
        {
            **base,
            "id": "4",
            "type": "contact.unsubscribed",
            "data": {"topic": "programme", "channel": "email"},
        }
    )

    verdict = guard(world.programme, message, world.view(message), now=message.planned_at)

    assert verdict == Skip("stopped")  # the ask was withdrawn at once
    loose = world.view(message)
    assert guard(
        world.programme,
        message,
        type(loose)(doc=loose.doc, consents=loose.consents),
        now=message.planned_at,
    ) == Skip("no_consent")
