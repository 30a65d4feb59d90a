"""The oracle's way to other systems: whether a call or a sync might leave, and what came of it."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from workflows.durations import parse_span, subtract_span
from workflows.state import Doc, Message, iso
from workflows.syncs import fields_of, is_news, names_of

if TYPE_CHECKING:
    from tests.simulation.model import Model
    from tests.simulation.outward import Asked
    from tests.simulation.things import Mail

CALL, SYNC = "endpoint/", "sync/"
LEFT = {"erased_at": "erased", "merged_into": "not_eligible"}


def next_in_chain(message: Message) -> Doc:
    """Return the place of a message's outcome in a chain of facts of one instant."""
    return {"depth": message.doc["depth"] + 1} if "depth" in message.doc else {}


def is_outward(mail: "Mail") -> bool:
    """Tell whether no person gets it."""
    return mail.message.to.startswith((CALL, SYNC))


class Outward:
    """Judges and follows calls and syncs; knows the model and nothing else."""

    def __init__(self, model: "Model") -> None:
        self._model = model

    # -- the claim --------------------------------------------------------------------------------

    def leave(self, mail: "Mail", now: datetime) -> None:
        """Let it go, if it might."""
        key = mail.message.key
        if mail.status != "pending" or mail.due > now:
            self._model.find(f"{key} was claimed, and is {(mail.status, mail.due)}")
        against = self._against(mail, now)
        if against or self._is_paused(mail):
            self._model.find(f"{key} left, and ought not to: {against or 'paused'}")
        mail.status = "sending"

    def drop(self, mail: "Mail", reason: str, now: datetime) -> None:
        """Take for good that it does not leave, for the reason that there is."""
        wanted = self._against(mail, now)
        if mail.status != "pending" or reason != wanted:
            self._model.find(f"{mail.message.key} was dropped as {reason}, and is {mail.status},"
                             f" {wanted}")  # fmt: skip
        told = self._known(mail).get("told", {})
        mail.status, mail.reason = "skipped", reason
        if mail.message.to.startswith(SYNC) and reason != "overtaken":
            self._settled(mail, mail.fields if reason == "unchanged" else told, now, sent=False)

    def put_off(self, mail: "Mail", due: datetime, reason: str) -> None:
        """Take that it waits: its run is paused, or nobody answers."""
        if reason == "paused" and not self._is_paused(mail):
            self._model.find(f"{mail.message.key} waits for a run that is not paused")
        mail.due, mail.reason = due, reason

    def _is_paused(self, mail: "Mail") -> bool:
        run = self._model.living_run_of(mail.message)
        return bool(run and run.doc.get("paused"))

    def _against(self, mail: "Mail", now: datetime) -> str:
        """Return why it must not leave; '' where it must. What is said then is noted."""
        run = self._model.of_run(mail.message)
        if mail.message.to.startswith(CALL):
            forgotten = "erased_at" in self._model.docs.get(mail.message.actor, {})
            return "stopped" if forgotten or (run and run.doc.get("left")) else ""
        model, message = self._model, mail.message
        doc, known = model.docs.get(message.actor, {}), self._known(mail)
        if message.doc["number"] < known.get("number", 0):
            return "overtaken"
        gone = next((why for name, why in LEFT.items() if name in doc), "")
        rules = model.programmes[model.applied[-1]]
        sync = next(each for each in rules.syncs if each.key == message.doc["sync"])
        names = names_of(sync, doc, self._account(doc), rules.facts)
        if gone or names is None:
            return gone or "not_eligible"

        def ago(span: str) -> datetime:
            return subtract_span(now, parse_span(span), zone=rules.zone, office=rules.office)

        mail.fields = fields_of(sync, names, now=now, ago=ago)
        same = not is_news(sync, mail.fields, known)
        return "unchanged" if same and not mail.attempts else ""

    def _account(self, doc: Doc) -> Doc:
        return self._model.docs.get(f"account/{doc.get('account', '')}", {})

    def _known(self, mail: "Mail") -> Doc:
        doc = self._model.docs.get(mail.message.actor, {})
        known: Doc = doc.get("synced", {}).get(mail.message.doc.get("sync", ""), {})
        return known

    # -- what became of it ------------------------------------------------------------------------

    def asked(self, asked: "Asked") -> None:
        """Somebody was asked: whoever did must have held the lease, and said what is newest."""
        mail = self._of(asked.key)
        until = mail.leased_until if mail and mail.status == "sending" else None
        if mail is None or until is None or until <= asked.at - timedelta(seconds=120):
            self._model.find(f"{asked.key} was asked for without a lease, at {asked.at}")
        elif asked.to.startswith(SYNC) and asked.fields != mail.fields:
            self._model.find(f"{asked.key} said {asked.fields}, and ought to say {mail.fields}")

    def _of(self, key: str) -> "Mail | None":
        mails = self._model.mails
        if key in mails:
            return mails[key]
        alike = [m for m in mails.values() if m.message.doc.get("idempotency") == key]
        leaving = [m for m in alike if m.status == "sending"]
        return next(iter(leaving or alike), None)

    def settle(self, mail: "Mail", outcome: Any, said: Doc | None, now: datetime) -> None:
        """Take what became of an attempt; who waits for it finds it in the inbox."""
        word = str(outcome.status)
        mail.token, mail.leased_until, mail.reason = "", None, str(outcome.reason)
        mail.status = {"retry": "pending", "unasked": "pending"}.get(word, word)
        mail.planned = outcome.planned_at or mail.planned
        mail.due = outcome.due_at or mail.due
        if word == "unasked":
            return
        if mail.message.to.startswith(CALL):
            self._told(mail, said or {})
        elif word != "retry":
            self._settled(mail, mail.fields, now, sent=word == "sent")
        mail.attempts += 1

    def _told(self, mail: "Mail", said: Doc) -> None:
        message = mail.message
        data: Doc = {"endpoint": message.to.removeprefix(CALL), "attempt": mail.attempts + 1,
                     "status": said["status"]}  # fmt: skip
        if said["reason"]:
            data["reason"] = said["reason"]
        where = {"workflow": message.workflow, "run": message.run, "step": message.step}
        fact = {"fact": "call.attempted", "key": message.key, **where, "data": data}
        doc = {"type": "call.attempted", "facts": [fact]}
        self._model.record(message.actor, message.key, doc)
        listens = self._model.programmes[said["programme"]].listens
        if said["ended"] or "call.attempted" in listens:
            self._model.put(message.actor, said["now"], {
                "id": f"{message.key}/attempt{mail.attempts + 1}/{iso(said['now'])}",
                "source": "vouch", "type": "call.attempted", "fact": True,
                "time": iso(mail.planned if said["ended"] else message.planned_at),
                "contact": message.actor.removeprefix("contact/"), **where,
                "data": {**data, "message": message.key, "ended": said["ended"]},
                **next_in_chain(message),
            })  # fmt: skip

    def _settled(self, mail: "Mail", fields: Doc, now: datetime, *, sent: bool) -> None:
        message = mail.message
        self._model.put(message.actor, now, {
            "id": f"{message.key}/settled{mail.attempts + 1}/{iso(now)}", "source": "vouch",
            "type": "sync.settled", "fact": True, "time": iso(now),
            "contact": message.actor.removeprefix("contact/"),
            "data": {"message": message.key, "sync": message.doc["sync"], "fields": fields,
                     "sent": sent},
        })  # fmt: skip
