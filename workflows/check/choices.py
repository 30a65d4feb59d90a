"""Where a file may say one thing or another: what pydantic says of each, made one."""

from typing import Any

from pydantic_core import ErrorDetails

from workflows.check.misplaced import part_of


def without_tags(data: Any, error: ErrorDetails) -> ErrorDetails:  # noqa: ANN401
    """Return an error at the place that the file has: pydantic adds the names of its choices."""
    loc: list[str | int] = []
    here = data
    for part in error["loc"][:-1]:
        inner = part_of(here, (part,))
        if inner is not None:
            here = inner
            loc.append(part)
    return {**error, "loc": (*loc, *error["loc"][-1:])}


def is_no_choice(error: ErrorDetails, errors: list[ErrorDetails]) -> bool:
    """Return whether text would do as well as the mapping that is there, with a mistake in it."""
    loc = error["loc"][:-1]  # its last part is pydantic's name of the choice
    inside = (other["loc"] for other in errors if other["type"] in ("extra_forbidden", "missing"))
    return (
        error["type"] == "string_type"
        and isinstance(error["input"], dict)
        and any(len(other) > len(loc) and other[: len(loc)] == loc for other in inside)
    )
