"""The pages of a contact: survey, ask, journey, opt-in, unsubscribing, passing on a name."""

import asyncio
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from starlette.responses import Response

from events.values import EMAIL_CHARS_MAX, NAME_CHARS_MAX, PHONE_CHARS_MAX, TEXT_CHARS_MAX
from store.contacts import consents_of, find_contact, get, resolve
from store.listings import work
from workers.web.forms import clean, number
from workers.web.rules import rules_of
from workers.web.spans import span_in_words
from workers.web.video import OWN, video_of
from workers.web.visit import Visit
from workflows.domain.referrals_checks import canonical_email
from workflows.sources import contact_id
from workflows.steps.asking import SNOOZES_MAX

ANSWERS: Final = ("gladly", "not_now", "later", "never")
UNPROCESSABLE: Final = 422

# -- survey ---------------------------------------------------------------------------------------


async def show_survey(visit: Visit, problem: str = "") -> Response:
    """Show the three questions; `?score=9` has a number chosen already."""
    given = {name: visit.given.get(name, "") for name in ("score", "improve", "comment")}
    return visit.page(
        "survey",
        visit.words["survey_title"],
        scores=list(_scale(visit)),
        given=given,
        text_max=TEXT_CHARS_MAX,
        video=await _video(visit),
        problem=problem,
        status=UNPROCESSABLE if problem else 200,
    )


async def _video(visit: Visit) -> str:
    return await video_of(visit.services, visit.programme, visit.actor, OWN)


async def take_survey(visit: Visit) -> Response:
    """Record the answer; another one by the same link corrects it."""
    score = number(visit.given, "score", _scale(visit))
    if score is None:
        return await show_survey(visit, visit.words["survey_missing"])
    await visit.publish(
        "nps.answered",
        {
            "response": f"web-{_digest(*visit.parts)}",
            "score": score,
            "improve": visit.given.get("improve", ""),
            "comment": visit.given.get("comment", ""),
        },
    )
    return visit.thanks(visit.words["survey_thanks"], changeable=True)


def _scale(visit: Visit) -> range:
    low, high = visit.programme.policies.nps.scale
    return range(low, high + 1)


def _digest(*parts: str) -> str:
    """Name a response by its link, whichever key signed it."""
    return sha256("\x1f".join(parts).encode()).hexdigest()[:24]


# -- ask ------------------------------------------------------------------------------------------


async def show_ask(visit: Visit, problem: str = "") -> Response:
    """Show the four answers; `?answer=later` puts one in front."""
    answers = _answers(visit)
    if await asyncio.to_thread(_put_off_enough, visit, visit.parts[0]):
        del answers["later"]
    answer = visit.given.get("answer", "")
    given = {
        "answer": answer if answer in answers else "",
        "text": visit.given.get("text", ""),
    }
    return visit.page(
        "ask",
        visit.words["ask_title"],
        answers=answers,
        given=given,
        text_max=TEXT_CHARS_MAX,
        video=await _video(visit),
        problem=problem,
        status=UNPROCESSABLE if problem else 200,
    )


def _answers(visit: Visit) -> dict[str, str]:
    """Return what each button says; *later* says when that is, by the programme of today."""
    said = {answer: visit.words[f"ask_{answer}"] for answer in ANSWERS}
    span = span_in_words(visit.programme.policies.asks.snooze, visit.words)
    later = said["later"].replace("{span}", span) if span else visit.words["ask_later_some_time"]
    return {**said, "later": later}


async def take_ask(visit: Visit) -> Response:
    """Record the answer."""
    ask, actor = visit.parts
    answer = visit.given.get("answer", "")
    if answer not in ANSWERS:
        return await show_ask(visit, visit.words["ask_missing"])
    text = visit.given.get("text", "")
    await visit.publish("ask.answered", {"ask": ask, "answer": answer, "text": text})
    refer = ""
    if answer == "gladly" and await asyncio.to_thread(_wants_a_name, visit, ask):
        refer = visit.services.tokens.sign("refer", ask, actor)
    return visit.thanks(visit.words[f"ask_thanks_{answer}"], changeable=True, refer=refer)


def _put_off_enough(visit: Visit, key: str) -> bool:
    """Tell whether one more *later* would be a no, which a button must not promise otherwise."""
    with visit.services.store.reader() as conn:
        found = work.ask(conn, key)
    return found is not None and found["doc"].get("snoozes", 0) >= SNOOZES_MAX


def _wants_a_name(visit: Visit, key: str) -> bool:
    """Tell whether what the ask hopes for is a recommendation, which has a form of its own."""
    with visit.services.store.reader() as conn:
        found = work.ask(conn, key)
    ladder = visit.programme.policies.asks.ladder
    done_by = {rung.kind: rung.done_by.event for rung in ladder if rung.done_by}
    return found is not None and "referral.submitted" in done_by.get(found["kind"], ())


# -- journey --------------------------------------------------------------------------------------


async def show_journey(visit: Visit, problem: str = "") -> Response:
    """Show where to answer a stage; what it asks for stands in its message."""
    return visit.page(
        "journey",
        visit.words["journey_title"],
        given={"text": visit.given.get("text", "")},
        text_max=TEXT_CHARS_MAX,
        problem=problem,
        status=UNPROCESSABLE if problem else 200,
    )


async def take_journey(visit: Visit) -> Response:
    """Record the answer; saying nothing but that it is done is one as well."""
    stage, _ = visit.parts
    await visit.publish("journey.answered", {"stage": stage, "text": visit.given.get("text", "")})
    return visit.thanks(visit.words["journey_thanks"])


# -- opt-in ---------------------------------------------------------------------------------------


async def show_optin(visit: Visit) -> Response:
    """Show what is confirmed, and the rules. Opening it confirms nothing: scanners open links."""
    rules = rules_of(visit.programme, visit.language)
    return visit.page("optin", visit.words["optin_title"], rules="/rules" if rules else "")


async def take_optin(visit: Visit) -> Response:
    """Record the confirmation, and by `text_version` what it was a yes to."""
    rules = rules_of(visit.programme, visit.language)
    said = (visit.words["optin_title"], visit.words["optin_intro"])
    words = "\n".join((*said, rules.version) if rules else said)
    await visit.publish("optin.confirmed", {"text_version": _digest(visit.language, words)})
    return visit.thanks(visit.words["optin_thanks"])


# -- unsubscribing --------------------------------------------------------------------------------


async def show_unsubscribe(visit: Visit) -> Response:
    """Show the one button."""
    channel = visit.parts[2]
    words = visit.words
    named = words.get(f"channel_{channel}", channel)
    intro = words["unsubscribe_intro"].replace("{channel}", named)
    return visit.page("unsubscribe", words["unsubscribe_title"], intro=intro)


async def take_unsubscribe(visit: Visit) -> Response:
    """Withdraw consent at once; once is enough, until somebody opts in again."""
    _, topic, channel = visit.parts
    granted_at = await asyncio.to_thread(_granted_at, visit)
    if granted_at is not None:
        await visit.publish(
            "contact.unsubscribed", {"topic": topic, "channel": channel}, granted_at
        )
    return visit.thanks(visit.words["unsubscribe_thanks"])


def _granted_at(visit: Visit) -> str | None:
    """Return since when there is consent to withdraw; None if it is withdrawn already.

    Mail providers repeat the POST, and the link of an old mail must work again after a new
    opt-in: the grant it withdraws is what tells one withdrawal from another.
    """
    _, topic, channel = visit.parts
    with visit.services.store.reader() as conn:
        words = consents_of(conn, resolve(conn, visit.actor))
    for word in words:
        if (word.topic, word.channel) == (topic, channel):
            return word.at.isoformat() if word.granted else None
    return ""


# -- passing on a name ----------------------------------------------------------------------------


async def show_refer(visit: Visit, problem: str = "") -> Response:
    """Show the form for somebody we could help."""
    names = ("name", "email", "phone", "company", "consent")
    return visit.page(
        "refer",
        visit.words["refer_title"],
        given={name: visit.given.get(name, "") for name in names},
        video=await _video(visit),
        problem=problem,
        status=UNPROCESSABLE if problem else 200,
    )


async def take_refer(visit: Visit) -> Response:
    """Record the recommendation."""
    lead = _lead(visit.given)
    if not lead["name"] or not (lead["email"] or lead["phone"]):
        return await show_refer(visit, visit.words["refer_missing"])
    lead["id"], again = await asyncio.to_thread(_lead_id, visit, lead)
    await visit.publish(
        "referral.submitted",
        {
            "lead": {name: value for name, value in lead.items() if value},
            "consent_to_contact": visit.given.get("consent") == "yes",
            "via": "form",
        },
    )
    return visit.thanks(visit.words["refer_again" if again else "refer_thanks"])


def _lead(given: Mapping[str, str]) -> dict[str, str]:
    email = clean(given.get("email", ""), EMAIL_CHARS_MAX)
    return {
        "name": clean(given.get("name", ""), NAME_CHARS_MAX),
        "email": email if "@" in email else "",
        "phone": clean(given.get("phone", ""), PHONE_CHARS_MAX),
        "company": clean(given.get("company", ""), NAME_CHARS_MAX),
    }


def _lead_id(visit: Visit, lead: Mapping[str, str]) -> tuple[str, bool]:
    """Return the id of somebody known, or the one that everybody would give a stranger.

    And whether this very referrer told us of them before: nobody learns what others told us.
    """
    email = canonical_email(lead["email"])
    with visit.services.store.reader() as conn:
        known = find_contact(conn, email=lead["email"], phone=lead["phone"])
        referrer = get(conn, [visit.actor]).get(visit.actor, {})
    id_ = known or contact_id({"email": email, "phone": lead["phone"]})
    told = (each["lead"].get("id") for each in referrer.get("referrals", {}).values())
    return id_, id_ in told
