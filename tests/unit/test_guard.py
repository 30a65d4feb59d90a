"""The guard, check by check (LANGUAGE section 6): needed, deliverable, allowed, room in caps."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.letters import ANNA, TEN, Letter, ask, local, programme, sent
from workflows.guard import Defer, Leave, Skip
from workflows.planning import history_horizon
from workflows.state import iso

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
