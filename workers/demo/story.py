"""One contact's year in sentences: what happened to them and what they did, with dates."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from events.values import parse_instant
from workers.demo.tally import Tally

ZONE = ZoneInfo("Europe/Amsterdam")

Data = Mapping[str, Any]

STAFF = {
    "u-sam": "Sam",
    "u-lena": "Lena",
    "u-ada": "Ada",
    "u-olga": "Olga",
    "u-ben": "Ben",
    "u-pim": "Pim",
}
KINDS = {"referral": "a recommendation", "quote": "a quote", "reference_story": "a story"}
REASONS = {
    "capped": "there was no room under the caps",
    "not_eligible": "they may not be asked now",
    "no_consent": "they do not want such mail",
    "open_case": "a case is open",
    "cooldown": "they were asked not long ago",
    "expired": "the moment had passed",
    "stopped": "it had become pointless",
    "no_asks": "they asked never to be asked again",
    "already_sent": "they have had it",
    "closed": "it is no time for mail",
    "late": "its time had passed",
    "quiet": "it is night",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence of a story."""

    at: datetime
    text: str

    @property
    def shown(self) -> str:
        """The sentence with its date, as a calendar on the wall would have it."""
        return f"{self.at.astimezone(ZONE):%a %d %b %H:%M}  {self.text}"


def of(tally: Tally, contact: str) -> list[Told]:
    """Return a contact's story, in the order in which Vouch heard and did things."""
    told = [
        Told(parse_instant(event["time"]), text)
        for event in tally.events.get(contact, ())
        if (text := _event(event["type"], event["data"]))
    ]
    told += [
        Told(fact["at"], text)
        for fact in tally.facts.get(contact, ())
        if (text := _fact(fact["fact"], fact.get("data") or {}, contact))
    ]
    return sorted(told, key=lambda each: each.at)


def chosen(tally: Tally) -> Iterator[tuple[str, str]]:
    """Give the title and the contact of the two stories: a promoter's and a detractor's."""
    for title, wanted, unwanted in (
        ("A promoter", ("referral.won", "ask.answered", "task.closed"), ("case.opened",)),
        ("A detractor", ("case.opened", "case.closed", "task.escalated"), ()),
    ):
        found = _richest(tally, wanted, unwanted)
        if found:
            yield title, found


def _richest(tally: Tally, wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> str:
    """Return the contact to whom the first and most of what is wanted happened."""
    best, most = "", 0
    for contact, facts in sorted(tally.facts.items()):
        kinds = {fact["fact"] for fact in facts}
        if contact.startswith("l-") or kinds & set(unwanted):
            continue
        points = 20 * len(kinds & set(wanted)) + 10 * (contact in tally.participants)
        points += 60 * ("referral.submitted" in {e["type"] for e in tally.events[contact]})
        if wanted[0] in kinds and points > most:
            best, most = contact, points
    return best or _anybody(tally, unwanted)


def _anybody(tally: Tally, unwanted: tuple[str, ...]) -> str:
    """Return a participant, where nobody had the great year that was looked for."""
    for contact in sorted(tally.participants):
        if not {fact["fact"] for fact in tally.facts.get(contact, ())} & set(unwanted):
            return contact
    return ""


# -- sentences ------------------------------------------------------------------------------------

EVENTS = {
    "project.delivered": "A project was delivered to them, worth {value_eur:,} euros.",
    "nps.answered": "They gave us {score} of 10{again}.{said}",
    "problem.solved": "The helpdesk solved a problem of theirs.",
    "product.upgraded": "They moved up to {product}.",
    "compliment.given": "They paid us a compliment: “{note}”",
    "favour.granted": "We did them a favour. {note}",
    "optin.requested": "They asked on the website to take part.",
    "optin.confirmed": "They confirmed that they take part.",
    "quote.given": "They gave us a quote: “{text}”",
    "story.given": "They gave us a story: “{text}”",
    "review.posted": "They posted a review.",
    "referral.submitted": "They recommended us to {lead[name]}.",
    "contact.unsubscribed": "They unsubscribed from {topic}.",
}
OPENINGS = frozenset({"ask_quote", "ask_story", "ask_referral"})
"""Mails that open an ask: `ask.opened` says so already."""

FACTS = {
    "message.sent": "Mail “{mail}” left{to_whom}.",
    "message.deferred": "Mail “{mail}” has to wait: {why}.",
    "message.skipped": "Mail “{mail}” did not leave: {why}.",
    "ask.opened": "They were asked for {what}.",
    "ask.answered": "Asked for {what} they said: gladly.",
    "ask.declined": "Asked for {what} they said no, and that is fine.",
    "ask.snoozed": "Asked for {what} they said: later.",
    "ask.silent": "Asked for {what} they said nothing, and that is fine.",
    "ask.withdrawn": "The question for {what} was withdrawn.",
    "task.opened": "{who} got the task “{title}”, due {due_on}.",
    "task.overdue": "The task “{title}” was overdue.",
    "task.escalated": "{who} was told that it is overdue.",
    "task.closed": "{who} did it{cause}.",
    "task.cancelled": "The task was cancelled: {why}.",
    "case.opened": "Their case opened: nobody asks them for anything.",
    "case.closed": "Their case was closed; asks stay held until {held_on}.",
    "referral.accepted": "Their recommendation was accepted.",
    "referral.contacted": "Sales spoke to the person they recommended.",
    "referral.won": "The person they recommended became a customer.",
    "referral.lost": "The person they recommended did not become a customer.",
    "reward.accrued": "They earned {amount} stars, held for a while.",
    "reward.released": "The stars are theirs to spend.",
}


def _event(kind: str, data: Data) -> str:
    said = [f"“{data[name]}”" for name in ("improve", "comment") if data.get(name)]
    words = {
        "again": " on second thoughts" if data.get("revision", 1) > 1 else "",
        "said": "".join(f" {text}" for text in said),
    }
    return EVENTS.get(kind, "").format_map({"value_eur": 0, "topic": "everything", **data, **words})


def _fact(kind: str, data: Data, contact: str) -> str:
    if kind == "message.sent" and data["template"] in OPENINGS:
        return ""
    who = STAFF.get(data.get("to") or data.get("by") or "", "Nobody")
    reason = data.get("reason", "")
    cause = (data.get("data") or {}).get("root_cause", "")
    words = {
        "who": who,
        "mail": str(data.get("template", "")).replace("_", " "),
        "to_whom": _to_whom(data, contact),
        "why": REASONS.get(reason, reason.replace("_", " ")),
        "what": KINDS.get(data.get("kind", ""), "something"),
        "cause": f": {cause.replace('_', ' ')}" if cause else "",
        "due_on": _day(data, "due"),
        "held_on": _day(data, "held_until"),
    }
    return FACTS.get(kind, "").format_map({"title": "", "amount": "", **data, **words})


def _to_whom(data: Data, contact: str) -> str:
    to = data.get("to", "")
    if to == contact:
        return ""
    return f" to {STAFF[to]}" if to in STAFF else " to the person they recommended"


def _day(data: Data, name: str) -> str:
    if not data.get(name):
        return ""
    return f"{parse_instant(data[name]).astimezone(ZONE):%a %-d %b %H:%M}"
