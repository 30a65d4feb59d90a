"""Staff, queues and roles: who is named, and whether anybody can be found at the end."""

import re
from collections.abc import Iterator
from datetime import date

from workflows.check.context import Context, Place
from workflows.check.policies import ROOT, check_day
from workflows.policies import Person, Policies, RoleIf

PATHS = frozenset({"contact.owner", "account.owner", "account.manager", "referrer.owner"})
"""Who is found only when a task is: the owner of whom it concerns."""

_QUEUE = "queue."


def check_people(context: Context) -> None:
    """Report people, queues and roles that are not there, circles, and roles with nobody in."""
    _staff(context)
    policies = context.policies
    for name, members in policies.queues.items():
        if not members:
            message, help_ = f'the queue "{name}" names nobody', "name people of staff"
            _judged(context, ROOT / "queues" / name, message, help_, key=True)
        for number, person in enumerate(members):
            place = ROOT / "queues" / name / number
            context.known("V044", place, "person", person, policies.staff)
    for name, chain in policies.roles.items():
        _role(context, name, chain)
    if policies.unassigned:
        place = ROOT / "unassigned" / "to"
        _named_role(context, place, policies.unassigned.to)
    if policies.referrals.review:
        place = ROOT / "referrals" / "review" / "to"
        _named_role(context, place, policies.referrals.review.to)


def role_for(policies: Policies, name: str) -> str:
    """Return what to write where somebody is named and a role is needed."""
    if name == "contact":
        return "name staff"
    found = [role for role in policies.roles if name in _names(policies, role)]
    if found:
        return f"write the role {found[0]}, which leads to {name}"
    role = re.sub(r"[^A-Za-z0-9]+", "_", name.rpartition(".")[2])
    return f"add a role under roles, such as {role}_role: [{name}]"


def _named_role(context: Context, place: Place, name: str) -> None:
    """Report a name that is no role's; of a person, which role leads there."""
    policies = context.policies
    if name in policies.staff and name not in policies.roles:
        context.report("V044", place, f'"{name}" is no role', role_for(policies, name))
    else:
        context.known("V044", place, "role", name, policies.roles)


def _staff(context: Context) -> None:
    staff = context.policies.staff
    for name, person in staff.items():
        place = ROOT / "staff" / name
        if person.deputy:
            context.known("V044", place / "deputy", "person", person.deputy, staff)
        if person.deputy == name:
            context.report(
                "V060", place / "deputy", f"{name} cannot stand in for {name}", "name another"
            )
        if person.leave:
            days = [
                check_day(context, place / "leave" / number, text)
                for number, text in enumerate(person.leave)
            ]
            if days[0] and days[1] and days[1] < days[0]:
                context.report(
                    "V031", place / "leave", "the leave ends before it begins", "earlier first"
                )
        if name in context.policies.roles:
            message = f'"{name}" is a person and a role: nobody can tell which is meant'
            context.report("V018", ROOT / "roles" / name, message, "rename one", key=True)


def _role(context: Context, name: str, chain: tuple[str | RoleIf, ...]) -> None:
    policies, place = context.policies, ROOT / "roles" / name
    if not chain:
        help_ = "name a person, a queue or another role"
        _judged(context, place, f'the role "{name}" names nobody', help_, key=True)
        return
    known = {*policies.staff, *policies.roles, *PATHS, *(_QUEUE + q for q in policies.queues)}
    sound = True
    for number, entry in enumerate(chain):
        at = place / number
        to = entry
        if isinstance(entry, RoleIf):
            context.expression(at / "if", entry.if_, context.scopes.role())
            at, to = at / "to", entry.to
        what = "queue" if str(to).startswith(_QUEUE) else "person or role"
        sound = context.known("V044", at, what, str(to), known) and sound
    circle = _circle(policies, name)
    if circle and name != min(circle):
        return  # told of the first of them
    if circle:
        message = f"this role leads back to itself: {' -> '.join(circle)}"
        context.report("V060", place, message, "end the chain with a person", key=True)
    elif sound and not any(_somebody(policies, name, None)):
        message = f'nobody is in the role "{name}": all of them have left'
        _judged(context, place, message, "add a person who is there", key=True)
    elif sound and context.today and not any(_somebody(policies, name, context.today)):
        message = f'nobody is in the role "{name}" today: all of them are on leave'
        _judged(context, place, message, "add a person or a deputy who is there", key=True)
    elif sound:
        _still_named(context, name, chain)


def _still_named(context: Context, role: str, chain: tuple[str | RoleIf, ...]) -> None:
    """Report people whom a role names though they have left: others do their work silently."""
    for number, entry in enumerate(chain):
        at = ROOT / "roles" / role / number
        name, at = (entry.to, at / "to") if isinstance(entry, RoleIf) else (entry, at)
        person = context.policies.staff.get(name)
        if person is not None and person.left:
            message = f'{name} has left, and the role "{role}" still names them'
            _judged(context, at, message, "take them out, or name somebody in their place")


def _judged(context: Context, at: Place, message: str, help_: str, *, key: bool = False) -> None:
    """Report what no programme should be applied with, and a trial may be about."""
    context.report("V061", at, message, help_, key=key, severity=context.judged)


def _names(policies: Policies, role: str) -> list[str]:
    return [e.to if isinstance(e, RoleIf) else e for e in policies.roles.get(role, ())]


def _circle(policies: Policies, start: str) -> list[str]:
    """Return the way from a role back to itself; empty if there is none."""
    ways = [[start]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for name in _names(policies, way[-1]):
            if name == start:
                return [*way, start]
            if name in policies.roles and name not in seen and name not in policies.staff:
                seen.add(name)
                ways.append([*way, name])
    return []


def _somebody(policies: Policies, role: str, today: date | None) -> Iterator[bool]:
    """Give, for everyone a role may lead to, whether they are still there, and here today."""
    pending, seen = [role], {role}
    while pending:
        for name in _names(policies, pending.pop()):
            if name in PATHS:
                yield True  # only a task can tell
            elif name in policies.staff:
                yield _is_here(policies, name, today)
            elif name.startswith(_QUEUE):
                members = policies.queues.get(name.removeprefix(_QUEUE), ())
                yield any(_is_here(policies, member, today) for member in members)
            elif name in policies.roles and name not in seen:
                seen.add(name)
                pending.append(name)


def _is_here(policies: Policies, person: str, today: date | None) -> bool:
    """Return whether a person has not left, and is here or somebody stands in for them.

    Who has left has no deputy, their place is empty.
    """
    seen: set[str] = set()
    while person not in seen:
        seen.add(person)
        known = policies.staff.get(person)
        if known is None or known.left or not _on_leave(known, today):
            return known is None or not known.left
        person = known.deputy or person
    return False


def _on_leave(person: Person, today: date | None) -> bool:
    if today is None or person.leave is None:
        return False
    first, last = person.leave
    return first <= today.isoformat() <= last
