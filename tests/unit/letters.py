"""A message as the guard sees it, and what the guard says of it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from events.catalogue import default_catalogue
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.guard import Defer, Skip, Verdict, View, guard
from workflows.policies import Policies

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
