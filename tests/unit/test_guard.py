"""The guard, check by check (LANGUAGE section 6): one message, one recipient, one instant."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.catalogue import default_catalogue
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.guard import Defer, Leave, Skip, Verdict, View, guard
from workflows.planning import history_horizon
from workflows.policies import Policies
from workflows.state import iso

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
ANNA = {"id": "c-a", "email": "a@x.example", "phone": "+316", "locale": "en"}


def local(text: str, zone: str = "Europe/Amsterdam") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


TEN = local("2027-06-09T10:00")  # a Wednesday


def programme(**more: Any) -> Programme:
    """Return a programme with a class of every kind."""
    policies: dict[str, Any] = {
        "programme": "p", "zone": "Europe/Amsterdam", "locales": ["en", "nl"],
        "channels": ["email", "sms"], "slot": "10:00", "quiet": ["20:00", "08:00"], "defer": "14d",
        "calendars": {"office": {"days": ["mon", "tue", "wed", "thu", "fri"],
                                 "hours": ["09:00", "17:00"], "holidays": "NL"}},
        "classes": {
            "plain": {},
            "topical": {"consent": "programme"},
            "night": {"at_night": ["email"]},
            "office": {"calendar": "office"},
            "slotted": {"leaves": "slot", "calendar": "office"},
            "capped": {"caps": ["weekly"], "leaves": "slot"},
            "both": {"caps": ["weekly", "firm"], "leaves": "slot"},
            "held": {"held_by": ["case", "cooldown"]},
            "case": {"held_by": ["case"]},
        },
        "caps": {"weekly": {"max": 1, "within": "7d", "per": "contact"},
                 "firm": {"max": 2, "within": "14d", "per": "account"}},
        "asks": {"if": "contact.nps.band == 'promoter'"},
    }  # fmt: skip
    words = {("hi", "en", "email"): "x", ("hi", "nl", "email"): "x", ("hi", "en", "sms"): "x"}
    return compile_programme(
        Policies.model_validate({**policies, **more}),
        {}, templates={**words, ("mail", "en", "email"): "x"}, catalogue=default_catalogue(),
    )  # fmt: skip


PROGRAMME = programme()


@dataclass(frozen=True)
class Letter:
    """A message as the guard sees one."""

    class_: str = "plain"
    planned_at: datetime = TEN
    key: str = "m"
    to: str = "contact/c-a"
    account: str = "acme"
    template: str = "hi"
    ask: str = ""
    by: tuple[str, ...] = ()
    before: datetime | None = None
    once: bool = False
    uncapped: bool = False
    doc: dict[str, Any] = field(default_factory=dict)


def ask(
    letter: Letter, *, now: datetime | None = None, made: Programme = PROGRAMME, **view: Any
) -> Verdict:
    """Return the verdict, without the rule that it names."""
    seen = {"doc": ANNA, **view}
    verdict = guard(made, letter, View(**seen), now=now or letter.planned_at)
    if isinstance(verdict, Defer):
        return Defer(verdict.until, verdict.reason)
    return Skip(verdict.reason) if isinstance(verdict, Skip) else verdict


def sent(*at: datetime, class_: str = "capped", to: str = "contact/c-a") -> list[Letter]:
    return [Letter(class_, moment, key=f"s-{number}", to=to) for number, moment in enumerate(at)]


# -- 1: does anybody need it -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letter", "view", "reason"),
    [
        (Letter(), {"run_left": True}, "stopped"),
        (Letter(ask="a"), {"ask_status": "declined"}, "stopped"),
        (Letter(before=TEN - timedelta(seconds=1)), {}, "expired"),
        (Letter(once=True), {"templates_sent": frozenset({"hi"})}, "already_sent"),
    ],
)
def test_what_nobody_needs_is_dropped(letter: Letter, view: dict[str, Any], reason: str) -> None:
    """A left run, a closed ask, a time gone by, words they had."""
    assert ask(letter, **view) == Skip(reason)


def test_before_is_the_last_instant() -> None:
    """At `before` itself a message still leaves; who runs late by seconds is past it."""
    assert isinstance(ask(Letter(before=TEN)), Leave)
    assert ask(Letter(before=TEN), now=TEN + timedelta(seconds=1)) == Skip("expired")


# -- 2: how they are reached -----------------------------------------------------------------------

YES_BY_SMS = {("sms", "programme"): True}


@pytest.mark.parametrize(
    ("letter", "view", "outcome"),
    [
        (Letter(), {}, "email"),
        (Letter(by=("sms", "email")), {}, "sms"),
        (Letter("topical", by=("sms", "email")), {}, "email"),
        (Letter("topical", by=("sms", "email")), {"consents": YES_BY_SMS}, "sms"),
        (Letter(by=("sms", "email"), template="mail"), {}, "email"),
        (Letter(by=("sms", "email"), doc={"refused": ["sms"]}), {}, "email"),
        (Letter(), {"doc": {**ANNA, "email": ""}}, "sms"),
        (Letter(by=("sms",)), {"doc": {**ANNA, "phone": ""}}, "no_address"),
        (Letter("topical"), {"consents": {("email", "programme"): False}}, "no_consent"),
        (Letter(by=("sms",), template="mail"), {}, "no_template"),
        (Letter(by=("sms",), doc={"refused": ["sms"]}), {}, "undeliverable"),
    ],
)
def test_the_first_channel_that_will_do(letter: Letter, view: dict[str, Any], outcome: str) -> None:
    """In the order tried: an address, consent, words; without any, the reason says which."""
    verdict = ask(letter, **view)

    got = verdict.channel if isinstance(verdict, Leave) else getattr(verdict, "reason", "")
    assert got == outcome


@pytest.mark.parametrize(
    ("theirs", "words"), [("nl", "nl"), ("nl-BE", "nl"), ("nl_BE", "nl"), ("fr", "en"), ("", "en")]
)
def test_the_locale_of_the_words(theirs: str, words: str) -> None:
    """The recipient's, else its language, else the programme's first."""
    verdict = ask(Letter(), doc={**ANNA, "locale": theirs})

    assert isinstance(verdict, Leave)
    assert verdict.locale == words


# -- 3: what holds them ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("class_", "doc", "reason"),
    [
        ("held", {"open_case": True}, "open_case"),
        ("held", {"held_until": iso(TEN + timedelta(seconds=1))}, "open_case"),
        ("held", {"held_until": iso(TEN)}, ""),
        ("held", {"no_asks": True}, "no_asks"),
        ("held", {"cooling_until": iso(TEN + timedelta(seconds=1))}, "cooldown"),
        ("held", {"cooling_until": iso(TEN)}, ""),
        ("case", {"no_asks": True, "cooling_until": iso(TEN + timedelta(days=9))}, ""),
        ("plain", {"open_case": True, "no_asks": True}, ""),
    ],
)
def test_what_holds_a_class(class_: str, doc: dict[str, Any], reason: str) -> None:
    """A class is held by what it names; a span that ends now is over."""
    verdict = ask(Letter(class_), doc={**ANNA, **doc})

    assert (verdict == Skip(reason)) if reason else isinstance(verdict, Leave)


def test_only_the_opening_asks_who_may_be_asked() -> None:
    """Touch one is checked against `asks.if`, a reminder is not, other messages never are."""
    promoter = {**ANNA, "nps": {"band": "promoter"}}

    assert ask(Letter(ask="a"), ask_status="pending") == Skip("not_eligible")
    assert isinstance(ask(Letter(ask="a"), ask_status="pending", doc=promoter), Leave)
    assert isinstance(ask(Letter(ask="a", doc={"touch": 2}), ask_status="open"), Leave)


# -- 4: caps ---------------------------------------------------------------------------------------


def test_a_window_is_half_open_and_by_the_calendar() -> None:
    """Exactly seven days earlier no longer counts, also where a day had 23 hours."""
    monday = local("2027-03-29T10:00")
    before = local("2027-03-22T10:00")  # 167 hours earlier

    assert isinstance(ask(Letter("capped", monday), history=sent(before)), Leave)
    later = before + timedelta(seconds=1)
    assert ask(Letter("capped", monday), history=sent(later)) == Defer(
        local("2027-03-30T10:00"), "capped"
    )


def test_the_fullest_cap_decides() -> None:
    """Room is when every cap has some: here the account's, of colleagues."""
    others = sent(TEN - timedelta(days=3), TEN - timedelta(days=1), class_="both", to="contact/b")

    assert ask(Letter("both"), history=others) == Defer(TEN + timedelta(days=11), "capped")
    assert isinstance(ask(Letter("capped"), history=others), Leave)
    assert isinstance(ask(Letter("both", account=""), history=others), Leave)


def test_uncapped_leaves_and_counts() -> None:
    """It passes a full cap, and fills a place in it."""
    assert isinstance(ask(Letter("capped", uncapped=True), history=sent(TEN)), Leave)
    full = [replace(one, uncapped=True) for one in sent(TEN - timedelta(days=1))]
    assert isinstance(ask(Letter("capped"), history=full), Defer)


def test_a_cap_that_stays_full_gives_up() -> None:
    """After `defer`, counted from when it was first planned, it is skipped."""
    first = TEN - timedelta(days=14)
    letter = Letter("capped", TEN, doc={"since": iso(first)})

    assert ask(letter, history=sent(TEN - timedelta(days=1))) == Skip("capped")
    younger = Letter("capped", TEN, doc={"since": iso(first + timedelta(days=1))})
    assert ask(younger, history=sent(TEN - timedelta(hours=1))) == Defer(
        first + timedelta(days=15), "capped"
    )


def test_the_longest_cap_is_looked_back_over() -> None:
    """However long a window is, what left in it is read."""
    caps = {"weekly": {"max": 1, "within": "7d"}, "firm": {"max": 1, "within": "2y3mo5d6h"}}
    made = programme(caps=caps)

    span = TEN - local("2025-03-04T04:00")
    assert history_horizon(made.policies) >= span


# -- 5: day and hour -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("class_", "planned", "leaves"),
    [
        ("plain", "2027-06-09T07:59", "2027-06-09T08:00"),
        ("plain", "2027-06-09T20:00", "2027-06-10T08:00"),
        ("plain", "2027-06-12T12:00", "2027-06-12T12:00"),
        ("night", "2027-06-09T03:00", "2027-06-09T03:00"),
        ("office", "2027-06-12T12:00", "2027-06-14T08:00"),
        ("office", "2027-03-25T21:00", "2027-03-30T08:00"),  # Good Friday to Easter Monday
        ("slotted", "2027-05-17T10:00", "2027-05-18T10:00"),  # Whit Monday
        ("plain", "2027-03-27T22:00", "2027-03-28T08:00"),
    ],
)
def test_day_and_hour(class_: str, planned: str, leaves: str) -> None:
    """Quiet hours are half-open; a slot goes to the next slot, other classes to the next hour."""
    verdict = ask(Letter(class_, local(planned)))

    when = verdict.planned if isinstance(verdict, Leave) else getattr(verdict, "until", None)
    assert when == local(leaves)


def test_the_hour_is_the_recipients() -> None:
    """Ten in the morning in Amsterdam is the night of New York."""
    verdict = ask(Letter(), doc={**ANNA, "zone": "America/New_York"})

    assert verdict == Defer(local("2027-06-09T08:00", "America/New_York"), "closed")


def test_the_slot_is_the_recipients_as_they_live_now() -> None:
    """A message planned for the slot of another zone waits for theirs."""
    london = {**ANNA, "zone": "Europe/London"}

    assert ask(Letter("capped"), doc=london) == Defer(
        local("2027-06-09T10:00", "Europe/London"), "closed"
    )


def test_a_slot_in_quiet_hours_is_their_end() -> None:
    """A slot that can never be leaves when the quiet hours do, and waits no longer."""
    made = programme(slot="07:00")
    verdict = ask(Letter("slotted", local("2027-06-09T07:00")), made=made)

    assert verdict == Defer(local("2027-06-09T08:00"), "closed")
    assert isinstance(ask(Letter("slotted", local("2027-06-09T08:00")), made=made), Leave)


@pytest.mark.parametrize(("class_", "until"), [("capped", "2027-06-10T10:00"), ("plain", "")])
def test_an_hour_late_is_planned_anew(class_: str, until: str) -> None:
    """A slot's message goes to the next slot, another leaves and counts now; less is no matter."""
    now = TEN + timedelta(hours=1)
    verdict = ask(Letter(class_), now=now)

    if until:
        assert verdict == Defer(local(until), "late")
    else:
        assert isinstance(verdict, Leave)
        assert verdict.planned == now
    on_time = ask(Letter(class_), now=now - timedelta(seconds=1))
    assert isinstance(on_time, Leave)
    assert on_time.planned == TEN


@pytest.mark.parametrize(("zone", "noted"), [("", False), ("Mars/Olympus", True), ("../x", True)])
def test_a_zone_that_is_none_is_the_programmes(zone: str, *, noted: bool) -> None:
    """Missing is normal; a wrong one is noted."""
    verdict = ask(Letter(), doc={**ANNA, "zone": zone})

    assert isinstance(verdict, Leave)
    assert (verdict.zone, verdict.zone_fallback) == ("Europe/Amsterdam", noted)


# -- whatever is asked -----------------------------------------------------------------------------

ZONES = ["Europe/Amsterdam", "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "Nowhere/X"]


@given(
    class_=st.sampled_from(sorted(PROGRAMME.policies.classes)),
    zone=st.sampled_from(ZONES),
    hours=st.integers(0, 24 * 400),
    minutes=st.integers(0, 59),
    before=st.lists(st.integers(1, 24 * 20), max_size=4),
)
def test_whatever_waits_leaves_or_ends(
    class_: str, zone: str, hours: int, minutes: int, before: list[int]
) -> None:
    """Asked again when it said so, the guard comes to an end, and lets nothing go that must wait.

    What leaves is in no quiet hour and on a day of its calendar, and finds room in its caps.
    """
    planned = datetime(2027, 1, 4, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes)
    history = sent(*(planned - timedelta(hours=hour) for hour in before), class_="both")
    letter = Letter(class_, planned, doc={"since": iso(planned)})
    doc = {**ANNA, "zone": zone}
    for _ in range(40):
        verdict = ask(letter, doc=doc, history=history)
        if not isinstance(verdict, Defer):
            break
        assert verdict.until > letter.planned_at
        letter = replace(letter, planned_at=verdict.until)
    else:
        pytest.fail("it waits for ever")
    policy = PROGRAMME.policies.classes[class_]
    if isinstance(verdict, Skip):
        assert verdict.reason == "capped"
        return
    wall = verdict.planned.astimezone(ZoneInfo(verdict.zone))
    assert policy.at_night or 8 <= wall.hour < 20
    assert not policy.calendar or PROGRAMME.office.is_business_day(wall.date())
    if policy.leaves:
        assert (wall.hour, wall.minute) == (10, 0)
    if "weekly" in policy.caps:
        week = verdict.planned - timedelta(days=6, hours=23)
        assert not [one for one in history if one.planned_at > week]
