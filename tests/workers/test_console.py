"""The console: it lets in whoever has a key of it, shows what goes on, and changes nothing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from sqlmodel import SQLModel

from store import keys
from store.db import Store
from store.tables import DeadRow, InboxRow, OutboxRow, RunRow, TaskRow
from tests.workers.web_world import KEY, NOW, Programme, World, migrated, served, world
from workers.console import views
from workers.console.access import COOKIE, SESSION
from workers.console.site import REQUESTS_MAX, SHARED, TRIES_MAX
from workers.console.views import ROWS_MAX
from workers.keys import secret_hash
from workers.programmes import NoProgrammeError
from workers.settings import Settings
from workers.web.app import make_app
from workflows.state import iso, slice_of

ANNA = "contact/c-anna"
SECRET = "vk_of-the-console"  # noqa: S105 - of a test
PAGES = ("", "tasks", "runs", "doubts", "dead", "explain", "explain?id=c-anna")


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[World]:
    """Give a web process where nobody has a key of the console."""
    with world(migrated(tmp_path)) as made:
        made.seed({ANNA: {"id": "c-anna", "name": "Anna", "locale": "nl"}})
        yield made


@pytest.fixture
def web(closed: World) -> World:
    """Give one where olga has a key."""
    _add(closed, "olga", SECRET)
    return closed


@pytest.fixture
def inside(web: World) -> World:
    """Give one in which olga has logged in."""
    assert _log_in(web).status_code == 303
    return web


def _add(web: World, name: str, secret: str) -> None:
    with web.store.transaction() as conn:
        keys.add(conn, name=name, secret_hash=secret_hash(secret), sources=[], types=[],
                 now=NOW, console=True)  # fmt: skip


def _log_in(web: World, secret: str = SECRET) -> Any:
    return web.client.post("/console/", data={"key": secret})


def _get(web: World, page: str = "") -> Any:
    return web.client.get(f"/console/{page}")


def _is_login(answer: Any) -> bool:
    return answer.status_code in {401, 403, 429} and "Key of the console" in answer.text


def _task(key: str, **more: Any) -> dict[str, Any]:
    row = {"slice": slice_of(ANNA), "key": key, "actor": ANNA, "run": "r", "workflow": "promoter",
           "step": "call", "assignee": "u-sam", "role": "sales", "title": f"Call {key}",
           "status": "open", "opened_at": NOW, "due_at": NOW + timedelta(days=1)}  # fmt: skip
    return {**row, "doc": {}, **more}


# -- who is let in ---------------------------------------------------------------------------------


def test_there_is_no_console_where_nobody_has_a_key(closed: World) -> None:
    """Every address of it is unknown, to whatever somebody sends; a revoked key is none."""
    with closed.store.transaction() as conn:
        keys.add(conn, name="old", secret_hash=secret_hash("old"), sources=[], types=[], now=NOW,
                 console=True)  # fmt: skip
        keys.revoke(conn, "old", now=NOW)
    answers = [_get(closed, page) for page in PAGES]
    answers += [_log_in(closed), closed.client.post("/console/logout")]

    assert {answer.status_code for answer in answers} == {404}


@pytest.mark.parametrize("page", PAGES)
def test_without_a_session_every_page_is_the_login(web: World, page: str) -> None:
    """Nothing of what goes on is in it."""
    answer = _get(web, page)

    assert _is_login(answer)
    assert "Anna" not in answer.text
    assert "Kompas" not in answer.text


@pytest.mark.parametrize("secret", ["", "vk_guessed", KEY, "x" * 201, SECRET + "x"])
def test_another_key_opens_nothing(web: World, secret: str) -> None:
    """Neither a guess nor a key that publishes events."""
    answer = _log_in(web, secret)

    assert answer.status_code == 403
    assert _is_login(answer)
    assert COOKIE not in answer.cookies


def test_so_many_keys_are_tried_and_no_more(web: World) -> None:
    """After them the right one has to wait as well, a minute."""
    tried = [_log_in(web, "wrong").status_code for _ in range(TRIES_MAX)]
    late = _log_in(web).status_code
    web.clock.set(NOW + timedelta(minutes=1))

    assert (set(tried), late, _log_in(web).status_code) == ({403}, 429, 303)


def test_so_many_pages_are_asked_for_and_no_more(inside: World) -> None:
    """A minute, for one address."""
    codes = [_get(inside).status_code for _ in range(REQUESTS_MAX)]

    assert codes[-2:] == [200, 429]  # logging in was one of them


def test_a_session_is_a_cookie_that_only_the_browser_knows(web: World) -> None:
    """No script reads it, no other site sends it, and by https it stays on https."""
    cookie = _log_in(web).headers["set-cookie"]
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
    _add(inside, "pim", "vk_of-pim")
    with inside.store.transaction() as conn:
        keys.revoke(conn, "olga", now=NOW)

    assert _is_login(_get(inside))
    assert _log_in(inside).status_code == 403
    assert _log_in(inside, "vk_of-pim").status_code == 303


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
        assert _is_login(answer), session
    assert web.client.get(f"/a/{tokens.sign('console', 'olga', iso(NOW))}").status_code == 404


def test_whoever_logs_out_is_out(inside: World) -> None:
    """The browser forgets the session."""
    answer = inside.client.post("/console/logout")

    assert answer.status_code == 303
    assert _is_login(_get(inside))


def test_a_key_of_the_console_publishes_nothing(web: World) -> None:
    """It is for looking alone."""
    event = {"specversion": "1.0", "id": "1", "source": "crm", "type": "compliment.given",
             "subject": ANNA, "data": {}}  # fmt: skip
    answer = web.client.post("/events", json=event, headers={
        "Authorization": f"Bearer {SECRET}", "Content-Type": "application/cloudevents+json",
    })  # fmt: skip

    assert answer.status_code == 403
    assert web.rows(InboxRow) == []


# -- what they see ---------------------------------------------------------------------------------


def test_the_board_begins_with_what_nobody_has(inside: World) -> None:
    """Then comes what is due first; what is late says so, and titles cannot be markup."""
    rows = [
        _task("k-later", title="Call <b>Anna</b>", doc={"flags": ["no_marketing"]}),
        _task("k-late", due_at=NOW - timedelta(minutes=1)),
        _task("k-nobodys", assignee="", due_at=NOW + timedelta(days=9)),
        _task("k-done", status="done"),
    ]
    for row in rows:
        inside.add(TaskRow, **row)
    text = _get(inside, "tasks").text

    order = [text.index(key) for key in ("k-nobodys", "k-late", "k-later")]
    assert order == sorted(order)
    assert text.count('class="red"') == 2
    assert text.count("<b>late</b>") == text.count("<b>nobody</b>") == 1
    assert "&lt;b&gt;Anna&lt;/b&gt;" in text
    assert "no marketing" in text
    assert "k-done" not in text
    assert "k-nobodys" not in _get(inside, "tasks?assignee=u-sam").text


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_page_is_bounded_and_says_so(inside: World, more: int) -> None:
    """As many rows as it may have; the commands have the others."""
    for number in range(ROWS_MAX + more):
        inside.add(TaskRow, **_task(f"k-{number}"))
    text = _get(inside, "tasks").text

    assert text.count("Call k-") == min(ROWS_MAX, ROWS_MAX + more)
    assert (f"The first {ROWS_MAX}" in text) is (more >= 0)


def test_the_overview_says_what_waits_for_somebody(inside: World) -> None:
    """Letters, doubts, tasks that are late or nobody's: each leads to where there is more."""
    calm = _get(inside).text
    inside.add(TaskRow, **_task("k-1", assignee="", due_at=NOW - timedelta(hours=1)))
    inside.add(DeadRow, slice=1, seq=7, actor=ANNA, at=NOW, kind="event", type="nps.answered",
               error="ValueError in nps.py:3", tries=1, doc={"secret": "of Anna"})  # fmt: skip
    message = {"actor": ANNA, "to": ANNA, "class": "service", "template": "thanks", "by": [],
               "planned_at": NOW, "due_at": NOW, "doc": {}, "channel": "email"}  # fmt: skip
    inside.add(OutboxRow, slice=slice_of(ANNA), key="m-1", status="in_doubt", message_id="<m@x>",
               **message)  # fmt: skip
    assert _get(inside).text == calm  # screens share a look, for a moment
    inside.clock.set(NOW + SHARED)
    busy = _get(inside).text

    assert "warning" not in calm.partition("<main>")[2]
    for said, where in (
        ("1 input set aside", "dead"), ("1 message that may have left, or not", "doubts"),
        ("1 task that nobody has", "tasks"), ("1 task that should be done by now", "tasks"),
    ):  # fmt: skip
        assert f'<a href="/console/{where}">{said}</a>' in busy
    letters = _get(inside, "dead").text
    assert "ValueError in nps.py:3" in letters
    assert "of Anna" not in letters
    assert "&lt;m@x&gt;" in _get(inside, "doubts").text


def test_runs_are_listed_by_where_they_stand(inside: World) -> None:
    """Of all workflows, or of one step of one; a paused one says so."""
    run = {"slice": slice_of(ANNA), "actor": ANNA, "workflow": "promoter", "version": "1f2e3d4c5b",
           "per": ANNA, "status": "live", "started_at": NOW}  # fmt: skip
    inside.add(RunRow, id="r-1", doc={"at": "call"}, **run)
    inside.add(RunRow, id="r-2", doc={"at": "rest", "paused": {"at": iso(NOW)}}, **run)
    every = _get(inside, "runs").text
    in_call = _get(inside, "runs?workflow=promoter&step=call").text

    assert ("r-1" in every, "r-2" in every, "paused" in every) == (True, True, True)
    assert ("r-1" in in_call, "r-2" in in_call) == (True, False)
    assert '<a href="/console/runs?workflow=promoter">promoter</a>' in _get(inside).text


@pytest.mark.parametrize("more", [-1, 0])
def test_an_explanation_is_bounded_and_says_so(
    inside: World, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many lines as a page may have; the command says all of them."""
    lines = _get(inside, "explain?id=c-anna").text.partition("<pre>")[2].partition("</pre>")[0]
    monkeypatch.setattr(views, "LINES_MAX", lines.count("\n") - more)
    text = _get(inside, "explain?id=c-anna").text

    assert ("vouch explain says all" in text) is (more == 0)


def test_an_id_is_explained_as_the_command_does(inside: World) -> None:
    """What is known of a contact; of an id that nobody knows, that."""
    known = _get(inside, "explain?id=c-anna").text
    unknown = _get(inside, "explain?id=%3Cscript%3E").text

    assert "contact Anna, c-anna" in known
    assert "Nothing is known by the id" in unknown
    assert "<script>" not in unknown


def test_looking_changes_nothing(inside: World) -> None:
    """However often every page is opened, every table is as before."""
    inside.add(TaskRow, **_task("k-1"))

    def rows() -> dict[str, str]:
        tables = SQLModel.metadata.tables
        with inside.store.reader() as conn:
            return {name: str(list(conn.execute(table.select()))) for name, table in tables.items()}

    before = rows()
    answers = [_get(inside, page) for page in PAGES]

    assert {answer.status_code for answer in answers} == {200}
    assert rows() == before


def test_it_is_there_before_a_programme_is(inside: World) -> None:
    """Where none is applied yet the pages say so, by the clock of UTC."""

    def none() -> Programme:
        raise NoProgrammeError

    services = replace(inside.services, programme=none, registry=CollectorRegistry())
    session = inside.client.cookies[COOKIE]
    with served(make_app(services)) as at:
        answer = httpx.get(f"{at}/console/", headers={"Cookie": f"{COOKIE}={session}"})

    assert (answer.status_code, "no programme is applied" in answer.text) == (200, True)


def test_every_page_is_there_on_postgres_too(pg: str) -> None:
    """With something on each of them."""
    with world(Store.open(pg, durable=False)) as web:
        _add(web, "olga", SECRET)
        web.seed({ANNA: {"id": "c-anna", "name": "Anna", "locale": "nl"}})
        web.add(TaskRow, **_task("k-1"))
        web.add(DeadRow, slice=1, seq=7, actor=ANNA, at=NOW, kind="event", type="x", error="e",
                tries=1, doc={})  # fmt: skip
        _log_in(web)
        texts = {page: _get(web, page) for page in PAGES}

    assert {answer.status_code for answer in texts.values()} == {200}
    assert "Call k-1" in texts["tasks"].text
    assert "contact Anna" in texts["explain?id=c-anna"].text


def test_nothing_may_be_loaded_kept_or_framed(inside: World) -> None:
    """Pages bear the headers of all our pages, and need no script."""
    for page in PAGES:
        answer = _get(inside, page)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text
