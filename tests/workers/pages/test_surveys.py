"""The page of a survey: scores, texts, revisions, and what is too long."""

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import httpx
import pytest
from prometheus_client import CollectorRegistry

from events.values import TEXT_CHARS_MAX
from store.tables import TaskRow
from tests.workers.pages.links import ANNA, TASK, every_link, shown, told
from tests.workers.web_world import World, served
from workers.tokens import Tokens
from workers.web.app import make_app
from workers.web.pages import words_of
from workflows.policies import Nps, Policies


def test_survey_records_score_and_both_texts(web: World) -> None:
    """Number and texts become one nps.answered of the contact, and the person is thanked."""
    path = every_link(web)["survey"]
    page = web.client.get(path)
    text = "Sneller\r\nantwoorden\x00"

    answer = web.client.post(
        path, data={**shown(page), "score": "9", "improve": text, "comment": ""}
    )

    (event,) = web.events()
    assert answer.status_code == 200
    assert words_of("nl")["survey_thanks"] in answer.text
    assert (event["type"], event["contact"], event["source"]) == (
        "nps.answered",
        "c-anna",
        "vouch/answers",
    )
    assert event["data"]["score"] == 9
    assert event["data"]["improve"] == "Sneller\nantwoorden"
    assert "comment" not in event["data"]


def test_survey_shows_the_programmes_scale_with_the_number_of_the_link_chosen(web: World) -> None:
    """Eleven numbers for 0 to 10; a scale from 1 has no nought, and refuses one."""
    path = every_link(web)["survey"]
    assert len(re.findall(r'type="radio"', web.client.get(path).text)) == 11
    assert 'value="9" required checked' in web.client.get(f"{path}?score=9").text

    web.programme.policies = Policies(programme="kompas", nps=Nps(scale=(1, 10)))
    assert len(re.findall(r'type="radio"', web.client.get(path).text)) == 10
    assert web.client.post(path, data={"score": "0"}).status_code == 422


@pytest.mark.parametrize("score", ["", "11", "-1", "nine", "9.5", "٩", "1" * 9])
def test_survey_without_a_number_is_shown_again_with_what_was_typed(web: World, score: str) -> None:
    """No number, or one outside the scale, records nothing and loses no text."""
    answer = web.client.post(every_link(web)["survey"], data={"score": score, "improve": "Sneller"})

    assert answer.status_code == 422
    assert words_of("nl")["survey_missing"] in answer.text
    assert "Sneller" in answer.text
    assert web.events() == []


def test_double_click_is_one_answer_and_a_change_of_mind_is_a_revision(web: World) -> None:
    """The same form twice is one event; 9, then 3, then 9 again are three growing revisions."""
    path = every_link(web)["survey"]
    for score in ("9", "3", "9"):
        form = {**shown(web.client.get(path)), "score": score}
        for _ in range(2):
            assert web.client.post(path, data=form).status_code == 200
        web.clock.advance(timedelta(minutes=1))

    events = [data for _, data in told(web)]
    assert [data["score"] for data in events] == [9, 3, 9]
    assert len({data["response"] for data in events}) == 1
    revisions = [data["revision"] for data in events]
    assert revisions == sorted(set(revisions))


def test_response_belongs_to_the_link_whichever_key_signed_it(web: World) -> None:
    """After a rotation of keys a new link to the same survey corrects the same response."""
    path = every_link(web)["survey"]
    rotated = replace(
        web.services, tokens=Tokens([b"n" * 32, b"k" * 32]), registry=CollectorRegistry()
    )
    web.client.post(path, data={"score": "9"})
    with served(make_app(rotated)) as address, httpx.Client(base_url=address) as client:
        new = f"/a/{rotated.tokens.sign('survey', 'r/2', ANNA)}"
        assert client.post(new, data={"score": "8"}).status_code == 200

    assert new != path
    assert len({data["response"] for _, data in told(web)}) == 1


def test_text_that_is_too_long_comes_back_whole_and_says_so(web: World) -> None:
    """One at the bound is stored, in any script; of one over it the page says by how much."""
    whole = {"score": "7", "improve": "字" * TEXT_CHARS_MAX, "comment": "é" * TEXT_CHARS_MAX}
    assert web.client.post(every_link(web)["survey"], data=whole).status_code == 200

    over = {**whole, "comment": "é" * (TEXT_CHARS_MAX + 2), "shown": "2"}
    page = web.client.post(every_link(web)["survey"], data=over)

    assert page.status_code == 422
    said = words_of("nl")["too_long"].replace("{over}", "2").replace("{max}", str(TEXT_CHARS_MAX))
    assert said in unescape(page.text)
    assert over["comment"] in page.text
    assert [len(data["comment"]) for _, data in told(web)] == [TEXT_CHARS_MAX]


@pytest.mark.parametrize("purpose", ["ask", "journey", "refer", "task"])
def test_every_form_keeps_what_was_too_long(web: World, purpose: str) -> None:
    """What somebody typed stands in the field again, and nothing is recorded."""
    name = {"refer": "company", "task": "field.root_cause"}.get(purpose, "text")
    typed = "x" * (TEXT_CHARS_MAX + 1)
    web.add(TaskRow, **TASK)

    page = web.client.post(every_link(web)[purpose], data={name: typed, "answer": "gladly"})

    assert page.status_code == 422
    assert words_of("nl")["problem"] in page.text
    assert typed in page.text
    assert web.events() == []
