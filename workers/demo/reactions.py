"""What the made-up people do about Vouch's own messages, asks and tasks.

The event file cannot hold it: a task's key is known only once the task is there. So the demo
shows every new fact to `Reactions`, which answers with further lines. Whatever somebody does is
decided by the seed and the fact's key alone: the order of the facts does not matter.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from workers.demo import texts, year
from workers.demo.company import Band, Person
from workers.demo.lines import SOURCES, Line, at_work, dice, is_work, minutes, rfc3339

INTRODUCERS = 0.03
CONTRIBUTORS = 0.4
"""Up to which throw of the dice somebody introduces, or at least contributes when asked."""

Fact = Mapping[str, Any]

TICK = timedelta(seconds=1)

OFFICE = "Europe/Amsterdam"
BANDS: tuple[Band, ...] = ("promoter", "passive", "detractor")


@dataclass(frozen=True, slots=True)
class _Deed:
    """The moment somebody reacts to one fact: what their line needs besides its words."""

    seed: int
    key: str
    at: datetime
    contact: str

    def line(
        self, source: str, kind: str, data: dict[str, Any], at: datetime, *, what: str = ""
    ) -> Line:
        event = {
            "specversion": "1.0",
            "id": f"{kind}/{dice(self.seed, self.key, kind, what).getrandbits(64):016x}",
            "source": source,
            "type": kind,
            "time": rfc3339(at),
        }
        if self.contact and not kind.startswith(("lead.", "deal.")):
            event["subject"] = f"contact/{self.contact}"
        return Line(at.replace(microsecond=0) + TICK, SOURCES[source], {**event, "data": data})


class Reactions:
    """The people of the demo, as far as they react to what Vouch does.

    Args:
        seed: Decides, with each fact's key, who does what.
        people: The company's contacts, for their language and temper.
    """

    def __init__(self, seed: int, people: Iterable[Person]) -> None:
        self._seed = seed
        self._people = {person.id: person for person in people}

    def react(self, facts: Iterable[Fact]) -> list[Line]:
        """Return what people do about these facts: later lines, in no order.

        Args:
            facts: As the timeline has them: `at`, `fact`, `key`, `contact`, `data` and, of what
                belongs to a run, `workflow` and `step`.
        """
        return [line for fact in facts for line in self._one(fact)]

    def _one(self, fact: Fact) -> list[Line]:
        at = fact["at"] if isinstance(fact["at"], datetime) else datetime.fromisoformat(fact["at"])
        deed = _Deed(self._seed, str(fact["key"]), at, str(fact.get("contact", "")))
        rng = dice(self._seed, fact["fact"], deed.key)
        data = fact.get("data") or {}
        match fact["fact"]:
            case "task.opened":
                return self._task(deed, rng, str(fact.get("workflow", "")), data)
            case "ask.opened":
                return self._asked(deed, rng, str(data.get("ask", deed.key)), data["kind"])
            case "message.sent":
                return self._read(deed, rng, str(data.get("template", "")))
            case "journey.offered":
                return self._offered(deed, rng, str(data["stage"]), int(data["effort"]))
            case _:
                return []

    def _locale(self, contact: str) -> str:
        person = self._people.get(contact)
        return person.account.locale if person else "nl"

    def _nature(self, contact: str) -> str:
        """Return what somebody is like: the same whatever they are asked."""
        throw = dice(self._seed, "nature", contact).random()
        if throw < INTRODUCERS:
            return "introducer"
        return "contributor" if throw < CONTRIBUTORS else "reader"

    # -- messages -----------------------------------------------------------------------------

    def _read(self, deed: _Deed, rng: Random, template: str) -> list[Line]:
        """Somebody reads a message: confirms, answers the survey once more, or has had enough."""
        soon = deed.at + minutes(rng, 5, 4_000)
        throw = rng.random()
        if template in CONFIRMED:
            keen = self._nature(deed.contact) != "reader"
            if throw < (0.95 if keen else CONFIRMED[template]):
                data: dict[str, Any] = {"text_version": f"{self._locale(deed.contact)}-3"}
                return [deed.line("website", "optin.confirmed", data, soon)]
        elif template == "nps_recheck" and throw < 0.5:  # noqa: PLR2004
            return [self._recheck(deed, rng, soon)]
        elif template.startswith("ask_") and throw < 0.003:  # noqa: PLR2004
            data = {"topic": "programme", "channel": "email"}
            return [deed.line("mailer", "contact.unsubscribed", data, soon)]
        return []

    def _recheck(self, deed: _Deed, rng: Random, at: datetime) -> Line:
        """Most of those who were called are content by now; few are enthusiastic."""
        band = rng.choices(BANDS, (25, 50, 25))[0]
        data = {
            "response": f"again-{rng.getrandbits(32):08x}",
            "score": rng.choice(year.SCORES[band]),
            "survey": "recheck",
            "revision": 1,
        }
        said = year.words(rng, band, self._locale(deed.contact))
        return deed.line("survey", "nps.answered", data | said, at)

    # -- the journey --------------------------------------------------------------------------

    def _offered(self, deed: _Deed, rng: Random, stage: str, effort: int) -> list[Line]:
        """Somebody is offered a step: the smaller it is, the more of them take it."""
        keen = self._nature(deed.contact) != "reader"
        if rng.random() > (0.9 if keen else 0.45) - 0.08 * effort:
            return []
        at = _at_work(rng, deed.at + minutes(rng, 10, 13_000))
        said = {"stage": stage, "text": texts.pick(rng, texts.QUOTE, self._locale(deed.contact))}
        return [deed.line("website", "journey.answered", said, at, what=stage)]

    # -- asks ---------------------------------------------------------------------------------

    def _asked(self, deed: _Deed, rng: Random, ask: str, kind: str) -> list[Line]:
        """Somebody is asked for something; most people do nothing, and that is fine."""
        nature = self._nature(deed.contact)
        at = _at_work(rng, deed.at + minutes(rng, 10, 18_000))
        throw = rng.random()
        willing = nature == "introducer" or (nature == "contributor" and kind != "referral")
        if willing and throw < 0.75:  # noqa: PLR2004
            data = {"ask": ask, "answer": "gladly"}
            answered = deed.line("website", "ask.answered", data, at, what=ask)
            return [answered, *self._keeps_word(deed, rng, kind, at)]
        for answer, below in (("not_now", 0.14), ("later", 0.19), ("never", 0.22)):
            if throw < below:
                data = {"ask": ask, "answer": answer}
                return [deed.line("website", "ask.answered", data, at, what=ask)]
        return []

    def _keeps_word(self, deed: _Deed, rng: Random, kind: str, since: datetime) -> list[Line]:
        """Who said gladly does it, in nine cases of ten: recommends, writes, tells the story."""
        if rng.random() > 0.9:  # noqa: PLR2004
            return []
        locale = self._locale(deed.contact)
        if kind != "referral":
            at = _at_work(rng, since + minutes(rng, 900, 9_000))
            if kind == "reference_story":
                return [deed.line("crm", "story.given", {"text": texts.STORY[locale]}, at)]
            said = {"text": texts.pick(rng, texts.QUOTE, locale), "may_publish": True}
            return [deed.line("crm", "quote.given", said, at)]
        number = f"{rng.getrandbits(24):06x}"
        data = {
            "lead": {
                "id": f"l-{number}",
                "name": {"nl": "Robin de Groot", "de": "Robin Stein", "en": "Robin Wood"}[locale],
                "email": f"robin.{number}@neighbour.example",
                "company": f"Neighbour {number}",
            },
            "consent_to_contact": rng.random() < 0.7,  # noqa: PLR2004
            "via": "link",
        }
        at = _at_work(rng, since + minutes(rng, 30, 5_000))
        return [deed.line("website", "referral.submitted", data, at)]

    # -- tasks --------------------------------------------------------------------------------

    def _task(self, deed: _Deed, rng: Random, workflow: str, data: Fact) -> list[Line]:
        """Whoever has the task takes it on and does it: mostly in time, sometimes never."""
        to, key = str(data.get("to", "")), str(data.get("task", deed.key))
        due = data["due"]
        due = due if isinstance(due, datetime) else datetime.fromisoformat(due)
        if workflow == "lead-handover":
            lead = str(data.get("about") or "").rpartition("/")[2]
            return self._pipeline(deed, rng, lead, due)
        if not to or rng.random() > 0.94:  # noqa: PLR2004
            return []
        done = _done(rng, deed.at, due)
        taken = deed.at + (done - deed.at) * rng.uniform(0.1, 0.8)
        if not is_work(taken, OFFICE):
            taken = max(deed.at + TICK, done - minutes(rng, 2, 20))
        who = {"task": key, "by": to}
        by_crm = _Deed(deed.seed, deed.key, deed.at, "")
        return [
            by_crm.line("crm", "task.accepted", dict(who), taken, what=key),
            by_crm.line("crm", "task.closed", who | _outcome(rng, workflow), done, what=key),
        ]

    def _pipeline(self, deed: _Deed, rng: Random, lead: str, due: datetime) -> list[Line]:
        """A lead is called, and weeks later the deal is won or lost; the CRM tells."""
        if not lead or lead.startswith("l-phone-"):  # of these the CRM tells by itself
            return []
        called = _done(rng, deed.at, due)
        weeks = timedelta(days=rng.randint(14, 60))
        decided = _at_work(rng, called + weeks)
        stage = {"lead": lead, "stage": "contacted"}
        lines = [deed.line("crm", "lead.stage_changed", stage, called, what="contacted")]
        if rng.random() < 0.8:  # noqa: PLR2004
            at = _at_work(rng, called + weeks / 2)
            stage = {"lead": lead, "stage": "qualified"}
            lines.append(deed.line("crm", "lead.stage_changed", stage, at, what="qualified"))
        deal: dict[str, Any] = {"lead": lead, "deal": lead.replace("l-", "d-", 1)}
        if rng.random() < 0.8:  # noqa: PLR2004
            deal["value_eur"] = rng.randrange(4_000, 30_000, 500)
            return [*lines, deed.line("crm", "deal.won", deal, decided)]
        return [*lines, deed.line("crm", "deal.lost", deal, decided)]


CONFIRMED: Mapping[str, float] = {
    "optin_invite": 0.55,
    "confirm_optin": 0.7,
    "confirm_optin_reminder": 0.3,
}
"""How likely it is that somebody confirms after reading this message."""


def _done(rng: Random, opened: datetime, due: datetime) -> datetime:
    """Return when a task is done: at work and in time if that can be, else as soon as it can."""
    room = due - opened
    if rng.random() < 0.85:  # noqa: PLR2004 - the others had a busy day
        for _ in range(12):
            moment = opened + room * rng.uniform(0.05, 0.95)
            if is_work(moment, OFFICE):
                return moment
        last = due - minutes(rng, 1, 25)
        if last > opened and is_work(last, OFFICE):
            return last
    late = _at_work(rng, max(opened, due) + minutes(rng, 30, 1_500))
    return max(late, opened + timedelta(minutes=5))


def _at_work(rng: Random, since: datetime) -> datetime:
    """Return a moment of work after `since`, that day or on the next."""
    moment = at_work(rng, since, OFFICE)
    return moment if moment > since else at_work(rng, since + timedelta(days=1), OFFICE)


def _outcome(rng: Random, workflow: str) -> dict[str, Any]:
    """Return what closing the task tells, as its workflow requires."""
    if workflow == "detractor":
        return {"root_cause": rng.choice(texts.ROOT_CAUSES)}
    if workflow == "promoter":
        spoke = rng.choice(("spoke_phone", "spoke_phone", "spoke_video", "spoke_in_person"))
        return {"outcome": spoke, "referral_asked": rng.random() < 0.4}  # noqa: PLR2004
    if workflow == "heard-of-us":
        return {"heard_of_us": rng.choice(texts.HEARD_OF_US)}
    return {"outcome": "spoke_phone"}
