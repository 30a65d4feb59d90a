"""What the company's systems publish by themselves in a year, before anything goes wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from workers.demo import texts
from workers.demo.company import Account, Band, Person
from workers.demo.lines import ENDS_AT, STARTS_AT, Wire, at_work, dice, minutes, quarter

FIRST_DAY = 3  # Monday 4 January
LAST_DAY = 350  # the company closes for Christmas
SURVEY_REST = timedelta(days=95)  # a little more than the programme's cap: who is surveyed again
ANSWER_AFTER = (7, 13)  # days; the survey leaves two business days after a delivery

NEIGHBOURS: dict[Band, Band] = {
    "promoter": "passive",
    "passive": "promoter",
    "detractor": "passive",
}
SCORES: dict[Band, tuple[int, ...]] = {
    "promoter": (9, 9, 10),
    "passive": (7, 8, 8),
    "detractor": (1, 3, 4, 5, 5, 6, 6),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to the survey that somebody gave."""

    person: Person
    at: datetime
    band: Band


def play(wire: Wire, seed: int, accounts: Sequence[Account], people: Sequence[Person]) -> None:
    """Publish the whole year on `wire`, in no order."""
    imports(wire, accounts, people)
    answers = surveys(wire, dice(seed, "surveys"), people)
    helpdesk(wire, dice(seed, "helpdesk"), people)
    sales(wire, dice(seed, "sales"), people)
    newsletters(wire, dice(seed, "newsletters"), people)
    wishes(wire, dice(seed, "wishes"), people)
    changes(wire, dice(seed, "changes"), accounts, people)
    strangers(wire, dice(seed, "strangers"))
    introductions(wire, dice(seed, "introductions"), answers)


# -- who there is ---------------------------------------------------------------------------------


def imports(wire: Wire, accounts: Sequence[Account], people: Sequence[Person]) -> None:
    """The CRM tells of every account and contact on the first morning, an account at a time."""
    at = STARTS_AT + timedelta(hours=5)
    for account in accounts:
        at += timedelta(seconds=4)
        data: dict[str, Any] = {"account": account.id}
        subject = f"account/{account.id}"
        wire.say("crm", "customer.started", subject, data, time=at, arrival=quarter(at))
        if account.owner:
            data = {"owner": account.owner}
            wire.say("crm", "owner.changed", subject, data, time=at, arrival=quarter(at))
    for person in people:
        at += timedelta(seconds=2)
        data = {
            "account": person.account.id,
            "name": person.name,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
            "locale": person.account.locale,
            "zone": person.account.zone,
        }
        if person.owner:
            data["owner"] = person.owner
        wire.say("crm", "contact.updated", person.subject, data, time=at, arrival=quarter(at))


# -- deliveries and what is said of them ----------------------------------------------------------


def some_day(rng: Random, zone: str) -> datetime:
    """Return a moment of work on some day of the year."""
    return at_work(rng, STARTS_AT + timedelta(days=rng.randint(FIRST_DAY, LAST_DAY), hours=9), zone)


def surveys(wire: Wire, rng: Random, people: Sequence[Person]) -> list[Answer]:
    """Projects are delivered, and about half of those who are surveyed then answer."""
    answers: list[Answer] = []
    number = 0
    for person in people:
        zone = person.account.zone
        count = rng.choices((0, 1, 2, 3), (14, 38, 34, 14))[0]
        surveyed = STARTS_AT - SURVEY_REST
        for at in sorted(some_day(rng, zone) for _ in range(count)):
            number += 1
            project = f"p-{number:04}"
            value = round(rng.lognormvariate(9.9, 0.9) / 500) * 500 + 1_500
            data = {"project_id": project, "value_eur": value, "account": person.account.id}
            wire.say(
                "projects",
                "project.delivered",
                person.subject,
                data,
                time=at,
                arrival=quarter(at),
                natural_key=f"project/{project}",
            )
            if at - surveyed < SURVEY_REST:
                continue
            surveyed = at
            if rng.random() < 0.52:  # noqa: PLR2004 - about half answer
                answers.append(_answer(wire, rng, person, f"r-{number:04}", at))
    return answers


def _answer(wire: Wire, rng: Random, person: Person, response: str, since: datetime) -> Answer:
    days = timedelta(days=rng.randint(*ANSWER_AFTER))
    at = at_work(rng, since + days, person.account.zone) + minutes(rng, 0, 240)
    band = person.temper if rng.random() < 0.95 else NEIGHBOURS[person.temper]  # noqa: PLR2004
    _say_answer(wire, rng, person, response, band, at, revision=1)
    if rng.random() < 0.06:  # noqa: PLR2004 - on second thoughts
        again = at + minutes(rng, 20, 2_000)
        other = NEIGHBOURS[band] if rng.random() < 0.6 else band  # noqa: PLR2004
        _say_answer(wire, rng, person, response, other, again, revision=2)
        return Answer(person, again, other)
    return Answer(person, at, band)


def _say_answer(
    wire: Wire,
    rng: Random,
    person: Person,
    response: str,
    band: Band,
    at: datetime,
    *,
    revision: int,
) -> None:
    data = {
        "response": response,
        "score": rng.choice(SCORES[band]),
        "survey": "after-delivery",
        "revision": revision,
    }
    data |= words(rng, band, person.account.locale)
    wire.say(
        "survey",
        "nps.answered",
        person.subject,
        data,
        time=at,
        arrival=at + timedelta(seconds=rng.randint(1, 20)),
        natural_key=f"response/{response}/{revision}",
    )


def words(rng: Random, band: Band, locale: str) -> dict[str, str]:
    """Return answers to the two open questions, by those who care to write."""
    said = {}
    if rng.random() < 0.55:  # noqa: PLR2004
        said["improve"] = texts.pick(rng, texts.IMPROVE, locale)
    if rng.random() < 0.45:  # noqa: PLR2004
        said["comment"] = texts.pick(rng, texts.COMMENT[band], locale)
    return said


# -- moments --------------------------------------------------------------------------------------


def helpdesk(wire: Wire, rng: Random, people: Sequence[Person]) -> None:
    """Tickets are solved all year, and now and then somebody says thank you."""
    number = 0
    for person in people:
        for _ in range(rng.choices((0, 1, 2, 3, 4), (12, 24, 30, 22, 12))[0]):
            number += 1
            at, ticket = some_day(rng, person.account.zone), f"t-{number:05}"
            wire.say(
                "helpdesk",
                "problem.solved",
                person.subject,
                {"ticket": ticket},
                time=at,
                arrival=at + timedelta(seconds=rng.randint(1, 90)),
                natural_key=f"ticket/{ticket}",
            )
            if rng.random() < (0.2 if person.temper == "promoter" else 0.05):
                at += minutes(rng, 30, 3_000)
                said = texts.pick(rng, texts.COMPLIMENT, person.account.locale)
                wire.say(
                    "helpdesk",
                    "compliment.given",
                    person.subject,
                    {"note": said},
                    time=at,
                    arrival=at + minutes(rng, 1, 30),
                )


def sales(wire: Wire, rng: Random, people: Sequence[Person]) -> None:
    """Customers move up to larger products, and are done favours."""
    for person in people:
        if rng.random() < 0.36:  # noqa: PLR2004
            at = some_day(rng, person.account.zone)
            data = {"product": rng.choice(texts.PRODUCTS), "account": person.account.id}
            wire.say("crm", "product.upgraded", person.subject, data, time=at, arrival=quarter(at))
        if rng.random() < 0.28:  # noqa: PLR2004
            at = some_day(rng, person.account.zone)
            note = {"note": rng.choice(texts.FAVOUR)}
            wire.say("crm", "favour.granted", person.subject, note, time=at, arrival=quarter(at))


# -- mail and the website -------------------------------------------------------------------------


def newsletters(wire: Wire, rng: Random, people: Sequence[Person]) -> None:
    """The mailing tool reports the four newsletters that it sent; some have had enough."""
    for month_day in (40, 131, 251, 320):
        at = STARTS_AT + timedelta(days=month_day, hours=9)
        for person in people:
            if rng.random() < 0.5:  # noqa: PLR2004 - half of them subscribed
                at += timedelta(seconds=1)
                data = {"class": "newsletter"}
                wire.say(
                    "mailer", "message.reported", person.subject, data, time=at, arrival=quarter(at)
                )
    for person in rng.sample(people, 14):
        at = some_day(rng, person.account.zone)
        data = {"topic": rng.choice(("programme", "programme", "survey")), "channel": "email"}
        wire.say("mailer", "contact.unsubscribed", person.subject, data, time=at, arrival=at)


def wishes(wire: Wire, rng: Random, people: Sequence[Person]) -> None:
    """On the website people ask to take part, follow the company, and post a review."""
    fond = [person for person in people if person.temper == "promoter"]
    for person in rng.sample(fond, 52):
        at = some_day(rng, person.account.zone)
        data: dict[str, Any] = {"text_version": f"{person.account.locale}-3"}
        wire.say("website", "optin.requested", person.subject, data, time=at, arrival=at)
    for person in rng.sample(fond, 26):
        at = some_day(rng, person.account.zone)
        data = {"url": f"https://social.example/{person.id}"}
        wire.say("website", "social.followed", person.subject, data, time=at, arrival=at)
    for person in rng.sample(fond, 5):
        at = some_day(rng, person.account.zone)
        data = {"url": f"https://reviews.example/{person.id}"}
        wire.say("website", "review.posted", person.subject, data, time=at, arrival=at)


# -- the CRM's own news ---------------------------------------------------------------------------


def changes(wire: Wire, rng: Random, accounts: Sequence[Account], people: Sequence[Person]) -> None:
    """Telephone numbers, owners and customers change."""
    for person in rng.sample(people, 110):
        at = some_day(rng, person.account.zone)
        data: dict[str, Any] = {"phone": f"+316{rng.randint(10_000_000, 99_999_999)}"}
        wire.say("crm", "contact.updated", person.subject, data, time=at, arrival=quarter(at))
    for account in rng.sample(accounts, 18):
        at = some_day(rng, account.zone)
        data = {"owner": "u-lena" if account.owner == "u-sam" else "u-sam"}
        subject = f"account/{account.id}"
        wire.say("crm", "owner.changed", subject, data, time=at, arrival=quarter(at))
    for account in rng.sample(accounts, 4):
        at = some_day(rng, account.zone)
        subject = f"account/{account.id}"
        wire.say("crm", "customer.ended", subject, {}, time=at, arrival=quarter(at))


def strangers(wire: Wire, rng: Random) -> None:
    """Leads that nobody recommended: the CRM publishes them too, and nothing follows."""
    for number in range(1, 13):
        lead = f"l-crm-{number:02}"
        at = some_day(rng, "Europe/Amsterdam")
        wire.say("crm", "lead.created", "", {"lead": lead}, time=at, arrival=quarter(at))
        at += minutes(rng, 200, 4_000)
        data: dict[str, Any] = {"lead": lead, "stage": "contacted"}
        wire.say("crm", "lead.stage_changed", "", data, time=at, arrival=quarter(at))


def introductions(wire: Wire, rng: Random, answers: Sequence[Answer]) -> None:
    """Two promoters recommend us by telephone; of the second, the win is reported first."""
    fond = [a for a in answers if a.band == "promoter" and a.at < ENDS_AT - timedelta(days=150)]
    for number, answer in enumerate(rng.sample(fond, 2), 1):
        at = at_work(rng, answer.at + timedelta(days=rng.randint(20, 60)), "Europe/Amsterdam")
        lead = f"l-phone-{number}"
        told = quarter(at) if number == 1 else quarter(at + timedelta(days=31))
        data: dict[str, Any] = {"lead": lead, "referred_by": answer.person.id}
        wire.say("crm", "lead.created", "", data, time=at, arrival=told, natural_key=f"lead/{lead}")
        called = at + minutes(rng, 120, 1_200)
        data = {"lead": lead, "stage": "contacted"}
        arrival = max(quarter(called), told + timedelta(minutes=15 * (number - 1)))
        wire.say("crm", "lead.stage_changed", "", data, time=called, arrival=arrival)
        won = at + timedelta(days=30)
        data = {"lead": lead, "deal": f"d-phone-{number}", "value_eur": 9_000 * number}
        wire.say("crm", "deal.won", "", data, time=won, arrival=quarter(won))
