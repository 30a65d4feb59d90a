"""Logs: one JSON object a line, constant names, ids instead of objects, no personal data."""

import logging
import sys
import traceback
from types import TracebackType
from typing import Any

import structlog

FRAMES_MAX = 8
"""Innermost frames of an error that a line of JSON names."""


class _Stderr:
    """Standard error as it is at the time of writing: tests and tools replace it."""

    def write(self, text: str) -> int:
        """Write to whatever standard error is now."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Flush it."""
        sys.stderr.flush()


_STDERR = _Stderr()


def configure_logs(style: str) -> None:
    """Write logs to standard error, as JSON for machines or in columns for people.

    Libraries' own log lines take the same way: from info on if people read them, from
    warning on for machines.
    """
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if style == "console"
        else structlog.processors.JSONRenderer()
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _error_place,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=_STDERR),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(_STDERR)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            use_get_message=False,  # arguments can be what somebody sent: the pattern is enough
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [
        *(each for each in root.handlers if not _is_ours(each)),
        handler,
    ]
    root.setLevel(logging.WARNING)


def _is_ours(handler: logging.Handler) -> bool:
    return isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter)


def _error_place(
    _logger: Any,  # noqa: ANN401 - whatever logs
    _method: str,
    line: structlog.typing.EventDict,
) -> structlog.typing.EventDict:
    """Say of an error its kind and where it was: its words may hold what was sent."""
    info = line.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    elif isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if not info or info[0] is None:
        return line
    line.setdefault("error", info[0].__name__)
    line["at"] = _frames(info[2])
    return line


def _frames(trace: TracebackType | None) -> list[str]:
    """Return file, line and function of the innermost frames, the last one first."""
    found = traceback.extract_tb(trace)[-FRAMES_MAX:]
    return [
        f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}"
        for frame in reversed(found)
    ]
