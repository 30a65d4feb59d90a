"""Signed requests to a real HTTP server: outcomes, waits, answers that drip or never end."""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.workers.channels.senders import HOST, SECRET, channel_to, here
from tests.workers.gateway import DROP, HANG, Gateway, serving
from tests.workers.parcels import PARCEL, failing, send
from workers.channels.base import LINE_MAX, ChannelSettingsError, digest
from workers.channels.outbound import RESPONSE_BYTES_MAX, Outbound
from workers.channels.sms import SmsChannel
from workers.channels.webhook import RETRY_AFTER_MAX, WebhookChannel, retry_after


def test_a_message_arrives_signed(gateway: Gateway, channel: WebhookChannel) -> None:
    """The standard's own library verifies what was posted, and a changed body it does not."""
    now = datetime.now(UTC)  # noqa: TID251 - the verifier reads the real clock

    sent = send(channel, at=now, name="Zoë", html="<p>Hi</p>")

    [request] = gateway.requests
    said = Webhook(SECRET).verify(request.body, request.headers)
    assert said == {
        "key": PARCEL.key,
        "channel": "email",
        "to": {"address": PARCEL.address, "name": "Zoë"},
        "from": {"address": PARCEL.sender_address, "name": PARCEL.sender_name},
        "reply_to": "",
        "subject": PARCEL.subject,
        "text": PARCEL.text,
        "html": "<p>Hi</p>",
        "at": now.isoformat(),
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", request.headers)
    assert request.path == "/in?a=1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == request.headers["idempotency-key"] == sent


def test_a_repetition_can_be_told(gateway: Gateway, channel: WebhookChannel) -> None:
    """Every attempt of one delivery has one idempotency key, another delivery another one."""
    first = send(channel)
    again = send(channel, at=PARCEL.at + timedelta(hours=1))
    other = send(channel, key="run-1/ask/2")

    assert first == again == f"msg_{digest(PARCEL.key)}" != other
    assert channel.repeatable
    assert channel.look_up(PARCEL.key) is None
    times = [int(request.headers["webhook-timestamp"]) for request in gateway.requests]
    assert times[1] - times[0] == 3600


def test_a_burst_shares_a_connection(gateway: Gateway, channel: WebhookChannel) -> None:
    """Ten messages need one connection."""
    with channel.burst() as post:
        for number in range(LINE_MAX):
            post(replace(PARCEL, key=str(number)))

    assert len(gateway.requests) == LINE_MAX
    assert len({request.peer for request in gateway.requests}) == 1


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_success_is_success(gateway: Gateway, channel: WebhookChannel, status: int) -> None:
    """Every status of the two hundreds means that the message was taken."""
    gateway.status = status

    assert send(channel)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (301, "refused"),
        (307, "refused"),
        (400, "refused"),
        (404, "refused"),
        (408, "retry"),
        (409, "refused"),
        (410, "refused"),
        (425, "retry"),
        (429, "retry"),
        (499, "refused"),
        (500, "retry"),
        (503, "retry"),
    ],
)
def test_statuses_tell_what_may_pass(
    gateway: Gateway, channel: WebhookChannel, status: int, outcome: str
) -> None:
    """Overload and errors of the server may pass, refusals do not, and nobody is followed."""
    gateway.status = status
    gateway.headers = {"Location": "/elsewhere"}

    with failing(outcome) as caught:
        send(channel)

    assert str(status) in str(caught.value)
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(("status", "outcome"), [(DROP, "uncertain"), (HANG, "uncertain")])
def test_silence_after_the_message_is_uncertain(
    gateway: Gateway, port: int, status: int, outcome: str
) -> None:
    """Whether a server that says nothing took the message, nobody knows."""
    gateway.status = status

    with failing(outcome):
        send(channel_to(f"http://{HOST}:{port}/", timeout=0.2 if status == HANG else 5))

    assert len(gateway.requests) == 1


@contextmanager
def dripping(chunks: Sequence[bytes]) -> Iterator[int]:
    """Serve an answer in drops, each well before a timeout; give the port."""

    def serve() -> None:
        line, _ = listening.accept()
        with line, suppress(OSError):
            line.recv(65_536)
            for chunk in chunks:
                line.sendall(chunk)
                if hung_up.wait(0.05):
                    return

    hung_up = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            hung_up.set()
            thread.join()


def test_an_answer_in_drops_takes_no_longer_than_three_timeouts() -> None:
    """A byte now and then keeps no socket's timeout from passing, and yet it is over in time."""
    start = [b"HTTP/1.1 200 OK\r\nx: "]
    outbound = Outbound([HOST], allow_private=True, timeout=0.2, resolve=here)
    rest = b"\r\nContent-Length: 0\r\n\r\n"

    with (
        dripping([*start, *[b"y"] * 200, rest]) as port,
        outbound.session(f"http://{HOST}:{port}/") as session,
        failing("uncertain"),
    ):
        session.post(b"1", {})
    with (
        dripping([*start, b"y", rest]) as port,
        outbound.session(f"http://{HOST}:{port}/") as session,
    ):
        assert session.post(b"1", {}).status == 200


def test_a_closed_port_may_open_again() -> None:
    """Where nobody listens, nothing was sent."""
    with serving(Gateway()) as port:
        pass

    with failing("retry"):
        send(channel_to(f"http://{HOST}:{port}/"))


def test_a_status_counts_even_if_the_body_breaks_off(
    gateway: Gateway, channel: WebhookChannel
) -> None:
    """A server that said 200 has the message, whatever becomes of its words."""
    gateway.body, gateway.missing = b"{", 100

    assert send(channel)


@pytest.mark.parametrize("surplus", [-1, 0, 1])
def test_answers_are_bounded(gateway: Gateway, port: int, surplus: int) -> None:
    """Of an answer no more is kept than `RESPONSE_BYTES_MAX`."""
    gateway.body = b"x" * (RESPONSE_BYTES_MAX + surplus)
    outbound = Outbound([HOST], allow_private=True, resolve=here)

    with outbound.session(f"http://{HOST}:{port}/") as session:
        reply = session.post(b"", {})

    assert len(reply.body) == RESPONSE_BYTES_MAX + min(surplus, 0)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("", None),
        ("soon", None),
        ("-1", None),
        ("0", timedelta()),
        ("120", timedelta(seconds=120)),
        ("86400", RETRY_AFTER_MAX),
        ("86401", RETRY_AFTER_MAX),
        ("9" * 40, RETRY_AFTER_MAX),
        ("Mon, 02 Mar 2026 08:31:00 GMT", timedelta(minutes=1)),
        ("Mon, 02 Mar 2026 08:29:00 GMT", timedelta()),
        ("Mon, 02 Mar 2036 08:31:00 GMT", RETRY_AFTER_MAX),
        ("Mon, 02 Mar 2026 08:31:00 +999999999999999", None),
    ],
)
def test_waits_are_read(header: str, wait: timedelta | None) -> None:
    """`Retry-After` in seconds or as a date gives a wait, never below zero or above a day."""
    assert retry_after(header, now=PARCEL.at) == wait


def test_a_busy_server_says_how_long(gateway: Gateway, channel: WebhookChannel) -> None:
    """The wait that a server asks for comes with the error."""
    gateway.status = 503
    gateway.headers = {"Retry-After": "30"}

    with failing("retry") as caught:
        send(channel)

    assert caught.value.retry_after == timedelta(seconds=30)


def test_a_text_message_says_no_more_than_it_must(gateway: Gateway, port: int) -> None:
    """A gateway for text messages gets number, sender and words, signed."""
    outbound = Outbound([HOST], allow_private=True, resolve=here)
    sms = SmsChannel(f"http://{HOST}:{port}/", secret=SECRET, outbound=outbound)

    send(sms, channel="sms", address="+4930123456")

    [request] = gateway.requests
    assert sms.name == "sms"
    assert json.loads(request.body) == {
        "key": PARCEL.key,
        "to": "+4930123456",
        "sender": PARCEL.sender_name,
        "text": PARCEL.text,
    }
    assert request.headers["webhook-signature"].startswith("v1,")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_a"])
def test_a_secret_that_cannot_sign_is_refused(secret: str) -> None:
    """A wrong secret is found when the channel is made, not when a message is due."""
    with pytest.raises(ChannelSettingsError, match="secret") as caught:
        WebhookChannel("https://x.example", secret=secret, outbound=Outbound([]))

    assert "whsec_" in caught.value.hint


def test_half_a_character_is_refused(gateway: Gateway, channel: WebhookChannel) -> None:
    """Words that are no text cannot be sent, now or later."""
    with failing("refused"):
        send(channel, text="\ud800")

    assert gateway.requests == []
