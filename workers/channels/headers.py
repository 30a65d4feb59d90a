"""Values of mail headers as text for the wire: encoded and folded, with nothing to break out of.

`email.message` parses every header that it writes, which took two thirds of a mail's time; the
older half of the library, used here, encodes and folds alone. Its parser reads in the tests what
is written here.
"""

import re
from email.charset import QP, Charset
from email.header import Header
from email.utils import quote

LINE_CHARS_MAX = 76
"""Of a line with encoded words (RFC 2047), line ending not counted."""

_UTF8 = Charset("utf-8")
_UTF8.header_encoding = QP

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOT_ATOM = re.compile(
    r"[^\x00-\x20\x7f()<>@,;:\\\".\[\]]+(?:\.[^\x00-\x20\x7f()<>@,;:\\\".\[\]]+)*"
)
_SINGLE_SPACES = re.compile(r"\S+(?: \S+)*")


def words(name: str, value: str) -> str:
    """Return a header of words: as they are where they are ASCII and fit, else encoded.

    >>> words("Subject", "One question")
    'Subject: One question'
    >>> words("Subject", "Grüße")
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?='
    """
    line = f"{name}: {value}"
    plain = not value or (_may_stand(value) and _SINGLE_SPACES.fullmatch(value))
    return line if plain and len(line) <= LINE_CHARS_MAX else f"{name}: {_encoded(value, name)}"


def mailbox(name: str, display: str, address: str) -> str:
    """Return a header with one address; names that are more than atoms are quoted or encoded.

    >>> mailbox("To", "Ana O'Neil", "ana@example.org")
    "To: Ana O'Neil <ana@example.org>"
    >>> mailbox("To", "Neil, Ana", "ana@example.org")
    'To: "Neil, Ana" <ana@example.org>'
    """
    local, _, domain = address.rpartition("@")
    if not _DOT_ATOM.fullmatch(local):
        local = f'"{quote(local)}"'
    if not display:
        return f"{name}: {local}@{domain}"
    if not _may_stand(display) or len(display) > LINE_CHARS_MAX // 2:
        phrase = _encoded(display, name)
    elif _ATOMS.fullmatch(display):
        phrase = display
    else:
        phrase = f'"{quote(display)}"'
    line, rest = f"{name}: {phrase}", f" <{local}@{domain}>"
    fits = len(line.rpartition("\n")[2]) + len(rest) <= LINE_CHARS_MAX
    return f"{line}{rest}" if fits else f"{line}\r\n{rest}"


def _may_stand(value: str) -> bool:
    """Tell whether a text needs no encoding; what looks like an encoded word is read as one."""
    return value.isascii() and "=?" not in value


def _encoded(text: str, name: str) -> str:
    """Return encoded words, each with whole characters, folded to fit behind the name."""
    return Header(text, _UTF8, maxlinelen=LINE_CHARS_MAX, header_name=name).encode(linesep="\r\n")
