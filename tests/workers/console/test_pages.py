"""The console shows what goes on, and changes nothing."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from prometheus_client import CollectorRegistry
from sqlmodel import SQLModel

from store.db import Store
from store.tables import DeadRow, OutboxRow, RunRow, TaskRow
from tests.workers.console.visits import ANNA, PAGES, SECRET, add, get, log_in, task
from tests.workers.web_world import NOW, Programme, World, served, world
from workers.console import views
from workers.console.access import COOKIE
from workers.console.site import SHARED
from workers.console.views import ROWS_MAX
from workers.programmes import NoProgrammeError
from workers.web.app import make_app
from workflows.state import iso, slice_of


def test_the_board_begins_with_what_nobody_has(inside: World) -> None:
    """Then comes what is due first; what is late says so, and titles cannot be markup."""
    rows = [
        task("k-later", title="Call <b>Anna</b>", doc={"flags": ["no_marketing"]}),
        task("k-late", due_at=NOW - timedelta(minutes=1)),
        task("k-nobodys", assignee="", due_at=NOW + timedelta(days=9)),
        task("k-done", status="done"),
    ]
    for row in rows:
        inside.add(TaskRow, **row)
    text = get(inside, "tasks").text

    order = [text.index(key) for key in ("k-nobodys", "k-late", "k-later")]
    assert order == sorted(order)
    assert text.count('class="red"') == 2
    assert text.count("<b>late</b>") == text.count("<b>nobody</b>") == 1
    assert "&lt;b&gt;Anna&lt;/b&gt;" in text
    assert "no marketing" in text
    assert "k-done" not in text
    assert "k-nobodys" not in get(inside, "tasks?assignee=u-sam").text


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_a_page_is_bounded_and_says_so(inside: World, more: int) -> None:
    """As many rows as it may have; the commands have the others."""
    for number in range(ROWS_MAX + more):
        inside.add(TaskRow, **task(f"k-{number}"))
    text = get(inside, "tasks").text

    assert text.count("Call k-") == min(ROWS_MAX, ROWS_MAX + more)
    assert (f"The first {ROWS_MAX}" in text) is (more >= 0)


def test_the_overview_says_what_waits_for_somebody(inside: World) -> None:
    """Letters, doubts, tasks that are late or nobody's: each leads to where there is more."""
    calm = get(inside).text
    inside.add(TaskRow, **task("k-1", assignee="", due_at=NOW - timedelta(hours=1)))
    inside.add(DeadRow, slice=1, seq=7, actor=ANNA, at=NOW, kind="event", type="nps.answered",
               error="ValueError in nps.py:3", tries=1, doc={"secret": "of Anna"})  # fmt: skip
    message = {"actor": ANNA, "to": ANNA, "class": "service", "template": "thanks", "by": [],
               "planned_at": NOW, "due_at": NOW, "doc": {}, "channel": "email"}  # fmt: skip
    inside.add(OutboxRow, slice=slice_of(ANNA), key="m-1", status="in_doubt", message_id="<m@x>",
               **message)  # fmt: skip
    assert get(inside).text == calm  # screens share a look, for a moment
    inside.clock.set(NOW + SHARED)
    busy = get(inside).text

    assert "warning" not in calm.partition("<main>")[2]
    for said, where in (
        ("1 input set aside", "dead"), ("1 message that may have left, or not", "doubts"),
        ("1 task that nobody has", "tasks"), ("1 task that should be done by now", "tasks"),
    ):  # fmt: skip
        assert f'<a href="/console/{where}">{said}</a>' in busy
    letters = get(inside, "dead").text
    assert "ValueError in nps.py:3" in letters
    assert "of Anna" not in letters
    assert "&lt;m@x&gt;" in get(inside, "doubts").text


def test_runs_are_listed_by_where_they_stand(inside: World) -> None:
    """Of all workflows, or of one step of one; a paused one says so."""
    run = {"slice": slice_of(ANNA), "actor": ANNA, "workflow": "promoter", "version": "1f2e3d4c5b",
           "per": ANNA, "status": "live", "started_at": NOW}  # fmt: skip
    inside.add(RunRow, id="r-1", doc={"at": "call"}, **run)
    inside.add(RunRow, id="r-2", doc={"at": "rest", "paused": {"at": iso(NOW)}}, **run)
    every = get(inside, "runs").text
    in_call = get(inside, "runs?workflow=promoter&step=call").text

    assert ("r-1" in every, "r-2" in every, "paused" in every) == (True, True, True)
    assert ("r-1" in in_call, "r-2" in in_call) == (True, False)
    assert '<a href="/console/runs?workflow=promoter">promoter</a>' in get(inside).text


@pytest.mark.parametrize("more", [-1, 0])
def test_an_explanation_is_bounded_and_says_so(
    inside: World, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many lines as a page may have; the command says all of them."""
    lines = get(inside, "explain?id=c-anna").text.partition("<pre>")[2].partition("</pre>")[0]
    monkeypatch.setattr(views, "LINES_MAX", lines.count("\n") - more)
    text = get(inside, "explain?id=c-anna").text

    assert ("vouch explain says all" in text) is (more == 0)


def test_an_id_is_explained_as_the_command_does(inside: World) -> None:
    """What is known of a contact; of an id that nobody knows, that."""
    known = get(inside, "explain?id=c-anna").text
    unknown = get(inside, "explain?id=%3Cscript%3E").text

    assert "contact Anna, c-anna" in known
    assert "Nothing is known by the id" in unknown
    assert "<script>" not in unknown


def test_looking_changes_nothing(inside: World) -> None:
    """However often every page is opened, every table is as before."""
    inside.add(TaskRow, **task("k-1"))

    def rows() -> dict[str, str]:
        tables = SQLModel.metadata.tables
        with inside.store.reader() as conn:
            return {name: str(list(conn.execute(table.select()))) for name, table in tables.items()}

    before = rows()
    answers = [get(inside, page) for page in PAGES]

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
        add(web, "olga", SECRET)
        web.seed({ANNA: {"id": "c-anna", "name": "Anna", "locale": "nl"}})
        web.add(TaskRow, **task("k-1"))
        web.add(DeadRow, slice=1, seq=7, actor=ANNA, at=NOW, kind="event", type="x", error="e",
                tries=1, doc={})  # fmt: skip
        log_in(web)
        texts = {page: get(web, page) for page in PAGES}

    assert {answer.status_code for answer in texts.values()} == {200}
    assert "Call k-1" in texts["tasks"].text
    assert "contact Anna" in texts["explain?id=c-anna"].text


def test_nothing_may_be_loaded_kept_or_framed(inside: World) -> None:
    """Pages bear the headers of all our pages, and need no script."""
    for page in PAGES:
        answer = get(inside, page)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "<script" not in answer.text
