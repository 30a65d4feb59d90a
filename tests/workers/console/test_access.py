"""The console lets in whoever has a key of it, and nobody else."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from prometheus_client import CollectorRegistry

from store import keys
from store.tables import InboxRow
from tests.workers.console.visits import ANNA, PAGES, SECRET, add, get, is_login, log_in
from tests.workers.web_world import KEY, NOW, World, served
from workers.console.access import COOKIE, SESSION
from workers.console.site import REQUESTS_MAX, TRIES_MAX
from workers.keys import secret_hash
from workers.settings import Settings
from workers.web.app import make_app
from workflows.state import iso


def test_there_is_no_console_where_nobody_has_a_key(closed: World) -> None:
    """Every address of it is unknown, to whatever somebody sends; a revoked key is none."""
    with closed.store.transaction() as conn:
        keys.add(conn, name="old", secret_hash=secret_hash("old"), sources=[], types=[], now=NOW,
                 console=True)  # fmt: skip
        keys.revoke(conn, "old", now=NOW)
    answers = [get(closed, page) for page in PAGES]
    answers += [log_in(closed), closed.client.post("/console/logout")]

    assert {answer.status_code for answer in answers} == {404}


@pytest.mark.parametrize("page", PAGES)
def test_without_a_session_every_page_is_the_login(web: World, page: str) -> None:
    """Nothing of what goes on is in it."""
    answer = get(web, page)

    assert is_login(answer)
    assert "Anna" not in answer.text
    assert "Kompas" not in answer.text


@pytest.mark.parametrize("secret", ["", "vk_guessed", KEY, "x" * 201, SECRET + "x"])
def test_another_key_opens_nothing(web: World, secret: str) -> None:
    """Neither a guess nor a key that publishes events."""
    answer = log_in(web, secret)

    assert answer.status_code == 403
    assert is_login(answer)
    assert COOKIE not in answer.cookies


def test_so_many_keys_are_tried_and_no_more(web: World) -> None:
    """After them the right one has to wait as well, a minute."""
    tried = [log_in(web, "wrong").status_code for _ in range(TRIES_MAX)]
    late = log_in(web).status_code
    web.clock.set(NOW + timedelta(minutes=1))

    assert (set(tried), late, log_in(web).status_code) == ({403}, 429, 303)


def test_so_many_pages_are_asked_for_and_no_more(inside: World) -> None:
    """A minute, for one address."""
    codes = [get(inside).status_code for _ in range(REQUESTS_MAX)]

    assert codes[-2:] == [200, 429]  # logging in was one of them


def test_a_session_is_a_cookie_that_only_the_browser_knows(web: World) -> None:
    """No script reads it, no other site sends it, and by https it stays on https."""
    cookie = log_in(web).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/console" in cookie
    assert "Secure" not in cookie  # the tests' own address is no https
    assert SECRET not in cookie

    settings = Settings.from_env({"VOUCH_BASE_URL": "https://vouch.example"})
    services = replace(web.services, settings=settings, registry=CollectorRegistry())
    with served(make_app(services)) as at:
        cookie = httpx.post(f"{at}/console/", data={"key": SECRET}).headers["set-cookie"]
    assert "Secure" in cookie


@pytest.mark.parametrize(("since", "is_in"), [(timedelta(), True), (SESSION, False),
                                               (SESSION - timedelta(seconds=1), True)])  # fmt: skip
def test_a_session_ends(inside: World, since: timedelta, *, is_in: bool) -> None:
    """After half a day the key is asked for again."""
    session = inside.client.cookies[COOKIE]
    inside.clock.set(NOW + since)
    answer = inside.client.get("/console/", headers={"Cookie": f"{COOKIE}={session}"})

    assert (answer.status_code == 200) is is_in


def test_a_revoked_key_ends_its_sessions_and_no_others(inside: World) -> None:
    """At once, whatever the cookie says."""
    add(inside, "pim", "vk_of-pim")
    with inside.store.transaction() as conn:
        keys.revoke(conn, "olga", now=NOW)

    assert is_login(get(inside))
    assert log_in(inside).status_code == 403
    assert log_in(inside, "vk_of-pim").status_code == 303


def test_no_other_token_is_a_session(web: World) -> None:
    """Neither a link from a mail, nor a session that was changed or is for too long."""
    tokens = web.tokens
    made = [
        tokens.sign("task", "olga", iso(NOW + SESSION), "u-sam"),
        tokens.sign("invite", "olga", iso(NOW + SESSION)),
        tokens.sign("console", "olga", iso(NOW + SESSION + timedelta(seconds=1))),
        tokens.sign("console", "crm", iso(NOW + SESSION)),
        tokens.sign("console", "olga", iso(NOW + SESSION))[:-1],
        "c", "",
    ]  # fmt: skip
    for session in made:
        answer = web.client.get("/console/", headers={"Cookie": f"{COOKIE}={session}"})
        assert is_login(answer), session
    assert web.client.get(f"/a/{tokens.sign('console', 'olga', iso(NOW))}").status_code == 404


def test_whoever_logs_out_is_out(inside: World) -> None:
    """The browser forgets the session."""
    answer = inside.client.post("/console/logout")

    assert answer.status_code == 303
    assert is_login(get(inside))


def test_a_key_of_the_console_publishes_nothing(web: World) -> None:
    """It is for looking alone."""
    event = {"specversion": "1.0", "id": "1", "source": "crm", "type": "compliment.given",
             "subject": ANNA, "data": {}}  # fmt: skip
    answer = web.client.post("/events", json=event, headers={
        "Authorization": f"Bearer {SECRET}", "Content-Type": "application/cloudevents+json",
    })  # fmt: skip

    assert answer.status_code == 403
    assert web.rows(InboxRow) == []
