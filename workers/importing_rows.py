"""The rows of a CSV file of contacts: what they say, and what about them cannot be read.

A file that is no table of contacts is refused whole, with its place and what to do about it; a
cell that cannot be read refuses its row alone. What is known already plays no part here.
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from events.errors import VouchError, did_you_mean
from events.values import parse_instant
from workflows.domain.referrals_checks import canonical_email
from workflows.policies import Policies
from workflows.state import Consent, iso

FILE_BYTES_MAX = 64 * 1024 * 1024
SOURCE = "vouch/import"
YES, NO = ("yes", "true", "1", "ja"), ("no", "false", "0", "nein", "nee")
CHANNELS = ("email", "sms")

_PLAIN = ("name", "first_name", "last_name", "email", "phone", "locale", "zone", "owner", "account")
_ABOUT = ("id", "segments", "consent", "consent_at", "topic", "channel")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_DAYS = "write it as 2026-11-01, or as 2026-11-01T10:00:00Z"


class ImportFileError(VouchError):
    """A file that cannot be imported as a whole: no row of it is."""

    code = "bad-import"


@dataclass(slots=True)
class Row:
    """One line of the file and what becomes of it.

    Attributes:
        status: `new`, `updated`, `unchanged` or `refused`.
        consent: `granted`, `withdrawn`, `kept: unsubscribed DATE`, `kept: granted DATE`,
            `kept: erased DATE`, or ''.
        over: A mark of what the row replaces; '' where nobody is known.
    """

    line: int
    contact: str = ""
    status: str = ""
    fields: tuple[str, ...] = ()
    consent: str = ""
    reason: str = ""
    over: str = ""
    given: dict[str, Any] = field(default_factory=dict, repr=False)
    word: Consent | None = field(default=None, repr=False)

    def told(self) -> dict[str, Any]:
        """Return what a report says: no names and no addresses."""
        return {
            "line": self.line, "contact": self.contact, "status": self.status,
            "fields": list(self.fields), "consent": self.consent, "reason": self.reason,
        }  # fmt: skip


def read(file: Path) -> str:
    """Return the text of a file.

    Raises:
        ImportFileError: It cannot be read, is too large, or is no text.
    """
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise ImportFileError(
                f"{file}: more than {FILE_BYTES_MAX} bytes", hint="cut it in parts"
            )
        found = file.read_bytes()
    except OSError as error:
        raise ImportFileError(f"{file}: {error.strerror}") from None
    if found.startswith(_WORKBOOKS):
        hint = "open it there and save it as CSV UTF-8"
        raise ImportFileError(f"{file}: a workbook of a spreadsheet, no CSV", hint=hint)
    try:
        text = found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = found.count(b"\n", 0, error.start) + 1
        hint = "save it as CSV UTF-8"
        raise ImportFileError(
            f"{file}: line {line}: not UTF-8 at byte {error.start}", hint=hint
        ) from None
    if not text.strip():
        raise ImportFileError(f"{file}: is empty", hint="its first line names the columns")
    return text


def rows(text: str, policies: Policies) -> Iterator[Row]:
    """Give each row of a table as it is read.

    Raises:
        ImportFileError: Its heading cannot be understood, or its quotation marks.
    """
    own = policies.fields.contact
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    # Not `splitlines`: it takes characters for ends of a line that CSV does not.
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    ended = 0  # the last line of the last row that could be read
    try:
        reader.fieldnames = _columns(reader.fieldnames or (), own)
        ended = reader.line_num
        topics = {each.consent for each in policies.classes.values() if each.consent}
        for cells in reader:
            ended = reader.line_num
            yield _row(ended, cells, own, topics)
    except csv.Error as error:
        hint = "does a quotation mark open a cell there that no other one closes?"
        told = f"the row that begins in line {ended + 1}: {error}"
        raise ImportFileError(told, hint=hint) from None


def _columns(heading: Collection[str], own: Mapping[str, str]) -> list[str]:
    """Return the names of the columns; each must be known, and one say who a row is."""
    names = [name.strip() for name in heading]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ImportFileError(f'the column "{twice[0]}" stands there twice', hint="keep one of it")
    known = (*_PLAIN, *_ABOUT, *own)
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"known: {', '.join(known)}"
            raise ImportFileError(f'unknown column "{name}"', hint=hint)
    if not {"id", "email", "phone"} & set(names):
        raise ImportFileError("no column says who a row is", hint="give id, email or phone")
    return names


def _row(
    line: int, cells: Mapping[str | None, Any], own: Mapping[str, str], topics: Collection[str]
) -> Row:
    row = Row(line)
    if None in cells or any(value is None for value in cells.values()):
        row.status, row.reason = "refused", "more or fewer cells than columns"
        return row
    said = {str(name): value.strip() for name, value in cells.items() if value.strip()}
    row.contact = said.get("id", "")
    try:
        row.given = {name: _value(name, said[name], own) for name in said if name not in _ABOUT}
        if "segments" in said:
            row.given["segments"] = [s.strip() for s in said["segments"].split(";") if s.strip()]
        _check_who(said)
        row.word = _word(said, topics)
    except ValueError as error:
        row.status, row.reason = "refused", str(error)
    return row


def _check_who(said: Mapping[str, str]) -> None:
    email = said.get("email", "")
    if email and not canonical_email(email):
        raise ValueError("email: this is no address")
    if not any(said.get(name) for name in ("id", "email", "phone")):
        raise ValueError("id, email and phone are empty")


def _value(name: str, text: str, own: Mapping[str, str]) -> Any:  # noqa: ANN401 - by its kind
    kind = own.get(name, "string")
    try:
        if kind == "int":
            return int(text)
        if kind == "bool":
            return _is_yes(text)
        if kind == "instant":
            return iso(_instant(text))
    except ValueError:
        remedy = {"bool": "write yes or no", "instant": _DAYS}.get(kind, "write a whole number")
        raise ValueError(f"{name}: {text!r} is no {kind}: {remedy}") from None
    return [part.strip() for part in text.split(";")] if kind == "list" else text


def _is_yes(text: str) -> bool:
    if text.casefold() in YES:
        return True
    if text.casefold() in NO:
        return False
    raise ValueError("neither yes nor no")


def _instant(text: str) -> datetime:
    if "T" in text:
        return parse_instant(text)
    day = date.fromisoformat(text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _word(said: Mapping[str, str], topics: Collection[str]) -> Consent | None:
    """Return the word on consent in a row; it needs to say since when, and to what.

    A topic or channel that nothing here knows would be a no that nobody obeys.
    """
    if "consent" not in said:
        return None
    try:
        granted = _is_yes(said["consent"])
    except ValueError:
        raise ValueError(f"consent: {said['consent']!r} is neither yes nor no") from None
    if "consent_at" not in said:
        raise ValueError("consent_at: missing, a word on consent has a date")
    try:
        at = _instant(said["consent_at"])
    except ValueError:
        raise ValueError(f"consent_at: {said['consent_at']!r} is no date: {_DAYS}") from None
    channel, topic = said.get("channel", "email"), said.get("topic", "programme")
    for name, value, known in (("topic", topic, topics), ("channel", channel, CHANNELS)):
        if value not in known:
            listed = did_you_mean(value, known) or f"known: {', '.join(sorted(known))}"
            raise ValueError(f"{name}: unknown {value!r}; {listed}")
    return Consent("", channel, topic, granted=granted, at=at, source=SOURCE)
