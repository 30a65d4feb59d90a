"""A message's words: what they see, rendered at the claim from what is true then."""

from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from functools import lru_cache
from typing import Any, Literal, cast

from store.outbox import Claim, Claimed
from workers.channels.base import Parcel
from workers.tokens import Tokens
from workflows.compiled import Programme
from workflows.fields import ANSWERS, SHARED_BY, named_account
from workflows.guard import Leave, words_for
from workflows.policies import Person, Policies
from workflows.state import Doc
from workflows.words import Template, parse_template

Kind = Literal["email", "sms"]


@lru_cache(maxsize=2_000)
def _template(text: str, kind: Kind, name: str) -> Template:
    return parse_template(text, kind=kind, name=name)


@dataclass(frozen=True, slots=True)
class Desk:
    """What rendering needs of the installation: who signs links, where they lead, who sends."""

    tokens: Tokens
    base_url: str
    mail_from: str  # `Name <address>`, or an address


def staff_doc(programme: Programme, person: str, outsider: Doc | None = None) -> Doc:
    """Return what is known of a colleague: name and address.

    `outsider` is what is known of somebody whom upstream systems have and the programme has not.
    """
    known = programme.policies.staff.get(person) or Person(**(outsider or {}))
    return {
        "id": person,
        "name": known.name or person,
        "email": known.email,
        "zone": programme.policies.zone,
        "locale": programme.policies.locales[0],
    }


def parcel(
    desk: Desk,
    programme: Programme,
    claim: Claim,
    message: Claimed,
    leave: Leave,
    to: Doc,
    *,
    now: datetime,
) -> Parcel:
    """Return a message ready to go, dated `now`: receivers refuse old signatures.

    Raises:
        WordsError: The words need something that is not there.
    """
    found = words_for(programme, message.template, leave.channel, leave.locale)
    if found is None:
        msg = f"no template {message.template!r} for {leave.channel}"
        raise LookupError(msg)
    locale, text = found
    kind: Kind = "sms" if leave.channel == "sms" else "email"
    template = _template(text, kind, message.template)
    values = _values(desk, programme, claim, message, to)
    words = template.render(values, locale)
    sender = _sender(programme, values, words.sender)
    return Parcel(
        key=message.key,
        channel=leave.channel,
        address=leave.address,
        name=str(to.get("name", "")),
        sender_name=sender["name"],
        sender_address=parseaddr(desk.mail_from)[1],
        reply_to=sender["email"],
        subject=words.subject,
        text=words.text,
        html=words.html,
        headers=_headers(programme, message, values),
        at=now,
    )


def _values(
    desk: Desk, programme: Programme, claim: Claim, message: Claimed, to: Doc
) -> dict[str, Any]:
    """Return the names of LANGUAGE section 3, and who gets and sends it."""
    actor = claim.actors.get(message.actor) or to
    if message.actor == message.to:
        actor = to
    run = claim.runs.get(message.run) or claim.runs.get(str(message.doc.get("run", "")))
    values: dict[str, Any] = {
        "contact": {**actor, "referrals": list(actor.get("referrals", {}).values())},
        "account": _account(claim, actor),
        "programme": {**programme.facts, "currency": _currency(programme)},
        "to": to,
    }
    if run is not None:
        trigger = run.doc["trigger"]
        values |= {
            "trigger": trigger,
            "steps": run.doc.get("steps", {}),
            "run": {"id": run.id, "started_at": run.started_at},
        }
        referral = _referral(actor, trigger)
        if referral is not None:
            values["referral"] = referral
    if "task" in message.doc:
        values["task"] = message.doc["task"]
    values |= {name: message.doc[name] for name in ("stage", "reward") if name in message.doc}
    values["sender"] = _sender(programme, values, "owner")
    values["links"] = links_of(desk, message)
    return values


def _account(claim: Claim, actor: Doc) -> Doc:
    """Return the contact's account; its name is never empty."""
    known = str(actor.get("account", ""))
    doc = claim.actors.get(known if "/" in known else f"account/{known}", {})
    return named_account(doc, actor)


def _currency(programme: Programme) -> Any:  # noqa: ANN401
    currency = programme.policies.rewards.currency
    return currency.model_dump() if currency else ""


def _referral(actor: Doc, trigger: Doc) -> Doc | None:
    """Return the referral a run is about, as the referrer knows it now, with its reward."""
    carried = trigger.get("referral")
    if carried is None:
        return None
    known: Doc = actor.get("referrals", {}).get(carried["id"], carried)
    reward = actor.get("accruals", {}).get(f"deal/{known.get('deal')}/referrer")
    return {**known, "referrer": actor, **({"reward": reward} if reward else {})}


def _sender(programme: Programme, values: dict[str, Any], wanted: str) -> dict[str, str]:
    """Return who signs: the contact's owner where there is one we know, else the programme."""
    owner = str(values["contact"].get("owner", ""))
    person = programme.policies.staff.get(owner)
    if wanted == "owner" and person is not None:
        return {"id": owner, "name": person.name or owner, "email": person.email}
    answers = _stand_in(programme.policies) if wanted == "owner" else ""
    return {"id": "", "name": programme.policies.programme.title(), "email": answers}


def _stand_in(policies: Policies) -> str:
    """Return who answers where a contact has no owner: the queue of a chain that begins there."""
    for chain in policies.roles.values():
        if "contact.owner" not in chain:
            continue
        for entry in chain:
            if isinstance(entry, str) and entry.startswith("queue."):
                for name in policies.queues.get(entry.removeprefix("queue."), ()):
                    member = policies.staff.get(name)
                    if member is not None and member.email and not member.left:
                        return member.email
    return ""


def links_of(desk: Desk, message: Claimed) -> dict[str, str]:
    """Return the signed links of a message: those that `workflows.fields.LINKS` promises."""
    sign, base = desk.tokens.sign, f"{desk.base_url}/a/"
    person = message.to.partition("/")[2]
    if message.to.startswith("staff/"):
        task = message.doc.get("task")
        if not task:
            return {}
        page = base + sign("task", task["key"], message.actor, person)
        return {"done": page, "accept": page}  # one page, a button for each
    links = {
        "unsubscribe": base + sign("unsubscribe", message.to, "programme", "email"),
        "survey": base + sign("survey", message.key, message.to),
        "confirm": base + sign("optin", message.to),
        "refer": base + sign("refer", message.ask, message.to),
    }
    for name, medium in SHARED_BY.items():
        links[name] = f"{desk.base_url}/r/{sign('invite', message.to, medium)}"
    if message.doc.get("offer"):
        links["done"] = base + sign("journey", message.doc["stage"]["name"], message.to)
    if message.ask:
        answer = base + sign("ask", message.ask, message.to)
        links |= {name: f"{answer}?answer={name}" for name in ANSWERS}
    return links


def _headers(
    programme: Programme, message: Claimed, values: dict[str, Any]
) -> tuple[tuple[str, str], ...]:
    """Return the headers of one-click unsubscribe (RFC 8058) where consent is what lets it go."""
    links = cast("dict[str, str]", values["links"])
    if message.to.startswith("staff/") or not programme.class_of(message.class_).consent:
        return ()
    return (
        ("List-Unsubscribe", f"<{links['unsubscribe']}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
