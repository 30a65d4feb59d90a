"""The processes as they are started: they wait, refuse, work, and end with 0 when asked to."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import httpx
import pytest
import uvicorn

from store.db import Store
from store.drain import pending_inputs
from store.listings import work
from store.listings.pages import Page
from tests.services import new_database
from tests.workers.shell import Shell, event
from workers.cli.applying import apply_folder
from workers.cli.context import LIBRARY
from workers.clock import SystemClock
from workers.compose import Process, open_process
from workers.serving import PatientServer
from workers.settings import Settings
from workflows.state import iso

VOUCH = str(Path(sys.executable).with_name("vouch"))
SECONDS_MAX = 60
"""Longest that anything here may take; nothing is asserted about time."""

PAUSE_SECONDS = 0.05
EVENTS = 1_000


@contextmanager
def running(
    folder: Path, *words: str, **env: str
) -> Iterator[tuple["subprocess.Popen[str]", Path, Path]]:
    """Run `vouch WORDS`; gives the process and the files it writes output and errors into."""
    out, err = folder / f"{words[0]}.out", folder / f"{words[0]}.err"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VOUCH_")}
    with out.open("w") as to_out, err.open("w") as to_err:
        process = _start(folder, list(words), {**clean, **env}, to_out, to_err)
        try:
            yield process, out, err
        finally:
            process.kill()
            process.wait()


def _start(
    folder: Path, words: list[str], env: dict[str, str], out: IO[str], err: IO[str]
) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - our own program
        [VOUCH, *words], cwd=folder, env=env, text=True, stdout=out, stderr=err
    )


def until(holds: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    """Wait until something holds; fail if the process ends before, or it never does."""
    end = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < end, "it never came"
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the process ended with {process.wait(PAUSE_SECONDS)}")


def ended(process: "subprocess.Popen[str]", with_: signal.Signals = signal.SIGTERM) -> int:
    """Ask a process to end, and return its exit code."""
    process.send_signal(with_)
    return process.wait(SECONDS_MAX)


@pytest.fixture
def standard(pg: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """Give the environment of the standard mode: Postgres, Valkey, mails as files."""
    return {
        "VOUCH_DATABASE_URL": pg.replace("postgresql+psycopg://", "postgresql://"),
        "VOUCH_REDIS_URL": redis_url,
        "VOUCH_SECRET_KEYS": "k" * 32,
        "VOUCH_MAIL_FOLDER": str(tmp_path / "mail"),
        "VOUCH_BIND": "127.0.0.1:0",
    }


@pytest.fixture
def process(standard: dict[str, str]) -> Iterator[Process]:
    """Give a process of the test's own on the same database, the shipped programme applied."""
    process = open_process(Settings.from_env(standard))
    apply_folder(process.app.store, LIBRARY, now=SystemClock().now())
    yield process
    process.close()


def _handled(store: Store) -> set[str]:
    """Return the contacts for whom a run started."""
    found: set[str] = set()
    with store.reader() as conn:
        for offset in range(0, 2 * EVENTS, 1_000):
            rows = work.runs(conn, page=Page(1_000, offset))
            assert len(rows) == len({row["id"] for row in rows})
            found |= {row["actor"] for row in rows}
    return found


def test_a_worker_asked_to_stop_in_the_middle_loses_nothing(
    standard: dict[str, str], process: Process, tmp_path: Path
) -> None:
    """It exits with 0 while events wait; the next worker handles the rest, each once."""
    app = process.app
    batch = [
        json.loads(event(n, "nps.answered", f"contact/c-{n}", response=f"r-{n}", score=9))
        for n in range(EVENTS)
    ]
    store = app.store

    def waiting() -> int:
        with store.reader() as conn:
            return pending_inputs(conn)

    with running(tmp_path, "worker", **standard) as (worker, _, errors):
        until(lambda: "worker.started" in errors.read_text(), worker)
        for start in range(0, EVENTS, 500):
            app.publish(batch[start : start + 500])
        until(lambda: len(_some_runs(store)) > 0, worker)
        code = ended(worker)
        said = errors.read_text().splitlines()

    assert code == 0, said
    assert json.loads(said[-1])["event"] == "worker.stopped"
    assert all(json.loads(line) for line in said)
    with running(tmp_path, "worker", **standard) as (worker, _, errors):
        until(lambda: "worker.started" in errors.read_text(), worker)
        app.bell.ring_drain(range(64))
        until(lambda: waiting() == 0 and len(_handled(store)) == EVENTS, worker)
        assert ended(worker) == 0
    assert _handled(store) == {f"contact/c-{n}" for n in range(EVENTS)}


def _some_runs(store: Store) -> list[object]:
    with store.reader() as conn:
        return list(work.runs(conn, page=Page(1)))


@pytest.mark.parametrize("command", ["web", "worker", "clock"])
def test_a_process_refuses_a_database_without_the_schema(
    command: str, standard: dict[str, str], postgres_url: str, tmp_path: Path
) -> None:
    """It says what to type, and does not start half."""
    with new_database(postgres_url, f"vouch_empty_{os.getpid()}") as address:
        env = {**standard, "VOUCH_DATABASE_URL": address}
        with running(tmp_path, command, **env) as (started, _, errors):
            code = started.wait(SECONDS_MAX)

    assert code == 2
    assert "help: make its tables: vouch migrate" in errors.read_text()


@pytest.mark.parametrize("command", ["web", "worker", "clock"])
def test_a_process_waits_for_a_database_that_is_not_there(
    command: str, standard: dict[str, str], tmp_path: Path
) -> None:
    """It says so once, and still ends with 0 when asked to."""
    env = {**standard, "VOUCH_DATABASE_URL": "postgresql://vouch@127.0.0.1:1/vouch"}
    with running(tmp_path, command, **env) as (started, _, errors):
        until(lambda: "database.waiting" in errors.read_text(), started)
        code = ended(started)

    assert code == 0
    assert errors.read_text().count("database.waiting") == 1


@pytest.mark.parametrize("command", ["web", "clock"])
def test_web_and_clock_end_with_zero(
    command: str, standard: dict[str, str], process: Process, tmp_path: Path
) -> None:
    """SIGTERM is how they are meant to end."""
    assert process.app.store.schema_state().is_current
    with running(tmp_path, command, **standard) as (started, _, errors):
        until(lambda: f"{command}.started" in errors.read_text(), started)
        if command == "web":
            (line,) = [each for each in errors.read_text().splitlines() if "web.started" in each]
            place = json.loads(line)["bind"]
            assert httpx.get(f"http://{place}/readyz").status_code == 200
        assert ended(started) == 0
    assert f"{command}.stopped" in errors.read_text()


@pytest.mark.parametrize("with_", [signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
def test_dev_takes_an_event_over_http_and_writes_a_mail(
    with_: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Web, worker and clock in one process, from an empty folder; it ends cleanly, data kept."""
    shell = _shell(tmp_path, monkeypatch)
    with running(tmp_path, "dev", "programme", VOUCH_BIND="127.0.0.1:0") as (dev, out, errors):
        until(lambda: "Control-C" in out.read_text(), dev)
        address = re.search(r"http://\S+/events", out.read_text())
        assert address
        key = shell("keys", "add", "survey").out.strip()
        now = {"time": iso(SystemClock().now())}
        batch = [
            {**json.loads(event(1, "contact.updated", email="anna@x.example")), **now},
            {**json.loads(event(2, "nps.answered", response="r", score=9)), **now},
        ]
        answer = httpx.post(
            address[0],
            content=json.dumps(batch),
            headers={
                "Authorization": f"Bearer {key}",
                "Content-Type": "application/cloudevents-batch+json",
            },
        )
        assert answer.status_code == 202, answer.text
        until(lambda: list((tmp_path / "mail").glob("*.eml")), dev)
        code = ended(dev, with_)

    assert code == 0, errors.read_text()
    assert "everything is kept" in out.read_text()
    assert "Traceback" not in errors.read_text()
    (run,) = shell("runs", "list", "--format", "json").json()
    assert run["status"] == "live"


def test_dev_takes_up_a_change_and_refuses_a_wrong_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A programme that cannot run is reported, and the one before stays; mended, it is taken."""
    _shell(tmp_path, monkeypatch)
    rule = tmp_path / "programme" / "workflows" / "promoter.yaml"
    sound = rule.read_text()
    with running(tmp_path, "dev", "programme", VOUCH_BIND="127.0.0.1:0") as (dev, out, _):
        until(lambda: "Control-C" in out.read_text(), dev)
        rule.write_text(sound.replace("nps.answered", "nps.answerd", 1))
        until(lambda: "applied before stays" in out.read_text(), dev)
        rule.write_text(f"# mended\n{sound.replace('score', 'score', 1)}")
        until(lambda: "applied again" in out.read_text().partition("stays")[2], dev)
        assert ended(dev) == 0
    assert "promoter.yaml:" in out.read_text()


def test_dev_says_when_its_port_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one in the same place is a line and a hint, however freely the first shares it."""
    _shell(tmp_path, monkeypatch)
    with socket.socket() as first:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        first.bind(("127.0.0.1", 0))
        first.listen()
        place = "{}:{}".format(*first.getsockname())
        with running(tmp_path, "dev", "programme", VOUCH_BIND=place) as (second, _, errors):
            code = second.wait(SECONDS_MAX)

    assert code == 2
    assert "VOUCH_BIND" in errors.read_text()


def _shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Give a folder with the shipped programme, in which this process types commands."""
    monkeypatch.chdir(folder)
    shell = Shell(folder)
    assert shell("init", "programme").code == 0
    return shell


def test_a_second_control_c_does_not_cut_answers_off() -> None:
    """Who presses it twice waits for what runs, as who presses it once; no traceback follows."""

    async def nothing(*_: object) -> None:
        pass

    server = PatientServer(uvicorn.Config(nothing))
    for _ in range(2):
        server.handle_exit(signal.SIGINT, None)

    assert server.should_exit
    assert not server.force_exit
