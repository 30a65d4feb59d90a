"""What a publisher sends over HTTP: an event, its headers, its key."""

import json
from typing import Any

import httpx

from tests.workers.web_world import KEY

AUTH = {"Authorization": f"Bearer {KEY}"}
STRUCTURED = {**AUTH, "Content-Type": "application/cloudevents+json"}
BATCH = {**AUTH, "Content-Type": "application/cloudevents-batch+json"}


def event(**changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "evt-1",
        "source": "crm",
        "type": "project.delivered",
        "subject": "contact/c-anna",
        "data": {"project_id": "p-77"},
        **changes,
    }


def publish(client: httpx.Client, body: object, headers: dict[str, str] | None = None) -> Any:
    return client.post("/events", content=json.dumps(body), headers=headers or STRUCTURED)
