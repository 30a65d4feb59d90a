"""A real worker that kills itself with SIGKILL at commit boundaries and after calls.

Forked by `tests.faults.nursery`: the real composition root and queue, a channel that
appends a line to a file for every send, and a seeded death at each boundary.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

from workers.app import App
from workers.channels.base import Parcel
from workers.clock import SystemClock
from workers.compose import Process, open_store
from workers.letters import Desk
from workers.logs import configure_logs
from workers.processes import run_worker
from workers.queue.queue import Queue
from workers.settings import Settings
from workers.tokens import Tokens


class LoggedChannel:
    """Sends by appending the key to a file: a second send of a key is a second line."""

    repeatable = False

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self._log = log

    @contextmanager
    def burst(self) -> Iterator[Callable[[Parcel], str]]:
        """Give a sender."""

        def send(parcel: Parcel) -> str:
            line = f"{parcel.key}\n".encode()
            handle = os.open(self._log, os.O_APPEND | os.O_CREAT | os.O_WRONLY)
            os.write(handle, line)
            os.close(handle)
            return parcel.key

        yield send

    def look_up(self, key: str) -> bool | None:
        """Read the file."""
        if not self._log.exists():
            return False
        return f"{key}\n" in self._log.read_text(encoding="utf-8")


def work(seed: int, log: Path, one_in: int) -> None:
    """Run until told to stop, or until the seed says it is time to die (never if `one_in` is 0)."""
    settings = Settings.from_env({k: v for k, v in os.environ.items() if k.startswith("VOUCH_")})
    configure_logs("json")
    draw = Random(f"{seed}/{os.getpid()}")

    def boundary(_what: str) -> None:
        if one_in and draw.randrange(one_in) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    channels = {name: LoggedChannel(name, log) for name in ("email", "sms")}
    desk = Desk(Tokens(settings.signing_keys()), settings.base_url, settings.mail_from)
    app = App(
        open_store(settings), SystemClock(), desk, channels,
        token=lambda: f"{os.getpid()}-{draw.random()}", on_commit=boundary, on_call=boundary,
        lease=timedelta(seconds=3),
    )  # fmt: skip
    queue = Queue.open(settings.redis_url or None, app)
    app.bell = queue
    run_worker(Process(settings, app, queue))
