"""Types of a programme's own that undo rewards: they reach whoever the event names.

Their subject may be somebody else: whoever found the fault, the firm. So the event is handed on
as an undoing to the contact, the referrer or the lead that its data names, and a lead tells those
who recommended it. What it takes back nowhere is said where it arrived.
"""

from events.catalogue import BUILT_IN
from workflows.domain import ledger_lead, ledger_reversal, refusing
from workflows.state import Doc
from workflows.turn import Turn

UNDONE_OF_LEAD = "lead.undone"
"""What another actor tells a lead that undoes its rewards, and those of its referrers."""
_PEOPLE = ("contact", "referrer")


def is_own(turn: Turn, event: Doc) -> bool:
    """Tell whether an event is of a type that no catalogue but the programme's has."""
    kind = event["type"]
    listed = kind in turn.programme.rewarding.reverse_on
    return listed and kind not in BUILT_IN and not event.get("fact")


def heard(turn: Turn, event: Doc) -> None:
    """Take back what an event undoes, here and of those whom it names; say it if that is nobody."""
    undoing = ledger_reversal.undoing_of(turn, event)
    told = _hand_on(turn, undoing)
    if turn.contact:
        before = len(turn.facts)
        if "referred" in turn.doc:
            ledger_lead.heard(turn, event)
        else:
            ledger_reversal.heard(turn, event)
        told = told or len(turn.facts) > before or "referred" in turn.doc
    if not told:
        refusing.nothing_to_do(turn, event, "nothing_to_take_back", "data")


def _hand_on(turn: Turn, undoing: Doc) -> bool:
    """Tell those whom an event names; False where it names nobody else."""
    about = undoing["about"]
    people = {about.get(name, "") for name in _PEOPLE} - {"", turn.contact}
    for person in sorted(people):
        turn.forward(f"contact/{person}", ledger_reversal.undone_event(undoing, person))
    lead = about.get("lead", "")
    if not lead or lead == turn.contact:
        return bool(people)
    told = {**ledger_reversal.undone_event(undoing, lead), "type": UNDONE_OF_LEAD}
    turn.forward(f"contact/{lead}", {**told, "id": f"{undoing['id']}/{UNDONE_OF_LEAD}"})
    return True


def told_of_lead(turn: Turn, event: Doc) -> bool:
    """Take back what somebody else's event undoes of this lead, and of who recommended it."""
    ledger_lead.undone(turn, event["data"])
    return False
