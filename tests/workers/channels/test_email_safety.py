"""Mail: what may stand in its headers, how it logs in, TLS, and the address of a server."""

from pathlib import Path

import pytest

from tests.workers.channels.senders import DOMAIN
from tests.workers.gateway import certificate
from tests.workers.mailserver import Mailbox, serving
from tests.workers.parcels import PARCEL, failing, send
from workers.channels.base import Channel, ChannelSettingsError, message_id
from workers.channels.email import TIMEOUT_SECONDS_MAX, EmailChannel, SmtpServer
from workers.channels.mime import ADDRESS_CHARS_MAX, HEADER_CHARS_MAX


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hello\r\nBcc: eve@example.org"},
        {"subject": "Hello\nthere"},
        {"name": "Ana\r\nBcc: eve@example.org"},
        {"sender_name": "Ben\x00"},
        {"reply_to": "ben@example.org\r\nBcc: eve@example.org"},
        {"address": "ana@example.org\r\nRCPT TO:<eve@example.org>"},
        {"sender_address": "ben@example.org>\r\nRSET"},
        {"headers": (("X-Note", "a\r\nBcc: eve@example.org"),)},
        {"headers": (("X-Note\r\nBcc", "eve@example.org"),)},
        {"headers": (("Bcc", "eve@example.org"),)},
        {"headers": (("Content-Type", "text/html"),)},
        {"headers": (("X-Note", "é"),)},
        {"headers": (("X-Note", "x" * (HEADER_CHARS_MAX - len("X-Note") + 1)),)},
        {"text": "\ud800"},
        {"address": ""},
        {"address": "ana"},
        {"address": "ana@"},
        {"address": "ana@@example.org"},
        {"address": "ana@example..org"},
        {"address": "ana@example.org, eve@example.org"},
        {"address": f"{'a' * (ADDRESS_CHARS_MAX - len('@b.example') + 1)}@b.example"},
    ],
)
def test_data_cannot_write_headers(
    email: EmailChannel, mailbox: Mailbox, changes: dict[str, object]
) -> None:
    """What is no single line, no header or no address is refused before anybody is called."""
    with failing("refused"):
        send(email, **changes)

    assert mailbox.sessions == 0


def test_bounds_of_headers_and_addresses_are_inclusive(
    email: EmailChannel, mailbox: Mailbox
) -> None:
    """A header and an address of exactly the longest length are sent."""
    value = "x" * (HEADER_CHARS_MAX - len("X-Note"))
    address = f"{'a' * (ADDRESS_CHARS_MAX - len('@b.example'))}@b.example"

    send(email, address=address, headers=(("X-Note", value),))

    assert mailbox.rcpt == [address]
    assert mailbox.mails[0]["X-Note"] == value


def test_an_address_in_another_script_needs_a_server_that_takes_it(mailbox: Mailbox) -> None:
    """A name beyond ASCII goes out where SMTPUTF8 is offered, and is refused elsewhere."""
    with serving(mailbox, enable_SMTPUTF8=True) as place:
        send(EmailChannel(f"smtp://{place}", domain=DOMAIN), address="zoë@bücher.example")
    with serving(mailbox, enable_SMTPUTF8=False) as place, failing("refused"):
        send(EmailChannel(f"smtp://{place}", domain=DOMAIN), address="zoë@bücher.example")

    assert mailbox.rcpt == ["zoë@xn--bcher-kva.example"]


def test_it_logs_in(place: str, mailbox: Mailbox) -> None:
    """User and password reach the server, whatever signs they hold; refused, nothing is sent."""
    email = EmailChannel(f"smtp://ana%40acme:p%3Aw%2F@{place}", domain=DOMAIN)

    send(email)
    mailbox.accepts_login = False
    with failing("retry") as caught:
        send(email)

    assert set(mailbox.logins) == {(b"ana@acme", b"p:w/")}
    assert len(mailbox.mails) == 1
    assert "p:w/" not in str(caught.value)


def test_without_the_starttls_asked_for_nothing_is_said(place: str, mailbox: Mailbox) -> None:
    """A server that offers no TLS gets neither password nor mail."""
    with failing("retry"):
        send(EmailChannel(f"smtp://ana:secret@{place}?starttls=1", domain=DOMAIN))

    assert mailbox.logins == []
    assert mailbox.mails == []


@pytest.mark.parametrize("scheme", ["smtps", "starttls"])
def test_tls_is_used_and_checked(
    tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """Mail goes out under TLS in both ways, and not to a server with a strange certificate."""
    path, context = certificate(tmp_path, "IP:127.0.0.1")
    tls, starttls = (context, None) if scheme == "smtps" else (None, context)
    with serving(mailbox, tls=tls, starttls=starttls, require_starttls=bool(starttls)) as place:
        url = f"smtps://{place}" if tls else f"smtp://{place}?starttls=1"
        with failing("retry"):
            send(EmailChannel(url, domain=DOMAIN))
        assert mailbox.mails == []

        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        send(EmailChannel(url, domain=DOMAIN))

    assert len(mailbox.mails) == 1


def test_an_address_of_a_server_is_read() -> None:
    """Ports have their defaults, options are read, and words are unquoted."""
    assert SmtpServer.parse("smtps://u%40x:p%2F@mail.example?timeout=120") == SmtpServer(
        "mail.example", 465, "u@x", "p/", tls=True, starttls=False, timeout=TIMEOUT_SECONDS_MAX
    )
    assert SmtpServer.parse("smtp://mail.example?starttls=1").port == 25


@pytest.mark.parametrize(
    "address",
    [
        "",
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://u:secret@mail.example:port",
        "smtp://u:secret@mail.example?timeout=0",
        "smtp://u:secret@mail.example?timeout=120.1",
        "smtp://u:secret@mail.example?timeout=nan",
        "smtp://u:secret@mail.example?starttls=yes",
        "smtp://u:secret@mail.example?startls=1",
    ],
)
def test_a_wrong_address_is_refused_without_its_password(address: str) -> None:
    """An address that names no server, or says something unknown, is an error with a hint."""
    with pytest.raises(ChannelSettingsError) as caught:
        EmailChannel(address, domain=DOMAIN)

    assert caught.value.hint
    assert "secret" not in str(caught.value) + caught.value.hint


def test_a_domain_is_one_word() -> None:
    """Our own domain goes into headers, so it is checked when the channel is made."""
    with pytest.raises(ChannelSettingsError, match="no domain"):
        EmailChannel("smtp://mail.example", domain="vouch.example>\r\nBcc: x")


def test_without_a_domain_the_senders_is_used(place: str, mailbox: Mailbox) -> None:
    """A channel that was given no domain names mails after the sender's."""
    sent = send(EmailChannel(f"smtp://{place}"))

    assert sent == mailbox.mails[0]["Message-ID"] == message_id(PARCEL.key, "acme.example")


def test_smtp_cannot_be_asked(email: EmailChannel) -> None:
    """What became of a mail nobody can tell, so it is not repeated blindly."""
    channel: Channel = email

    assert channel.look_up(PARCEL.key) is None
    assert not channel.repeatable
