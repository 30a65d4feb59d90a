"""A parcel as a mail: headers that cannot be broken out of, text and HTML side by side."""

import re
from binascii import b2a_qp
from dataclasses import dataclass
from email.utils import format_datetime

from workers.channels.base import ChannelError, Parcel, digest, message_id
from workers.channels.headers import mailbox, words

HEADER_CHARS_MAX = 900
"""A line of a mail may have 998 characters; what is not folded has to fit."""

ADDRESS_CHARS_MAX = 254

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_ADDRESS = re.compile(r"[^\s@<>()\[\],:;\\\"]+@[^\s@<>()\[\],:;\\\"]+")

_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
"""In ASCII: signs that look like others become those, a sign for > in full width among them."""

_OURS = frozenset(
    ("from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id", "received")
) | {"return-path", "mime-version"}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it goes over the wire, lines ended as there, leading dots as they are.

    Attributes:
        data: All of it.
        sender: Whom the mail server hears that it is from.
        to: Whom it hears that it is for.
        needs_utf8: Whether an address is not ASCII, which not every mail server takes.
    """

    data: bytes
    sender: str
    to: str
    needs_utf8: bool


def compose(parcel: Parcel, *, domain: str) -> Mail:
    """Return the mail, with `domain` in its Message-ID.

    Raises:
        ChannelError: `refused`: an address is none, or a header holds more than one line.
    """
    to = wire_address(parcel.address, "recipient")
    sender = wire_address(parcel.sender_address, "sender")
    answers = wire_address(parcel.reply_to, "reply address") if parcel.reply_to else ""
    lines = [
        mailbox("From", _line(parcel.sender_name, "sender's name"), sender),
        mailbox("To", _line(parcel.name, "recipient's name"), to),
        *([mailbox("Reply-To", "", answers)] if answers else ()),
        words("Subject", _line(parcel.subject, "subject")),
        f"Date: {format_datetime(parcel.at)}",
        f"Message-ID: {message_id(parcel.key, domain)}",
    ]
    for name, value in parcel.headers:
        _check_header(name, value)
        lines.append(f"{name}: {value}")  # folded, a link would be beyond recognition
    lines.append("MIME-Version: 1.0")
    try:
        body = _body(parcel)
    except UnicodeEncodeError:
        raise ChannelError("the words hold half a character", outcome="refused") from None
    return Mail(
        "\r\n".join(lines).encode() + b"\r\n" + body,
        sender,
        to,
        needs_utf8=not f"{to}{sender}{answers}".isascii(),
    )


def _body(parcel: Parcel) -> bytes:
    """Return what follows our headers: one part, or two of which the last is the best.

    Quoted-printable never writes `=_`, so no words can look like the line between the parts.
    """
    text = _part("plain", parcel.text)
    if not parcel.html:
        return text
    between = f"=_{digest(parcel.key)}"
    head = f'Content-Type: multipart/alternative;\r\n boundary="{between}"\r\n\r\n--{between}\r\n'
    line = f"\r\n--{between}".encode()
    html = _part("html", parcel.html)
    return b"".join((head.encode(), text, line, b"\r\n", html, line, b"--\r\n"))


def _part(kind: str, content: str) -> bytes:
    """Return a part with its headers; whatever ends a line ends it as mail has it."""
    lines = content.encode().splitlines() or [b""]
    body = b2a_qp(b"\r\n".join(lines) + b"\r\n", istext=True)
    head = (
        f'Content-Type: text/{kind}; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    return head.encode() + body


def wire_address(address: str, whose: str) -> str:
    """Return an address as mail servers write it: the domain in ASCII.

    Raises:
        ChannelError: `refused`: it is no address.

    >>> wire_address("ana@bücher.example", "recipient")
    'ana@xn--bcher-kva.example'
    """
    name, _, domain = address.rpartition("@")
    fits = len(address) <= ADDRESS_CHARS_MAX and not _CONTROL.search(address)
    if fits and _ADDRESS.fullmatch(address):
        try:
            wire = domain.encode("idna").decode("ascii")
        except UnicodeError:
            wire = ""
        if _DOMAIN.fullmatch(wire):
            return f"{name}@{wire}"
    raise ChannelError(f"the {whose} has no valid address", outcome="refused")


def _line(value: str, what: str) -> str:
    if _CONTROL.search(value):
        raise ChannelError(
            f"the {what} is more than one line of text",
            outcome="refused",
            hint="line breaks in a header would let data write headers",
        )
    return value


def _check_header(name: str, value: str) -> None:
    """Refuse a header that is ours to write, or that does not fit into one plain line."""
    own = name.lower() in _OURS or name.lower().startswith("content-")
    if own or not _HEADER_NAME.fullmatch(name):
        raise ChannelError("a header of that name cannot be added", outcome="refused")
    _line(value, f"header {name}")
    if not value.isascii() or len(name) + len(value) > HEADER_CHARS_MAX:
        raise ChannelError(
            f"the header {name} does not fit into a line of ASCII", outcome="refused"
        )
