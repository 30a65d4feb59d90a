"""The demo's people: what they do about asks, tasks and mails, and that it is theirs alone."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from events.catalogue import default_catalogue
from events.envelope import Event, parse_event
from workers.demo.company import found
from workers.demo.lines import Line
from workers.demo.reactions import Reactions

SEED = 1
PEOPLE = found(SEED)[1]
MONDAY = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def fact(name: str, number: int, /, **data: object) -> dict[str, Any]:
    person = PEOPLE[number % len(PEOPLE)]
    return {
        "at": (MONDAY + timedelta(hours=number)).isoformat(),
        "fact": name,
        "key": "/".join(["run", str(number), *map(str, data.values())]),
        "contact": person.id,
        "workflow": data.pop("workflow", ""),
        "data": data,
    }


def asks(count: int, kind: str = "referral") -> list[dict[str, Any]]:
    return [fact("ask.opened", n, ask=f"run-{n}/1", kind=kind, touch=1) for n in range(count)]


def calls(count: int, workflow: str = "promoter") -> list[dict[str, Any]]:
    return [
        fact(
            "task.opened",
            n,
            workflow=workflow,
            task=f"run-{n}/call",
            to="u-sam",
            due=(MONDAY + timedelta(hours=n + 24)).isoformat(),
            about="l-4711" if workflow == "lead-handover" else None,
        )
        for n in range(count)
    ]


def mails(count: int, template: str) -> list[dict[str, Any]]:
    return [fact("message.sent", n, template=template) for n in range(count)]


def read(line: Line) -> Event:
    return parse_event(line.event, now=line.arrival, catalogue=default_catalogue())


EVERYTHING = [
    *asks(400),
    *asks(400, "quote"),
    *calls(300),
    *calls(60, "detractor"),
    *asks(200, "reference_story"),
    *calls(60, "lead-handover"),
    *mails(400, "optin_invite"),
    *mails(100, "nps_recheck"),
    *mails(2_000, "ask_referral_reminder"),
]


def test_order_of_facts_does_not_matter() -> None:
    """Shown the same facts in another order and in pieces, everybody does the same."""
    at_once = Reactions(SEED, PEOPLE).react(EVERYTHING)
    people = Reactions(SEED, PEOPLE)
    backwards = [line for each in reversed(EVERYTHING) for line in people.react([each])]

    assert at_once
    assert sorted(map(Line.encode, backwards)) == sorted(map(Line.encode, at_once))


def test_seed_decides() -> None:
    """Under another seed other people answer."""
    one, other = (Reactions(seed, PEOPLE).react(asks(400)) for seed in (1, 2))

    assert {line.event["subject"] for line in one} != {line.event["subject"] for line in other}


def test_every_reaction_is_a_sound_event() -> None:
    """Intake takes whatever people do, and no two of their deeds share an id."""
    events = [read(line) for line in Reactions(SEED, PEOPLE).react(EVERYTHING)]

    assert len({event.id for event in events}) == len(events)
    assert {event.type for event in events} == {
        "ask.answered",
        "contact.unsubscribed",
        "deal.lost",
        "deal.won",
        "lead.stage_changed",
        "nps.answered",
        "optin.confirmed",
        "quote.given",
        "referral.submitted",
        "story.given",
        "task.accepted",
        "task.closed",
    }


def test_nobody_reacts_before_they_know() -> None:
    """Every reaction comes after the fact it answers."""
    people = Reactions(SEED, PEOPLE)
    for each in EVERYTHING:
        known = datetime.fromisoformat(each["at"])
        assert all(line.arrival > known for line in people.react([each]))


def test_most_people_stay_silent() -> None:
    """Of a hundred asks for a recommendation about ten are answered gladly or with a no."""
    lines = Reactions(SEED, PEOPLE).react(asks(400))
    words = Counter(line.event["data"].get("answer") for line in lines)

    assert 8 <= words["gladly"] <= 40
    assert words["not_now"] > words["never"] > 0
    assert words["later"] > 0
    assert words.total() < 200


def test_gladly_is_followed_by_a_recommendation() -> None:
    """Who recommends us said gladly before, and names a lead with an address."""
    lines = Reactions(SEED, PEOPLE).react(asks(400))
    glad = {e["subject"] for e in (x.event for x in lines) if e["data"].get("answer") == "gladly"}
    referrals = [line.event for line in lines if line.event["type"] == "referral.submitted"]

    assert referrals
    assert all(event["subject"] in glad for event in referrals)
    assert all(event["data"]["lead"]["email"].endswith(".example") for event in referrals)


def test_who_promised_a_quote_or_a_story_gives_it() -> None:
    """Every quote and story is of somebody who said gladly before, and most of them keep it."""
    for kind, given in (("quote", "quote.given"), ("reference_story", "story.given")):
        lines = Reactions(SEED, PEOPLE).react(asks(400, kind))
        glad = [x.event for x in lines if x.event["data"].get("answer") == "gladly"]
        gave = [line.event for line in lines if line.event["type"] == given]

        assert {event["subject"] for event in gave} <= {event["subject"] for event in glad}
        assert 0.7 * len(glad) < len(gave) < len(glad)


def test_calls_are_mostly_made_in_time() -> None:
    """Three in four tasks of 24 hours or more are closed by then, and not all of them."""
    tasks = {each["data"]["task"]: each for each in calls(300)}
    lines = Reactions(SEED, PEOPLE).react(tasks.values())
    closed = [line for line in lines if line.event["type"] == "task.closed"]
    kept = [
        line
        for line in closed
        if line.arrival.isoformat() <= tasks[line.event["data"]["task"]]["data"]["due"]
    ]

    assert 0.5 < len(kept) / len(tasks) < 0.95
    assert len(closed) < len(tasks)


def test_detractor_call_names_a_root_cause() -> None:
    """Closing the call to a detractor brings what the task requires."""
    lines = Reactions(SEED, PEOPLE).react(calls(60, "detractor"))

    assert all(
        line.event["data"]["root_cause"] for line in lines if line.event["type"] == "task.closed"
    )


def test_unassigned_task_waits() -> None:
    """A task that nobody has is done by nobody."""
    task = calls(1)[0]
    task["data"]["to"] = ""

    assert not Reactions(SEED, PEOPLE).react([task])


def test_lead_comes_to_an_end() -> None:
    """Every lead that sales calls is won or lost weeks later."""
    lines = Reactions(SEED, PEOPLE).react(calls(60, "lead-handover"))
    ends = [line for line in lines if line.event["type"].startswith("deal.")]
    called = {
        line.event["id"]: line.arrival
        for line in lines
        if line.event["data"].get("stage") == "contacted"
    }

    assert len(ends) == len(called) == 60
    assert min(line.arrival for line in ends) > min(called.values()) + timedelta(days=13)


def test_other_facts_leave_people_cold() -> None:
    """Nobody reacts to what they cannot see."""
    unseen = [fact(kind, 1) for kind in ("timer.set", "run.ended", "task.closed", "ask.silent")]

    assert Reactions(SEED, PEOPLE).react(unseen) == []
    assert Reactions(SEED, PEOPLE).react(mails(400, "nps_thanks")) == []
