"""What careless and hostile senders send, and whether the answer is as documented."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from sqlmodel import SQLModel

from events.catalogue import default_catalogue
from tests.examples import NIGHTLY, examples
from tests.hostile import Drawn, of_schema, spoiled, texts
from tests.workers.web_world import KEY, NOW, World
from workers.tokens import Purpose
from workers.web.openapi import openapi

DOCUMENT = openapi(default_catalogue())
AUTH = {"Authorization": f"Bearer {KEY}"}
ANNA = "contact/c-anna"
MINUTE = timedelta(minutes=1)
"""After it every limit is as new."""
EXAMPLES = settings(examples(80), derandomize=not NIGHTLY)


def sent(value: Any) -> bytes:
    """Return JSON as a careless producer writes it: with lone surrogates, as they are."""
    return json.dumps(value).encode()


def responses(path: str) -> Mapping[str, Any]:
    return DOCUMENT["paths"][path]["post"]["responses"]  # type: ignore[no-any-return]


def as_documented(path: str, answer: httpx.Response) -> None:
    """Hold an answer to the description: its status is there, ours is no mistake, its form fits."""
    assert str(answer.status_code) in responses(path), answer.text
    assert answer.status_code != 500, answer.text
    told = answer.json()
    schema = "Verdicts" if answer.status_code == 202 else "Error"
    assert set(told) == set(DOCUMENT["components"]["schemas"][schema]["required"])
    if "events" in told:
        assert len(told["events"]) == told["accepted"] + told["duplicates"] + told["rejected"]


def every_event() -> Drawn:
    """Return events of every type as the description has them, whole or spoiled."""
    whole = of_schema({"$ref": "#/components/schemas/Event"}, DOCUMENT)
    return whole | whole.flatmap(spoiled) | whole.flatmap(spoiled).flatmap(spoiled)


def header(value: Any) -> str:
    """Return a value as a producer may put it into a header: encoded, quoted, or neither."""
    text = value if isinstance(value, str) else json.dumps(value)
    return quote(text.encode("utf-8", "replace"), safe=" /:+")[:2_000].strip()


VENDOR: dict[str, Any] = {
    "event_type": "survey_response.created",
    "event_id": "e-1",
    "event_data": {
        "id": "5435", "score": 9, "comment": None, "updated_at": int(NOW.timestamp()) - 60,
        "person": {"email": "Anna@Example.com", "name": "Anna Jansen"},
    },
}  # fmt: skip


def links(web: World) -> dict[str, str]:
    signed: dict[Purpose, tuple[str, ...]] = {
        "survey": ("r/2", ANNA), "ask": ("r/ask", ANNA), "optin": (ANNA,),
        "unsubscribe": (ANNA, "programme", "email"), "refer": ("r/ask", ANNA),
        "journey": ("poll", ANNA), "task": ("r/call", ANNA, "u-ben"),
    }  # fmt: skip
    pages: dict[str, str] = {
        purpose: f"/a/{web.tokens.sign(purpose, *parts)}" for purpose, parts in signed.items()
    }
    return {**pages, "invite": f"/r/{web.tokens.sign('invite', ANNA, 'mail')}"}


FIELDS = st.sampled_from(
    ["score", "improve", "comment", "answer", "text", "name", "email", "phone", "company",
     "consent", "shown", "action", "field.root_cause", "List-Unsubscribe", "website", "\0", ""]
)  # fmt: skip
FORMS = st.lists(st.tuples(FIELDS, texts | st.sampled_from(["9", "gladly", "yes", "1e3"])))


def written(fields: list[tuple[str, str]]) -> bytes:
    pairs = ((quote(name), quote(value.encode("utf-8", "replace"))) for name, value in fields)
    return "&".join(f"{name}={value}" for name, value in pairs)[:60_000].encode()


def contents(web: World) -> dict[str, list[Any]]:
    """Return every row of every table."""
    with web.store.reader() as conn:
        return {
            table.name: sorted(map(repr, conn.execute(sa.select(table))))
            for table in SQLModel.metadata.sorted_tables
        }
