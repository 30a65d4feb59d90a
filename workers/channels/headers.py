"""Values of mail headers as bytes on the wire: encoded words, folded, with nothing to break out of.

Written by hand because the standard library parses every header that it writes, which took
longer than everything else about a mail. Its parser reads in the tests what is written here.
"""

import re
from binascii import b2a_base64

LINE_CHARS_MAX = 76
"""Of a line with encoded words (RFC 2047), line ending not counted."""

_OPEN, _CLOSE = "=?utf-8?", "?="
_ROOM = 75 - len(_OPEN) - len("q?") - len(_CLOSE)
"""What fits into one encoded word of 75 characters."""

_PLAIN_IN_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/")
"""What stands for itself in an encoded word, within names too."""
_AS_Q = tuple(
    "_" if each == ord(" ") else chr(each) if each in _PLAIN_IN_WORD else f"={each:02X}"
    for each in range(256)
)

_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOT_ATOM = re.compile(
    r"[^\x00-\x20\x7f()<>@,;:\\\".\[\]]+(?:\.[^\x00-\x20\x7f()<>@,;:\\\".\[\]]+)*"
)
_SINGLE_SPACES = re.compile(r"\S+(?: \S+)*")


def words(name: str, value: str) -> str:
    """Return a header of words: as they are where they are ASCII, else as encoded words.

    >>> words("Subject", "One question")
    'Subject: One question'
    >>> words("Subject", "Grüße")
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?='
    """
    if not value or (_may_stand(value) and _SINGLE_SPACES.fullmatch(value)):
        line = f"{name}: {value}"
        return line if len(line) <= LINE_CHARS_MAX else _folded(line, name, value)
    return f"{name}: {_encoded(value, len(name) + 2)}"


def mailbox(name: str, display: str, address: str) -> str:
    """Return a header with one address; names that are more than atoms are quoted or encoded.

    >>> mailbox("To", "Ana O'Neil", "ana@example.org")
    "To: Ana O'Neil <ana@example.org>"
    >>> mailbox("To", "Neil, Ana", "ana@example.org")
    'To: "Neil, Ana" <ana@example.org>'
    """
    local, _, domain = address.rpartition("@")
    if not _DOT_ATOM.fullmatch(local):
        local = _quoted(local)
    if not display:
        return f"{name}: {local}@{domain}"
    if not _may_stand(display) or len(display) > LINE_CHARS_MAX // 2:
        phrase = _encoded(display, len(name) + 2)
    elif _ATOMS.fullmatch(display):
        phrase = display
    else:
        phrase = _quoted(display)
    line, rest = f"{name}: {phrase}", f" <{local}@{domain}>"
    fits = len(line.rpartition("\n")[2]) + len(rest) <= LINE_CHARS_MAX
    return f"{line}{rest}" if fits else f"{line}\r\n{rest}"


def _may_stand(value: str) -> bool:
    """Tell whether a text needs no encoding; what looks like an encoded word is read as one."""
    return value.isascii() and "=?" not in value


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _folded(line: str, name: str, value: str) -> str:
    """Return a long header on several lines; a word too long for one is encoded."""
    first, *others = line.split(" ")
    lines = [first]
    for word in others:
        if len(word) >= LINE_CHARS_MAX:
            return f"{name}: {_encoded(value, len(name) + 2)}"
        if len(lines[-1]) + 1 + len(word) > LINE_CHARS_MAX:
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines)


def _encoded(text: str, used: int) -> str:
    """Return encoded words, each with whole characters; `used` of the first line are taken."""
    data = text.encode()
    spelled = sum(len(_AS_Q[each]) for each in data)
    q = spelled <= len(data) * 4 // 3 + 2
    found, part, size = [], bytearray(), 0
    room = _ROOM - used + 1
    for character in text:
        raw = character.encode()
        cost = sum(len(_AS_Q[each]) for each in raw) if q else len(raw)
        if size + cost > (room if q else room // 4 * 3):
            found.append(_word(bytes(part), q=q))
            part, size, room = bytearray(), 0, _ROOM
        part += raw
        size += cost
    found.append(_word(bytes(part), q=q))
    return "\r\n ".join(found)


def _word(data: bytes, *, q: bool) -> str:
    if q:
        return f"{_OPEN}q?{''.join(_AS_Q[each] for each in data)}{_CLOSE}"
    return f"{_OPEN}b?{b2a_base64(data, newline=False).decode('ascii')}{_CLOSE}"
