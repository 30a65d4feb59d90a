"""Signed links to the pages of Anna, and what came of opening them."""

import re
from datetime import timedelta
from typing import Any

import httpx

from tests.workers.web_world import NOW, World
from workers.tokens import Purpose
from workflows.state import slice_of

ANNA = "contact/c-anna"
TASK = {
    "slice": slice_of(ANNA), "key": "r/call", "actor": ANNA, "run": "r", "workflow": "detractor",
    "step": "call", "assignee": "u-ben", "role": "owner", "title": "Call <Anna> & listen",
    "status": "open", "opened_at": NOW, "due_at": NOW + timedelta(hours=4),
    "doc": {"requires": ["root_cause"]},
}  # fmt: skip


def link(web: World, purpose: Purpose, *parts: str) -> str:
    return f"/a/{web.tokens.sign(purpose, *parts)}"


def every_link(web: World) -> dict[str, str]:
    return {
        "survey": link(web, "survey", "r/2", ANNA),
        "ask": link(web, "ask", "r/ask", ANNA),
        "optin": link(web, "optin", ANNA),
        "unsubscribe": link(web, "unsubscribe", ANNA, "programme", "email"),
        "refer": link(web, "refer", "r/ask", ANNA),
        "journey": link(web, "journey", "poll", ANNA),
        "task": link(web, "task", "r/call", ANNA, "u-ben"),
    }


def shown(page: httpx.Response) -> dict[str, str]:
    """Return the hidden field that tells one form from another."""
    found = re.search(r'name="shown" value="(\d+)"', page.text)
    return {"shown": found[1]} if found else {}


def told(web: World) -> list[tuple[str, dict[str, Any]]]:
    return [(event["type"], event["data"]) for event in web.events()]
