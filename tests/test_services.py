"""The servers under the other tests: real, alone, gone afterwards, and never silently missing."""

import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.memory import has_room
from tests.processes import Launcher, launchers
from tests.services import libpq, postgres_server, require, valkey_answers, valkey_server

KEEPS_POSTGRES = """
from tests.services import postgres_server
with postgres_server(durable=False) as address:
    print(address, flush=True)
    input()
"""


@pytest.mark.parametrize("launcher", launchers(), ids=lambda launcher: launcher.name)
def test_postgres_runs_in_every_way_this_machine_allows(launcher: Launcher) -> None:
    """Root or not, a Postgres of version 18 answers, and is gone after its block."""
    server = postgres_server(launcher=launcher, durable=False)
    with server as address, psycopg.connect(libpq(address)) as session:
        row = session.execute("SHOW server_version").fetchone()

    assert row is not None
    assert row[0].startswith("18")
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(libpq(address))


def test_postgres_keeps_its_folder(tmp_path: Path) -> None:
    """Started twice in one folder, Postgres still has what was committed the first time."""
    with postgres_server(tmp_path / "kept") as address, psycopg.connect(libpq(address)) as session:
        session.execute("CREATE TABLE kept (word text)")

    with postgres_server(tmp_path / "kept") as address, psycopg.connect(libpq(address)) as session:
        assert session.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_postgres_refuses_a_stranger() -> None:
    """Another user of the machine cannot enter through the open port without the password."""
    with postgres_server(durable=False) as address:
        stranger = psycopg.conninfo.make_conninfo(libpq(address), password="guess")  # noqa: S106

        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(stranger)


def test_postgres_ends_with_a_killed_owner() -> None:
    """A test run that was killed leaves no server behind."""
    owner = subprocess.Popen(
        [sys.executable, "-c", KEEPS_POSTGRES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        assert owner.stdout is not None
        address = owner.stdout.readline().strip()
        with psycopg.connect(libpq(address), autocommit=True) as session:
            owner.send_signal(signal.SIGKILL)

            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT pg_sleep(30)")


@pytest.mark.parametrize("time", ["first", "second"])
def test_every_test_has_a_database_of_its_own(pg: str, time: str) -> None:
    """What one test creates is not there for the next, the schema is."""
    with psycopg.connect(libpq(pg)) as session:
        session.execute("CREATE TABLE only_once (time text)")

        assert session.execute("SELECT count(*) FROM inbox").fetchone() == (0,)


@pytest.mark.parametrize("time", ["first", "second"])
def test_every_test_has_an_empty_valkey(redis_url: str, time: str) -> None:
    """What one test stores is not there for the next."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0

        client.set("left", time)


def test_valkey_is_gone_after_its_block() -> None:
    """A Valkey answers inside its block, only with its password, and not afterwards."""
    with valkey_server() as address:
        assert valkey_answers(address)
        with (
            redis.Redis(port=urlsplit(address).port or 0, retry=Retry(NoBackoff(), 0)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()

    assert not valkey_answers(address)


def test_a_missing_service_skips_on_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without CI, a test whose service is missing is skipped, and says what to install."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("VOUCH_TEST_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        require("chromium").__enter__()


def test_a_missing_service_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CI set, a test whose service is missing fails."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.delenv("VOUCH_TEST_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", "")

    with pytest.raises(pytest.fail.Exception, match="chromium is needed"):
        require("chromium").__enter__()


def test_a_given_service_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service named by its variable is used, and no other is started."""
    monkeypatch.setenv("VOUCH_TEST_DATABASE_URL", "postgresql+psycopg://somewhere/else")

    with require("postgres") as address:
        assert address == "postgresql+psycopg://somewhere/else"


def test_files_go_to_memory_only_where_there_is_room(tmp_path: Path) -> None:
    """A folder that is too small, or is not there, is left alone."""
    assert has_room(tmp_path, least=1)
    assert not has_room(tmp_path, least=2**62)
    assert not has_room(tmp_path / "none", least=1)
