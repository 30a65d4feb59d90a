"""The page of an ask: answers, names passed on, stages of a journey."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from store.tables import AskRow
from tests.workers.pages.links import ANNA, every_link, link, shown, told
from tests.workers.web_world import World
from workers.web.pages import LANGUAGES, words_of
from workers.web.spans import span_in_words
from workflows.policies import Asks, Policies, Rung
from workflows.state import slice_of

# -- ask ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["gladly", "not_now", "later", "never"])
def test_each_answer_of_an_ask_is_recorded_and_thanked_for(web: World, answer: str) -> None:
    """The button that the link names comes first, and its answer is the event's."""
    path = every_link(web)["ask"]
    page = web.client.get(f"{path}?answer={answer}")
    said = web.client.post(path, data={**shown(page), "answer": answer, "text": "Graag"})

    first = re.search(r"<button[^>]*>", page.text)
    assert first is not None
    assert f'value="{answer}"' in first[0]
    assert told(web) == [("ask.answered", {"ask": "r/ask", "answer": answer, "text": "Graag"})]
    assert words_of("nl")[f"ask_thanks_{answer}"] in said.text
    assert "href=" not in said.text
    assert web.inbox() == [ANNA]


@pytest.mark.parametrize(("kind", "offered"), [("referral", True), ("quote", False)])
def test_a_yes_to_a_referral_offers_to_pass_on_a_name(
    web: World,
    kind: str,
    offered: bool,  # noqa: FBT001 - a table
) -> None:
    """Who gladly recommends us can name somebody at once; who gladly gives a quote need not."""
    done = {"quote": "quote.given", "referral": "referral.submitted"}
    ladder = tuple(Rung.model_validate({"kind": kind, "done_by": by}) for kind, by in done.items())
    web.programme.policies = Policies(programme="kompas", asks=Asks(ladder=ladder))
    web.add(AskRow, slice=slice_of(ANNA), key="r/ask", actor=ANNA, run="r", workflow="w",
            step="ask", kind=kind, status="open", doc={})  # fmt: skip

    said = web.client.post(every_link(web)["ask"], data={"answer": "gladly"})

    refer = re.search(r'href="([^"]+)"', said.text)
    assert (refer is not None) == offered
    if refer is not None:
        assert web.client.get(str(said.url.join(refer[1]))).status_code == 200


def test_later_is_when_the_programme_asks_again(web: World) -> None:
    """The page promises what `asks.snooze` says, not what the shipped programme happens to say."""
    path = every_link(web)["ask"]
    for snooze, told_so in (
        ("3mo", "over drie maanden nog eens"),
        ("10bd", "over tien werkdagen nog eens"),
        ("0d", "Vraag het mij later nog eens"),
    ):
        web.programme.policies = Policies(programme="kompas", asks=Asks(snooze=snooze))
        assert told_so in web.client.get(path).text


@pytest.mark.parametrize(("snoozes", "offered"), [(0, True), (1, True), (2, False)])
def test_later_is_offered_while_it_still_means_later(
    web: World,
    snoozes: int,
    offered: bool,  # noqa: FBT001 - a table
) -> None:
    """After two the third would be a no: the page does not promise to ask again."""
    web.add(AskRow, slice=slice_of(ANNA), key="r/ask", actor=ANNA, run="r", workflow="w",
            step="ask", kind="quote", status="open", doc={"snoozes": snoozes})  # fmt: skip

    page = web.client.get(f"{every_link(web)['ask']}?answer=later")

    assert ('value="later"' in page.text) == offered
    assert page.text.count("<button") == 3 + offered


@pytest.mark.parametrize(
    ("span", "en", "nl", "de"),
    [
        ("1mo", "a month", "een maand", "einem Monat"),
        ("2w", "two weeks", "twee weken", "zwei Wochen"),
        ("14d", "two weeks", "twee weken", "zwei Wochen"),
        ("45d", "45 days", "45 dagen", "45 Tagen"),
        ("P1Y6M", "a year and six months", "een jaar en zes maanden",
         "einem Jahr und sechs Monaten"),
        ("36h", "36 hours", "36 uur", "36 Stunden"),
        ("1d2h30m", "a day, two hours and 30 minutes", "een dag, twee uur en 30 minuten",
         "einem Tag, zwei Stunden und 30 Minuten"),
        ("4bh", "four working hours", "vier werkuren", "vier Arbeitsstunden"),
        ("soon", "", "", ""),
    ],
)  # fmt: skip
def test_a_span_is_said_as_people_say_it(span: str, en: str, nl: str, de: str) -> None:
    """In every language that pages have, behind the word that says "in"."""
    said = {language: span_in_words(span, words_of(language)) for language in LANGUAGES}

    assert said == {"en": en, "nl": nl, "de": de}


def test_ask_without_an_answer_is_shown_again(web: World) -> None:
    """A POST that presses no button records nothing."""
    assert web.client.post(every_link(web)["ask"], data={"answer": "maybe"}).status_code == 422
    assert web.events() == []


def test_twenty_clicks_at_once_are_one_answer(web: World) -> None:
    """However often and however parallel one form is sent, it is one event."""
    path = every_link(web)["ask"]
    form = {**shown(web.client.get(path)), "answer": "gladly"}

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: web.client.post(path, data=form), range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(web.events()) == 1


def test_name_passed_on_is_a_recommendation(web: World) -> None:
    """A name and an address become referral.submitted; without, it is asked."""
    path = every_link(web)["refer"]
    form = {"name": "Lars Vos", "email": "Lars@Example.com", "company": "", "consent": "yes"}

    missing = web.client.post(path, data={"name": "Lars"})
    said = web.client.post(path, data=form)

    assert (missing.status_code, said.status_code) == (422, 200)
    ((kind, data),) = told(web)
    assert kind == "referral.submitted"
    assert (data["via"], data["consent_to_contact"]) == ("form", True)
    assert data["lead"] | {"id": ""} == {"id": "", "name": "Lars Vos", "email": "Lars@Example.com"}
    assert web.inbox() == [ANNA]  # who hands it on to the lead


def test_name_of_somebody_known_is_that_contact(web: World) -> None:
    """A recommendation of a contact we know does not make a second one."""
    web.seed({"contact/c-lars": {"id": "c-lars", "email": "lars@example.com"}})

    web.client.post(every_link(web)["refer"], data={"name": "Lars", "email": "lars@example.com"})

    assert told(web)[0][1]["lead"]["id"] == "c-lars"


# -- journey --------------------------------------------------------------------------------------


def test_a_stage_is_answered_by_post(web: World) -> None:
    """The button alone says that it is done; words go along; a double click says it once."""
    path = link(web, "journey", "review", ANNA)
    page = web.client.get(path)
    assert "<textarea" in page.text

    for _ in range(2):
        web.client.post(path, data={"text": "https://reviews.example/1", **shown(page)})
    other = web.client.post(link(web, "journey", "intro", ANNA), data={})

    assert other.status_code == 200
    assert told(web) == [
        ("journey.answered", {"stage": "review", "text": "https://reviews.example/1"}),
        ("journey.answered", {"stage": "intro"}),
    ]
    assert web.inbox() == [ANNA, ANNA]
