"""A parcel as a mail: headers that cannot be broken out of, text and HTML side by side."""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime

from workers.channels.base import ChannelError, Parcel, message_id

HEADER_CHARS_MAX = 900
"""A line of a mail may have 998 characters; what is not folded has to fit."""

ADDRESS_CHARS_MAX = 254

_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_ADDRESS = re.compile(r"[^\s@<>()\[\],:;\\\"]+@[^\s@<>()\[\],:;\\\"]+")

_OURS = frozenset(
    ("from", "sender", "reply-to", "to", "cc", "bcc", "subject", "date", "message-id", "received")
) | {"return-path", "mime-version"}


class _Wire(EmailPolicy):
    """Leaves our own headers in one line: folded, a link would be encoded beyond recognition."""

    def fold_binary(self, name: str, value: str) -> bytes:
        """Return a header as it goes over the wire."""
        if name.lower() == "message-id" or name.lower() not in _OURS | _OF_PARTS:
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


_OF_PARTS = frozenset(("content-type", "content-transfer-encoding", "content-disposition"))
_ASCII = _Wire(linesep="\r\n")
_UTF8 = _Wire(linesep="\r\n", utf8=True)


def needs_utf8(mail: EmailMessage) -> bool:
    """Tell whether an address is not ASCII, which not every mail server takes."""
    return mail.policy is _UTF8


def compose(parcel: Parcel, *, domain: str) -> EmailMessage:
    """Return the mail, with `domain` in its Message-ID.

    Raises:
        ChannelError: `refused`: an address is none, or a header holds more than one line.
    """
    to = wire_address(parcel.address, "recipient")
    sender = wire_address(parcel.sender_address, "sender")
    answers = wire_address(parcel.reply_to, "reply address") if parcel.reply_to else ""
    mail = EmailMessage(policy=_ASCII if f"{to}{sender}{answers}".isascii() else _UTF8)
    mail["From"] = _address(_line(parcel.sender_name, "sender's name"), sender)
    mail["To"] = _address(_line(parcel.name, "recipient's name"), to)
    if answers:
        mail["Reply-To"] = _address("", answers)
    mail["Subject"] = _line(parcel.subject, "subject")
    mail["Date"] = format_datetime(parcel.at)
    mail["Message-ID"] = message_id(parcel.key, domain)
    for name, value in parcel.headers:
        _check_header(name, value)
        mail[name] = value
    try:
        mail.set_content(parcel.text, cte="quoted-printable")
        if parcel.html:
            mail.add_alternative(parcel.html, subtype="html", cte="quoted-printable")
    except UnicodeEncodeError:
        raise ChannelError("the words hold half a character", outcome="refused") from None
    return mail


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
            wire = f"{name}@{domain.encode('idna').decode('ascii')}"
            _address("", wire)
        except (UnicodeError, ValueError, IndexError):
            pass
        else:
            return wire
    raise ChannelError(f"the {whose} has no valid address", outcome="refused")


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)  # its `addr_spec` would have to be ASCII


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
