"""The web process, and `vouch dev`: web, worker and clock in one."""

import os
import socket
import sys
from asyncio import Protocol
from contextlib import closing, suppress
from datetime import timedelta
from threading import Event, Thread
from types import FrameType
from typing import Final, Literal

import structlog
import uvicorn

from events.errors import VouchError
from workers.compose import Process
from workers.processes import keep_memory_small, tick, until_asked, wait_for_database
from workers.web.app import web_app

SWEEP_EMBEDDED = timedelta(milliseconds=200)
"""How often the clock looks in the embedded mode."""

FINISH_SECONDS = 10
"""How long requests that run may go on after SIGTERM."""

BACKLOG = 2_048
"""Connections that may wait to be accepted."""

FILES_WANTED: Final = 8_192
FILES_KEPT: Final = 200
"""Files that are not for visitors: the database's connections, the queue's, our own."""

log = structlog.get_logger("vouch.web")


class AddressError(VouchError):
    """The web process cannot listen where it should."""

    code = "bad-address"


def listen(process: Process) -> socket.socket:
    """Return a socket that listens where the settings say; port 0 takes a free one.

    Raises:
        AddressError: The port is taken, or the address is none of this machine.
    """
    host, port = process.settings.bind
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        is_name = isinstance(error, socket.gaierror)  # its numbers are not the system's
        why = error.strerror if is_name or not error.errno else os.strerror(error.errno)
        raise AddressError(
            f"cannot listen on {host}:{port}: {why}",
            hint="is another vouch running? VOUCH_BIND names another place, as 127.0.0.1:8001",
        ) from error


def place_of(listening: socket.socket) -> str:
    """Return host and port of a socket, as an address on the web has them."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _serve(process: Process, listening: socket.socket) -> None:
    """Answer requests until asked to stop; those that run are finished.

    uvicorn takes the signals meanwhile and raises them again at the end: whoever calls has
    handlers of its own, or the process would die of them.
    """
    config = uvicorn.Config(
        web_app(process), log_config=None, access_log=False, server_header=False, ws="none",
        http=_protocol(), timeout_graceful_shutdown=FINISH_SECONDS,
        forwarded_allow_ips=process.settings.trusted_proxies,
    )  # fmt: skip
    keep_memory_small()
    PatientServer(config).run(sockets=[listening])


class PatientServer(uvicorn.Server):
    """Ends when what runs is answered, `FINISH_SECONDS` at most, however often it is asked."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; a second Control-C must not leave answers behind, nor a traceback."""
        super().handle_exit(sig, frame)
        self.force_exit = False


def _protocol() -> type[Protocol] | Literal["h11"]:
    """Return what reads requests: ours, or uvicorn's slower one where ours cannot run."""
    try:
        from workers.web.connections import CONNECTIONS_MAX, Bounds, bounded  # noqa: PLC0415
    except ImportError:  # httptools is not made for every system
        return "h11"
    return bounded(Bounds(connections=min(CONNECTIONS_MAX, _files_max() - FILES_KEPT)))


def _files_max() -> int:
    """Return how many files this process may open, having asked for all it can have."""
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return sys.maxsize
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def run_web(process: Process) -> None:
    """Serve intake and the pages until asked to stop."""
    asked = until_asked()
    try:
        if wait_for_database(process, asked):
            with closing(listen(process)) as listening:
                log.info("web.started", bind=place_of(listening))
                _serve(process, listening)
    finally:
        process.close()
    log.info("web.stopped")


def run_dev(process: Process, listening: socket.socket, asked: Event) -> None:
    """Run web, worker and clock in one process, until SIGTERM or Control-C.

    `asked` is set by those signals, and ends the clock.
    """
    process.queue.start(process.settings.worker_threads)
    clock = Thread(
        target=tick, args=(process, asked), kwargs={"every": SWEEP_EMBEDDED}, name="clock"
    )
    clock.start()
    try:
        _serve(process, listening)
    finally:
        asked.set()
        clock.join()
