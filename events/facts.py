"""What Vouch tells the world and itself: the facts that the timeline is made of.

A fact is the same in the database, in a simulation, in tests and in the console. Its own fields
are the `event.data` of a workflow that triggers on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from events.values import Fields


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, recorded.

    Attributes:
        at: When it was recorded; a late event's facts bear its arrival.
        fact: What happened: `message.sent`.
        key: Derived, the same on every replay; a second one is absorbed.
        cause: The event or timer that it follows from.
        contact: Whom it concerns, where it concerns one.
        account: The customer, where it concerns one.
        workflow: The workflow of the run it belongs to, where it belongs to one.
        run: That run's id.
        step: That run's step, by id or place.
        data: The fields of its own, as `FACTS` lists them.
    """

    at: datetime
    fact: str
    key: str
    cause: str = ""
    contact: str = ""
    account: str = ""
    workflow: str = ""
    run: str = ""
    step: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactType:
    """One kind of fact: its name, a line that says what happened, its own fields."""

    name: str
    about: str
    fields: Fields


# A field's type is `string` unless it says otherwise: `due:instant`.
_FAMILIES: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "event",
        "event type reason field",
        {
            "accepted": "An event passed intake.",
            "duplicate": "An event had been delivered before, or told the same business fact.",
            "rejected": "An event was refused; reason and field say why.",
            "parked": "An event waits for the one that it builds on.",
        },
    ),
    (
        "run",
        "per again as reason operand",
        {
            "started": "A trigger started a run.",
            "refused": "A trigger fitted by type, and started nothing; reason says why.",
            "ended": "A run came to its end, under the name in `as`.",
        },
    ),
    ("condition", "where error", {"failed": "A condition could not be computed: it was false."}),
    (
        "message",
        "template class channel locale to planned:instant reason uncapped:bool",
        {
            "queued": "A message was planned.",
            "deferred": "A message must wait; reason says for what.",
            "sent": "A message left.",
            "skipped": "A message will not leave; reason says why.",
            "failed": "A message could not be delivered by any channel.",
        },
    ),
    (
        "ask",
        "ask kind touch:int answer reason cooling_until:instant",
        {
            "opened": "An ask was put to a contact.",
            "reminded": "A reminder of an open ask left.",
            "answered": "A contact said gladly, or did what was asked.",
            "declined": "A contact said not now, or never.",
            "snoozed": "A contact said later.",
            "silent": "An ask ended without an answer.",
            "withdrawn": "An open ask was taken back; reason says why.",
            "skipped": "An ask was never opened; reason says why.",
        },
    ),
    (
        "moment",
        "moment kind rank:int reason valid_until:instant",
        {
            "held": "A moment waits: its contact may not be asked now.",
            "absorbed": "A moment gave way to a better one, or came too late.",
            "chosen": "A moment is the one to ask at.",
            "expired": "A held moment was valid no longer.",
        },
    ),
    (
        "task",
        "task title to via due:instant by level:int flags:list reason data:dyn",
        {
            "opened": "A task was given to somebody.",
            "accepted": "Somebody took a task on.",
            "closed": "A task was done.",
            "overdue": "A task was not done when it was due.",
            "escalated": "The next level of a task was told.",
            "reassigned": "A task moved to somebody else.",
            "cancelled": "A task need not be done any more.",
        },
    ),
    (
        "case",
        "task held_until:instant",
        {
            "opened": "An unhappy contact is being looked after; asks are held.",
            "closed": "The case was closed; asks stay held for a while.",
        },
    ),
    (
        "journey",
        "stage effort:int amount:int",
        {
            "offered": "A stage of a journey was offered.",
            "answered": "A contact did what a stage offered.",
            "skipped": "A stage closed without an answer.",
        },
    ),
    (
        "referral",
        "referral lead code stage deal reason flags:list",
        {
            "accepted": "A referral counts.",
            "held": "A referral waits for a check.",
            "rejected": "A referral was turned down; reason says why.",
            "not_eligible": "A referral is welcome and earns nothing; reason says why.",
            "duplicate": "The lead had been recommended by somebody before.",
            "voided": "News undid a referral's acceptance.",
            "contacted": "The lead was spoken to.",
            "qualified": "The lead may become a customer.",
            "won": "The lead became a customer.",
            "lost": "The lead will not become a customer.",
            "expired": "The time in which the referral counts is over.",
        },
    ),
    (
        "reward",
        "entry side amount:int benefit bucket by reason choice charity",
        {
            "accrued": "A reward was earned; it is held at first.",
            "skipped": "No reward was earned; reason says why.",
            "released": "A reward became available.",
            "reversed": "A reward was taken back; bucket says from where.",
            "reserved": "A contact chose what to do with a reward.",
            "fulfilled": "What was chosen was handed over.",
        },
    ),
    (
        "ledger",
        "entry contact reason benefit moves:dyn",
        {"posted": "Entries that sum to zero were written to the book."},
    ),
    (
        "tier",
        "tier from_tier to_tier up:bool",
        {"changed": "A contact reached another level."},
    ),
    (
        "contest",
        "contest entries:int won:bool rank:int",
        {
            "entered": "A contact got an entry in a contest.",
            "frozen": "A contest's entries are final.",
            "drawn": "A contest's winners are known; told to everybody who took part.",
        },
    ),
    (
        "gift",
        "gift",
        {
            "reserved": "A gift was set aside for a contact.",
            "shipped": "A gift is on its way.",
            "cancelled": "A gift went back into stock.",
        },
    ),
    (
        "theme",
        "theme contacts:list text",
        {
            "mentioned": "A contact complained about a theme.",
            "recurring": "So many contacts complain about a theme that it is ours.",
            "resolved": "A theme that the contact complained about was improved.",
        },
    ),
    (
        "timer",
        "timer due:instant reason",
        {
            "set": "A timer was set.",
            "fired": "A timer was due.",
            "cancelled": "A timer has nothing left to wake.",
        },
    ),
    (
        "sync",
        "target fields:dyn",
        {
            "queued": "Fields are to be sent to another system.",
            "sent": "Fields were sent to another system.",
        },
    ),
    ("call", "endpoint attempt:int status:int", {"attempted": "An endpoint was called."}),
    (
        "contact",
        "fields:dyn into topic channel",
        {
            "changed": "Fields of a contact changed.",
            "merged": "A contact's record was merged into another.",
            "erased": "A contact was forgotten.",
            "unsubscribed": "A contact does not want to hear about something any more.",
            "zone_fallback": "A contact's zone is no name of one; the programme's was taken.",
        },
    ),
)


def _facts() -> Mapping[str, FactType]:
    found: dict[str, FactType] = {}
    for subject, written, verbs in _FAMILIES:
        parts = (word.partition(":") for word in written.split())
        fields = MappingProxyType({name: kind or "string" for name, _, kind in parts})
        for verb, about in verbs.items():
            name = f"{subject}.{verb}"
            found[name] = FactType(name, about, fields)
    return MappingProxyType(found)


FACTS: Mapping[str, FactType] = _facts()
"""Every fact there is, by name."""

NOT_TRIGGERS = frozenset(
    name
    for name in FACTS
    if name.startswith(("timer.", "event.")) or name in ("run.refused", "contact.zone_fallback")
)
"""Facts that start no run: they are about the machine, or would chase their own tail.

A workflow's own `run.*` start none either; who that is, only the loader can tell.
"""
