"""The statements of deliver, in the words of both databases."""

# ruff: noqa: S608 - put together from the names of our own tables

from collections.abc import Sequence

import sqlalchemy as sa

from store.dialect import ALL_SLICES, table_of
from store.outbox import UNSURE, Claimed, RunSeen, Sent
from store.statement import Statement, readers_of, relation, selected
from store.tables import ActorRow, AskRow, ConsentRow, OutboxRow, RunRow
from workflows.state import Consent

_outbox, _actor = table_of(OutboxRow), table_of(ActorRow)
_consent, _run, _ask = table_of(ConsentRow), table_of(RunRow), table_of(AskRow)

CLAIMED = [name.rstrip("_") for name in Claimed.__slots__]
SENT = [name.rstrip("_") for name in Sent.__slots__]
ACTOR = ["key", "email", "phone", "account", "doc"]
HELD_COLUMNS = ["slice", "key", "channel", "attempts", "doc", "due_at", "planned_at"]
_OF_SLICES = f"o.slice IN ({', '.join(map(str, ALL_SLICES))}) AND "
_CONSENT = list(Consent.__slots__)
_RUN = list(RunSeen.__slots__)


def _made(
    table: sa.Table, names: Sequence[str], words: str, *, given: str = "", lock: str = ""
) -> Statement:
    """Return a statement from words with `?` where values go.

    `{columns}` are the named ones of the table `o`, `{given}` the relation `g` of the given
    columns, `{among}` asks for membership of a list of texts. `{cross}` fixes the order of the
    loops on SQLite: for each row given, look it up. `{of_slices}` names all slices on Postgres;
    SQLite, which has them in one file, would take their index for it and not the small one of
    what is leaving. `lock` is for Postgres: SQLite's transaction has the write lock from its
    start.
    """
    forms = []
    for postgres in (False, True):
        text = words.format(
            columns=selected(table, names, postgres=postgres),
            given=relation(*given.split(", "), postgres=postgres) if given else "",
            among="= ANY(CAST(? AS text[]))" if postgres else "IN (SELECT value FROM json_each(?))",
            cross="JOIN" if postgres else "CROSS JOIN",
            database_time="clock_timestamp() + ?" if postgres else "?",
            of_slices=_OF_SLICES if postgres else "",
            json="json" if postgres else "text",
        )
        forms.append(f"{text} {lock if postgres else ''}".replace("?", "%s" if postgres else "?"))
    return Statement(forms[0], forms[1], readers_of(table, names))


_REFS = "slice integer, key text"
_MINE = """
SELECT {columns} FROM {given} {cross} outbox o ON o.slice = g.slice AND o.key = g.key
WHERE o.status = 'sending' AND o.token = ? AND o.leased_until > {database_time}
"""
_TO = """
FROM {given} {cross} outbox o ON o.slice = g.slice AND o."to" = g.key
"""
_UNSURE = f"(o.status = 'pending' AND o.doc ->> '{UNSURE}' IS NOT NULL)"
_MAY_HAVE_LEFT = f"(o.status {{among}} OR {_UNSURE})"

# -- what binds a claim ----------------------------------------------------------------------------

_ACTORS = """
SELECT {columns} FROM {given} {cross} actor o ON o.slice = g.slice AND o.key = g.key
ORDER BY o.slice, o.key
"""
_LOCK = "FOR NO KEY UPDATE OF o SKIP LOCKED"
LOCK_ACTORS = _made(_actor, ACTOR, _ACTORS, given=_REFS, lock=_LOCK)
KNOWN = _made(_actor, ACTOR, _ACTORS, given=_REFS)
DOCS = _made(_actor, ["key", "doc"], _ACTORS, given=_REFS)
CONSENTS = _made(
    _consent,
    _CONSENT,
    """
SELECT {columns} FROM {given} {cross} consent o ON o.slice = g.slice AND o.actor = g.key
UNION ALL SELECT '', s.hash, '', false, s.at, '' FROM suppression s WHERE s.hash {among}
""",
    given=_REFS,
)
"""What contacts said; then of which hashes an address is on the list, as its channel."""

HISTORY = _made(
    _outbox,
    SENT,
    "SELECT {columns}"
    + _TO
    + f"""
WHERE {_MAY_HAVE_LEFT} AND o.planned_at > ?
UNION SELECT {{columns}} FROM outbox o
WHERE o.account {{among}} AND o.account <> '' AND {_MAY_HAVE_LEFT} AND o.planned_at > ?
ORDER BY planned_at DESC LIMIT ?
""",
    given=_REFS,
)
ONCE = _made(
    _outbox,
    ["to", "template"],
    "SELECT DISTINCT {columns}, CASE WHEN "
    + _UNSURE
    + " THEN o.key ELSE '' END"
    + _TO
    + "WHERE o.template {among} AND "
    + _MAY_HAVE_LEFT,
    given=_REFS,
)
"""What somebody ever got; with the key of the message where that may leave once more."""
DELIVERED = _made(
    _outbox,
    [],
    """
SELECT count(*) FROM {given} {cross} outbox o ON o.slice = g.slice AND o."to" = g.key
WHERE o.class {among} AND o.status IN ('sent', 'reported')
  AND o.planned_at >= ? AND o.planned_at < ?
""",
    given=_REFS,
)
"""How many messages of some classes reached people in a span of time."""
RUNS = _made(
    _run,
    _RUN,
    "SELECT {columns} FROM {given} {cross} run o ON o.slice = g.slice AND o.id = g.key",
    given=_REFS,
)
ASKS = _made(
    _ask,
    ["slice", "key", "status"],
    "SELECT {columns} FROM {given} {cross} ask o ON o.slice = g.slice AND o.key = g.key",
    given=_REFS,
)

# -- what becomes of messages ----------------------------------------------------------------------


def _change_pending(given: str, changes: str) -> Statement:
    words = (
        "UPDATE outbox SET "
        + changes
        + """ FROM {given}
WHERE outbox.slice = g.slice AND outbox.key = g.key AND outbox.status = 'pending'
RETURNING outbox.slice, outbox.key
"""
    )
    return _made(_outbox, [], words, given=given)


MARK_SENDING = _change_pending(
    "slice integer, key text, channel text, locale text, planned_at timestamptz",
    "channel = g.channel, locale = g.locale, planned_at = g.planned_at, status = 'sending',"
    " token = ?, leased_until = {database_time}, reason = ''",
)
DEFER = _change_pending(
    "slice integer, key text, planned_at timestamptz, due_at timestamptz, reason text",
    "planned_at = g.planned_at, due_at = g.due_at, reason = g.reason",
)
DOUBT = _change_pending(
    "slice integer, key text, reason text",
    "status = 'in_doubt', reason = g.reason, recorded_at = ?",
)
SKIP = _change_pending(
    "slice integer, key text, status text, reason text",
    "status = g.status, reason = g.reason, recorded_at = ?",
)
STILL_MINE = _made(_outbox, ["slice", "key"], _MINE, given=_REFS)
HELD = _made(_outbox, HELD_COLUMNS, _MINE, given=_REFS, lock="FOR UPDATE OF o")
_LATE = """
SELECT {columns} FROM outbox o
WHERE {of_slices}o.status = 'sending' AND o.leased_until <= {database_time}
ORDER BY o.leased_until, o.key LIMIT ?
"""
LATE = _made(_outbox, ["slice", "key"], _LATE, lock="FOR UPDATE OF o SKIP LOCKED")
"""What was leaving when its lease ran out: asked with every sweep, and mostly there is none."""
SETTLE = _made(
    _outbox,
    [],
    """
UPDATE outbox SET status = g.status, reason = g.reason, message_id = g.message_id,
  due_at = g.due_at, planned_at = g.planned_at, attempts = g.attempts,
  doc = COALESCE(CAST(g.doc AS {json}), outbox.doc), token = '', leased_until = NULL,
  recorded_at = ?
FROM {given} WHERE outbox.slice = g.slice AND outbox.key = g.key
""",
    given="slice integer, key text, status text, reason text, message_id text,"
    " due_at timestamptz, planned_at timestamptz, attempts integer, doc text",
)

# -- what is due -----------------------------------------------------------------------------------

_FIRST_OF_SLICE = """
  FROM outbox i WHERE i.slice = s.value AND i.status = 'pending' AND i.due_at <= ?
  ORDER BY i.due_at LIMIT ?
"""
_HEADS_SQLITE = f"""
SELECT d.slice, d.key FROM json_each(?) s
CROSS JOIN outbox d ON d.rowid IN (SELECT i.rowid {_FIRST_OF_SLICE})
ORDER BY d.due_at, d.key LIMIT ?
"""
_HEADS_POSTGRES = f"""
SELECT i.slice, i.key, i.planned_at FROM unnest(CAST(? AS integer[])) s(value)
CROSS JOIN LATERAL (SELECT i.slice, i.key, i.due_at, i.planned_at {_FIRST_OF_SLICE}) i
ORDER BY i.due_at, i.key LIMIT ?
"""
_STILL_DUE = "o.slice = h.slice AND o.key = h.key AND o.status IN ('pending', '') AND o.due_at <= ?"
"""Asked once more when it is locked, in words that the index of what is due does not answer."""


def _due(names: Sequence[str], lock: str = "") -> Statement:
    """Return a select of due messages: the first of each slice, then the first of those.

    A slice's first are the head of its index, so that a slot at which a hundred thousand
    messages come due costs no more than a quiet hour. Sorting those of one instant by key
    would cost just that, so they come as the index has them: as they were written.

    Postgres looks each of them up by itself, in order, and stops at the limit. As a join it
    was a matter of luck: before ten thousand new rows were counted it read them all for each
    of the first. Its rows may come in any order.

    Its values: slices, now, how many of each, how many of all, now, and the limit.
    """
    columns = {each: selected(_outbox, names, postgres=each) for each in (False, True)}
    sqlite = (
        f"SELECT {columns[False]} FROM ({_HEADS_SQLITE}) h CROSS JOIN outbox o ON {_STILL_DUE}"
        " ORDER BY o.planned_at, o.key LIMIT ?"
    )
    postgres = (
        f"SELECT o.* FROM (SELECT * FROM ({_HEADS_POSTGRES}) i ORDER BY i.planned_at, i.key) h"
        f" CROSS JOIN LATERAL (SELECT {columns[True]} FROM outbox o WHERE {_STILL_DUE} {lock}) o"
        " LIMIT ?"
    )
    return Statement(sqlite, postgres.replace("?", "%s"), readers_of(_outbox, names))


CLAIM = _due(CLAIMED, "FOR UPDATE OF o SKIP LOCKED")
DUE = _due(["planned_at", "key"], "OFFSET 0")
