"""Contacts from a CSV file: what each row would change, and the events that change it.

A row is an event like any other: it is checked, stored, and goes through the inbox. The report
says what becomes of each, and `--dry-run` says the same without storing anything. An import
gives consent where nothing is known; a no it never turns into a yes, however its date: only the
person does that, by opting in anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from events.errors import VouchError
from store import contacts, erasure
from store.db import Connection
from store.intake import Arrival, accept
from workers.app import App
from workers.bulk import audit
from workers.importing_rows import SOURCE, Row, read, rows
from workers.verdicts import BackPressureError, Refused, Verdict
from workflows.sources import contact_id
from workflows.state import Consent, Doc, iso, slice_of

CHUNK = 500
"""Rows of one transaction."""


def run(app: App, file: Path, *, by: str, dry_run: bool = False) -> Iterator[Row]:
    """Import a file and give what became of each row, as it is committed.

    Raises:
        ImportFileError: It is no CSV file with a heading that can be understood.
        BackPressureError: Too much waits to be handled; what was given before it is in.
    """
    text = read(file)
    policies = app.programmes.current().programme.policies
    mark = sha256(text.encode()).hexdigest()[:16]
    earlier: dict[str, str] = {}
    stored = 0
    try:
        for chunk in _chunks(rows(text, policies)):
            with app.store.reader() as conn:
                for row in chunk:
                    if not row.status:
                        _compare(conn, app, row, earlier)
            if dry_run:
                _check(app, chunk, mark)
            else:
                _store_or_tell(app, chunk, mark)
                stored += len(chunk)
            yield from chunk
    finally:
        if stored:
            _audit(app, file, stored, by)


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
    row.over = _over(known, [(n, names.get(n, n)) for n in row.fields])
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


def _over(known: Doc, fields: Sequence[tuple[str, str]]) -> str:
    """Return a mark of what a row replaces.

    With it a row's event has one id for as long as what it replaces stands, so that an import
    that was broken off can be repeated, and another when somebody has changed that since: the
    same file again says again what it says.
    """
    times = known.get("times", {})
    stand = [(name, known.get(stored), times.get(name)) for name, stored in fields]
    return sha256(repr(stand).encode()).hexdigest()[:8] if known else ""


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


def _check(app: App, chunk: Sequence[Row], mark: str) -> None:
    """Refuse in the report of a dry run what intake would refuse."""
    now = app.clock.now()
    wanted = [row for row in chunk if row.status in ("new", "updated")]
    slots = app.intake.prepare([_event(row, mark, now) for row in wanted]).slots
    _refuse(wanted, [s.verdict if isinstance(s, Refused) else Verdict("accepted") for s in slots])


def _refuse(chunk: Sequence[Row], verdicts: Sequence[Verdict]) -> None:
    for row, verdict in zip(chunk, verdicts, strict=True):
        if verdict.status == "rejected":
            row.status, row.fields, row.consent = "refused", (), ""
            row.reason = verdict.message or verdict.reason


def _event(row: Row, mark: str, now: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": "/".join(filter(None, (mark, str(row.line), row.over))),
        "source": SOURCE, "type": "contact.updated", "time": iso(now),
        "subject": f"contact/{row.contact}", "data": row.given,
    }  # fmt: skip


def _store(app: App, chunk: Sequence[Row], mark: str) -> None:
    """Commit what the rows of a chunk change; what intake refuses is refused in the report."""
    now = app.clock.now()
    wanted = [row for row in chunk if row.status in ("new", "updated")]
    _refuse(wanted, app.publish([_event(row, mark, now) for row in wanted]))
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
