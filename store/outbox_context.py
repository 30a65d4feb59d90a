"""Read what the guard and the words need about claimed messages: a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.engine import Connection

from store.contacts import resolve
from store.erasure import Fingerprint, hashes_of
from store.outbox import COUNTED, HISTORY_MAX, Claimed, Recipient, Ref, RunSeen, Sent
from store.outbox_sql import ASKS, CONSENTS, DOCS, HISTORY, KNOWN, ONCE, RUNS
from store.rows import account_key
from store.statement import Rows
from workflows.state import MOVED, Consent, Doc, slice_of


class Known(NamedTuple):
    """An actor that a claim holds."""

    key: str
    email: str
    phone: str
    account: str
    doc: Doc


def places(actors: Iterable[str]) -> Rows:
    """Return where the rows of actors are, as every index wants it: by slice and key."""
    return Rows([(slice_of(key), key) for key in sorted(set(actors))])


def recipients(
    conn: Connection,
    messages: Sequence[Claimed],
    locked: Mapping[str, Known],
    remains: Mapping[str, str],
    *,
    since: datetime,
    fingerprint: Fingerprint,
) -> dict[str, Recipient]:
    """Return who gets these messages: three statements, after their rows were locked.

    And who `remains` of those who were merged.
    """
    keys = {each.to for each in messages}
    keys |= {remains[key] for key in keys if key in remains}
    listed = {
        each: (key, channel)
        for key in keys if key in locked
        for channel, address in (("email", locked[key].email), ("sms", locked[key].phone))
        for each in hashes_of(address, fingerprint)
    }  # fmt: skip
    consents, suppressed = _consents(conn, keys, listed)
    own = {key: key for key in keys} | {
        f"contact/{alias}": key
        for key in keys if key in locked
        for alias in locked[key].doc.get("aliases", ())
    }  # fmt: skip
    to_whom, to_account = _history(conn, messages, own, since)
    once, unsure = _templates_sent(conn, messages, own)
    accounts: dict[str, set[str]] = defaultdict(set)
    for each in messages:
        accounts[each.to].add(each.account)
        if each.to in remains:
            accounts[remains[each.to]].add(locked[remains[each.to]].account)
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
            unsure=unsure[key],
            suppressed=suppressed[key],
        )
    return found


def _consents(
    conn: Connection, keys: Collection[str], listed: Mapping[str, tuple[str, str]]
) -> tuple[defaultdict[str, dict[tuple[str, str], Consent]], defaultdict[str, dict[str, datetime]]]:
    """Return what was said, by actor, and which addresses are on the list: one statement."""
    found: defaultdict[str, dict[tuple[str, str], Consent]] = defaultdict(dict)
    suppressed: defaultdict[str, dict[str, datetime]] = defaultdict(dict)
    for row in CONSENTS.rows(conn, places(keys), sorted(listed)):
        word = Consent(*row)
        if word.actor:
            found[word.actor][word.channel, word.topic] = word
        else:
            key, channel = listed[word.channel]
            suppressed[key][channel] = word.at
    return found, suppressed


def _history(
    conn: Connection, messages: Sequence[Claimed], own: Mapping[str, str], since: datetime
) -> tuple[defaultdict[str, list[Sent]], defaultdict[str, list[Sent]]]:
    """Return what left since, by recipient and by account.

    What other records of a recipient got counts as theirs: `own` has whose each address is.
    """
    counted = [str(each) for each in COUNTED]
    accounts = sorted({each.account for each in messages} - {""})
    to = places(own)
    to_whom: defaultdict[str, list[Sent]] = defaultdict(list)
    to_account: defaultdict[str, list[Sent]] = defaultdict(list)
    for row in HISTORY.rows(conn, to, counted, since, accounts, counted, since, HISTORY_MAX):
        sent = Sent(*row)
        if own.get(sent.to, sent.to) != sent.to:
            to_whom[sent.to].append(sent)
            sent = replace(sent, to=own[sent.to])
        to_whom[sent.to].append(sent)
        to_account[sent.account].append(sent)
    return to_whom, to_account


def _templates_sent(
    conn: Connection, messages: Sequence[Claimed], own: Mapping[str, str]
) -> tuple[defaultdict[str, set[str]], defaultdict[str, dict[str, str]]]:
    """Return which templates people got, and which they may have got, by the message's key."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    unsure: defaultdict[str, dict[str, str]] = defaultdict(dict)
    once = [each for each in messages if each.once]
    if not once:
        return found, unsure
    asked = {own.get(each.to, each.to) for each in once}
    to = places(key for key, whose in own.items() if whose in asked)
    templates = sorted({each.template for each in once})
    for whom, template, key in ONCE.rows(conn, to, templates, [str(each) for each in COUNTED]):
        for each in {whom, own[whom]}:
            if key:
                unsure[each][key] = template
            else:
                found[each].add(template)
    return found, unsure


def runs_of(conn: Connection, messages: Sequence[Claimed]) -> dict[Ref, RunSeen]:
    """Return the runs of these messages, by slice and id: a merge leaves a run at both records."""
    of = [each for each in messages if each.run]
    if not of:
        return {}
    return _runs(conn, [(slice_of(each.actor), each.run) for each in of])


def gone_on(conn: Connection, runs: Mapping[Ref, RunSeen]) -> dict[Ref, RunSeen]:
    """Return those of these runs that a merge took along, as they stand where they went on."""
    homes = {
        ref: (slice_of(resolve(conn, f"contact/{run.doc.get('moved_to', '')}")), run.id)
        for ref, run in runs.items()
        if run.status == MOVED
    }
    there = _runs(conn, list(homes.values())) if homes else {}
    return {ref: there[home] for ref, home in homes.items() if home in there}


def _runs(conn: Connection, refs: Sequence[Ref]) -> dict[Ref, RunSeen]:
    rows = RUNS.rows(conn, Rows(refs))
    return {(slice_of(run.actor), run.id): run for run in (RunSeen(*row) for row in rows)}


def ask_statuses(conn: Connection, messages: Sequence[Claimed]) -> dict[Ref, str]:
    """Return the statuses of the asks of these messages, by slice and key."""
    of = [each for each in messages if each.ask]
    if not of:
        return {}
    rows = ASKS.rows(conn, Rows([(slice_of(each.actor), each.ask) for each in of]))
    return {(slice_, key): status for slice_, key, status in rows}


def other_actors(
    conn: Connection,
    messages: Sequence[Claimed],
    runs: Iterable[RunSeen],
    locked: Mapping[str, Known],
) -> dict[str, Doc]:
    """Return the state of accounts, under the lock, and of whom messages are about, without."""
    to_whom = {each.to for each in messages}
    docs = {key: row.doc for key, row in locked.items() if key not in to_whom}
    keys = {each.actor for each in messages} | {run.actor for run in runs}
    keys -= to_whom | set(docs)
    if keys:
        docs.update((key, doc) for key, doc in DOCS.rows(conn, places(keys)))
    return docs


def with_accounts(conn: Connection, actors: Collection[str]) -> dict[str, Doc]:
    """Return the state of contacts and of the accounts they belong to, without a lock."""
    if not actors:
        return {}
    found = [Known(*row) for row in KNOWN.rows(conn, places(actors))]
    accounts = {account_key(each.account) for each in found if each.account}
    if accounts:
        found += (Known(*row) for row in KNOWN.rows(conn, places(accounts)))
    return {each.key: each.doc for each in found}
