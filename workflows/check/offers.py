"""Contests, tiers, journeys, endpoints, checks of referrals: their numbers, dates and names."""

import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from itertools import pairwise

from events.errors import did_you_mean
from workflows.check.context import Context, Place
from workflows.check.heard import check_types
from workflows.check.policies import check_variable
from workflows.check.schedules import check_cron
from workflows.check.site import steps_of
from workflows.definition import Journey, Workflow
from workflows.folder import PROGRAMME_FILE
from workflows.policies_rewards import Contest

ROOT = Place(PROGRAMME_FILE)
_OF_CHECK = {"velocity": {"max", "within", "per"}, "customer": {"winback"}}
"""What a check of referrals can be told beside its verdict."""
CHECKS = ("self", "own_firm", "disposable", "velocity", "customer", "open_deal")
"""What is looked at when somebody is recommended."""

_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\Z")


def check_offers(context: Context) -> None:
    """Report everything in these policies that can be told without running them."""
    policies = context.policies
    for name, contest in policies.contests.items():
        _contest(context, ROOT / "contests" / name, contest)
    _endpoints(context)
    _tiers(context)
    _referrals(context)
    if policies.rewards.clawback.floor > 0:
        message = "a floor is what a balance may fall to: 0 or less"
        context.report("V015", ROOT / "rewards" / "clawback" / "floor", message, "floor: -200")
    for name, person in policies.staff.items():
        if person.email and not _EMAIL.match(person.email):
            message = f'"{person.email}" is no address of mail'
            help_ = "write name@domain, or leave it out"
            context.report("V014", ROOT / "staff" / name / "email", message, help_)


def _endpoints(context: Context) -> None:
    for name, endpoint in context.policies.endpoints.items():
        at = ROOT / "endpoints" / name
        if not endpoint.url.startswith(("env:", "https://", "http://")):
            help_ = "write env:NAME, or an address that begins with https://"
            context.report("V014", at / "url", f'"{endpoint.url}" is no address', help_)
        check_variable(context, at / "url", endpoint.url)
        if endpoint.secret:
            _secret(context, at / "secret", endpoint.secret)


def _referrals(context: Context) -> None:
    checks, at = context.policies.referrals.checks, ROOT / "referrals" / "checks"
    for name in checks:
        if name not in CHECKS:
            context.unknown("V010", at / name, "check of referrals", name, CHECKS, key=True)
    for name, verdict in checks.items():
        for key in sorted(verdict.model_fields_set - {"verdict"} - _OF_CHECK.get(name, set())):
            if name in CHECKS:
                message = f"{key} has no effect on {name}: nothing is counted there"
                help_ = f"write {name}: {verdict.verdict}"
                context.report(
                    "V076", at / name / key, message, help_, key=True, severity="warning"
                )
    block = context.policies.referrals.block_after
    if block is not None and block < 1:
        place = ROOT / "referrals" / "block_after"
        context.report("V015", place, "at least 1", "write block_after: 2", key=True)
    velocity = checks.get("velocity")
    if velocity is not None and not (velocity.max is not None and velocity.within):
        message = "velocity needs max and within: at most so many inside that span"
        help_ = "velocity: {verdict: hold, max: 5, within: 1h}"
        context.report("V011", at / "velocity", message, help_, key=True)
    elif velocity is not None and velocity.max is not None and velocity.max < 1:
        context.report("V015", at / "velocity" / "max", "at least 1", "write 1 or more", key=True)
    fields = {"contact", *context.scopes.data("referral.submitted")}
    if velocity is not None and velocity.per and velocity.per not in fields:
        message = f'"{velocity.per}" is not a field of referral.submitted, which is counted'
        place = at / "velocity" / "per"
        context.report("V029", place, message, did_you_mean(velocity.per, fields))


def _secret(context: Context, place: Place, text: str) -> None:
    if not text.startswith("env:"):
        help_ = "write env:NAME and set that variable"
        context.report("V014", place, "a secret does not stand in a file", help_)
    check_variable(context, place, text)


def _contest(context: Context, at: Place, contest: Contest) -> None:
    begins = _instant(context, at / "period" / 0, contest.period[0])
    ends = _instant(context, at / "period" / 1, contest.period[1])
    freeze = _instant(context, at / "freeze", contest.freeze)
    if begins and ends and _before(ends, begins, equal=True):
        context.report("V031", at / "period", "the contest ends before it begins", "earlier first")
    elif ends and freeze and _before(freeze, ends):
        message = "the entries are frozen before the contest ends"
        context.report("V031", at / "freeze", message, "freeze at the end of the period, or later")
    _entries(context, at, contest)
    if contest.winners < 1:
        context.report("V015", at / "winners", "at least 1", "write winners: 1", key=True)
    if contest.seed_sha256 and not _SHA256.match(contest.seed_sha256):
        message = "a SHA-256 is 64 digits from 0 to f"
        context.report("V014", at / "seed_sha256", message, "printf %s SEED | sha256sum")
    elif contest.seed and not contest.seed.startswith("env:"):
        _seed(context, at, contest)
    if contest.gifts:
        check_types(context, at / "gifts" / "event", contest.gifts.event)
        for gift, stock in contest.gifts.stock.items():
            if stock < 0:
                place = at / "gifts" / "stock" / gift
                context.report("V015", place, "at least 0", "write how many there are", key=True)


def _seed(context: Context, at: Place, contest: Contest) -> None:
    """Report a seed that everybody can read, or that is not the one that was promised."""
    if contest.seed_sha256 and sha256(contest.seed.encode()).hexdigest() != (
        contest.seed_sha256.lower()
    ):
        message = "this seed has another SHA-256 than the published one: the draw would wait"
        context.report("V014", at / "seed", message, "write env:NAME, or publish this one's")
    else:
        message = "whoever reads this file can count the draw before it is made"
        help_ = "write env:NAME and set that variable"
        context.report("V076", at / "seed", message, help_, severity="warning")


def _entries(context: Context, at: Place, contest: Contest) -> None:
    if not contest.entries:
        message = "nothing earns an entry, so that nobody can win"
        context.report("V015", at / "entries", message, "entries: [{event: review.posted}]")
    for number, entry in enumerate(contest.entries):
        for key, value in (("weight", entry.weight), ("max", entry.max)):
            if value is not None and value < 1:
                place = at / "entries" / number / key
                context.report("V015", place, "at least 1", f"write {key}: 1", key=True)


def _instant(context: Context, place: Place, text: str) -> datetime | None:
    try:
        if _INSTANT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        context.report("V031", place, f'"{text}" is no instant', "there is no such day or hour")
        return None
    context.report("V031", place, f'"{text}" is no instant', "write 2027-09-01T00:00")
    return None


def _before(one: datetime, other: datetime, *, equal: bool = False) -> bool:
    """Return whether one comes before the other; not known where only one has an offset."""
    if (one.tzinfo is None) != (other.tzinfo is None):
        return False
    return one <= other if equal else one < other


def _tiers(context: Context) -> None:
    tiers = context.policies.tiers
    if tiers is None:
        return
    place = ROOT / "tiers"
    if tiers.lower:
        check_cron(context, place / "lower", tiers.lower)
    if not tiers.levels:
        message = "tiers need a level"
        context.report("V015", place / "levels", message, "levels: {member: 0, silver: 1}")
    first: dict[int, str] = {}
    for name, least in tiers.levels.items():
        if least < 0:
            context.report("V015", place / "levels" / name, "at least 0", f"{name}: 0", key=True)
        if least in first:
            message = f'"{first[least]}" begins at {least} as well: nobody can tell them apart'
            help_ = "write how many each begins at, or leave one of them out"
            context.report("V024", place / "levels" / name, message, help_, key=True)
        first.setdefault(least, name)
    _rising(context, place / "levels", tiers.levels)


def _rising(context: Context, place: Place, levels: Mapping[str, int]) -> None:
    """Report the level that is written behind one that begins higher: one of the two is wrong."""
    names = list(levels)
    pairs = list(pairwise(names))
    if (
        len({levels[one] < levels[next_] for one, next_ in pairs if levels[one] != levels[next_]})
        > 1
    ):
        low = next(next_ for one, next_ in pairs if levels[next_] < levels[one])
        message = f'"{low}" begins at {levels[low]}, below the level written before it'
        context.report("V015", place / low, message, "write the levels from low to high", key=True)


def check_journeys(context: Context, workflows: Mapping[str, Workflow]) -> None:
    """Report stages that are there twice, or that pay nothing, or twice."""
    for name, flow in workflows.items():
        for step, place in steps_of(flow.steps, Place(f"workflows/{name}.yaml") / "steps"):
            if step.journey is not None:
                _journey(context, step.journey, place / "journey")


def _journey(context: Context, journey: Journey, at: Place) -> None:
    if journey.skips < 1:
        context.report("V015", at / "skips", "at least 1", "write skips: 2", key=True)
    first: dict[str, int] = {}
    for number, stage in enumerate(journey.stages):
        place = at / "stages" / number
        if stage.stage in first:
            document, loc = context.where(at / "stages" / first[stage.stage] / "stage")
            line = document.position(loc).line
            message = f'the stage "{stage.stage}" is here twice; the first is in line {line}'
            context.report("V024", place / "stage", message, "name them apart")
        first.setdefault(stage.stage, number)
        if stage.amount is not None and stage.draw is not None:
            message = "a stage earns an amount or a draw, one of the two"
            context.report("V020", place / "draw", message, "leave one of them out", key=True)
        if stage.amount is not None and stage.amount < 1:
            context.report("V015", place / "amount", "an amount is at least 1", "amount: 10")
        if stage.draw is not None and (
            not stage.draw or min(stage.draw) < 1 or min(stage.draw.values()) < 1
        ):
            message = "a draw needs amounts and weights of at least 1"
            context.report("V015", place / "draw", message, "draw: {10: 60, 20: 40}", key=True)
