"""Read what the guard and the words need about claimed messages: a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.dialect import table_of
from store.erasure import Fingerprint, hashes_of, list_rows
from store.outbox import COUNTED, HISTORY_MAX, Claimed, Recipient, RunSeen, Sent
from store.rows import account_key
from store.tables import ActorRow, AskRow, ConsentRow, OutboxRow, RunRow
from workflows.state import Consent, Doc, slice_of

_outbox = table_of(OutboxRow)
_actor = table_of(ActorRow)
_consent = table_of(ConsentRow)
_run = table_of(RunRow)
_ask = table_of(AskRow)


def actors_in(
    table: sa.Table, actors: Iterable[str], column: str = "key"
) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition that names actors by slice and key, as every index wants it."""
    keys = sorted(set(actors))
    return table.c.slice.in_(sorted({slice_of(key) for key in keys})), table.c[column].in_(keys)


def recipients(
    conn: Connection,
    messages: Sequence[Claimed],
    locked: Mapping[str, sa.Row[Any]],
    *,
    since: datetime,
    fingerprint: Fingerprint,
) -> dict[str, Recipient]:
    """Return who gets these messages: three statements, after their rows were locked."""
    keys = {each.to for each in messages}
    listed = {
        each: (key, channel)
        for key in keys if key in locked
        for channel, address in (("email", locked[key].email), ("sms", locked[key].phone))
        for each in hashes_of(address, fingerprint)
    }  # fmt: skip
    consents, suppressed = _consents(conn, keys, listed)
    to_whom, to_account = _history(conn, messages, since)
    once = _templates_sent(conn, messages)
    accounts: dict[str, set[str]] = defaultdict(set)
    for each in messages:
        accounts[each.to].add(each.account)
    found = {}
    for key in keys:
        row = locked.get(key)
        sent = {each.key: each for each in to_whom[key]}
        for account in accounts[key] - {""}:
            sent.update((each.key, each) for each in to_account[account])
        found[key] = Recipient(
            key=key,
            doc=row.doc if row else {},
            email=row.email if row else "",
            phone=row.phone if row else "",
            account=row.account if row else "",
            consents=consents[key],
            history=tuple(sorted(sent.values(), key=lambda each: (each.planned_at, each.key))),
            templates_sent=frozenset(once[key]),
            suppressed=suppressed[key],
        )
    return found


def _consents(
    conn: Connection, keys: Collection[str], listed: Mapping[str, tuple[str, str]]
) -> tuple[defaultdict[str, dict[tuple[str, str], Consent]], defaultdict[str, dict[str, datetime]]]:
    """Return what was said, by actor, and which addresses are on the list: one statement."""
    found: defaultdict[str, dict[tuple[str, str], Consent]] = defaultdict(dict)
    suppressed: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    said = sa.select(*(_consent.c[name] for name in Consent.__slots__)).where(
        *actors_in(_consent, keys, "actor")
    )
    wanted = sa.union_all(said, list_rows(sorted(listed))) if listed else said
    for row in conn.execute(wanted):
        if row.actor:
            found[row.actor][row.channel, row.topic] = Consent(**row._asdict())
        else:
            key, channel = listed[row.channel]
            suppressed[key][channel] = row.at
    return found, suppressed


def _history(
    conn: Connection, messages: Sequence[Claimed], since: datetime
) -> tuple[defaultdict[str, list[Sent]], defaultdict[str, list[Sent]]]:
    """Return what left since, by recipient and by account."""
    columns = [_outbox.c[name.rstrip("_")].label(name) for name in Sent.__slots__]
    counted = (_outbox.c.status.in_(COUNTED), _outbox.c.planned_at > since)
    recipients = actors_in(_outbox, (each.to for each in messages), "to")
    accounts = sorted({each.account for each in messages} - {""})
    both = sa.union(
        sa.select(*columns).where(*recipients, *counted),
        sa.select(*columns).where(
            _outbox.c.account.in_(accounts), _outbox.c.account != "", *counted
        ),
    )
    newest = both.order_by(sa.desc("planned_at")).limit(HISTORY_MAX)
    to_whom: defaultdict[str, list[Sent]] = defaultdict(list)
    to_account: defaultdict[str, list[Sent]] = defaultdict(list)
    for row in conn.execute(newest):
        sent = Sent(**row._asdict())
        to_whom[sent.to].append(sent)
        to_account[sent.account].append(sent)
    return to_whom, to_account


def _templates_sent(conn: Connection, messages: Sequence[Claimed]) -> defaultdict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    once = [each for each in messages if each.once]
    if not once:
        return found
    wanted = (
        sa.select(_outbox.c.to, _outbox.c.template)
        .where(
            *actors_in(_outbox, (each.to for each in once), "to"),
            _outbox.c.template.in_(sorted({each.template for each in once})),
            _outbox.c.status.in_(COUNTED),
        )
        .distinct()
    )
    for row in conn.execute(wanted):
        found[row.to].add(row.template)
    return found


def runs_of(conn: Connection, messages: Sequence[Claimed]) -> dict[str, RunSeen]:
    """Return the runs of these messages, by id."""
    of = [each for each in messages if each.run]
    if not of:
        return {}
    wanted = sa.select(*(_run.c[name] for name in RunSeen.__slots__)).where(
        _run.c.slice.in_({slice_of(each.actor) for each in of}),
        _run.c.id.in_({each.run for each in of}),
    )
    return {row.id: RunSeen(**row._asdict()) for row in conn.execute(wanted)}


def ask_statuses(conn: Connection, messages: Sequence[Claimed]) -> dict[str, str]:
    """Return the statuses of the asks of these messages, by key."""
    of = [each for each in messages if each.ask]
    if not of:
        return {}
    wanted = sa.select(_ask.c.key, _ask.c.status).where(
        _ask.c.slice.in_({slice_of(each.actor) for each in of}),
        _ask.c.key.in_({each.ask for each in of}),
    )
    return {row.key: row.status for row in conn.execute(wanted)}


def other_actors(
    conn: Connection,
    messages: Sequence[Claimed],
    runs: Iterable[RunSeen],
    locked: Mapping[str, sa.Row[Any]],
) -> dict[str, Doc]:
    """Return the state of accounts, under the lock, and of whom messages are about, without."""
    to_whom = {each.to for each in messages}
    docs = {key: row.doc for key, row in locked.items() if key not in to_whom}
    keys = {each.actor for each in messages} | {run.actor for run in runs}
    keys -= to_whom | set(docs)
    if keys:
        wanted = sa.select(_actor.c.key, _actor.c.doc).where(*actors_in(_actor, keys))
        docs.update((row.key, row.doc) for row in conn.execute(wanted))
    return docs


def with_accounts(conn: Connection, actors: Collection[str]) -> dict[str, Doc]:
    """Return the state of contacts and of the accounts they belong to, without a lock."""
    if not actors:
        return {}
    wanted = sa.select(_actor.c.key, _actor.c.account, _actor.c.doc)
    rows = list(conn.execute(wanted.where(*actors_in(_actor, actors))))
    accounts = {account_key(row.account) for row in rows if row.account}
    if accounts:
        rows += conn.execute(wanted.where(*actors_in(_actor, accounts)))
    return {row.key: row.doc for row in rows}
