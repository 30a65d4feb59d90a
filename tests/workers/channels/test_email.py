"""Mail to a real server that is well, unwilling, silent or gone."""

from dataclasses import replace

import pytest

from tests.workers.channels.senders import DOMAIN
from tests.workers.mailserver import DROP, HANG, Mailbox, serving
from tests.workers.parcels import PARCEL, failing, send
from workers.channels.base import LINE_MAX, ChannelError, message_id
from workers.channels.email import EmailChannel

LINK = "https://vouch.example/u/" + "t" * 300


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
