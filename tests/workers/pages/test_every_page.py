"""What holds for every page behind a signed link: it leaks, runs and changes nothing by itself."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from events.catalogue import default_catalogue
from store.db import Store
from store.tables import ConsentRow, TaskRow
from store.tables_beside import RejectRow
from tests.workers.pages.links import ANNA, TASK, every_link, link, told
from tests.workers.web_world import World, migrated, quiet, served, world
from workers.intake import Intake
from workers.tokens import Tokens
from workers.web.app import make_app
from workers.web.forms import FORM_BYTES_MAX
from workers.web.pages import LANGUAGES, words_of


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


@pytest.mark.parametrize("path", ["/a/x", "/r/x"])
def test_a_notice_speaks_the_browsers_language(web: World, path: str) -> None:
    """Also where the browser says how much it prefers each."""
    accepted = {"Accept-Language": "fr;q=0.9, de;q=0.8, en;q=0.7"}

    page = web.client.get(path, headers=accepted)

    assert (page.status_code, '<html lang="de">' in page.text) == (404, True)


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
