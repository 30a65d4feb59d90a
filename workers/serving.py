"""The web process, and `vouch dev`: web, worker and clock in one."""

from datetime import timedelta
from threading import Event, Thread

import uvicorn

from workers.compose import Process
from workers.processes import run_clock
from workers.web.app import web_app

SWEEP_EMBEDDED = timedelta(milliseconds=200)
"""How often the clock looks in the embedded mode."""


def _server(process: Process) -> uvicorn.Server:
    host, port = process.settings.bind
    config = uvicorn.Config(
        web_app(process), host=host, port=port, log_config=None, access_log=False,
        timeout_graceful_shutdown=10, server_header=False,
        forwarded_allow_ips=process.settings.trusted_proxies,
    )  # fmt: skip
    return uvicorn.Server(config)


def run_web(process: Process) -> None:
    """Serve intake and the pages until asked to stop."""
    _server(process).run()  # uvicorn takes SIGTERM itself, and ends what runs
    process.close()


def run_dev(process: Process) -> None:
    """Run web, worker and clock in one process."""
    asked = Event()
    process.queue.start(process.settings.worker_threads)
    clock = Thread(
        target=run_clock, args=(process, asked), kwargs={"every": SWEEP_EMBEDDED}, name="clock"
    )
    clock.start()
    try:
        _server(process).run()
    finally:
        asked.set()
        clock.join()
        process.close()
