"""The oracle's post office: whether each message might leave, and what became of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.simulation.outward_post import Outward, is_outward, next_in_chain
from workflows.adopted import ADOPTED
from workflows.guard import Defer, Leave, Verdict, View, guard
from workflows.state import MOVED, Doc, Message, Run, iso, slice_of
from workflows.steps.journey_state import overtaken

if TYPE_CHECKING:
    from tests.simulation.model import Model
    from tests.simulation.network import Delivery
    from tests.simulation.things import Mail

HORIZON = timedelta(days=400)
SLACK = timedelta(seconds=120)
"""How far a clock may be wrong that counts leases, on SQLite the machine's own."""
AWAY = "away"
BACK = ("retry", "refused", "unasked")
FINAL = ("message.sent", "message.skipped", "message.failed")


class Post:
    """Judges and follows messages; knows the model and nothing else."""

    def __init__(self, model: "Model") -> None:
        self._model = model
        self._now = datetime.min.replace(tzinfo=UTC)
        self._said: list[tuple[Mail, str, str, datetime]] = []
        self.outward = Outward(model)

    # -- the claim --------------------------------------------------------------------------------

    def guard(self, key: str, programme: str, now: datetime, verdict: Verdict) -> None:
        """Judge one message as the guard must have judged it just then."""
        model, self._now = self._model, now
        mail = model.mails.get(key)
        if mail is None or mail.status != "pending" or mail.due > now:
            model.find(f"{key} was claimed, and is {mail and (mail.status, mail.due)}")
            return
        rules = model.programmes[programme]
        message = self._to_who_remains(rules, replace(mail.message, planned_at=mail.planned))
        mine = guard(rules, message, self._view(rules, mail, message, now), now=now)
        if mine != verdict:
            model.find(f"the guard said {verdict} of {key}, and ought to say {mine}")
        mail.was = mail.planned
        if isinstance(mine, Leave):
            mail.status, mail.planned = "sending", mine.planned
            mail.channel, mail.locale = mine.channel, mine.locale
        elif isinstance(mine, Defer):
            mail.planned, mail.due = mine.planned or mine.until, mine.until
            mail.again = mine.reason == mail.reason == "paused"  # which is said once
            mail.reason = mine.reason
        else:
            mail.status, mail.reason = "in_doubt" if mail.unsure else "skipped", mine.reason

    def put_off(self, now: datetime, rows: list[tuple[str, datetime, str]]) -> None:
        """Delays are written; what nobody answers for waits, planned for when it was."""
        self._now = now
        for key, due, reason in rows:
            mail = self._model.mails[key]
            if is_outward(mail):
                self.outward.put_off(mail, due, reason)
            elif reason == AWAY:
                mail.status, mail.planned, mail.due, mail.reason = (
                    "pending",
                    mail.was or mail.planned,
                    due,
                    reason,
                )
            else:
                self._say(mail)

    def drop(self, now: datetime, rows: list[tuple[str, str]]) -> None:
        """What does not leave is written, in the order of the claim."""
        self._now = now
        for key, reason in rows:
            mail = self._model.mails[key]
            if is_outward(mail):
                self.outward.drop(mail, reason, now)
            else:
                self._say(mail)

    def _say(self, mail: "Mail") -> None:
        for each in [said for said in self._said if said[0] is mail]:
            self._said.remove(each)
            self._tell(*each, mail.reason)

    def leave(self, token: str, keys: list[str], until: datetime, now: datetime) -> None:
        """Lease what leaves."""
        for mail, *_ in self._said:
            self._model.find(f"something was said of {mail.message.key}, and not written")
        self._said.clear()
        for key in keys:
            mail = self._model.mails[key]
            if is_outward(mail):
                self.outward.leave(mail, now)
            mail.token, mail.leased_until, mail.reason = token, until, ""
        leased = [m for m in self._model.mails.values() if m.status == "sending" and not m.token]
        for mail in leased:
            self._model.find(f"{mail.message.key} may leave, and nobody leased it")

    def _to_who_remains(self, rules: Any, message: Message) -> Message:
        """Return a message as it is judged: what needs consent, by who remains of a merge."""
        to = self._model.home_of(message.to)
        if to == message.to or not rules.class_of(message.class_).consent:
            return message
        return replace(message, to=to, account=self._model.docs.get(to, {}).get("account", ""))

    def _view(self, rules: Any, mail: "Mail", message: Message, now: datetime) -> View:
        model = self._model
        stays = bool(message.run) and not (message.awaited or message.ask)
        run = model.living_run_of(message) if stays else model.of_run(message)
        ask = model.asks.get((slice_of(message.actor), message.ask))
        left = run is not None and self._is_left(run, message, stays=stays)
        paused = bool(run and run.doc.get("paused"))
        status = ask.status if ask else ""
        kind, _, name = message.to.partition("/")
        if kind == "staff":
            person = rules.policies.staff.get(name)
            doc = {"email": person.email if person else "", "zone": rules.policies.zone}
            return View(doc, run_left=left, run_paused=paused, ask_status=status)
        account = message.account if "/" in message.account else f"account/{message.account}"
        doc = model.docs.get(message.to, {})
        mine = {message.to, *(f"contact/{alias}" for alias in doc.get("aliases", ()))}
        gone = [
            replace(
                each.message,
                planned_at=each.planned,
                to=message.to if each.message.to in mine else each.message.to,
            )
            for each in model.mails.values()
            if each.may_have_left and each.planned > now - HORIZON
        ]
        return View(
            doc=doc,
            account=model.docs.get(account, {}) if message.account else {},
            consents=model.consents_of(message.to, doc, rules.class_of(message.class_).consent),
            history=[each for each in gone if each.to == message.to
                     or (message.account and each.account == message.account)],
            templates_sent=frozenset(
                each.message.template for each in model.mails.values()
                if each.may_have_left and each is not mail and each.message.to in mine),
            run_left=left,
            run_paused=paused,
            ask_status=status,
        )  # fmt: skip

    @staticmethod
    def _is_left(run: Run, message: Message, *, stays: bool) -> bool:
        """Tell whether nobody needs it: colleagues do, also while its run is on its way."""
        of_staff = stays and message.class_ == "staff"
        away = run.actor != message.actor
        gone = (away and not stays) or (away and ADOPTED in run.doc["trigger"] and not of_staff)
        left = bool(run.doc.get("left")) and not (run.status == MOVED and of_staff)
        return gone or left or overtaken(run.doc, message.doc, message.key)

    def delivered(self, delivery: "Delivery") -> None:
        """Somebody got a message: whoever sent it must have held its lease."""
        mail = self._model.mails.get(delivery.key)
        until = mail.leased_until if mail and mail.status == "sending" else None
        if until is None or until <= delivery.at - SLACK:
            self._model.find(f"{delivery.key} was sent without a lease, at {delivery.at}")

    def unheard(self, key: str) -> None:
        """A channel did not say what became of a message; it alone knows that it does not."""
        self._model.mails[key].unsure = True

    # -- what became of it ------------------------------------------------------------------------

    def told(self, key: str, what: str, programme: str, planned: datetime) -> None:
        """A claim skips or puts off a message, and says so."""
        mail = self._model.mails[key]
        if mail.status == "in_doubt" and what == "message.skipped":
            return  # it may have left: nobody says that it did not
        if (
            mail.status == "sending"
            and not mail.token
            and mail.message.actor in self._model.emptied
        ):
            mail.status, mail.reason = "failed", "words"  # those it takes are forgotten
            mail.planned = mail.was or mail.planned
            self._said.append((mail, what, programme, planned))
            return
        says = {"message.skipped": "skipped", "message.deferred": "pending"}
        if says.get(what) != mail.status:
            self._model.find(f"{what} was told of {key}, which is {mail.status}")
        if not (what == "message.deferred" and mail.again):
            self._said.append((mail, what, programme, planned))

    def record(
        self, token: str, now: datetime, at: datetime, outcomes: list[tuple[Any, bool, Any]]
    ) -> None:
        """Take outcomes from whoever still holds the lease, and from nobody else."""
        self._now = now
        for outcome, accepted, programme in outcomes:
            key = outcome.ref[1]
            mail = self._model.mails[key]
            held = (
                mail.status == "sending"
                and mail.token == token
                and mail.leased_until is not None
                and mail.leased_until > at
            )
            if held is not accepted:
                self._model.find(f"the outcome of {key} was taken: {accepted}; held: {held}")
            if accepted:
                self._settle(mail, outcome, programme)

    def _settle(self, mail: "Mail", outcome: Any, programme: Any) -> None:
        if is_outward(mail):
            self.outward.settle(mail, outcome, programme, self._now)
            return
        word, reason, planned = str(outcome.status), str(outcome.reason), mail.planned
        mail.token, mail.leased_until, mail.reason = "", None, reason
        mail.status = word if word not in BACK else "pending"
        mail.planned = outcome.planned_at or mail.planned
        mail.due = outcome.due_at or mail.due
        by = {"channel": mail.channel}
        if word == "refused":
            mail.unsure = False
            refused = sorted({*mail.message.doc.get("refused", ()), mail.channel})
            mail.message.doc = {**mail.message.doc, "refused": refused}
            self._tell(mail, "message.deferred", programme, mail.planned, reason, **by)
        elif word == "sent":
            self._tell(mail, "message.sent", programme, planned, locale=mail.locale, **by)
        elif word in ("skipped", "failed"):
            self._tell(mail, f"message.{word}", programme, planned, reason, **by)

    def expire(self, at: datetime, keys: list[str]) -> None:
        """Leases that ran out leave doubt, never a message that is free to go again."""
        for key in keys:
            mail = self._model.mails[key]
            if mail.status != "sending" or mail.leased_until is None or mail.leased_until > at:
                self._model.find(f"the lease of {key} was called over, and is not")
            mail.status, mail.token, mail.leased_until = "in_doubt", "", None
            mail.unsure = True

    def resolve(self, key: str, *, sent: bool, by: str, now: datetime, programme: str) -> None:
        """Somebody knows what became of a message in doubt."""
        mail, self._now = self._model.mails[key], now
        if mail.status != "in_doubt":
            self._model.find(f"{key} was resolved, and is {mail.status}")
        if sent:
            mail.status = "sent"
            self._tell(mail, "message.sent", programme, mail.planned, channel=mail.channel,
                       locale=mail.locale)  # fmt: skip
        else:
            mail.status, mail.due = "pending", now
            mail.unsure = mail.unsure and by != "operator"

    def _tell(
        self, mail: "Mail", what: str, programme: str, planned: datetime, reason: str = "",
        *, channel: str = "", locale: str = "",
    ) -> None:  # fmt: skip
        """Say what became of a message, once; who waits for it finds it in the inbox."""
        message = mail.message
        rules = self._model.programmes[programme]
        said: Doc = {
            "template": message.template, "class": message.class_, "channel": channel,
            "locale": locale, "to": message.to.partition("/")[2], "planned": iso(planned),
            "reason": reason, "uncapped": message.uncapped, "touch": message.doc.get("touch", 0),
        }  # fmt: skip
        data = {name: value for name, value in said.items() if value}
        where = {"workflow": message.workflow, "run": message.run, "step": message.step}
        fact = {"fact": what, **where, "data": data}
        self._model.record(message.actor, message.key, {"type": what, "facts": [fact]})
        if what in FINAL and (message.awaited or what in rules.listens):
            self._model.put(message.actor, self._now, {
                "id": f"{message.key}/{what}", "source": "vouch", "type": what, "fact": True,
                "time": iso(planned), "contact": message.actor.removeprefix("contact/"), **where,
                "data": {**data, "message": message.key, "ask": message.ask},
                **next_in_chain(message),
            })  # fmt: skip
