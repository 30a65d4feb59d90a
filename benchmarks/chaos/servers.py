"""Postgres and Valkey that can die at any moment and come back where they were."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from threading import Lock
from typing import Self

import psycopg
import redis

from benchmarks.processes import BenchError
from tests.processes import ServiceUnavailableError, free_port
from tests.services import libpq, postgres_server, valkey_server

START_ATTEMPTS_MAX = 40
START_PAUSE_SECONDS = 0.5
DISK_MIB = 4096
ROOM_KIB = 64
"""What is left on a disk that is to be full: the next few writes take it."""
FILL_ATTEMPTS_MAX = 10
POSTGRES = {"max_wal_size": "256MB", "restart_after_crash": "on"}


class Server(ABC):
    """One server with one address, whatever happens to its process.

    Attributes:
        address: Where it is when it runs.
    """

    def __init__(self, start: Callable[[], AbstractContextManager[str]]) -> None:
        self._start = start
        self._stack = ExitStack()
        self._lock = Lock()
        self.address = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start it, and try again while what a kill left behind is in the way.

        Raises:
            BenchError: It does not come back.
        """
        with self._lock:
            for _ in range(START_ATTEMPTS_MAX):
                with suppress(ServiceUnavailableError):
                    self.address = self._stack.enter_context(self._start())
                    return
                time.sleep(START_PAUSE_SECONDS)
        raise BenchError("a server does not come back")

    def stop(self) -> None:
        """End it in order."""
        with self._lock:
            self._stack.close()
            self._stack = ExitStack()

    def kill(self) -> None:
        """End it with SIGKILL, as a machine that loses power ends it."""
        with suppress(ProcessLookupError, OSError, ValueError):
            os.kill(self.pid(), signal.SIGKILL)
        self.stop()

    @abstractmethod
    def pid(self) -> int:
        """Return the process that holds the port."""


class Postgres(Server):
    """The wheel's Postgres, on a disk of its own where this user may mount one."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._disk = _mounted(home)
        port = free_port()
        super().__init__(lambda: postgres_server(home, more=POSTGRES, port=port))

    @property
    def has_own_disk(self) -> bool:
        """Whether its disk can be made full."""
        return self._disk

    def pid(self) -> int:
        """Return the postmaster."""
        return int((self._home / "data/postmaster.pid").read_text().split()[0])

    def cut(self) -> int:
        """End every session but the one that does; return how many there were."""
        query = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        with psycopg.connect(libpq(self.address), autocommit=True) as conn:
            row = conn.execute(query).fetchone()
        return int(row[0]) if row else 0

    def fill_disk(self) -> None:
        """Leave no room on its disk: the file system shrinks to what is used.

        The server writes meanwhile, and a size below what is used by then is refused: so the
        next try leaves twice the room.
        """
        for attempt in range(FILL_ATTEMPTS_MAX):
            stat = os.statvfs(self._home)
            used = (stat.f_blocks - stat.f_bfree) * stat.f_frsize // 1024
            try:
                _resize(self._home, used + (ROOM_KIB << attempt))
            except BenchError:
                if attempt == FILL_ATTEMPTS_MAX - 1:
                    raise
            else:
                return

    def free_disk(self) -> None:
        """Give the room back, and start it again if the lack of it was its end."""
        _resize(self._home, DISK_MIB * 1024)
        try:
            psycopg.connect(libpq(self.address), connect_timeout=5).close()
        except psycopg.OperationalError:
            self.stop()
            self.start()

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        if self._disk:
            subprocess.run(["umount", "--lazy", str(self._home)], check=False)  # noqa: S607


class Valkey(Server):
    """The wheel's Valkey; it keeps nothing but what it wrote last, and that may be thrown away."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._pid = 0
        port = free_port()
        super().__init__(lambda: valkey_server(home, port=port))

    def start(self) -> None:
        """Start it and remember its process."""
        super().start()
        with redis.Redis.from_url(self.address) as client:
            self._pid = int(client.info("server")["process_id"])

    def pid(self) -> int:
        """Return its process."""
        return self._pid

    def flush(self) -> None:
        """Throw away everything it has."""
        with redis.Redis.from_url(self.address) as client:
            client.flushall()

    def forget(self) -> None:
        """Throw away what it wrote to disk: it comes back empty."""
        (self._home / "dump.rdb").unlink(missing_ok=True)


def _mounted(home: Path) -> bool:
    """Mount a disk of its own; False where this user may not."""
    home.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "vouch-chaos", str(home)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _resize(home: Path, kib: int) -> None:
    command = ["mount", "-o", f"remount,size={kib}k", str(home)]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode != 0:
        raise BenchError("the disk cannot be made smaller", hint=done.stderr.decode()[-500:])
