"""The pages in a real browser, as a phone shows them, with scripts switched off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from store import keys
from store.tables import ConsentRow
from tests.services import require
from tests.workers.web_world import World, migrated, world
from workers.keys import secret_hash
from workers.web.pages import words_of

ANNA = "contact/c-anna"
PHONE: ViewportSize = {"width": 390, "height": 800}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a headless Chromium that looks nothing up anywhere."""
    quiet = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync")  # fmt: skip
    with require("chromium") as path, sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(quiet))
        yield started
        started.close()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[World]:
    """Give a served web process that knows Anna."""
    with world(migrated(tmp_path)) as made:
        made.seed({ANNA: {"id": "c-anna", "name": "Anna", "locale": "nl"}})
        yield made


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Give a page of a phone without JavaScript."""
    context = browser.new_context(viewport=PHONE, java_script_enabled=False, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield page
    context.close()


def _open(page: Page, web: World, token: str) -> None:
    answer = page.goto(f"{web.client.base_url}/a/{token}")
    assert answer is not None
    assert answer.status == 200


def test_a_number_is_tapped_and_sent(page: Page, web: World) -> None:
    """Somebody on a phone taps 9, writes a word and sends: one answer, and a thank-you."""
    _open(page, web, web.tokens.sign("survey", "r/2", ANNA))

    page.locator("label", has_text="9").first.tap()
    page.locator("textarea").first.fill("Sneller opleveren")
    with page.expect_navigation():
        page.locator("form button").first.tap()

    (event,) = web.events()
    assert (event["data"]["score"], event["data"]["improve"]) == (9, "Sneller opleveren")
    assert words_of("nl")["survey_thanks"] in page.locator("body").inner_text()


def test_nothing_is_wider_than_the_phone(page: Page, web: World) -> None:
    """No page needs scrolling sideways, and every number can be hit with a thumb."""
    tokens = [
        web.tokens.sign("survey", "r/2", ANNA),
        web.tokens.sign("ask", "r/ask", ANNA),
        web.tokens.sign("optin", ANNA),
        web.tokens.sign("unsubscribe", ANNA, "programme", "email"),
    ]
    for token in tokens:
        _open(page, web, token)
        box = page.locator("main, body").first.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= PHONE["width"]
        for control in page.locator("label:visible, button:visible").all():
            size = control.bounding_box()
            assert size is not None
            assert size["x"] + size["width"] <= PHONE["width"]
            assert size["height"] >= 24, "too small for a thumb"


def test_looking_changes_nothing_and_the_button_unsubscribes(page: Page, web: World) -> None:
    """A scanner that follows the link does no harm; a person who taps is out at once."""
    _open(page, web, web.tokens.sign("unsubscribe", ANNA, "programme", "email"))
    assert web.rows(ConsentRow) == []

    with page.expect_navigation():
        page.locator("form button").first.tap()

    (consent,) = web.rows(ConsentRow)
    assert (consent["topic"], consent["channel"], bool(consent["granted"])) == (
        "programme", "email", False,
    )  # fmt: skip


def test_an_operator_logs_in_and_looks(page: Page, web: World) -> None:
    """With the keyboard alone: the key, the board, why, and out again; no scrolling sideways."""
    secret = "vk_of-the-console"  # noqa: S105 - of a test
    with web.store.transaction() as conn:
        keys.add(conn, name="olga", secret_hash=secret_hash(secret), sources=[], types=[],
                 now=web.clock.now(), console=True)  # fmt: skip
    page.goto(f"{web.client.base_url}/console/")
    expect(page.get_by_label("Key of the console")).to_be_focused()  # a moment after the page
    page.keyboard.type(secret)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "What goes on" in page.locator("h1").inner_text()

    for words in ("Tasks", "Runs", "In doubt", "Dead letters", "Overview"):
        with page.expect_navigation():
            page.get_by_role("link", name=words, exact=True).tap()
        assert page.locator("nav a[aria-current]").inner_text() == words
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_label("An id to explain").fill("c-anna")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "contact Anna, c-anna" in page.locator("pre").inner_text()

    with page.expect_navigation():
        page.get_by_role("button", name="Log out olga").tap()
    assert page.get_by_label("Key of the console").is_visible()
