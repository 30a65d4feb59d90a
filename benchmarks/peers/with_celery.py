"""Celery on Redis: a task an event, acknowledged as Celery does it unless told otherwise: early.

Without results, events and remote control, which nobody here reads.
"""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from celery import Celery
from celery.signals import worker_process_init

from benchmarks.peers import job

app = Celery("with_celery", broker=job.queue())
app.conf.update(
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    worker_send_task_events=False,
    task_send_sent_event=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    worker_enable_remote_control=False,
)
_of_process: dict[str, psycopg.Connection[Any]] = {}


@worker_process_init.connect
def _connect(**_: Any) -> None:  # noqa: ANN401
    _of_process["conn"] = job.connect()


@app.task(name="handle")
def handle(event: dict[str, Any]) -> None:
    """Write the rows."""
    job.write(_of_process["conn"], event)


def publisher() -> Callable[[Sequence[dict[str, Any]]], None]:
    """Return what sends a task an event."""

    def publish(events: Sequence[dict[str, Any]]) -> None:
        for event in events:
            handle.delay(event)

    return publish
