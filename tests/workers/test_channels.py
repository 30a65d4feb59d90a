"""Mail to a real server that is well, unwilling, silent or gone; and mail into a folder."""

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.workers.gateway import certificate
from tests.workers.mailserver import DROP, HANG, Mailbox, serving
from tests.workers.parcels import PARCEL, failing, send
from workers.channels.base import (
    LINE_MAX,
    Channel,
    ChannelError,
    ChannelSettingsError,
    message_id,
)
from workers.channels.email import TIMEOUT_SECONDS_MAX, EmailChannel, SmtpServer
from workers.channels.folder import FolderChannel
from workers.channels.mime import ADDRESS_CHARS_MAX, HEADER_CHARS_MAX

DOMAIN = "vouch.example"

LINK = "https://vouch.example/u/" + "t" * 300


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def place(mailbox: Mailbox) -> Iterator[str]:
    """Give the host and port of a server for the mailbox."""
    with serving(mailbox) as place:
        yield place


@pytest.fixture
def email(place: str) -> EmailChannel:
    return EmailChannel(f"smtp://{place}?timeout=5", domain=DOMAIN)


@pytest.fixture
def hasty(place: str) -> EmailChannel:
    """Give a channel that does not wait for a silent server."""
    return EmailChannel(f"smtp://{place}?timeout=0.2", domain=DOMAIN)


def test_a_mail_arrives_as_it_was_meant(email: EmailChannel, mailbox: Mailbox) -> None:
    """Names, words in two forms, date, id and links reach the server unchanged."""
    sent = send(
        email,
        name="Zoë, née O'Neil",
        sender_name="Bén",
        reply_to="desk@bücher.example",
        subject="Grüße: a question that is long enough for more than one line of a header" * 2,
        text="Two lines\n.\n..and dots\nÀ bientôt\n",
        html="<p>À bientôt</p>",
        headers=(
            ("List-Unsubscribe", f"<{LINK}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ),
    )

    [mail] = mailbox.mails
    assert mail["To"].addresses[0].display_name == "Zoë, née O'Neil"
    assert mail["To"].addresses[0].addr_spec == "ana@example.org"
    assert str(mail["From"]) == "Bén <ben@acme.example>"
    assert mail["Reply-To"] == "desk@xn--bcher-kva.example"
    assert mail["Subject"].startswith("Grüße: a question")
    assert mail["Date"].datetime == PARCEL.at
    assert mail["Message-ID"] == sent == message_id(PARCEL.key, DOMAIN)
    assert f"List-Unsubscribe: <{LINK}>\r\n".encode() in mailbox.raw[0]
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in mailbox.raw[0]
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert text.get_content().replace("\r\n", "\n") == "Two lines\n.\n..and dots\nÀ bientôt\n"
    assert html.get_content().strip() == "<p>À bientôt</p>"


def test_every_line_of_a_mail_is_plain_ascii(email: EmailChannel, mailbox: Mailbox) -> None:
    """Whatever the words, no line is too long for a server and none ends oddly."""
    send(email, text="ä" * 5000 + "\rodd\r\nlines\x00", html="<p>" + "é" * 5000)

    lines = mailbox.raw[0].split(b"\r\n")
    assert all(len(line) <= 998 and line.isascii() for line in lines)
    assert not any(b"\r" in line or b"\n" in line for line in lines)


def test_text_alone_is_one_part(email: EmailChannel, mailbox: Mailbox) -> None:
    """Without HTML a mail is plain text."""
    send(email)

    assert mailbox.mails[0].get_content_type() == "text/plain"
    assert mailbox.mails[0].get_content().splitlines() == PARCEL.text.splitlines()


@pytest.mark.parametrize(
    ("stage", "reply", "outcome"),
    [
        ("CONNECT", "421 4.3.2 busy", "retry"),
        ("CONNECT", "554 5.7.1 not you", "retry"),
        ("MAIL", "451 4.7.1 slowly", "retry"),
        ("MAIL", "550 5.7.1 no such sender", "retry"),
        ("MAIL", "552 5.3.4 too large", "refused"),
        ("RCPT", "450 4.2.1 greylisted ana@example.org", "retry"),
        ("RCPT", "550 5.1.1 <ana@example.org> unknown", "refused"),
        ("RCPT", "777 odd", "retry"),
        ("DATA", "451 4.3.0 later", "retry"),
        ("DATA", "554 5.5.1 no", "refused"),
        ("DATA", "250 what?", "retry"),
        ("MESSAGE", "421 4.3.2 closing", "retry"),
        ("MESSAGE", "452 4.3.1 disk", "retry"),
        ("MESSAGE", "554 5.7.1 looks like spam", "refused"),
        ("MESSAGE", "354 go on", "uncertain"),
        ("MESSAGE", "odd", "uncertain"),
        ("CONNECT", DROP, "retry"),
        ("MAIL", DROP, "retry"),
        ("RCPT", DROP, "retry"),
        ("DATA", DROP, "retry"),
        ("MESSAGE", DROP, "uncertain"),
        ("CONNECT", HANG, "retry"),
        ("MAIL", HANG, "retry"),
        ("RCPT", HANG, "retry"),
        ("DATA", HANG, "retry"),
        ("MESSAGE", HANG, "uncertain"),
    ],
)
@pytest.mark.parametrize("pipelining", [False, True])
def test_only_the_gap_after_the_mail_is_uncertain(
    place: str, mailbox: Mailbox, stage: str, reply: str, outcome: str, *, pipelining: bool
) -> None:
    """What a server says, or where it falls silent, decides what is certain."""
    mailbox.pipelining = pipelining
    mailbox.answers[stage] = [reply]
    timeout = 0.2 if reply == HANG else 5
    email = EmailChannel(f"smtp://{place}?timeout={timeout}", domain=DOMAIN)

    with failing(outcome):
        send(email)

    assert mailbox.mails == []


def test_a_server_that_takes_commands_ahead_hears_them_at_once(
    email: EmailChannel, mailbox: Mailbox
) -> None:
    """Sender, recipient and the word that a mail comes are one write, the mail another."""
    mailbox.pipelining = True
    with email.burst() as post:
        for number in range(2):
            post(replace(PARCEL, key=f"{number}", text=".\n..\n"))

    assert [mail.get_content() for mail in mailbox.mails] == [".\r\n..\r\n"] * 2
    assert mailbox.ahead == 2


def test_a_mail_for_nobody_is_not_sent(email: EmailChannel, mailbox: Mailbox) -> None:
    """A server that refuses the recipient and asks for the mail all the same gets none."""
    mailbox.pipelining = True
    mailbox.answers["RCPT"] = ["550 5.1.1 unknown"]
    mailbox.answers["DATA"] = ["354 come on"]
    with email.burst() as post:
        with failing("refused"):
            post(PARCEL)
        post(replace(PARCEL, key="next", address="ben@example.org"))

    assert mailbox.rcpt == ["ben@example.org"]
    assert mailbox.sessions == 2


def test_a_refusal_says_its_codes(email: EmailChannel, mailbox: Mailbox) -> None:
    """The server's codes are kept, its words are not: they name people."""
    mailbox.answers["RCPT"] = ["550 5.1.1 <ana@example.org> unknown"]

    with failing("refused") as caught:
        send(email)

    assert str(caught.value) == "the mail server refused the recipient: 550 5.1.1"


@pytest.mark.parametrize(
    ("stage", "reply", "sessions"),
    [
        ("RCPT", "550 5.1.1 unknown", 1),
        ("MESSAGE", "554 5.7.1 spam", 1),
        ("RCPT", DROP, 2),
        ("MESSAGE", DROP, 2),
    ],
)
@pytest.mark.parametrize("pipelining", [False, True])
def test_a_burst_goes_on_after_a_failure(
    email: EmailChannel,
    mailbox: Mailbox,
    stage: str,
    reply: str,
    sessions: int,
    *,
    pipelining: bool,
) -> None:
    """One parcel's failure leaves the next one a clean connection, the same if it stands."""
    mailbox.pipelining = pipelining
    mailbox.answers[stage] = [reply]
    with email.burst() as post:
        with pytest.raises(ChannelError):
            post(PARCEL)
        post(replace(PARCEL, key="next", address="ben@example.org"))

    assert mailbox.rcpt == ["ben@example.org"]
    assert mailbox.sessions == sessions


@pytest.mark.parametrize(("parcels", "sessions"), [(LINE_MAX, 1), (LINE_MAX + 1, 2)])
def test_a_connection_carries_a_burst(
    email: EmailChannel, mailbox: Mailbox, parcels: int, sessions: int
) -> None:
    """`LINE_MAX` mails share a connection, and the next one opens another."""
    with email.burst() as post:
        sent = [post(replace(PARCEL, key=f"{number}")) for number in range(parcels)]

    assert len(set(sent)) == len(mailbox.mails) == parcels
    assert mailbox.sessions == sessions


def test_a_server_that_is_away_is_asked_once_a_burst(hasty: EmailChannel, mailbox: Mailbox) -> None:
    """Parcels do not wait ten times for a server that does not answer."""
    mailbox.answers["CONNECT"] = [HANG]
    with hasty.burst() as post:
        for _ in range(LINE_MAX):
            with failing("retry"):
                post(PARCEL)

    assert mailbox.sessions == 1


def test_a_closed_port_may_open_again() -> None:
    """Where nobody listens, nothing was sent, and it may go better later."""
    with serving(Mailbox()) as place:
        pass

    with failing("retry"):
        send(EmailChannel(f"smtp://{place}", domain=DOMAIN))


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


def test_a_folder_keeps_a_mail_once(tmp_path: Path) -> None:
    """A delivery is one file, however often it is sent, and the folder knows it."""
    folder = FolderChannel(tmp_path / "out", domain=DOMAIN)
    assert folder.look_up(PARCEL.key) is False

    sent = send(folder)
    first = folder.path(PARCEL.key).read_bytes()
    assert send(folder, text="other words") == sent

    assert folder.look_up(PARCEL.key) is True
    assert [path.read_bytes() for path in (tmp_path / "out").iterdir()] == [first]
    mail = message_from_bytes(first, policy=policy.default)
    assert (mail["Message-ID"], mail["Subject"]) == (sent, PARCEL.subject)


def test_a_folder_keeps_text_messages_readable(tmp_path: Path) -> None:
    """A text message is a text file with whom and when above it."""
    folder = FolderChannel(tmp_path, name="sms")

    send(folder, channel="sms", address="+4930123456", text="Grüße")

    [path] = tmp_path.glob("*.txt")
    assert path.read_text() == (
        "To: +4930123456\nFrom: Ben of Acme\nDate: 2026-03-02T08:30:00+00:00\n\nGrüße\n"
    )


@pytest.mark.parametrize("key", ["../../etc/passwd", "/", "", "é" * 500, "a/b\x00c", ".."])
def test_a_key_never_leaves_the_folder(tmp_path: Path, key: str) -> None:
    """Whatever a key looks like, its file is in the folder and is found again."""
    folder = FolderChannel(tmp_path / "out")

    send(folder, key=key)

    assert folder.look_up(key) is True
    assert [path.parent for path in tmp_path.rglob("*.eml")] == [tmp_path / "out"]


def test_keys_that_look_alike_stay_apart(tmp_path: Path) -> None:
    """Two deliveries never share a file, even if their readable names would."""
    folder = FolderChannel(tmp_path)

    send(folder, key="run/1")
    send(folder, key="run-1")

    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_is_none_may_become_one(tmp_path: Path) -> None:
    """A place that cannot be written is tried again, and says that it cannot tell."""
    (tmp_path / "out").write_text("a file")
    folder = FolderChannel(tmp_path / "out")

    with failing("retry"):
        send(folder)

    assert folder.look_up(PARCEL.key) is None
