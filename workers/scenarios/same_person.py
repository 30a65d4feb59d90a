"""Rows about somebody who was merged: either record's id names the one person they are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workers.scenarios.observe import Row
from workers.scenarios.seen import Seen

_WHO = ("contact", "about", "to", "referrer", "lead")
"""Fields that name a person."""


def remaining(seen: Seen) -> Mapping[str, str]:
    """Return who lives on in the place of each record that was merged; of most stories nobody."""
    merged = (name for name, doc in seen.contacts.items() if doc.get("merged_into"))
    return {name: str(seen.doc(name).get("id", name)) for name in merged}


def renamed(
    expected: Sequence[Mapping[str, Any]], rows: Sequence[Row], names: Mapping[str, str]
) -> tuple[list[dict[str, Any]], list[Row]]:
    """Return both sides with everybody under the id that remains."""
    wanted = [_renamed(each, names) for each in expected]
    return wanted, [replace(row, values=_renamed(row.values, names)) for row in rows]


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    told = {name: values[name] for name in _WHO if isinstance(values.get(name), str)}
    return {**values, **{name: names.get(said, said) for name, said in told.items()}}
