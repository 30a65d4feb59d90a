"""A message's words: what they see, rendered at the claim from what is true then."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from functools import lru_cache
from typing import Any, Literal, cast

from store.outbox import Claim, Claimed
from store.rows import account_key
from workers.arrivals import CHANNEL, TOPIC
from workers.channels.base import Parcel
from workers.tokens import Purpose, Tokens
from workflows.adopted import ADOPTED, nobody, referral_of
from workflows.compiled import Programme
from workflows.fields import ANSWERS, SHARED_BY
from workflows.guard import Leave
from workflows.policies import Person, Policies
from workflows.reaching import words_for
from workflows.state import Doc
from workflows.words import Template, parse_template

Kind = Literal["email", "sms"]


@lru_cache(maxsize=2_000)
def _template(text: str, kind: Kind, name: str) -> Template:
    return parse_template(text, kind=kind, name=name)


@lru_cache(maxsize=8)
def _address(mail_from: str) -> str:
    return parseaddr(mail_from)[1]


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
    values["links"] = links_of(desk, message, _topic(programme, message), leave.channel)
    words = template.render(values, locale)
    sender = _sender(programme, values, words.sender)
    return Parcel(
        key=message.key,
        channel=leave.channel,
        address=leave.address,
        name=str(to.get("name", "")),
        sender_name=sender["name"],
        sender_address=_address(desk.mail_from),
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
    run = claim.living_run_of(message) or claim.run_of(message, str(message.doc.get("run", "")))
    if run is not None and run.actor != message.actor:  # a merge took it along
        actor = claim.actors.get(run.actor) or actor
    values: dict[str, Any] = {
        **programme.scopes.told(actor, _account(claim, actor)),
        "programme": {**programme.facts, "currency": _currency(programme)},
        "to": to,
    }
    values["contact"]["referrals"] = list(actor.get("referrals", {}).values())
    if run is not None and ADOPTED in run.doc["trigger"] and "task" not in message.doc:
        who = nobody(programme.policies.locales[0])  # a colleague hears of the lead's, as run
        values |= programme.scopes.told(who, {})
    if run is not None:
        trigger = run.doc["trigger"]
        values |= {
            "trigger": trigger,
            "steps": run.doc.get("steps", {}),
            "run": {"id": run.id, "started_at": run.started_at},
        }
        referral = _referral(programme, actor, trigger)
        if referral is not None:
            values["referral"] = referral
    if "task" in message.doc:
        values["task"] = message.doc["task"]
    values |= {name: message.doc[name] for name in ("stage", "reward") if name in message.doc}
    values["sender"] = _sender(programme, values, "owner")
    return values


def _topic(programme: Programme, message: Claimed) -> str:
    """Return what somebody stops who unsubscribes by this message: what its class is about."""
    if message.to.startswith("staff/"):
        return TOPIC
    return programme.class_of(message.class_).consent or TOPIC


def _account(claim: Claim, actor: Doc) -> Doc:
    """Return the contact's account, as it is known."""
    return claim.actors.get(account_key(str(actor.get("account", ""))), {})


def _currency(programme: Programme) -> Any:  # noqa: ANN401
    currency = programme.policies.rewards.currency
    return currency.model_dump() if currency else ""


def _referral(programme: Programme, actor: Doc, trigger: Doc) -> Doc | None:
    """Return the referral a run is about, as the referrer knows it now, with its reward."""
    carried = trigger.get("referral")
    if carried is None:
        return None
    if ADOPTED in trigger:
        return {**referral_of(actor, carried), "referrer": nobody(programme.policies.locales[0])}
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


class Links(Mapping[str, str]):
    """Signed links by name, each made when it is asked for: a mail has two or three of them."""

    def __init__(self, makers: Mapping[str, Callable[[], str]]) -> None:
        self._makers = makers

    def __getitem__(self, name: str) -> str:
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def links_of(desk: Desk, message: Claimed, topic: str = TOPIC, channel: str = CHANNEL) -> Links:
    """Return the signed links of a message: those that `workflows.fields.LINKS` promises.

    Whoever unsubscribes by it stops messages about `topic` by `channel`.
    """

    def to(purpose: Purpose, *parts: str, after: str = "") -> Callable[[], str]:
        return lambda: f"{desk.base_url}/a/{desk.tokens.sign(purpose, *parts)}{after}"

    def shared(medium: str) -> Callable[[], str]:
        return lambda: f"{desk.base_url}/r/{desk.tokens.sign('invite', message.to, medium)}"

    person = message.to.partition("/")[2]
    if message.to.startswith("staff/"):
        task = message.doc.get("task")
        if not task:
            return Links({})
        page = to("task", task["key"], message.actor, person)
        return Links({"done": page, "accept": page})  # one page, a button for each
    links = {
        "unsubscribe": to("unsubscribe", message.to, topic, channel),
        "survey": to("survey", message.key, message.to),
        "confirm": to("optin", message.to),
        "refer": to("refer", message.ask, message.to),
        "rules": lambda: f"{desk.base_url}/rules",
        **{name: shared(medium) for name, medium in SHARED_BY.items()},
    }
    if message.doc.get("offer"):
        links["done"] = to("journey", message.doc["stage"]["name"], message.to)
    if message.ask:
        for name in ANSWERS:
            links[name] = to("ask", message.ask, message.to, after=f"?answer={name}")
    return Links(links)


def _headers(
    programme: Programme, message: Claimed, values: dict[str, Any]
) -> tuple[tuple[str, str], ...]:
    """Return the headers of one-click unsubscribe (RFC 8058) where consent is what lets it go."""
    links = cast("Links", values["links"])
    if message.to.startswith("staff/") or not programme.class_of(message.class_).consent:
        return ()
    return (
        ("List-Unsubscribe", f"<{links['unsubscribe']}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
