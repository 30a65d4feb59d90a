"""Backups as docs/backups.md makes them, read back: nobody is written to twice, nothing is lost.

The commands are those of the page, with the programs of Postgres itself.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from store import holding
from store.db import Store
from tests.faults import everything
from tests.faults.customers import WHO, app_on, introduced, sent, solved
from tests.processes import Launcher, launchers, password
from tests.services import libpq, postgres_programs, postgres_server
from workers import operators
from workers.app import App


class Cluster:
    """A Postgres that archives its log, as an administrator has one."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.launcher: Launcher = launchers()[0]
        self.archive = home / "archive"
        for folder in (home, self.archive):
            folder.mkdir(parents=True, exist_ok=True)
            self.launcher.own(folder)
        for folder in (home, *home.parents[:3]):
            folder.chmod(0o755)  # the user that Postgres runs as must get through

    @contextmanager
    def serving(self, name: str, **more: str) -> Iterator[str]:
        """Run a server on the folder of this name; give its address."""
        settings = {"archive_mode": "on", "archive_command": f"cp %p {self.archive}/%f"}
        with postgres_server(self.home / name, durable=False, more=settings | more) as address:
            yield address

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the programs that come with Postgres."""
        programs = postgres_programs(self.home / "lost", self.launcher)
        done = self.launcher.run([str(programs / program), *arguments], self.home)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """Give a cluster of this test's own."""
    return Cluster(tmp_path / "cluster")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Give the file in which the channel notes every send, whichever database it was for."""
    return tmp_path / "sent"


def _installed(address: str, log: Path) -> App:
    return introduced(app_on(address, log))


def _send(app: App, ticket: str) -> None:
    solved(app, ticket)
    assert app.deliver() == len(WHO)


def _is_held(app: App) -> bool:
    with app.store.reader() as conn:
        return holding.look(conn).is_held


def _goes_on_with_a_word(app: App, log: Path, lost: str) -> None:
    """Check that nothing leaves by itself, and each message once when an operator says so."""
    before = sent(log)
    solved(app, lost)  # publishers send again what they sent since the backup
    solved(app, "later")

    assert app.deliver() == 0
    assert _is_held(app)
    assert sent(log) == before

    operators.release(app, doubtful_before=datetime.now(UTC) + timedelta(seconds=1), by="u-sam")
    with app.store.reader() as conn:
        statuses = everything.outbox_statuses(conn)
    for key, status in statuses.items():
        if status == "in_doubt":
            operators.resolve(app, key, sent=key in before, by="u-sam")
    app.deliver()

    assert len(sent(log)) == 4 * len(WHO)
    assert set(sent(log).values()) == {1}
    with app.store.reader() as conn:
        assert set(everything.outbox_statuses(conn).values()) == {"sent"}


def test_a_recovery_to_a_point_in_time_waits_for_a_word(cluster: Cluster, log: Path) -> None:
    """Base backup and archived log bring a moment back; what left since leaves no second time."""
    with cluster.serving("lost") as address:
        app = _installed(address, log)
        backup = cluster.home / "restored/data"
        _own_home(cluster, backup.parent)
        cluster.run(
            "pg_basebackup", f"--dbname={libpq(address)}", f"--pgdata={backup}",
            "--checkpoint=fast", "--wal-method=none", "--no-sync",
        )  # fmt: skip
        _send(app, "before")
        solved(app, "pending")
        moment = _now(app.store)
        assert app.deliver() == len(WHO)
        _send(app, "lost")
        app.store.close()
        with psycopg.connect(libpq(address), autocommit=True) as conn:
            conn.execute("SELECT pg_switch_wal()")
    _recover(cluster, backup, moment)

    with cluster.serving("restored", hot_standby="off") as address:
        app = app_on(address, log)
        with app.store.reader() as conn:
            assert not conn.scalar(sa.text("SELECT pg_is_in_recovery()"))
            statuses = list(everything.outbox_statuses(conn).values())
        assert sorted(statuses) == ["pending"] * len(WHO) + ["sent"] * len(WHO)
        _goes_on_with_a_word(app, log, "lost")
        app.store.close()


def test_a_dump_read_into_the_same_database_waits_for_a_word(cluster: Cluster, log: Path) -> None:
    """`pg_restore --clean` leaves cluster, timeline and database as they were, and is seen."""
    with cluster.serving("lost") as address:
        app = _installed(address, log)
        _send(app, "before")
        solved(app, "pending")
        file = cluster.archive / "vouch.dump"
        cluster.run("pg_dump", "--format=custom", f"--file={file}", f"--dbname={libpq(address)}")
        assert app.deliver() == len(WHO)
        _send(app, "lost")
        app.store.close()
        cluster.run(
            "pg_restore", "--clean", "--if-exists", "--single-transaction",
            f"--dbname={libpq(address)}", str(file),
        )  # fmt: skip

        app = app_on(address, log)
        _goes_on_with_a_word(app, log, "lost")
        app.store.close()


def _own_home(cluster: Cluster, home: Path) -> None:
    home.mkdir(parents=True)
    shutil.copy(cluster.home / "lost/password", home / "password")
    for path in (home, password(home)):
        cluster.launcher.own(path)


def _now(store: Store) -> datetime:
    with store.at_once() as conn:
        found = conn.scalar(sa.text("SELECT clock_timestamp()"))
    assert isinstance(found, datetime)
    return found


def _recover(cluster: Cluster, data: Path, moment: datetime) -> None:
    """Tell the server to play the archived log up to a moment, and to go on from there."""
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(
            f"restore_command = 'cp {cluster.archive}/%f %p'\n"
            f"recovery_target_time = '{moment.isoformat()}'\n"
            "recovery_target_action = 'promote'\n"
        )
    (data / "recovery.signal").touch()
    cluster.launcher.own(data / "recovery.signal")


def test_a_role_that_may_not_ask_for_the_cluster_delivers_and_is_held(pg: str, log: Path) -> None:
    """Without `pg_control_system()` the rest tells: a mark that is another's means a dump."""
    app = _installed(pg, log)
    role = "vouch_bounded"
    with psycopg.connect(libpq(pg), autocommit=True) as admin:
        admin.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'bounded'")
        admin.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        admin.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")
    app.store.close()
    host = pg.rpartition("@")[2]
    try:
        app = app_on(f"postgresql+psycopg://{role}:bounded@{host}", log)
        _send(app, "first")
        with app.store.reader() as conn:
            assert holding.look(conn).here.startswith("/")
        with app.store.transaction() as conn:
            conn.execute(sa.text("UPDATE hold SET reason = ''"))  # as another transaction wrote it
        solved(app, "second")
        assert app.deliver() == 0
        assert _is_held(app)
        app.store.close()
    finally:
        with psycopg.connect(libpq(pg), autocommit=True) as admin:
            admin.execute(f"DROP OWNED BY {role}")
            admin.execute(f"DROP ROLE {role}")
            admin.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
