"""Messages as signed HTTP requests, after Standard Webhooks (standardwebhooks.com)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from workers.channels.base import ChannelError, ChannelSettingsError, Outcome, Parcel, Send, digest
from workers.channels.outbound import Outbound, Reply, Session

RETRY_AFTER_MAX = timedelta(days=1)

_MAY_PASS = frozenset((408, 425, 429))


class WebhookChannel:
    """Posts each message as JSON to one address.

    `webhook-id` and `Idempotency-Key` are derived from the delivery's key, the same on every
    attempt: who receives it can tell a repetition, so repeating is safe.
    """

    repeatable = True

    def __init__(self, url: str, *, secret: str, outbound: Outbound, name: str = "webhook") -> None:
        self.name = name
        self._url = url
        self._outbound = outbound
        try:
            self._signer = Webhook(secret)
        except (EmptyWebhookSecretError, ValueError):
            raise ChannelSettingsError(
                f"the secret of the channel {name} cannot sign",
                hint="write whsec_ and 24 to 64 random bytes in base64",
            ) from None

    @contextmanager
    def burst(self) -> Iterator[Send]:
        """Give a function that posts over one connection."""
        with self._outbound.session(self._url) as session:
            yield lambda parcel: self._send(session, parcel)

    def _send(self, session: Session, parcel: Parcel) -> str:
        name = f"msg_{digest(parcel.key)}"
        try:
            body = orjson.dumps(self.payload(parcel))
        except orjson.JSONEncodeError:
            raise ChannelError("the words hold half a character", outcome="refused") from None
        at = parcel.at.astimezone(UTC)
        reply = session.post(
            body,
            headers_of(self._signer, name, at, body),
        )
        check(reply, now=at)
        return name

    def payload(self, parcel: Parcel) -> dict[str, Any]:
        """Return what is posted; other gateways want other words."""
        return {
            "key": parcel.key,
            "channel": parcel.channel,
            "to": {"address": parcel.address, "name": parcel.name},
            "from": {"address": parcel.sender_address, "name": parcel.sender_name},
            "reply_to": parcel.reply_to,
            "subject": parcel.subject,
            "text": parcel.text,
            "html": parcel.html,
            "at": parcel.at,
        }

    def look_up(self, key: str) -> bool | None:
        """Return None: there is nobody to ask, and no need, since it can be repeated."""
        return None


def headers_of(signer: Webhook | None, name: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers of a signed request: Standard Webhooks, and an idempotency key."""
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": name,
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
    }
    if signer is not None:
        headers["webhook-signature"] = signer.sign(name, at, body.decode())
    return headers


def check(reply: Reply, *, now: datetime) -> None:
    """Raise unless the other side took the message.

    Raises:
        ChannelError: `retry` for 408, 425, 429 and 5xx, else `refused`; a redirect is refused
            too, since it was not followed.
    """
    status = reply.status
    if 200 <= status < 300:  # noqa: PLR2004 - statuses are known by their numbers
        return
    outcome: Outcome = "retry" if status in _MAY_PASS or status >= 500 else "refused"  # noqa: PLR2004
    raise ChannelError(
        f"the other side answered {status}",
        outcome=outcome,
        retry_after=retry_after(reply.retry_after, now=now) if outcome == "retry" else None,
    )


def retry_after(header: str, *, now: datetime) -> timedelta | None:
    """Return the wait that a `Retry-After` asks for, up to `RETRY_AFTER_MAX`; None if none.

    >>> retry_after("120", now=datetime(2026, 1, 1, tzinfo=UTC))
    datetime.timedelta(seconds=120)
    """
    if header.isascii() and header.isdigit():
        return timedelta(seconds=min(int(header[:9]), RETRY_AFTER_MAX.total_seconds()))
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta()), RETRY_AFTER_MAX)
