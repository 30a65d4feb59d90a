"""Webhooks of vendors: signatures, repetitions, whom they concern, what no entry takes."""

import json
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

from store import contacts
from store.tables import EventRow
from store.tables_beside import RejectRow, UnmappedRow
from tests.workers.web_world import NOW, VENDOR_SECRET, World
from workers.web.events import FORGED_NOTED_MAX
from workflows.signatures import sign_hmac

BODY: dict[str, Any] = {
    "event_type": "survey_response.created",
    "event_id": "e-1",
    "event_data": {
        "id": "5435",
        "score": 9,
        "comment": None,
        "updated_at": int(NOW.timestamp()) - 60,
        "person": {"email": "Anna@Example.com", "name": "Anna Jansen"},
    },
}


def webhook(web: World, body: object, signature: str | None = None) -> Any:
    sent = json.dumps(body).encode()
    signed = signature if signature is not None else sign_hmac(VENDOR_SECRET, sent)
    headers = {"X-Delighted-Webhook-Signature": f"sha256={signed}"}
    return web.client.post("/sources/delighted", content=sent, headers=headers)


def changed(**changes: Any) -> dict[str, Any]:
    body = deepcopy(BODY)
    for name, value in changes.items():
        (body if name in body else body["event_data"])[name] = value
    return body


def test_s11_the_same_answer_by_many_deliveries_is_one_event(both: World) -> None:
    """Redelivery and a new id for the same answer are duplicates; an edit is a new event."""
    newer = BODY["event_data"]["updated_at"] + 30
    answers = [
        webhook(both, BODY),
        webhook(both, BODY),
        webhook(both, changed(event_id="e-2")),
        webhook(both, changed(event_id="e-3", comment="Too slow", updated_at=newer)),
    ]

    assert [answer.status_code for answer in answers] == [202] * 4
    assert [answer.json()["duplicates"] for answer in answers] == [0, 1, 1, 0]
    assert [answer.json()["events"][0].get("duplicate", False) for answer in answers] == [
        False, True, True, False,
    ]  # fmt: skip
    assert [(e["id"], e["data"].get("comment")) for e in both.events()] == [
        ("e-1", None),
        ("e-3", "Too slow"),
    ]
    assert len(set(both.inbox())) == 1


def test_s11_altered_body_with_an_old_signature_is_401_and_leaves_one_line(both: World) -> None:
    """A body that does not fit its signature is refused, and only that it came is remembered."""
    old = sign_hmac(VENDOR_SECRET, json.dumps(BODY).encode())

    answer = webhook(both, changed(score=2), old)

    assert (answer.status_code, answer.json()["error"]) == (401, "signature")
    assert both.events() == []
    (row,) = both.rows(RejectRow)
    assert (row["verdict"], row["source"], row["reason"]) == ("rejected", "delighted", "signature")


def test_forged_webhooks_fill_no_table(web: World) -> None:
    """Every forgery is a 401; so many a minute are written down, and no more."""
    answers = [webhook(web, BODY, "0" * 64).status_code for _ in range(FORGED_NOTED_MAX + 5)]

    assert set(answers) == {401}
    assert len(web.rows(RejectRow)) == FORGED_NOTED_MAX


def test_contact_of_a_webhook_is_found_by_address(web: World) -> None:
    """A contact known by this address is the one concerned, however it is written."""
    with web.store.transaction() as conn:
        contacts.seed(conn, {"contact/c-anna": {"id": "c-anna", "email": "anna@example.com"}})

    webhook(web, BODY)

    assert web.inbox() == ["contact/c-anna"]
    assert web.events()[0]["person"] == BODY["event_data"]["person"]


def test_racing_webhooks_about_a_stranger_make_one_contact(both: World) -> None:
    """Two answers of a stranger at once agree on who that is."""
    bodies = [changed(event_id=f"e-{n}", id=str(n)) for n in range(6)]
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda body: webhook(both, body), bodies))

    assert [answer.status_code for answer in answers] == [202] * 6
    assert len(both.events()) == 6
    assert len(set(both.inbox())) == 1


def test_webhook_with_a_missing_field_is_422_with_its_name(web: World) -> None:
    """A mapping that finds no score says so, as the vendor names it."""
    body = deepcopy(BODY)
    del body["event_data"]["score"]

    answer = webhook(web, body)

    assert answer.status_code == 422
    assert (answer.json()["error"], answer.json()["field"]) == (
        "invalid",
        "body.event_data.score",
    )
    assert web.rows(EventRow) == []


def test_webhook_that_no_entry_takes_is_acknowledged_and_noted(web: World) -> None:
    """A vendor that sends more than we mapped is told all is well; what it said is kept."""
    answer = webhook(web, changed(event_type="survey_response.deleted"))

    assert answer.status_code == 202
    assert answer.json()["events"][0]["reason"] == "no_mapping"
    assert web.events() == []
    noted = [(row["reason"], row["event"]) for row in web.rows(RejectRow)]
    assert noted == [("no_mapping", BODY["event_id"])]
    (kept,) = web.rows(UnmappedRow)
    assert json.loads(kept["body"]) == changed(event_type="survey_response.deleted")
    assert "x-delighted-webhook-signature" not in json.loads(kept["headers"])
    assert answer.json()["events"][0]["id"] == BODY["event_id"]


def test_unknown_source_is_404_and_unset_secret_accepts_nothing(web: World) -> None:
    """What the programme does not name does not exist; without its secret a source is closed."""
    assert web.client.post("/sources/nobody", content=b"{}").status_code == 404

    web.services.secrets.clear()  # type: ignore[attr-defined]

    assert webhook(web, BODY).status_code == 503
    assert webhook(web, BODY, sign_hmac("", json.dumps(BODY).encode())).status_code == 503


def test_webhook_that_is_no_json_is_400(web: World) -> None:
    """A signed body that cannot be read is refused without a traceback."""
    headers = {"X-Delighted-Webhook-Signature": "sha256=" + sign_hmac(VENDOR_SECRET, b"{")}

    answer = web.client.post("/sources/delighted", content=b"{", headers=headers)

    assert answer.status_code in {400, 422}
    assert answer.json()["error"] == "malformed"
