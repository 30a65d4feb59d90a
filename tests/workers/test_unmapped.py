"""Webhooks that no entry of their source takes: kept within bounds, mapped later, forgotten."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from store import unmapped
from store.db import Store
from store.unmapped import BODY_BYTES_MAX, KEPT_MAX, Webhook
from tests.workers.changing import folder
from tests.workers.conftest import Ready
from tests.workers.shell import Shell
from tests.workers.web_world import migrated
from workers.clock import SystemClock

NOW = datetime(2027, 2, 11, 9, tzinfo=UTC)
SOURCE = """
source: desk
signature: {scheme: bearer, secret: env:DESK_SECRET}
key: body.id
events:
  - if: body.kind == 'solved'
    type: problem.solved
    contact: {email: body.mail}
    data: {ticket: body.ticket}
"""


def _webhook(number: int, kind: str = "praised", mail: str = "an@x.example") -> Webhook:
    body = {"id": f"d-{number}", "kind": kind, "mail": mail, "ticket": f"t-{number}"}
    return Webhook(NOW, "desk", f"d-{number}", json.dumps(body), "{}")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give a database with its tables."""
    store = migrated(tmp_path)
    yield store
    store.close()


def test_the_newest_of_each_source_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than may be: the oldest of that source goes, and no other's."""
    assert KEPT_MAX == 1_000
    monkeypatch.setattr(unmapped, "KEPT_MAX", 5)
    with store.transaction() as conn:
        unmapped.keep(conn, Webhook(NOW, "other", "o", "{}", "{}"))
        for number in range(6):
            unmapped.keep(conn, Webhook(NOW, "desk", f"d-{number}", "{}", "{}"))

    with store.reader() as conn:
        assert [row["delivery"] for row in unmapped.listed(conn, source="other")] == ["o"]
        mine = unmapped.listed(conn, source="desk")
    assert [row["delivery"] for row in mine] == [f"d-{number}" for number in range(1, 6)]


@pytest.mark.parametrize("more", [0, 1])
def test_of_what_is_too_large_only_that_it_came_is_kept(store: Store, more: int) -> None:
    """Body and headers together, at the bound and a byte over it."""
    with store.transaction() as conn:
        unmapped.keep(conn, Webhook(NOW, "desk", "d", "x" * (BODY_BYTES_MAX - 2 + more), "{}"))

    with store.reader() as conn:
        (row,) = unmapped.listed(conn)
    assert bool(row["bytes"]) == (more == 0)


@pytest.mark.parametrize(
    "body",
    [
        '{"mail": "j\\u00fcrgen@x.example"}',
        '{"mail": "j\u00fcrgen\\u0040x.example"}',
        "J\u00dcRGEN@x.example",
    ],
)
def test_no_escape_hides_an_address(store: Store, body: str) -> None:
    """JSON may write any letter by its number, and what is no JSON is read as it stands."""
    with store.transaction() as conn:
        unmapped.keep(conn, Webhook(NOW, "desk", "d-1", body, "{}"))

        assert unmapped.forget(conn, ["j\u00fcrgen@x.example"]) == 1


def test_whoever_is_erased_takes_theirs_along(store: Store) -> None:
    """By address, however written, and by number; those of others stay."""
    with store.transaction() as conn:
        for number, said in enumerate(("AN@x.example", "+31 6 1234-5678", "bo@x.example")):
            unmapped.keep(conn, _webhook(number, mail=said))

        assert unmapped.forget(conn, ["an@x.example", "+31612345678"]) == 2
        assert unmapped.forget(conn, ["", " "]) == 0

    with store.reader() as conn:
        assert [row["delivery"] for row in unmapped.listed(conn)] == ["d-2"]


@pytest.fixture
def shell(ready: Ready) -> Shell:
    """Give a folder whose source maps one kind of webhook."""
    return ready(_before)


def _before(shell: Shell) -> None:
    folder(shell.folder / "tour")
    (shell.folder / "tour" / "sources").mkdir()
    (shell.folder / "tour" / "sources" / "desk.yaml").write_text(SOURCE)
    for words in (["migrate"], ["apply", "tour"]):
        assert shell(*words).code == 0


def test_an_entry_that_was_added_maps_what_was_kept(shell: Shell, tmp_path: Path) -> None:
    """By number or source, with who and when; the event happened when the webhook came."""
    at = SystemClock().now() - timedelta(hours=3)
    store = Store.open(f"sqlite:///{tmp_path / 'vouch.db'}")
    with store.transaction() as conn:
        for number in (1, 2):
            body = _webhook(number).body
            unmapped.keep(conn, Webhook(at, "desk", f"d-{number}", body, "{}"))
    store.close()
    listed = shell("events", "unmapped", "--format", "json").json()
    assert [row["delivery"] for row in listed] == ["d-1", "d-2"]
    assert "an@x.example" not in shell("events", "unmapped").out
    assert "an@x.example" in shell("events", "unmapped", "1").out
    assert shell("events", "remap", "--source", "desk").out == "2 no_mapping\n"

    more = SOURCE.replace("== 'solved'", "in ['solved', 'praised']")
    (tmp_path / "tour" / "sources" / "desk.yaml").write_text(more)
    assert shell("apply", "tour").code == 0
    assert shell("events", "remap", "1", "--dry-run").out.startswith("1 would be tried")
    assert shell("events", "remap", "1", "--by", "u-sam").out == "1 accepted\n"
    assert shell("events", "remap", "--source", "desk").out == "1 accepted\n"
    assert shell("events", "remap").code != 0
    shell.work()

    found = shell("events", "list", "--type", "problem.solved", "--format", "json").json()
    assert sorted(row["doc"]["data"]["ticket"] for row in found) == ["t-1", "t-2"]
    assert {row["source"] for row in found} == {"desk"}
    assert all(row["time"] < row["arrived"] for row in found)
    assert shell("events", "unmapped").out == "none\n"
