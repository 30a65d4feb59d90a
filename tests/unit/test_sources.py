# ruff: noqa: S106 - the secrets are made up
"""Webhooks: signatures, mapping by the programme's expressions, the contact they are about."""

import base64
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from events.catalogue import default_catalogue
from events.envelope import parse_event
from events.refusals import InvalidFieldError
from workflows.expressions import ExpressionError
from workflows.policies import Signature, Source
from workflows.signatures import (
    TIMESTAMP_AGE_MAX,
    SecretMissingError,
    SignatureError,
    resolve_secret,
    sign_hmac,
    verify,
)
from workflows.sources import CompiledSource, Mapped, compile_source, contact_id, map_webhook

NOW = datetime(2027, 6, 14, 9, 0, tzinfo=UTC)
SECRET = "s3cret-of-the-vendor"  # noqa: S105
BODY: dict[str, Any] = {
    "event_type": "survey_response.created",
    "event_id": "e-1",
    "event_data": {
        "id": "5435",
        "score": 9,
        "comment": None,
        "updated_at": 1812963600,
        "person": {"email": "Anna@Example.com", "name": "Anna Jansen"},
    },
}


def delighted(**changes: object) -> CompiledSource:
    """Return the shipped source, with parts of it replaced."""
    source = {
        "source": "delighted",
        "signature": {
            "scheme": "hmac-sha256",
            "header": "X-Delighted-Webhook-Signature",
            "prefix": "sha256=",
            "secret": "env:VOUCH_DELIGHTED_SECRET",
        },
        "key": "body.event_id",
        "natural_key": (
            "'response/' + body.event_data.id + '/' + string(body.event_data.updated_at)"
        ),
        "events": [
            {
                "if": "body.event_type in ['survey_response.created', 'survey_response.updated']",
                "type": "nps.answered",
                "contact": {
                    "email": "body.event_data.person.email",
                    "name": "body.event_data.person.name",
                },
                "time": "timestamp(int(body.event_data.updated_at))",
                "data": {
                    "response": "body.event_data.id",
                    "revision": "int(body.event_data.updated_at)",
                    "score": "int(body.event_data.score)",
                    "comment": "body.event_data.comment",
                },
            },
            {
                "if": "body.event_type == 'unsubscribe.created'",
                "type": "contact.unsubscribed",
                "contact": {"email": "body.event_data.person.email"},
                "data": {"topic": "'survey'", "channel": "'email'"},
            },
        ],
    }
    return compile_source(Source.model_validate({**source, **changes}))


def one(source: CompiledSource, body: object, headers: Mapping[str, str] | None = None) -> Mapped:
    (mapped,) = map_webhook(source, body, headers or {}, NOW)
    return mapped


def without(*path: str) -> dict[str, Any]:
    body = deepcopy(BODY)
    inside: Any = body
    for part in path[:-1]:
        inside = inside[part]
    del inside[path[-1]]
    return body


def test_mapping_gives_event_with_delivery_key_natural_key_and_person() -> None:
    """A webhook becomes the event its source describes, ready for intake but for the contact."""
    mapped = one(delighted(), BODY)

    assert mapped.raw == {
        "specversion": "1.0",
        "source": "delighted",
        "type": "nps.answered",
        "id": "e-1",
        "naturalkey": "response/5435/1812963600",
        "time": "2027-06-14T09:00:00Z",
        "data": {"response": "5435", "revision": 1812963600, "score": 9},
    }
    assert mapped.person == {"email": "Anna@Example.com", "name": "Anna Jansen"}


def test_mapped_event_passes_the_border() -> None:
    """What a mapping gives is an event that intake takes once the contact is named."""
    raw = one(delighted(), BODY).about("c-anna")

    event = parse_event(raw, now=NOW, catalogue=default_catalogue())

    assert (event.contact, event.natural_key) == ("c-anna", "response/5435/1812963600")


def test_first_entry_whose_condition_holds_wins_and_a_failing_one_counts_as_false() -> None:
    """An `if` about a field that this body lacks does not hold; the next entry is tried."""
    body = {"event_type": "unsubscribe.created", "event_id": "u-1",
            "event_data": {"person": {"email": "a@example.com"}}}  # fmt: skip

    mapped = one(delighted(), body)

    assert mapped.raw["type"] == "contact.unsubscribed"
    assert mapped.raw["id"] == "u-1"
    assert "naturalkey" not in mapped.raw
    assert map_webhook(delighted(), {"other": 1}, {}, NOW) == []


@pytest.mark.parametrize("body", [[], [BODY], "text", None, 7, {}])
def test_body_that_no_entry_knows_maps_to_nothing(body: object) -> None:
    """Whatever a vendor sends instead of what was agreed is no event and no traceback."""
    assert map_webhook(delighted(), body, {}, NOW) == []


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (("event_data", "score"), "body.event_data.score"),
        (("event_data", "id"), "body.event_data.id"),
        (("event_data", "updated_at"), "body.event_data.updated_at"),
        (("event_data", "person", "email"), "body.event_data.person.email"),
        (("event_data", "person"), "body.event_data.person"),
    ],
)
def test_missing_field_that_the_event_needs_is_named(path: tuple[str, ...], field: str) -> None:
    """A field that is not there gives `invalid` with the field as the vendor names it."""
    with pytest.raises(InvalidFieldError) as refused:
        one(delighted(), without(*path))

    assert (refused.value.reason, refused.value.field) == ("invalid", field)


def test_missing_optional_field_is_left_out() -> None:
    """A comment that the vendor leaves out costs the event nothing."""
    assert "comment" not in one(delighted(), without("event_data", "comment")).raw["data"]


def test_value_that_cannot_be_computed_names_the_field_it_was_for() -> None:
    """A score that is no number gives `invalid` at data.score."""
    body = deepcopy(BODY)
    body["event_data"]["score"] = "nine"

    with pytest.raises(InvalidFieldError) as refused:
        one(delighted(), body)

    assert refused.value.field == "data.score"


def test_without_delivery_key_the_natural_key_serves() -> None:
    """A vendor without event ids is deduplicated by the natural key alone."""
    assert one(delighted(key=""), BODY).raw["id"] == "response/5435/1812963600"


def test_without_any_key_the_same_body_is_the_same_delivery() -> None:
    """With neither key the body names itself: the same again has the same id, another has not."""
    source = delighted(key="", natural_key="")
    other = deepcopy(BODY)
    other["event_data"]["score"] = 8

    ids = [one(source, body).raw["id"] for body in (BODY, deepcopy(BODY), other)]

    assert ids[0] == ids[1] != ids[2]


def test_key_longer_than_an_id_may_be_is_hashed() -> None:
    """Two long keys that differ only at the end stay two deliveries."""
    long = "x" * 300
    ids = [one(delighted(), {**BODY, "event_id": long + end}).raw["id"] for end in "ab"]

    assert all(len(name) == 64 for name in ids)
    assert ids[0] != ids[1]


def test_headers_are_seen_in_lower_case() -> None:
    """A mapping may read a header, however its sender wrote the name."""
    source = delighted(key="headers['x-delivery']")

    assert one(source, BODY, {"X-Delivery": "d-9"}).raw["id"] == "d-9"


def test_expression_about_anything_but_the_webhook_does_not_compile() -> None:
    """`contact` is no name of a source: the mistake is found when the programme is loaded."""
    with pytest.raises(ExpressionError):
        delighted(key="contact.id")


def test_contact_id_is_the_same_for_the_same_address_however_written() -> None:
    """Two racing webhooks about a stranger agree on the contact without asking each other."""
    ids = {contact_id({"email": text}) for text in ("anna@example.com", " Anna@Example.COM ")}
    phones = {contact_id({"phone": text}) for text in ("+31 6 1234 5678", "0031612345678")}

    assert len(ids) == len(phones) == 1
    assert ids.isdisjoint(phones)
    assert ids.pop().startswith("c-")
    assert contact_id({"id": "c-7", "email": "anna@example.com"}) == "c-7"
    assert contact_id({"name": "Anna"}) == ""


# -- signatures -----------------------------------------------------------------------------------

HMAC = Signature(scheme="hmac-sha256", header="X-Sig", prefix="sha256=", secret="env:S")
STANDARD = Signature(scheme="standard-webhooks", secret="env:S")
BASIC = Signature(scheme="basic", secret="env:S")
BEARER = Signature(scheme="bearer", secret="env:S")
STANDARD_SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


def signed_standard(body: bytes, at: datetime) -> dict[str, str]:
    signature = Webhook(STANDARD_SECRET).sign("msg-1", at, body.decode())
    stamp = str(int(at.timestamp()))
    return {"webhook-id": "msg-1", "webhook-timestamp": stamp, "webhook-signature": signature}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}


@pytest.mark.parametrize(
    ("signature", "secret", "headers"),
    [
        (HMAC, SECRET, {"x-sig": "sha256=" + sign_hmac(SECRET, b"{}")}),
        (HMAC, SECRET, {"X-SIG": "sha256=" + sign_hmac(SECRET, b"{}").upper()}),
        (STANDARD, STANDARD_SECRET, signed_standard(b"{}", NOW)),
        (STANDARD, STANDARD_SECRET, signed_standard(b"{}", NOW - TIMESTAMP_AGE_MAX)),
        (BASIC, "user:pass", basic("user:pass")),
        (BEARER, SECRET, {"authorization": f"Bearer {SECRET}"}),
        (BEARER, SECRET, {"authorization": f"bearer {SECRET}"}),
    ],
)
def test_signed_webhook_is_let_in(
    signature: Signature, secret: str, headers: dict[str, str]
) -> None:
    """Every scheme takes what its vendor signs, Standard Webhooks' own library included."""
    verify(signature, secret, headers, b"{}", now=NOW)


@pytest.mark.parametrize(
    ("signature", "secret", "headers"),
    [
        (HMAC, SECRET, {}),
        (HMAC, SECRET, {"x-sig": sign_hmac(SECRET, b"{}")}),
        (HMAC, SECRET, {"x-sig": "sha256="}),
        (HMAC, SECRET, {"x-sig": "sha256=" + sign_hmac("other", b"{}")}),
        (HMAC, SECRET, {"x-sig": "sha256=" + sign_hmac(SECRET, b"{} ")}),
        (HMAC, SECRET, {"x-sig": "sha256=\udce9"}),
        (STANDARD, STANDARD_SECRET, {}),
        (STANDARD, STANDARD_SECRET, signed_standard(b"{} ", NOW)),
        (STANDARD, STANDARD_SECRET,
         signed_standard(b"{}", NOW - TIMESTAMP_AGE_MAX - timedelta(seconds=1))),
        (STANDARD, STANDARD_SECRET,
         signed_standard(b"{}", NOW) | {"webhook-signature": "v1,not base64"}),
        (STANDARD, "whsec_no base64!", signed_standard(b"{}", NOW)),
        (BASIC, "user:pass", {"authorization": "Basic !!"}),
        (BASIC, "user:pass", basic("user:past")),
        (BASIC, "user:pass", {}),
        (BEARER, SECRET, {"authorization": f"Basic {SECRET}"}),
        (BEARER, SECRET, {"authorization": "Bearer"}),
        (BEARER, SECRET, {"authorization": f"Bearer {SECRET}x"}),
    ],
)  # fmt: skip
def test_webhook_that_is_not_signed_rightly_is_refused(
    signature: Signature, secret: str, headers: dict[str, str]
) -> None:
    """Nothing but the right signature over this body passes, and nothing ends in a traceback."""
    with pytest.raises(SignatureError):
        verify(signature, secret, headers, b"{}", now=NOW)


def test_several_signatures_serve_while_a_vendor_changes_secrets() -> None:
    """Standard Webhooks may send several signatures: one that fits is enough."""
    headers = signed_standard(b"{}", NOW)
    headers["webhook-signature"] = f"v1,bm90IGl0 {headers['webhook-signature']}"

    verify(STANDARD, STANDARD_SECRET, headers, b"{}", now=NOW)


def test_secret_is_looked_up_and_never_empty() -> None:
    """A variable that is not set accepts nothing, rather than anything."""
    assert resolve_secret(HMAC, {"S": SECRET}) == SECRET
    for secrets in ({}, {"S": ""}):
        with pytest.raises(SecretMissingError) as missing:
            resolve_secret(HMAC, secrets)
        assert "S" in missing.value.hint
