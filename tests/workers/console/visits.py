"""Keys of the console, visits to its pages, and rows that they show."""

from datetime import timedelta
from typing import Any

from store import keys
from tests.workers.web_world import NOW, World
from workers.keys import secret_hash
from workflows.state import slice_of

ANNA = "contact/c-anna"
SECRET = "vk_of-the-console"  # noqa: S105 - of a test
PAGES = ("", "tasks", "runs", "doubts", "dead", "explain", "explain?id=c-anna")


def add(web: World, name: str, secret: str) -> None:
    with web.store.transaction() as conn:
        keys.add(conn, name=name, secret_hash=secret_hash(secret), sources=[], types=[],
                 now=NOW, console=True)  # fmt: skip


def log_in(web: World, secret: str = SECRET) -> Any:
    return web.client.post("/console/", data={"key": secret})


def get(web: World, page: str = "") -> Any:
    return web.client.get(f"/console/{page}")


def is_login(answer: Any) -> bool:
    return answer.status_code in {401, 403, 429} and "Key of the console" in answer.text


def task(key: str, **more: Any) -> dict[str, Any]:
    row = {"slice": slice_of(ANNA), "key": key, "actor": ANNA, "run": "r", "workflow": "promoter",
           "step": "call", "assignee": "u-sam", "role": "sales", "title": f"Call {key}",
           "status": "open", "opened_at": NOW, "due_at": NOW + timedelta(days=1)}  # fmt: skip
    return {**row, "doc": {}, **more}
