"""Who looks after it: a role's chain resolved to a person, today."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workflows.policies import Person, RoleIf
from workflows.state import Doc, Run

if TYPE_CHECKING:
    from workflows.turn import Turn

DEPUTIES_MAX = 8
"""How far a chain of deputies is followed."""
QUEUE = "queue."
"""What names of queues begin with in a role's chain."""


@dataclass(frozen=True, slots=True)
class Found:
    """The person a role came to ('' for nobody) and the entry of its chain that gave them.

    Attributes:
        following: The place in a queue's list behind whoever it came to: it begins there next.
        missing: Whether somebody whom the role names has left, and it came to one behind them.
    """

    person: str
    via: str
    following: int = 0
    missing: bool = False


def find_role(
    turn: "Turn",
    role: str,
    *,
    run: Run | None = None,
    about: Doc | None = None,
    contact: Doc | None = None,
) -> Found:
    """Return the first of a role's chain who is here, not on leave and below their maximum.

    `about` is the person the task or message is about: `contact` and `account` in the chain
    are theirs then. `contact` is this contact as it was under another record, if that is asked.
    """
    missing = False
    about = about if contact is None else {**contact, "account": turn.state.account}
    for each in _chain(turn, role, run, about, set()):
        here = _here(turn, each.person)
        if here:
            return replace(each, person=here, missing=missing)
        named = each.via == each.person and turn.programme.policies.staff.get(each.person)
        missing = missing or bool(named and named.left)
    return Found("", "", missing=missing)


def take(turn: "Turn", found: Found) -> None:
    """Count a task for whoever was found; the next one of a queue goes on behind them."""
    turn.loads[found.person] = turn.loads.get(found.person, 0) + 1
    if found.via.startswith(QUEUE):
        turn.loads[found.via] = found.following


def _chain(
    turn: "Turn", role: str, run: Run | None, about: Doc | None, seen: set[str]
) -> Iterator[Found]:
    policies = turn.programme.policies
    if role in seen:
        return
    seen.add(role)
    if role in policies.staff:
        yield Found(role, role)
        return
    for entry in policies.roles.get(role, ()):
        name = entry
        if isinstance(entry, RoleIf):
            condition = turn.programme.role_ifs[entry.if_]
            if not turn.holds(condition, run, where=f"roles.{role}"):
                continue
            name = entry.to
        assert isinstance(name, str)  # noqa: S101
        if name in policies.roles:
            yield from _chain(turn, name, run, about, seen)
        elif name.startswith(QUEUE):
            members = policies.queues.get(name.removeprefix(QUEUE), ())
            first = turn.loads.get(name, 0)  # the list may have become shorter since
            for place in range(first, first + len(members)):
                number = place % len(members)
                yield Found(members[number], name, number + 1)
        else:
            yield Found(_owner(turn, name, run, about), name)


def _owner(turn: "Turn", path: str, run: Run | None, about: Doc | None) -> str:
    """Return the person a path names: `contact.owner`, `account.manager`, `u-lena`."""
    subject, _, field = path.partition(".")
    if not field:
        return path
    if subject == "referrer":
        is_lead = about is not None and about.get("id") == turn.contact  # who recommended is gone
        return "" if is_lead else str(turn.doc.get(field, ""))
    if about is not None:
        source = about if subject == "contact" else about.get("account") or {}
        return str(source.get(field, "")) if isinstance(source, dict) else ""
    own = subject == "contact" or not turn.contact  # an account's own task asks the account
    source = turn.doc if own else turn.state.account
    return str(source.get(field, ""))


def _here(turn: "Turn", person: str) -> str:
    """Return the person, or the deputy of one on leave; '' where nobody can take it."""
    staff = turn.programme.policies.staff
    for _ in range(DEPUTIES_MAX):
        somebody = staff.get(person)
        if somebody is None:
            return person  # '' or one whom the CRM knows and the programme does not
        if somebody.left or _is_full(turn, person, somebody):
            return ""
        if not _on_leave(turn, somebody):
            return person
        person = somebody.deputy
    return ""


def _is_full(turn: "Turn", name: str, person: Person) -> bool:
    return person.max is not None and turn.loads.get(name, 0) >= person.max


def _on_leave(turn: "Turn", person: Person) -> bool:
    """Tell whether today, in the programme's zone, is a day of leave; the last day is one."""
    if person.leave is None:
        return False
    today = turn.now.astimezone(turn.programme.zone).date().isoformat()
    return person.leave[0] <= today <= person.leave[1]
