"""Requests go only where they may: to listed hosts, never inside, pinned to what was checked."""

import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.workers.channels.senders import HOST, SECRET, here
from tests.workers.gateway import Gateway, certificate, serving
from tests.workers.parcels import failing, send
from workers.channels.base import ChannelError
from workers.channels.outbound import URL_CHARS_MAX, Outbound
from workers.channels.webhook import WebhookChannel


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
