"""Who looks after a firm, as the tasks of its contacts know it: the same in every order.

The account's own actor decides which word on its owner is the newest, and tells its contacts,
who ask the roles of their open tasks again. So an older word that is heard later moves nothing,
and a task that an older event opens meanwhile is reached: a contact reads its firm either after
that was written, or hears of it after the task is there.

Only a contact who is new to the firm in the same batch may be missed. It asks the firm itself.
Nothing here is touched where no role names an account's owner or manager.
"""

from workflows.state import Doc, iso
from workflows.turn import Turn

TOLD = "firm.owners_told"
"""What an account tells a contact of its own: whom it names is somebody else now."""
ASKED = "firm.owners_asked"
"""What a contact tells the account that it is new to: whom it took for the owners."""
FIELDS = ("owner", "manager")
"""Fields of an account that a role's chain may name."""
HEARS = frozenset({"owner.changed", "contact.updated"})
"""Events of an account that may change them."""


def owners(turn: Turn) -> dict[str, str]:
    """Return whom this account names, or the one that a contact belongs to, as far as is read."""
    doc = turn.state.account if turn.contact else turn.doc
    return {name: str(doc.get(name) or "") for name in FIELDS}


def tell(turn: Turn) -> None:
    """Have the contacts of this account ask the roles of their open tasks again."""
    for member in turn.members:
        _forward(turn, TOLD, member, {"account": turn.state.actor})


def learned(turn: Turn) -> None:
    """Note that this contact is new to its account: what is assigned from here on is asked."""
    if turn.programme.account_roles and turn.contact and turn.doc.get("account"):
        turn.state.new_to_account = True
        if turn.state.tasks:
            _ask(turn)


def opened(turn: Turn) -> None:
    """Ask the account whether a task that was just opened is whose it should be."""
    if turn.state.new_to_account:
        _ask(turn)


def answer(turn: Turn, event: Doc) -> bool:
    """Tell a contact who is new to this account, if the account names others by now."""
    if event["data"]["saw"] != owners(turn):
        asks = str(event["data"]["contact"])
        _forward(turn, TOLD, f"contact/{asks}", {"account": turn.state.actor})
    return False


def is_theirs(turn: Turn, event: Doc) -> bool:
    """Tell whether a contact is still of the account that tells it something."""
    return bool(turn.contact) and event["data"]["account"] == _account(turn)


def _account(turn: Turn) -> str:
    account = str(turn.doc.get("account") or "")
    return account if account.startswith("account/") else f"account/{account}"


def _ask(turn: Turn) -> None:
    _forward(turn, ASKED, _account(turn), {"contact": turn.contact, "saw": owners(turn)})


def _forward(turn: Turn, kind: str, actor: str, data: Doc) -> None:
    contact = actor.removeprefix("contact/") if actor.startswith("contact/") else ""
    turn.forward(actor, {
        "id": turn.mark, "source": f"vouch/{kind}", "type": kind, "fact": True,
        "time": iso(turn.time), "contact": contact, "depth": turn.depth + 1, "data": data,
    })  # fmt: skip
