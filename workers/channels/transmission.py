"""One mail over an SMTP connection that stands, and what is certain about it afterwards.

A mail is the server's from the moment it answers 2xx to the end of the data. Until our last
byte has left, it surely has no mail; once its answer is read, it surely has one or has none.
In between lies the only gap in which nobody knows.

Where the server takes commands ahead of its answers (RFC 2920), whom a mail is from, whom it
is for and that it comes are one write and one wait. The mail itself follows only when all
three were answered well, with or without that.
"""

import re
import smtplib

from workers.channels.base import ChannelError, Outcome
from workers.channels.mime import Mail

DONE = 250
_GO_ON = 354
_TOO_LARGE = 552

_LEADING_DOT = re.compile(rb"(?m)^\.")
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}")

_Reply = tuple[int, bytes]


def transmit(smtp: smtplib.SMTP, mail: Mail) -> None:
    """Hand over one mail.

    Raises:
        ChannelError: with what is certain, see the module's words.
    """
    if mail.needs_utf8 and not smtp.has_extn("smtputf8"):
        raise ChannelError("the mail server takes only ASCII addresses", outcome="refused")
    options = " SMTPUTF8 BODY=8BITMIME" if mail.needs_utf8 else ""
    if smtp.does_esmtp and smtp.has_extn("size"):
        options = f" SIZE={len(mail.data)}{options}"
    commands = (f"MAIL FROM:<{mail.sender}>{options}", f"RCPT TO:<{mail.to}>", "DATA")
    try:
        if smtp.has_extn("pipelining"):
            _announce_at_once(smtp, commands)
        else:
            _announce(smtp, commands)
    except (OSError, smtplib.SMTPException) as error:
        raise ChannelError(
            f"the mail server went away before the mail: {kind(error)}", outcome="retry"
        ) from None
    try:
        _write(smtp, _LEADING_DOT.sub(b"..", mail.data) + b".\r\n")
        reply = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise ChannelError(
            f"the mail server went away after the mail: {kind(error)}", outcome="uncertain"
        ) from None
    _expect(reply, "mail", strange="uncertain")


def _announce(smtp: smtplib.SMTP, commands: tuple[str, str, str]) -> None:
    """Say from whom, for whom and that a mail comes, each after the answer to the one before."""
    for command, expect in zip(commands, _EXPECTED, strict=True):
        _write(smtp, f"{command}\r\n".encode())
        expect(smtp.getreply())


def _announce_at_once(smtp: smtplib.SMTP, commands: tuple[str, str, str]) -> None:
    """Say all three, then hear all three answers: the first bad one is what matters.

    A server that refused one and wants the mail all the same gets none: we hang up, and it
    throws away what it was told.
    """
    _write(smtp, "".join(f"{command}\r\n" for command in commands).encode())
    problem: ChannelError | None = None
    reply: _Reply = (0, b"")
    for expect in _EXPECTED:
        try:
            reply = smtp.getreply()
            expect(reply)
        except ChannelError as error:
            problem = problem or error
        except (OSError, smtplib.SMTPException):
            if problem is None:
                raise
            smtp.close()
            break
    if problem is not None:
        if reply[0] == _GO_ON:
            smtp.close()
        raise problem


def _expect_sender(reply: _Reply) -> None:
    """A sender whom the server does not want is our settings' fault, not the recipient's."""
    _expect(reply, "sender", forever="refused" if reply[0] == _TOO_LARGE else "retry")


def _expect_recipient(reply: _Reply) -> None:
    _expect(reply, "recipient")


def _expect_data(reply: _Reply) -> None:
    _expect(reply, "mail", good=_GO_ON)


_EXPECTED = (_expect_sender, _expect_recipient, _expect_data)


def _write(smtp: smtplib.SMTP, data: bytes) -> None:
    if smtp.sock is None:
        raise smtplib.SMTPServerDisconnected("the connection has ended")
    smtp.sock.sendall(data)


def _expect(
    reply: _Reply,
    what: str,
    *,
    good: int = DONE,
    forever: Outcome = "refused",
    strange: Outcome = "retry",
) -> None:
    """Raise unless a reply is good: 4xx may pass, 5xx will not, and what is neither is strange."""
    code, said = reply
    if code // 100 == good // 100:
        return
    outcomes: dict[int, Outcome] = {4: "retry", 5: forever}
    outcome = outcomes.get(code // 100, strange)
    found = _ENHANCED.match(said)
    detail = f"{code} {found[0].decode()}" if found else f"{code}"
    raise ChannelError(f"the mail server refused the {what}: {detail}", outcome=outcome)


def kind(error: Exception) -> str:
    """Return an error's kind and code; the server's words may name the recipient."""
    code = getattr(error, "smtp_code", "")
    return f"{type(error).__name__} {code}".strip()
