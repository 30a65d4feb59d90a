"""Whoever changes something says who they are, and can count first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.workers.changing import folder
from tests.workers.conftest import Ready
from tests.workers.shell import Shell, event
from workers.cli.lazily import MODULES, commands_of

ONE = {"resolve", "accept", "done"}
"""What settles a single thing that is named, with nothing to count."""
ADDS = {"keys add", "apply", "contacts erase"}
"""What has its own way to look first: nothing is lost by a key, `plan`, and no --yes."""
WORDS = frozenset(
    {"pause", "resume", "cancel", "retry", "withdraw", "accept", "done", "reassign", "resolve",
     "redeliver", "hold", "release", "replay", "drop", "import", "merge", "erase", "draw",
     "disqualify", "remap", "add", "revoke", "apply", "rollback"}
)  # fmt: skip


def _leaves() -> Iterator[tuple[str, Any]]:
    for module in MODULES:
        for name, command in commands_of(module).items():
            below = getattr(command, "commands", None)
            if below is None:
                yield name, command
            else:
                yield from ((f"{name} {each}", leaf) for each, leaf in below.items())


OPERATING = {name: leaf for name, leaf in _leaves() if name.split()[-1] in WORDS}


def _options(command: Any) -> set[str]:
    return {word for each in command.params for word in each.opts}


def test_every_word_of_an_operator_is_looked_at() -> None:
    """The words that the tests below go through are those that the commands have."""
    assert {name.split()[-1] for name in OPERATING} == WORDS


@pytest.mark.parametrize("name", sorted(OPERATING))
def test_every_change_says_who(name: str) -> None:
    """DESIGN 5: what an operator does is an input with who and when, and can be counted first."""
    options = _options(OPERATING[name])

    assert "--by" in options
    assert "--dry-run" in options or name in ADDS or name.rsplit(maxsplit=1)[-1] in ONE


@pytest.fixture
def shell(ready: Ready) -> Shell:
    """Give a folder with the programme applied, and one contact."""
    return ready(_before)


def _before(shell: Shell) -> None:
    folder(shell.folder / "tour")
    for words in (["migrate"], ["apply", "tour", "--by", "u-ada"]):
        assert shell(*words).code == 0
    told = event(1, "contact.updated", "contact/c-0", email="c-0@x.example")
    assert shell("publish", "-", given=told).code == 0
    shell.work()


def _audit(shell: Shell) -> list[tuple[str, str]]:
    shell.work()
    lines = shell("events", "list", "--type", "operator.did", "--format", "json").json()
    return sorted((line["doc"]["data"]["verb"], line["doc"]["data"]["by"]) for line in lines)


def test_a_hold_and_its_release_leave_a_line_of_audit(shell: Shell) -> None:
    """A dry run of each says what is, and changes nothing."""
    assert shell("outbox", "hold", "--dry-run").out.startswith("no message would leave; nothing")
    assert shell("outbox", "release", "--dry-run").out.startswith("nothing is held\n")
    shell("outbox", "hold", "--by", "u-sam")
    dry = shell("outbox", "release", "--doubtful-before", "2027-01-01", "--dry-run").out
    assert dry == "messages are held: held by u-sam\n0 would be in doubt; nothing was changed\n"
    shell("outbox", "release", "--by", "u-pim")

    assert _audit(shell) == [("outbox hold", "u-sam"), ("outbox release", "u-pim")]
    assert shell("outbox", "release", "--dry-run").out.startswith("nothing is held\n")


def test_keys_imports_and_versions_bear_a_name(shell: Shell, tmp_path: Path) -> None:
    """Who made a key and took it back, who imported, who applied and went back."""
    (tmp_path / "people.csv").write_text("id,email\nc-1,c-1@x.example\n")
    shell("keys", "add", "crm", "--by", "u-sam")
    assert shell("keys", "revoke", "crm", "--dry-run").out.endswith("nothing was changed\n")
    shell("keys", "revoke", "crm", "--by", "u-pim")
    shell("contacts", "import", "people.csv", "--dry-run", "--by", "u-sam")
    shell("contacts", "import", "people.csv", "--by", "u-lena")

    assert _audit(shell) == [
        ("contacts import", "u-lena"), ("keys add", "u-sam"), ("keys revoke", "u-pim"),
    ]  # fmt: skip
    (first,) = shell("apply", "--history", "--format", "json").json()
    assert first["by"] == "u-ada"
