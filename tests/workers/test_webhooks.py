"""Signed requests to a real HTTP server, and only to where they may go."""

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.workers.gateway import DROP, HANG, Gateway, certificate, serving
from tests.workers.parcels import PARCEL, failing, send
from workers.channels.base import LINE_MAX, ChannelError, ChannelSettingsError, digest
from workers.channels.outbound import RESPONSE_BYTES_MAX, URL_CHARS_MAX, Outbound
from workers.channels.sms import SmsChannel
from workers.channels.webhook import RETRY_AFTER_MAX, WebhookChannel, retry_after

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the standard's example
HOST = "gateway.example"


def here(host: str, port: int) -> Sequence[str]:
    """Resolve every name to this machine."""
    return ["127.0.0.1"]


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def port(gateway: Gateway) -> Iterator[int]:
    with serving(gateway) as port:
        yield port


@pytest.fixture
def channel(port: int) -> WebhookChannel:
    """Give a channel to the gateway by a name that only it resolves."""
    return _channel(f"http://{HOST}:{port}/in?a=1")


def _channel(url: str, timeout: float = 5) -> WebhookChannel:
    outbound = Outbound([HOST], allow_private=True, timeout=timeout, resolve=here)
    return WebhookChannel(url, secret=SECRET, outbound=outbound)


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
        send(_channel(f"http://{HOST}:{port}/", timeout=0.2 if status == HANG else 5))

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
        send(_channel(f"http://{HOST}:{port}/"))


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


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - refused
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "2001:0:a00:1::1",
        "no address",
    ],
)
def test_names_that_lead_inside_are_refused(address: str) -> None:
    """No name, whatever wraps its address, leads into our own network; one bad one is enough."""
    outbound = Outbound([HOST], resolve=lambda host, port: ["8.8.8.8", address])

    with failing("refused"):
        outbound.pin(f"https://{HOST}/")


@pytest.mark.parametrize(
    "host",
    ["127.1", "2130706433", "0x7f000001", "017700000001", "0177.0.0.1", "0x7f.1", "0", "localhost",
     "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]"],
)  # fmt: skip
def test_numbers_written_oddly_lead_inside_as_well(host: str) -> None:
    """Even on the list, and however the system reads it, a number of ours is not called."""
    with pytest.raises(ChannelError) as caught:
        Outbound([host.strip("[]")]).pin(f"https://{host}/")

    assert caught.value.outcome in {"refused", "retry"}  # retry: this system reads no such number


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_names_that_lead_outside_are_pinned(address: str) -> None:
    """A public address takes the place of the name, and the name stays for TLS and `Host`."""
    outbound = Outbound([HOST], resolve=lambda host, port: [address])

    pin = outbound.pin("https://Gateway.Example:8443/in?a=1#part")

    written = f"[{address}]" if ":" in address else address
    assert pin.url == f"https://{written}:8443/in?a=1"
    assert (pin.host, pin.header) == (HOST, "Gateway.Example:8443")


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/",
        "https://gateway.example.evil.example/",
        "https://evil.example@gateway.example/",
        "https://gateway.example:secret@other.example/",
        "https://8.8.8.8/",
        "http://gateway.example/",
        "ftp://gateway.example/",
        "file:///etc/passwd",
        "//gateway.example/",
        "https://[gateway.example/",
        "https://gateway.example:port/",
        "https://gateway.example:99999/",
        "https://gateway.example/ä",
        f"https://{HOST}/{'x' * (URL_CHARS_MAX + 1 - len(f'https://{HOST}/'))}",
        "",
    ],
)
def test_only_listed_hosts_are_called(url: str) -> None:
    """What is not exactly a host of the list over HTTPS is refused before it is looked up."""

    def never(host: str, port: int) -> Sequence[str]:
        pytest.fail("it was looked up")

    with failing("refused"):
        Outbound([HOST], resolve=never).pin(url)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("a.example.org", True),
        ("b.a.example.org", True),
        ("example.org", False),
        ("evilexample.org", False),
        ("a.example.org.evil.example", False),
    ],
)
def test_a_star_stands_for_what_is_below(host: str, *, allowed: bool) -> None:
    """`*.example.org` allows the hosts below it, not itself and nothing that only ends alike."""
    outbound = Outbound(["*.example.org"], resolve=lambda host, port: ["8.8.8.8"])

    if allowed:
        assert outbound.pin(f"https://{host}/").host == host
        return
    with failing("refused"):
        outbound.pin(f"https://{host}/")


def test_the_longest_address_is_taken() -> None:
    """An address of exactly `URL_CHARS_MAX` is called."""
    url = f"https://{HOST}/{'x' * (URL_CHARS_MAX - len(f'https://{HOST}/'))}"

    assert Outbound([HOST], resolve=lambda host, port: ["8.8.8.8"]).pin(url).url.endswith("xxx")


@pytest.mark.parametrize(
    "resolve",
    [
        lambda host, port: [],
        lambda host, port: socket.getaddrinfo("nowhere.invalid", None, flags=socket.AI_NUMERICHOST),
    ],
    ids=["empty", "failing"],
)
def test_a_name_nobody_knows_may_be_known_later(
    resolve: Callable[[str, int], Sequence[str]],
) -> None:
    """A failing name service is no reason to give up."""
    with failing("retry"):
        Outbound([HOST], resolve=resolve).pin(f"https://{HOST}/")


def test_a_name_cannot_turn_midway(gateway: Gateway, port: int) -> None:
    """A name is resolved once, and the connection goes to the address that was checked."""
    asked = []

    def turning(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1" if len(asked) == 1 else "127.9.9.9"]

    outbound = Outbound([HOST], allow_private=True, resolve=turning)
    with outbound.session(f"http://{HOST}:{port}/") as session:
        session.post(b"1", {})
        session.post(b"2", {})

    assert asked == [HOST]
    assert [request.headers["host"] for request in gateway.requests] == [f"{HOST}:{port}"] * 2


def test_no_proxy_comes_between(
    gateway: Gateway, channel: WebhookChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy of the environment would choose the address anew: it is not used."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert send(channel)


def test_certificates_are_checked_against_the_name(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connected by number, a server must still prove that it is the one with the name."""
    path, context = certificate(tmp_path, f"DNS:{HOST}")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    outbound = Outbound([HOST, "other.example"], allow_private=True, resolve=here)
    with serving(gateway, tls=context) as port:
        send(WebhookChannel(f"https://{HOST}:{port}/", secret=SECRET, outbound=outbound))
        with failing("retry"):
            other = f"https://other.example:{port}/"
            send(WebhookChannel(other, secret=SECRET, outbound=outbound))

    assert len(gateway.requests) == 1


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
