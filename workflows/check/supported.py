"""What LANGUAGE describes and this version does not run yet.

A workflow or a policy that needs one of these is told so at its own line, rather than ignored.
Each later issue takes its lines out of here.
"""

from collections.abc import Mapping

STEPS: Mapping[str, str] = {}
"""Verbs of steps, with what they would need."""

POLICIES: Mapping[tuple[str, ...], str] = {
    ("sync",): "syncing",
}
"""Sections of `programme.yaml`."""

_FAMILIES: Mapping[str, str] = {
    "sync": "syncing",
}
_TYPES: Mapping[str, str] = {}


def part_behind(event_type: str) -> str:
    """Return the unsupported part that makes or handles events of a type; '' when there is none.

    >>> part_behind("sync.sent"), part_behind("nps.answered")
    ('syncing', '')
    """
    return _TYPES.get(event_type) or _FAMILIES.get(event_type.partition(".")[0], "")
