"""Lays a scenario's `with:` over a programme's policies."""

from collections.abc import Mapping
from typing import Any


def overlay(policies_data: Mapping[str, Any], with_: Mapping[str, Any]) -> dict[str, Any]:
    """Return the policies with `with_` laid over: mappings are merged, all else is replaced.

    >>> overlay({"rewards": {"hold": "14d", "choices": ["a"]}}, {"rewards": {"hold": "7d"}})
    {'rewards': {'hold': '7d', 'choices': ['a']}}
    """
    merged = dict(policies_data)
    for key, value in with_.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = overlay(below, value)
        else:
            merged[key] = value
    return merged
