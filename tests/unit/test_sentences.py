"""Every fact that a decision can hold has words for people."""

from zoneinfo import ZoneInfo

import pytest

from events.facts import FACTS
from workers.sentences import sentence

OF_INTAKE = {"event.accepted", "event.duplicate"}
"""Told by lists of events, never by a decision."""


@pytest.mark.parametrize("kind", sorted(set(FACTS) - OF_INTAKE))
def test_a_fact_is_told_in_a_sentence(kind: str) -> None:
    """Not as its name and fields, whichever of its fields are there."""
    assert not sentence({"fact": kind, "data": {"fields": {}}}, ZoneInfo("UTC")).startswith(kind)
