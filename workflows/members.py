"""What an account hears and its contacts' own runs react to: passed on to those contacts.

Two workflows may follow one customer: a run of a contact reacts to an event of the account
as well, where nothing that both carry differs (LANGUAGE section 4, Reach). The contact takes
nothing else from such an event: it is not theirs, and starts no run of theirs.
"""

from workflows.state import Doc
from workflows.turn import Turn

TOLD = "told"
"""The field of a passed event that names the account's actor."""


def pass_on(turn: Turn, event: Doc) -> None:
    """Put an account's event into the inboxes of the contacts that were read with it."""
    if event.get("fact") or event["type"] not in turn.programme.members_hear:
        return  # what follows from it here is the account's own
    for member in turn.members:
        turn.forward(member, {**event, TOLD: turn.state.actor, "depth": turn.depth})


def is_theirs(turn: Turn, event: Doc) -> bool:
    """Tell whether a contact is still of the account that a passed event names."""
    account = str(turn.doc.get("account", "")).removeprefix("account/")
    return bool(account) and event[TOLD] == f"account/{account}"
