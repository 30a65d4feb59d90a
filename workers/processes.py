"""The processes of the Procfile: each runs until SIGTERM, finishes its batch, and exits 0."""

import gc
import signal
from datetime import timedelta
from threading import Event
from types import FrameType

import structlog

from store.errors import is_transient
from workers.compose import Process

SWEEP = timedelta(seconds=1)
"""How often the clock looks for what is due or was left, with Redis."""

GC_THRESHOLD = 50_000
"""Objects made between two looks of the garbage collector: a batch makes many, none in circles."""

log = structlog.get_logger("vouch.process")


def until_asked() -> Event:
    """Return an event that SIGTERM or Control-C sets."""
    asked = Event()

    def stop(_signum: int, _frame: FrameType | None) -> None:
        asked.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return asked


def run_worker(process: Process) -> None:
    """Drain, deliver and accept until asked to stop."""
    asked = until_asked()
    gc.freeze()  # what is loaded by now lives as long as the process
    gc.set_threshold(GC_THRESHOLD)
    process.queue.start(process.settings.worker_threads)
    log.info("worker.started", threads=process.settings.worker_threads)
    asked.wait()
    log.info("worker.stopping")
    process.close()
    log.info("worker.stopped")


def run_clock(process: Process, asked: Event | None = None, *, every: timedelta = SWEEP) -> None:
    """Ring for timers and messages that are due, and for whatever a lost bell left."""
    stop = asked or until_asked()
    log.info("clock.started")
    failing = False
    while not stop.wait(every.total_seconds()):
        try:
            process.app.sweep(stale=every)
            failing = False
        except Exception as error:
            if not is_transient(error):
                raise
            if not failing:
                log.warning("clock.waiting", error=type(error).__name__)
            failing = True
    log.info("clock.stopped")
