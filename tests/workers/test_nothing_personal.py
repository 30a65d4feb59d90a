"""Logs, metrics and headings of dead letters hold nothing personal: SCENARIOS section A, 9."""

import contextlib
import io
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import REGISTRY

from store import dead
from store.listings import events
from store.listings.pages import Page
from tests.examples import examples
from tests.generated import busy, loaded
from workers.logs import configure_logs
from workers.programmes import Applied
from workers.trial import Trial
from workflows.loaded import Loaded

START = datetime(2027, 3, 1, 8, tzinfo=UTC)
PRIVATE = "Quirijn"
"""Stands in every personal value: whoever writes one down writes this."""
CIRCLE = """\
workflow: circle
trigger: {event: own.ping, if: "size(contact.first_name) > 0"}
steps:
  - emit: {event: own.ping, data: {number: "1"}}
"""
"""Goes round until the engine sets its event aside."""
PERSONAL: tuple[tuple[str, dict[str, Any]], ...] = (
    ("contact.updated", {"first_name": PRIVATE, "email": f"{PRIVATE}@post.example"}),
    ("contact.updated", {"phone": f"+31 6 {PRIVATE}", "last_name": f"van {PRIVATE}"}),
    ("nps.answered", {"response": "r", "score": 9, "improve": f"{PRIVATE} was late"}),
    ("nps.answered", {"response": "q", "score": f"{PRIVATE}"}),
    ("problem.solved", {"ticket": f"{PRIVATE} called\0"}),
    ("quote.given", {"text": [PRIVATE], "may_publish": True}),
    ("quote.given", {"text": f"Yours, {PRIVATE}", "may_publish": True}),
    ("favour.granted", {"note": f"{PRIVATE} helped"}),
    ("deal.won", {"lead": f"{PRIVATE}@x.example", "deal": "d"}),
    ("referral.submitted", {"lead": {"name": PRIVATE, "email": f"{PRIVATE} at post"}}),
    ("own.ping", {"number": 0}),
    ("own.ping", {"number": f"{PRIVATE}"}),
)  # fmt: skip
streams = st.lists(
    st.tuples(st.integers(0, len(PERSONAL) - 1), st.integers(0, 2), st.integers(0, 600)),
    min_size=4,
    max_size=12,
)
outcomes = st.lists(st.sampled_from(("ok", "refused", "retry", "unknown")), max_size=6)


@lru_cache
def _programme(seed: int) -> Loaded:
    return loaded({**busy(Random(seed)), "workflows/circle.yaml": CIRCLE})


@lru_cache
def _compiled(seed: int) -> list[Applied]:
    return []


@examples(4)
@given(st.integers(0, 1), streams, outcomes)
def test_whatever_happens_nobody_is_named(
    seed: int, stream: list[tuple[int, int, int]], said: list[str]
) -> None:
    """A9: programmes made, streams drawn, with what is refused, doubted and set aside."""
    heard, known = io.StringIO(), _compiled(seed)
    configure_logs("json")
    with TemporaryDirectory() as folder, contextlib.redirect_stderr(heard):
        trial = Trial(Path(folder), START, outside={"email": said}, keeps=False)
        known[:] = [trial.apply(_programme(seed), compiled=known[0] if known else None)]
        at = START
        for number, (kind, who, wait) in enumerate([(0, 0, 0), *stream, (10, 0, 1)]):
            at += timedelta(minutes=wait)
            trial.reach(at)
            name, data = PERSONAL[kind]
            trial.publish([_event(number, name, data, f"c-{who}", at)])
        trial.advance(at + timedelta(days=20))
        with trial.store.reader() as conn:
            headings = dead.listed(conn)
            refused = events.rejects(conn, page=Page(100))
        trial.close()

    assert headings, "the circle is set aside"
    shown = [{**row, "doc": ""} for row in refused]
    metrics = generate_latest(REGISTRY)  # type: ignore[no-untyped-call]
    for place in (heard.getvalue(), str(metrics), str(headings), str(shown)):
        assert PRIVATE.lower() not in place.lower(), place


def _event(number: int, kind: str, data: dict[str, Any], who: str, at: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"e-{number}", "source": "test", "type": kind,
        "subject": f"contact/{who}", "time": at.isoformat().replace("+00:00", "Z"), "data": data,
    }  # fmt: skip
