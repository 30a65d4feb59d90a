"""The pages behind signed links: what they show, what they record, what they withstand."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from events.catalogue import default_catalogue
from events.values import TEXT_CHARS_MAX
from store import contacts
from store.db import Store
from store.tables import AskRow, ConsentRow, TaskRow
from store.tables_beside import RejectRow
from tests.workers.web_world import NOW, World, migrated, quiet, served, world
from workers.intake import Intake
from workers.tokens import Purpose, Tokens
from workers.web.answers import BAD_LINKS_MAX, LINK_REQUESTS_MAX
from workers.web.app import make_app
from workers.web.forms import FORM_BYTES_MAX
from workers.web.limits import ADDRESS_CHARS_MAX, RateLimit, address_name
from workers.web.pages import LANGUAGES, words_of
from workflows.policies import Asks, Nps, Policies, Rung
from workflows.state import Consent, slice_of

ANNA = "contact/c-anna"
TASK = {
    "slice": slice_of(ANNA), "key": "r/call", "actor": ANNA, "run": "r", "workflow": "detractor",
    "step": "call", "assignee": "u-ben", "role": "owner", "title": "Call <Anna> & listen",
    "status": "open", "opened_at": NOW, "due_at": NOW + timedelta(hours=4),
    "doc": {"requires": ["root_cause"]},
}  # fmt: skip


@pytest.fixture
def web(tmp_path: Path) -> Iterator[World]:
    with world(migrated(tmp_path)) as made:
        made.seed({ANNA: {"id": "c-anna", "name": "Anna", "locale": "nl"}})
        yield made


def link(web: World, purpose: Purpose, *parts: str) -> str:
    return f"/a/{web.tokens.sign(purpose, *parts)}"


def every_link(web: World) -> dict[str, str]:
    return {
        "survey": link(web, "survey", "r/2", ANNA),
        "ask": link(web, "ask", "r/ask", ANNA),
        "optin": link(web, "optin", ANNA),
        "unsubscribe": link(web, "unsubscribe", ANNA, "programme", "email"),
        "refer": link(web, "refer", "r/ask", ANNA),
        "journey": link(web, "journey", "poll", ANNA),
        "task": link(web, "task", "r/call", ANNA, "u-ben"),
    }


def shown(page: httpx.Response) -> dict[str, str]:
    """Return the hidden field that tells one form from another."""
    found = re.search(r'name="shown" value="(\d+)"', page.text)
    return {"shown": found[1]} if found else {}


def told(web: World) -> list[tuple[str, dict[str, Any]]]:
    return [(event["type"], event["data"]) for event in web.events()]


# -- what holds for every page --------------------------------------------------------------------


def test_get_and_head_show_a_page_and_change_nothing(web: World) -> None:
    """A scanner that opens every link of a mail, twice, has said nothing for anybody."""
    web.add(TaskRow, **TASK)

    for name, path in every_link(web).items():
        for query in ("", "?answer=gladly&score=9&action=done"):
            page = web.client.get(path + query)
            assert page.status_code == 200, name
            assert web.client.head(path + query).status_code == 200

    assert web.events() == web.rows(ConsentRow) == web.rows(RejectRow) == []


def test_pages_run_nothing_load_nothing_and_leak_nothing(web: World) -> None:
    """Every page has a strict policy that fits its own style, no script, and keeps its address."""
    web.add(TaskRow, **TASK)

    for path in (*every_link(web).values(), "/a/nonsense"):
        page = web.client.get(path)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert "noindex" in page.headers["x-robots-tag"]
        loads = r"<script|<link|<img|<iframe|https?://|\ssrc=|\sstyle=|\son\w+="
        assert re.findall(loads, page.text) == []


def test_tampered_and_foreign_links_are_a_friendly_404(web: World) -> None:
    """A link that was cut, changed, or signed by somebody else opens a page that helps."""
    good = link(web, "ask", "r/ask", ANNA)
    foreign = f"/a/{Tokens([b'x' * 32]).sign('ask', 'r/ask', ANNA)}"

    for path in (good[:-1], good + "A", f"/a/s{good[4:]}", foreign, "/a/x", "/a/%00%ff"):
        for answer in (web.client.get(path), web.client.post(path, data={"answer": "gladly"})):
            assert answer.status_code == 404
            assert words_of("en")["gone_title"] in unescape(answer.text)
    assert web.events() == []


@pytest.mark.parametrize(
    ("locale", "accepted", "language"),
    [("nl", "de", "nl"), ("de-AT", "", "de"), ("en_GB", "nl", "en"), ("fr", "de", "nl"),
     ("", "de-DE,de;q=0.9", "de"), ("", "", "nl")],
)  # fmt: skip
def test_page_speaks_the_contacts_language(
    web: World, locale: str, accepted: str, language: str
) -> None:
    """The contact's locale, else the browser's, else the programme's first."""
    web.seed({ANNA: {"id": "c-anna", "locale": locale}})

    page = web.client.get(link(web, "optin", ANNA), headers={"Accept-Language": accepted})

    assert f'<html lang="{language}">' in page.text
    assert words_of(language)["optin_confirm"] in unescape(page.text)


def test_every_language_has_the_same_words() -> None:
    """No page lacks a word in any language, and none is left from an older page."""
    keys = {language: set(words_of(language)) for language in LANGUAGES}

    assert len({frozenset(names) for names in keys.values()}) == 1
    assert all(text.strip() for language in LANGUAGES for text in words_of(language).values())


def test_what_people_type_is_text_never_markup(web: World) -> None:
    """Whatever comes back on a page is escaped."""
    web.add(TaskRow, **TASK)
    attack = '"><script>alert(1)</script>'
    survey = every_link(web)["survey"]

    pages = [
        web.client.post(survey, data={"improve": attack}),
        web.client.get(survey, params={"score": attack, "comment": attack}),
        web.client.get(every_link(web)["ask"], params={"answer": attack, "text": attack}),
        web.client.get(every_link(web)["task"]),
    ]

    assert all("<script" not in page.text and "<Anna>" not in page.text for page in pages)


def test_full_inbox_holds_no_answer_back(tmp_path: Path) -> None:
    """Publishers wait when the inbox is full; a person who presses a button does not."""
    with world(migrated(tmp_path), inbox_max=1) as web:
        web.client.post(link(web, "optin", ANNA), data={})
        web.client.post(link(web, "unsubscribe", ANNA, "programme", "email"), data={})

        assert [kind for kind, _ in told(web)] == ["optin.confirmed", "contact.unsubscribed"]


def test_database_that_is_gone_gives_a_page_and_a_time_to_come_back(web: World) -> None:
    """Without a database nobody is thanked for an answer that is not stored."""
    gone = Store.open("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    intake = Intake(gone, default_catalogue, web.clock, quiet, 1_000)
    services = replace(web.services, store=gone, intake=intake, registry=CollectorRegistry())

    with served(make_app(services)) as address, httpx.Client(base_url=address) as client:
        answer = client.post(link(web, "optin", ANNA), data={})

    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert words_of("en")["down_title"] in answer.text


def test_form_that_is_too_large_or_unreadable_is_refused(web: World) -> None:
    """A body over the bound and a broken form record nothing and end in a page."""
    path = link(web, "optin", ANNA)
    broken = {"Content-Type": "multipart/form-data"}

    long = web.client.post(path, content=b"a=" + b"x" * FORM_BYTES_MAX)
    assert long.status_code == 413
    assert words_of("en")["long_title"] in long.text
    answers = [
        web.client.post(path, content=b"--x", headers=broken),
        *(
            web.client.post(
                path, content=b"a=1", headers={"Content-Type": f"{kind}; charset={name}"}
            )
            for kind in ("multipart/form-data; boundary=x", "application/x-www-form-urlencoded")
            for name in ("punycode", "idna", "utf-7", "nonsense", "punycode; charset=utf-8")
        ),
    ]

    assert {answer.status_code for answer in answers} == {400}
    assert web.events() == []


# -- survey ---------------------------------------------------------------------------------------


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


# -- consent --------------------------------------------------------------------------------------


def test_opt_in_is_confirmed_by_the_button_and_again_by_a_later_one(web: World) -> None:
    """The same form is one confirmation; a page opened later, after leaving, confirms anew.

    Each says which words were confirmed: that is the proof.
    """
    path = every_link(web)["optin"]
    for _ in range(2):
        form = shown(web.client.get(path))
        for _ in range(2):
            assert web.client.post(path, data=form).status_code == 200
        web.clock.advance(timedelta(days=30))

    kinds, said = zip(*told(web), strict=True)
    assert kinds == ("optin.confirmed",) * 2
    assert said[0] == said[1]
    assert set(said[0]) == {"text_version"}


def test_s17_one_click_unsubscribes_once_without_redirect(web: World) -> None:
    """GET shows a page only; the POST of a mail provider counts at once, and once."""
    path = every_link(web)["unsubscribe"]
    assert web.client.get(path).status_code == 200
    assert web.rows(ConsentRow) == []

    answers = [web.client.post(path, data={"List-Unsubscribe": "One-Click"}) for _ in range(2)]
    multipart = web.client.post(path, files={"List-Unsubscribe": (None, "One-Click")})

    assert [a.status_code for a in (*answers, multipart)] == [200] * 3
    assert not any(a.history or "location" in a.headers for a in answers)
    assert told(web) == [("contact.unsubscribed", {"topic": "programme", "channel": "email"})]
    (row,) = web.rows(ConsentRow)
    assert (row["granted"], row["at"]) == (False, NOW)
    assert web.rows(RejectRow) == []


def test_link_of_an_old_mail_unsubscribes_again_after_a_new_opt_in(web: World) -> None:
    """Unsubscribe links never wear out: whoever joined again can leave by the oldest mail."""
    path = every_link(web)["unsubscribe"]
    for month in range(3):
        assert web.client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
        assert [row["granted"] for row in web.rows(ConsentRow)] == [False]
        web.clock.advance(timedelta(days=30))
        with web.store.transaction() as conn:
            joined = Consent(ANNA, "email", "programme", granted=True, at=web.clock.now())
            contacts.seed(conn, {}, [joined])
        web.clock.advance(timedelta(days=30))
        assert len(web.events()) == month + 1


def test_racing_one_clicks_are_one_withdrawal(web: World) -> None:
    """A provider that posts many times at once leaves one event."""
    path = every_link(web)["unsubscribe"]
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(
                lambda _: web.client.post(path, data={"List-Unsubscribe": "One-Click"}), range(16)
            )
        )

    assert {answer.status_code for answer in answers} == {200}
    assert len(web.events()) == 1


# -- tasks ----------------------------------------------------------------------------------------


def test_task_is_accepted_then_done_with_what_it_requires(web: World) -> None:
    """A colleague outside sees the task, takes it on, and closes it with the field it needs."""
    web.add(TaskRow, **TASK)
    path = every_link(web)["task"]
    page = web.client.get(path)

    accepted = web.client.post(path, data={"action": "accept"})
    empty = web.client.post(path, data={"action": "done", "field.root_cause": " "})
    done = web.client.post(
        path, data={"action": "done", "field.root_cause": "Late", "field.x": "y"}
    )

    assert "Call &lt;Anna&gt; &amp; listen" in page.text
    assert re.search(r"maandag 14 \w+ 2027, 15:00", page.text)
    assert (accepted.status_code, empty.status_code, done.status_code) == (200, 422, 200)
    assert told(web) == [
        ("task.accepted", {"task": "r/call", "by": "u-ben"}),
        ("task.closed", {"root_cause": "Late", "task": "r/call", "by": "u-ben"}),
    ]
    assert web.inbox() == [ANNA, ANNA]


def test_closed_task_takes_no_more_and_an_unknown_one_is_gone(web: World) -> None:
    """A task that is done says so and records nothing; one that there is not is a 404."""
    web.add(TaskRow, **{**TASK, "status": "done"})

    closed = web.client.post(every_link(web)["task"], data={"action": "done"})
    gone = web.client.get(link(web, "task", "nowhere", ANNA, "u-ben"))
    other = web.client.get(link(web, "task", "r/call", "contact/c-bram", "u-ben"))

    assert words_of("nl")["task_closed"] in closed.text
    assert (gone.status_code, other.status_code) == (404, 404)
    assert web.events() == []


# -- limits ---------------------------------------------------------------------------------------


def test_one_link_is_limited_and_others_are_not(web: World) -> None:
    """At the limit a link still opens, past it it says to wait, a minute later it opens again."""
    links = every_link(web)
    answers = [web.client.get(links["optin"]).status_code for _ in range(LINK_REQUESTS_MAX + 1)]
    other = web.client.get(links["ask"]).status_code
    web.clock.advance(timedelta(minutes=1))

    assert answers == [200] * LINK_REQUESTS_MAX + [429]
    assert other == 200
    assert web.client.get(links["optin"]).status_code == 200


def test_trying_links_is_limited(web: World) -> None:
    """Who tries links is told to wait; a good link from the same address still opens."""
    answers = [web.client.get(f"/a/guess{n}").status_code for n in range(BAD_LINKS_MAX + 1)]

    assert answers == [404] * BAD_LINKS_MAX + [429]
    assert web.client.get(every_link(web)["ask"]).status_code == 200


def test_memory_of_limits_is_bounded(web: World) -> None:
    """However many names come, so many are remembered, those seen last."""
    limit = RateLimit(web.clock, 1, names_max=10)
    for number in range(1_000):
        limit.allows(str(number))

    assert len(limit) == 10
    assert not limit.allows("999")


def test_addresses_of_one_network_share_a_limit(web: World) -> None:
    """Of IPv6 a network is one visitor, of IPv4 an address; what is none is cut short."""
    limit = RateLimit(web.clock, 3)
    one_network = [f"2001:db8:0:7:{number:x}::1" for number in range(4)]

    assert [limit.allows(address_name(each)) for each in one_network] == [True] * 3 + [False]
    assert limit.allows(address_name("2001:db8:0:8::1"))
    assert (
        address_name("::ffff:192.0.2.1") == address_name("192.0.2.1") != address_name("192.0.2.2")
    )
    assert address_name("fe80::1%eth0") == "fe80::/64"
    assert len(address_name("x" * 10_000)) == ADDRESS_CHARS_MAX
