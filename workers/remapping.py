"""Webhooks that no entry of their source took: kept when they come, mapped when one does.

What a vendor's request says becomes events by the mapping of that moment; what was kept is tried
by the newest programme, and is the same event as if the entry had been there, since its id is the
vendor's key of the delivery.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from events.content_modes import parse_json
from events.refusals import EventError
from store import unmapped
from store.contacts import find_contact
from store.db import Connection, Store
from store.intake import Reject, note
from workers.app import App
from workflows.sources import CompiledSource, Mapped, contact_id, map_webhook
from workflows.state import iso

NO_MAPPING = "no_mapping"
SECRET = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that are never kept; nor is the one that bears a source's signature."""


def keep(
    store: Store,
    source: CompiledSource,
    body: object,
    headers: Mapping[str, str],
    delivery: str,
    at: datetime,
) -> None:
    """Note a webhook that nothing maps, and keep what it says, within bounds."""
    hidden = SECRET | {source.signature.header.lower()}
    told = {name: text for name, text in headers.items() if name.lower() not in hidden}
    webhook = unmapped.Webhook(
        at, source.name, delivery, orjson.dumps(body).decode(), orjson.dumps(told).decode()
    )
    reject = Reject(at, "rejected", source=source.name, event=delivery, reason="no_mapping")
    with store.transaction() as conn:
        note(conn, [reject])
        unmapped.keep(conn, webhook)


def about(conn: Connection, mapped: Sequence[Mapped]) -> list[Mapped]:
    """Find each event's contact by id, address or number; else name the one to be made."""
    found = []
    for each in mapped:
        person = each.person
        contact = person.get("id", "") or find_contact(
            conn, email=person.get("email", ""), phone=person.get("phone", "")
        )
        found.append(Mapped(each.about(contact or contact_id(person)), person))
    return found


def remap(app: App, rows: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Map kept webhooks by the newest programme; return how many came to what.

    `accepted` and `duplicate` are kept no longer, `rejected` and `no_mapping` are.
    """
    came: Counter[str] = Counter()
    for each in rows:
        came[_remapped(app, int(each["seq"]))] += 1
    return came


def _remapped(app: App, seq: int) -> str:
    with app.store.reader() as conn:
        row = unmapped.show(conn, seq)
    if row is None or not row["body"]:
        return NO_MAPPING  # gone meanwhile, or too large to have been kept
    source = app.programmes.current().sources.get(row["source"])
    if source is None:
        return NO_MAPPING
    try:
        body, headers = parse_json(row["body"].encode()), orjson.loads(row["headers"])
        mapped = map_webhook(source, body, headers, row["at"])
    except EventError:
        return "rejected"
    if not mapped:
        return NO_MAPPING
    came = {"time": iso(row["at"])}  # without one of its own, its arrival counts
    mapped = [Mapped({**came, **each.raw}, each.person) for each in mapped]
    with app.store.reader() as conn:
        events = about(conn, mapped)
    statuses = {verdict.status for verdict in app.publish(events)}
    if "rejected" in statuses:
        return "rejected"
    with app.store.transaction() as conn:
        unmapped.drop(conn, seq)
    return "accepted" if "accepted" in statuses else "duplicate"
