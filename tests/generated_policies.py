"""Policies made at random: caps, cool-downs, hours, people."""

from random import Random
from typing import Any

ZONES = ("Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC")
KINDS = ("quote", "reference_story", "referral")
DONE_BY = {"quote": "quote.given", "reference_story": "story.given",
           "referral": "referral.submitted"}  # fmt: skip


def policies_of(draw: Random) -> dict[str, Any]:
    """Return policies, drawn: caps, cool-downs, hours, people."""
    slot = {"leaves": "slot", "calendar": "office"}
    return {
        "programme": "made",
        "zone": draw.choice(ZONES),
        "locales": ["en"],
        "channels": draw.choice((["email"], ["email", "sms"], ["sms", "email"])),
        "slot": draw.choice(("10:00", "08:30", "16:00")),
        "quiet": draw.choice((["20:00", "08:00"], ["22:30", "06:30"])),
        "defer": draw.choice(("3d", "14d", "P10D")),
        "calendars": {"office": {
            "days": draw.choice((["mon", "tue", "wed", "thu", "fri"], ["tue", "thu", "sat"])),
            "hours": draw.choice((["09:00", "17:00"], ["07:30", "12:00"])),
            **draw.choice(({}, {"holidays": "NL"}, {"holidays": ["2027-03-17"]})),
        }},
        "fields": {"contact": {"vip": "bool", "rank": "int", "word": "string"}},
        "classes": {
            "survey": {"consent": "survey", "caps": ["rare"], **slot},
            "ask": {"consent": "programme", "caps": ["asks", "often", "firm"],
                    "held_by": ["case", "cooldown"], **draw.choice((slot, {}))},
            "reminder": {"consent": "programme", "caps": ["often"], "held_by": ["case"], **slot},
            "value": {"consent": "programme", "caps": ["often"],
                      **draw.choice((slot, {"held_by": ["cooldown"]}, {}))},
            "journey": {"consent": "programme", "caps": ["often"], "held_by": ["case"], **slot},
            "newsletter": {"consent": "programme", "caps": ["often"]},
            "transactional": draw.choice(({}, {"at_night": ["email"]})),
        },
        "caps": {
            "rare": {"max": draw.randint(1, 2), "within": draw.choice(("30d", "2w", "1mo"))},
            "asks": {"max": 1, "within": draw.choice(("7d", "3d"))},
            "often": {"max": draw.randint(2, 3), "within": draw.choice(("7d", "36h", "1w"))},
            "firm": {"max": draw.randint(1, 3), "within": "14d", "per": "account"},
        },
        "asks": {
            **draw.choice(({}, {"if": "contact.nps.band == 'promoter' && !contact.open_case"})),
            "ladder": [{"kind": kind, "done_by": DONE_BY[kind]} for kind in KINDS],
            "cooldown": {"declined": draw.choice(("60d", "5d")), "answered": "20d",
                         "silent": draw.choice(("45d", "1w"))},
            "snooze": draw.choice(("3mo", "4d")),
        },
        "cases": {"cooldown": draw.choice(("30d", "2d"))},
        "staff": {f"u-{name}": {"name": name.title(), "email": f"{name}@made.example"}
                  for name in ("sam", "ada", "ben", "pim")} | {
            "u-lena": {"name": "Lena", "email": "lena@made.example", "deputy": "u-ben",
                       **draw.choice(({}, {"max": 1}, {"leave": ["2027-03-02", "2027-03-20"]}))}},
        "queues": {"all": ["u-sam", "u-ada", "u-lena"]},
        "roles": {"sales": ["contact.owner", "queue.all"], "manager": ["account.manager", "u-ada"],
                  "owner_of": [{"if": "contact.vip", "to": "u-lena"}, "u-ben"],
                  "nobody_yet": ["contact.owner", "account.manager"], "chief": ["u-pim"]},
        "unassigned": {"after": draw.choice(("15m", "2h")), "to": "chief"},
        "rewards": {
            "currency": {"code": "star", "names": {"en": "stars"}},
            **draw.choice(({}, {"if": "contact.nps.band == 'promoter'"})),
            "hold": draw.choice(("14d", "2h", "3bd")), "choices": ["donation", "training"],
            "reverse": ["deal.lost", "deal.refunded"],
        },
        "tiers": {"count": "reward.released", "within": "365d",
                  "levels": {"member": 0, "silver": 1, "gold": 3}, "lower": "0 3 1 * *"},
        "endpoints": {"hook": {"url": "https://hook.made.example/in", "secret": "env:VOUCH_HOOK",
                               "retry": draw.choice(([], ["5m", "1h"]))}},
        **draw.choice(({}, {"moments": {"collect": draw.choice(("24h", "2h")), "events": [
            {"event": "favour.granted", "rank": 1, "valid": "7d", "opens": ["quote"]},
            {"event": "problem.solved", "rank": 3, "valid": "14d", "opens": ["referral", "quote"]},
        ]}})),
    }  # fmt: skip
