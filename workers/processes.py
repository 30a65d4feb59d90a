"""The processes of the Procfile: each runs until SIGTERM, finishes its batch, and exits 0."""

import ctypes
import gc
import signal
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event
from types import FrameType

import structlog

from events.errors import VouchError
from store.errors import is_transient
from workers.compose import Process, require_schema
from workers.programmes import NoProgrammeError

SWEEP = timedelta(seconds=1)
"""How often the clock looks for what is due or was left, with Redis."""

REST_MIN = timedelta(milliseconds=200)
"""How long the clock rests at least, however many timers are due."""

WAIT_SECONDS_MIN = 0.2
WAIT_SECONDS_MAX = 15.0
"""Between two looks for a database that is not there: each wait is twice the one before."""

GC_THRESHOLD = 50_000
"""Objects made between two looks of the garbage collector: a batch makes many, none in circles."""

HEAP_KEPT_BYTES = 16 * 2**20
"""Free memory that the C library keeps for the next batch. By itself it gives back all but 128 KiB
after each, and takes it anew for the next, page fault by page fault."""
MAPPED_BYTES_MIN = 2 * 2**20
"""A piece of memory from this size on is the system's own, and goes back to it at once."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h

log = structlog.get_logger("vouch.process")


def until_asked() -> Event:
    """Return an event that SIGTERM or Control-C sets."""
    asked = Event()

    def stop(_signum: int, _frame: FrameType | None) -> None:
        asked.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return asked


def wait_for_database(process: Process, asked: Event) -> bool:
    """Wait until the database answers; False if this process was asked to stop meanwhile.

    Raises:
        SchemaError: It answers, and has not the schema that this version needs.
    """
    seconds = WAIT_SECONDS_MIN
    while not asked.is_set():
        try:
            require_schema(process.app.store, process.settings)
        except Exception as error:  # what passes is waited for, the rest is raised
            if not is_transient(error):
                raise
            if seconds == WAIT_SECONDS_MIN:
                why = error.hint if isinstance(error, VouchError) else ""
                log.warning("database.waiting", error=type(error).__name__, why=why)
            asked.wait(seconds)
            seconds = min(2 * seconds, WAIT_SECONDS_MAX)
        else:
            if seconds > WAIT_SECONDS_MIN:
                log.info("database.found")
            return True
    return False


def keep_memory_small() -> None:
    """Look for garbage seldom, and let threads share what the C library keeps for them.

    What is loaded by now lives as long as the process, and a batch makes many objects, none
    in circles. glibc gives each thread a heap of its own, and each keeps what its largest
    batch once took.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    with suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.mallopt(_M_TRIM_THRESHOLD, HEAP_KEPT_BYTES)
        libc.mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES_MIN)


def run_worker(process: Process) -> None:
    """Drain, deliver and accept until asked to stop."""
    asked = until_asked()
    try:
        if not wait_for_database(process, asked):
            return
        with suppress(NoProgrammeError):  # it may be applied later
            process.app.programmes.current()
        keep_memory_small()
        process.queue.start(process.settings.worker_threads)
        log.info("worker.started", threads=process.settings.worker_threads)
        asked.wait()
        log.info("worker.stopping")
    finally:
        finished = process.close()
    log.info("worker.stopped", finished=finished)


def run_clock(process: Process) -> None:
    """Ring for what is due until asked to stop."""
    asked = until_asked()
    try:
        if wait_for_database(process, asked):
            log.info("clock.started")
            tick(process, asked, every=SWEEP)
    finally:
        process.close()
    log.info("clock.stopped")


def tick(process: Process, asked: Event, *, every: timedelta) -> None:
    """Ring for timers and messages that are due, and for whatever a lost bell left.

    The clock outlives every failure: it says so once, and looks again.
    """
    failing = ""
    wait = every
    while not asked.wait(wait.total_seconds()):
        wait = every
        try:
            swept = process.app.sweep(stale=every)
        except Exception as error:  # noqa: BLE001 - without a clock nothing is ever due
            name = type(error).__name__
            if name != failing:
                say = log.warning if is_transient(error) else log.error
                say("clock.failing", error=name)
            failing = name
        else:
            if failing:
                log.info("clock.recovered")
            failing = ""
            wait = pause(swept.next_timer, process.app.clock.now(), at_most=every)


def pause(next_timer: datetime | None, now: datetime, *, at_most: timedelta) -> timedelta:
    """Return how long the clock rests: until the next timer, within bounds.

    Ten thousand timers of one second are rung for as they come due, not all at its end.

    >>> noon = datetime.fromisoformat("2026-01-01T12:00:00Z")
    >>> pause(noon + timedelta(seconds=0.6), noon, at_most=SWEEP).total_seconds()
    0.6
    >>> pause(noon, noon, at_most=SWEEP) == REST_MIN
    True
    """
    if next_timer is None:
        return at_most
    return min(at_most, max(REST_MIN, next_timer - now))
