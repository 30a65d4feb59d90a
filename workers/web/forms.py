"""Forms of the pages: read within bounds, texts cleaned of what no event may hold."""

from collections.abc import AsyncGenerator, Mapping
from typing import Final

from starlette.datastructures import UploadFile
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import Request

from events.content_modes import UTF_8, content_type
from events.values import EMAIL_CHARS_MAX, NAME_CHARS_MAX, PHONE_CHARS_MAX, TEXT_CHARS_MAX
from workers.web.wire import HttpError, headers_of, read_body

FORM_BYTES_MAX: Final = 512 * 1024
"""Ten texts as long as may be, in any script: a browser writes up to twelve bytes for a character
of two. What is longer still is read, so that whoever typed it gets it back and a word why."""
FIELDS_MAX: Final = 40


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form, the first of each name.

    Raises:
        EventTooLargeError: More bytes than a form of ours has.
        HttpError: It cannot be read as a form; also one in another encoding than UTF-8, since
            some of those that Python knows take quadratic time.
    """
    body = await read_body(request, headers_of(request), FORM_BYTES_MAX)

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    written = request.headers.get("content-type", "")
    kind, charset = content_type(written)
    named = written.lower().count("charset")  # twice, or with a star, two readers differ
    if charset not in UTF_8 or named > bool(charset):
        raise HttpError(400, "malformed", "only forms in UTF-8 are read")
    try:
        if kind == "multipart/form-data":
            parser = MultiPartParser(request.headers, stream(), max_files=0, max_fields=FIELDS_MAX)
            form = await parser.parse()
        else:
            form = await FormParser(request.headers, stream()).parse()
    except (MultiPartException, ValueError, KeyError) as error:
        raise HttpError(400, "malformed", "this is no form") from error
    fields: dict[str, str] = {}
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile) and len(fields) < FIELDS_MAX:
            fields.setdefault(name, clean(value, FORM_BYTES_MAX))
    return fields


def clean(text: str, most: int = TEXT_CHARS_MAX) -> str:
    """Return what a person typed as an event can hold it: trimmed, bounded, no odd characters.

    What comes from a form was looked at by `excess` before: nobody's words are cut unsaid.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(char for char in text if char in "\n\t" or char.isprintable())
    return kept.strip()[:most]


def excess(fields: Mapping[str, str]) -> tuple[int, int] | None:
    """Return by how many characters what somebody typed is too long, and how many may be.

    Of several the first; None if all of it fits.
    """
    for name, text in fields.items():
        most = _BOUNDS.get(name, TEXT_CHARS_MAX)
        if len(text) > most:
            return len(text) - most, most
    return None


_BOUNDS: Final[Mapping[str, int]] = {
    "name": NAME_CHARS_MAX, "company": NAME_CHARS_MAX, "email": EMAIL_CHARS_MAX,
    "phone": PHONE_CHARS_MAX,
}  # fmt: skip


def number(fields: Mapping[str, str], name: str, within: range) -> int | None:
    """Return a whole number of a form, None if it is none or lies outside."""
    text = fields.get(name, "")
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 5):  # noqa: PLR2004
        return None
    value = int(text)
    return value if value in within else None
