"""Contacts from a CSV file: what each row would change, and the events that change it.

A row is an event like any other: it is checked, stored, and goes through the inbox. The report
says what becomes of each, and `--dry-run` says the same without storing anything. An import
gives consent where nothing is known; a no it never turns into a yes, however its date: only the
person does that, by opting in anew.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from events.errors import VouchError, did_you_mean
from events.values import parse_instant
from store import contacts, erasure
from store.db import Connection
from store.intake import Arrival, accept
from workers.app import App
from workers.bulk import audit
from workers.verdicts import BackPressureError
from workflows.domain.referrals_checks import canonical_email
from workflows.sources import contact_id
from workflows.state import Consent, Doc, iso, slice_of

CHUNK = 500
"""Rows of one transaction."""
FILE_BYTES_MAX = 64 * 1024 * 1024
SOURCE = "vouch/import"
YES, NO = ("yes", "true", "1", "ja"), ("no", "false", "0", "nein", "nee")

_PLAIN = ("name", "first_name", "last_name", "email", "phone", "locale", "zone", "owner", "account")
_ABOUT = ("id", "segments", "consent", "consent_at", "topic", "channel")


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
    """

    line: int
    contact: str = ""
    status: str = ""
    fields: tuple[str, ...] = ()
    consent: str = ""
    reason: str = ""
    given: dict[str, Any] = field(default_factory=dict, repr=False)
    word: Consent | None = field(default=None, repr=False)

    def told(self) -> dict[str, Any]:
        """Return what a report says: no names and no addresses."""
        return {
            "line": self.line, "contact": self.contact, "status": self.status,
            "fields": list(self.fields), "consent": self.consent, "reason": self.reason,
        }  # fmt: skip


def run(app: App, file: Path, *, by: str, dry_run: bool = False) -> Iterator[Row]:
    """Import a file and give what became of each row, as it is committed.

    Raises:
        ImportFileError: It is no CSV file with a heading that can be understood.
        BackPressureError: Too much waits to be handled; what was given before it is in.
    """
    text = _read(file)
    own = app.programmes.current().programme.policies.fields.contact
    mark = sha256(text.encode()).hexdigest()[:16]
    earlier: dict[str, str] = {}
    stored = 0
    try:
        for chunk in _chunks(_rows(text, own)):
            with app.store.reader() as conn:
                for row in chunk:
                    if not row.status:
                        _compare(conn, app, row, earlier)
            if not dry_run:
                _store_or_tell(app, chunk, mark)
                stored += len(chunk)
            yield from chunk
    finally:
        if stored:
            _audit(app, file, stored, by)


# -- the file --------------------------------------------------------------------------------------


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise ImportFileError(
                f"{file}: more than {FILE_BYTES_MAX} bytes", hint="cut it in parts"
            )
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "save it as CSV UTF-8"
        raise ImportFileError(f"{file}: not UTF-8 at byte {error.start}", hint=hint) from None
    except OSError as error:
        raise ImportFileError(f"{file}: {error.strerror}") from None


def _rows(text: str, own: Mapping[str, str]) -> Iterator[Row]:
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    # Not `splitlines`: it takes characters for ends of a line that CSV does not.
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names = [name.strip() for name in reader.fieldnames or ()]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ImportFileError(f'the column "{twice[0]}" stands there twice', hint="keep one of it")
    known = (*_PLAIN, *_ABOUT, *own)
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"known: {', '.join(known)}"
            raise ImportFileError(f'unknown column "{name}"', hint=hint)
    if not {"id", "email", "phone"} & set(names):
        raise ImportFileError("no column says who a row is", hint="give id, email or phone")
    reader.fieldnames = names
    try:
        for cells in reader:
            yield _row(reader.line_num, cells, own)
    except csv.Error as error:
        hint = "does a quotation mark open a cell there, or before, that no other one closes?"
        raise ImportFileError(f"line {reader.line_num}: {error}", hint=hint) from None


def _row(line: int, cells: Mapping[str | None, Any], own: Mapping[str, str]) -> Row:
    row = Row(line)
    if None in cells or any(value is None for value in cells.values()):
        row.status, row.reason = "refused", "more or fewer cells than columns"
        return row
    said = {str(name): value.strip() for name, value in cells.items() if value.strip()}
    try:
        row.given = {name: _value(name, said[name], own) for name in said if name not in _ABOUT}
        if "segments" in said:
            row.given["segments"] = [s.strip() for s in said["segments"].split(";") if s.strip()]
        row.contact = _who(said)
        row.word = _word(said)
    except ValueError as error:
        row.status, row.reason = "refused", str(error)
    return row


def _who(said: Mapping[str, str]) -> str:
    email = said.get("email", "")
    if email and not canonical_email(email):
        raise ValueError("email: this is no address")
    if not any(said.get(name) for name in ("id", "email", "phone")):
        raise ValueError("id, email and phone are empty")
    return said.get("id", "")


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
        raise ValueError(f"{name}: {text!r} is no {kind}") from None
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


def _word(said: Mapping[str, str]) -> Consent | None:
    """Return the word on consent in a row; a yes needs to say since when."""
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
        raise ValueError(f"consent_at: {said['consent_at']!r} is no date") from None
    channel, topic = said.get("channel", "email"), said.get("topic", "programme")
    return Consent("", channel, topic, granted=granted, at=at, source=SOURCE)


# -- what it changes -------------------------------------------------------------------------------


def _compare(conn: Connection, app: App, row: Row, earlier: dict[str, str]) -> None:
    """Find out who a row is, what it changes, and what becomes of its word on consent.

    `earlier` has who the rows before it were, by address and number, whom no document names yet.
    """
    person = {name: str(row.given.get(name, "")) for name in ("email", "phone")}
    signs = [f"{name}:{said.casefold()}" for name, said in person.items() if said]
    found = (
        row.contact
        or contacts.find_contact(conn, **person)
        or next((earlier[sign] for sign in signs if sign in earlier), "")
        or contact_id(person)
    )
    actor = contacts.resolve(conn, f"contact/{found}")
    row.contact = actor.partition("/")[2]
    doc = contacts.get(conn, [actor]).get(actor)
    names = {"name": "given_name"}
    known: Doc = doc or {}
    row.fields = tuple(
        sorted(n for n, value in row.given.items() if known.get(names.get(n, n)) != value)
    )
    if "erased_at" in known:
        row.status, row.reason = "refused", "erased"
        return
    if row.word is not None and row.word.at > app.clock.now():
        row.status, row.reason = "refused", "consent_at: lies in the future"
        return
    is_new = doc is None and f"id:{row.contact}" not in earlier
    earlier |= dict.fromkeys((*signs, f"id:{row.contact}"), row.contact)
    row.status = "new" if is_new else "updated" if row.fields else "unchanged"
    if row.word is not None:
        row.word.actor = actor
        row.consent = _fate(conn, app, row.word, person)


def _fate(conn: Connection, app: App, word: Consent, person: Mapping[str, str]) -> str:
    said = {(w.channel, w.topic): w for w in contacts.consents_of(conn, word.actor)}
    known = said.get((word.channel, word.topic))
    if not word.granted:
        if known is not None and known.granted and known.at > word.at:
            return f"kept: granted {known.at.date().isoformat()}"
        return "withdrawn" if known is None or known.granted else ""
    if known is not None and not known.granted:
        return f"kept: unsubscribed {known.at.date().isoformat()}"
    since = _listed_since(conn, app, person["email" if word.channel == "email" else "phone"])
    if since is not None and known is None:
        return f"kept: erased {since.date().isoformat()}"
    return "granted" if known is None else ""


def _listed_since(conn: Connection, app: App, address: str) -> datetime | None:
    try:
        return erasure.listed_since(conn, address, app.desk.tokens.fingerprints)
    except VouchError:
        return None  # without the keys nobody can tell; the guard, which has them, does


def _audit(app: App, file: Path, stored: int, by: str) -> None:
    """Write down whose word the rows are that were committed, also where it was broken off."""
    line = audit("contacts import", {"file": file.name}, meant=stored, by=by, now=app.clock.now())
    with app.store.transaction() as conn:
        accept(conn, [line])
    app.bell.ring_drain([slice_of(line.actors[0])])


def _store_or_tell(app: App, chunk: Sequence[Row], mark: str) -> None:
    try:
        _store(app, chunk, mark)
    except BackPressureError as error:
        raise BackPressureError(
            str(error),
            hint=f"the lines before {chunk[0].line} are in: import the same file again when the"
            " workers have caught up, nothing is taken in twice",
        ) from None


def _store(app: App, chunk: Sequence[Row], mark: str) -> None:
    """Commit what the rows of a chunk change; what intake refuses is refused in the report."""
    now = app.clock.now()
    wanted = [row for row in chunk if row.status in ("new", "updated")]
    raws = [
        {"specversion": "1.0", "id": f"{mark}/{row.line}", "source": SOURCE,
         "type": "contact.updated", "time": iso(now), "subject": f"contact/{row.contact}",
         "data": row.given}
        for row in wanted
    ]  # fmt: skip
    for row, verdict in zip(wanted, app.publish(raws), strict=True):
        if verdict.status == "rejected":
            row.status, row.reason = "refused", verdict.message or verdict.reason
    words = [row for row in chunk if row.consent in ("granted", "withdrawn")]
    arrivals = [_arrival(row, mark, now) for row in words if row.status != "refused"]
    if arrivals:
        with app.store.transaction() as conn:
            accept(conn, arrivals)
        app.bell.ring_drain({slice_of(each.actors[0]) for each in arrivals})


def _arrival(row: Row, mark: str, now: datetime) -> Arrival:
    word = row.word
    assert word is not None  # noqa: S101 - the row has a fate
    kind = "consent.imported" if word.granted else "contact.unsubscribed"
    id_ = f"{mark}/{row.line}/consent"
    doc = {"id": id_, "source": SOURCE, "type": kind, "time": iso(word.at), "lead": "",
           "contact": row.contact, "account": "", "natural_key": "",
           "data": {"topic": word.topic, "channel": word.channel}}  # fmt: skip
    return Arrival(
        id=id_, source=SOURCE, type=kind, time=word.at, arrived=now, doc=doc,
        actors=(word.actor,), contact=row.contact,
        consents=() if word.granted else (word,),
    )  # fmt: skip


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
