"""Logs: a JSON object a line, and no word of what was sent."""

import json
import logging

import pytest
import structlog

from workers.logs import configure_logs


def test_an_error_is_its_kind_and_place_without_its_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An error's text, and the arguments of a library's line, may hold what somebody sent."""
    configure_logs("json")
    try:
        int("anna@x.example")
    except ValueError:
        structlog.get_logger("test").error("it.failed", exc_info=True)
        logging.getLogger("library").exception("could not read %s", "anna@x.example")

    said = capsys.readouterr().err
    ours, theirs = (json.loads(line) for line in said.splitlines())
    assert "anna" not in said
    assert (ours["event"], theirs["event"]) == ("it.failed", "could not read %s")
    for line in (ours, theirs):
        assert line["error"] == "ValueError"
        assert "workers/test_logs.py" in line["at"][0]
