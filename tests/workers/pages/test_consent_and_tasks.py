"""Opt-in, unsubscribe in one click, and the page of a task."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from store import contacts
from store.tables import ConsentRow, TaskRow
from store.tables_beside import RejectRow
from tests.workers.pages.links import ANNA, TASK, every_link, link, shown, told
from tests.workers.web_world import NOW, World
from workers.web.pages import words_of
from workflows.state import Consent, slice_of

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


def test_a_link_of_whom_a_task_was_taken_from_changes_nothing(web: World) -> None:
    """They see that somebody else has it, and no name; whoever has it works by an old link too."""
    web.add(TaskRow, **{**TASK, "assignee": "jo@else.example",
                        "doc": {"requires": [], "former": ["u-ben"]}})  # fmt: skip
    path = every_link(web)["task"]

    pages = [web.client.get(path), web.client.post(path, data={"action": "accept"}),
             web.client.post(path, data={"action": "done"})]  # fmt: skip

    for page in pages:
        assert page.status_code == 200
        assert words_of("nl")["elsewhere_title"] in page.text
        assert "jo@" not in page.text
        assert "Anna" not in page.text
    assert web.events() == []
    mine = web.client.post(link(web, "task", "r/call", ANNA, "jo@else.example"),
                           data={"action": "accept"})  # fmt: skip
    assert mine.status_code == 200
    assert told(web) == [("task.accepted", {"task": "r/call", "by": "jo@else.example"})]


def test_a_link_works_on_where_the_task_went_to_the_lead(web: World) -> None:
    """Whoever recommended was forgotten: the task is the lead's, and so is what is said of it."""
    web.add(TaskRow, **{**TASK, "actor": "contact/l-tom", "slice": slice_of("contact/l-tom"),
                        "doc": {"requires": [], "adopted": True}})  # fmt: skip

    done = web.client.post(every_link(web)["task"], data={"action": "done"})

    assert done.status_code == 200
    assert web.inbox() == ["contact/l-tom"]
