"""What was sent is in no log, no number, and nothing of what was refused."""

import pytest
import structlog

from events.catalogue import default_catalogue
from store.tables_beside import RejectRow
from tests.hostile import MARK
from tests.workers.bad_input.careless import ANNA, AUTH, VENDOR, links, sent
from tests.workers.web_world import VENDOR_SECRET, World
from workers import intake
from workers.logs import configure_logs
from workers.web import notices, wire
from workflows.signatures import sign_hmac


def test_what_was_sent_is_in_no_log_and_no_number(
    web: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names and texts in every place of a request: not in logs, metrics, or what was refused."""
    before = len(web.rows(RejectRow))
    configure_logs("json")
    for module in (wire, notices, intake):
        monkeypatch.setattr(module, "log", structlog.get_logger())
    try:
        _tell_everywhere(web, f"{MARK}@example.com")
    finally:
        structlog.reset_defaults()
    logged = capsys.readouterr().err

    assert '"event": "request.failed"' in logged
    assert MARK not in logged
    assert MARK not in web.client.get("/metrics").text
    refused = web.rows(RejectRow)
    assert len(refused) > before + 5
    named = {"event", "source", "type"}  # how a producer names things is what is remembered
    kept = [{name: row[name] for name in row if name not in named} for row in refused]
    assert MARK not in str(kept)


def _tell_everywhere(web: World, who: str) -> None:
    """Say it in each place of an event, a webhook, a form, an address and a header."""
    sound = {"specversion": "1.0", "id": "1", "source": "crm", "type": "project.delivered",
             "subject": ANNA, "data": {"project_id": "p"}}  # fmt: skip
    for name in sound:
        for told in (who, {who: who}, [who], f"{who}\0", 7):
            event = {**sound, name: told}
            web.client.post("/events", content=sent(event), headers=AUTH)
            web.client.post("/events", content=sent([event, sound]), headers=AUTH)
    data = default_catalogue().schemas()
    for name in data:
        event = {**sound, "id": name, "type": name, "data": {"lead": {"name": who, "email": who},
                 "comment": who, "text": who, "score": who, "name": who}}  # fmt: skip
        web.client.post("/events", content=sent(event), headers=AUTH)
    for bad in (b"{", b'{"%b": 1, "%b": 2}' % ((who.encode(),) * 2), who.encode()):
        web.client.post("/events", content=bad, headers=AUTH)
        signed = {"X-Delighted-Webhook-Signature": f"sha256={sign_hmac(VENDOR_SECRET, bad)}"}
        web.client.post("/sources/delighted", content=bad, headers=signed)
        web.client.post("/sources/delighted", content=bad, headers={"X-A": who})
    person = {**VENDOR, "event_data": {**VENDOR["event_data"], "score": who, "comment": who}}
    signed = {"X-Delighted-Webhook-Signature": f"sha256={sign_hmac(VENDOR_SECRET, sent(person))}"}
    web.client.post("/sources/delighted", content=sent(person), headers=signed)
    for path in (*links(web).values(), f"/a/{who}", f"/r/{who}", f"/sources/{who}", f"/{who}"):
        web.client.get(path, params={who: who, "score": who}, headers={"Accept-Language": who})
        web.client.post(path, data={"score": who, "name": who, "email": who, who: who})
    with web.store.transaction() as conn:
        conn.exec_driver_sql("ALTER TABLE inbox RENAME TO gone")
    web.client.post("/events", content=sent({**sound, "id": who}), headers=AUTH)
    web.client.post(links(web)["survey"], data={"score": "9", "comment": who})
    with web.store.transaction() as conn:
        conn.exec_driver_sql("ALTER TABLE gone RENAME TO inbox")
