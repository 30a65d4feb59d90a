"""What we write by hand into mails, read by the standard library's parser."""

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.workers.parcels import PARCEL
from workers.channels.base import ChannelError
from workers.channels.headers import LINE_CHARS_MAX
from workers.channels.mime import compose, wire_address

LINE = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029"), max_size=300
)
"""Whatever one line may hold."""
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=500)
BYTES_MAX = 998


def read(**changes: object) -> tuple[EmailMessage, bytes]:
    """Return a parcel's mail as the standard library reads it, and its bytes."""
    data = compose(replace(PARCEL, **changes), domain="vouch.example").data  # type: ignore[arg-type]
    return message_from_bytes(data, policy=policy.default), data


def sound(mail: EmailMessage, data: bytes) -> bool:
    """Tell whether a mail has no defects, and only lines that every server takes."""
    parts = list(mail.walk())
    defects = [defect for part in parts for defect in part.defects]
    defects += [found for part in parts for value in part.values() for found in value.defects]
    lines = data.split(b"\r\n")
    plain = all(len(line) <= BYTES_MAX and not re.search(rb"[\r\n]", line) for line in lines)
    return not defects and plain and data.isascii()


@settings(max_examples=40)
@given(subject=LINE)
@example(subject="")
@example(subject=" ")
@example(subject="=?utf-8?q?not_ours?=")
@example(subject="word " * 40)
@example(subject="w" * 2_000)
@example(subject="ü" * 300)
@example(subject="提案がありましたら、お知らせください。" * 10)
@example(subject="two  spaces and a \U0001f600" * 9)
def test_a_subject_is_read_as_it_was_meant(subject: str) -> None:
    """Whatever the words, they come out unchanged from lines that fit."""
    mail, data = read(subject=subject)

    assert sound(mail, data)
    assert str(mail["Subject"]) == subject
    head = data.partition(b"\r\nDate:")[0].split(b"Subject:")[1]
    assert all(len(line) <= LINE_CHARS_MAX for line in head.split(b"\r\n"))


@settings(max_examples=40)
@given(name=LINE)
@example(name="Neil, Ana")
@example(name='The "boss" \\ <eve@example.org>')
@example(name="A. (B) C; D: E")
@example(name="=?utf-8?q?not_ours?=")
@example(name="Zoë, née O'Neil")
@example(name="x" * 1_500)
def test_a_name_is_read_as_it_was_meant(name: str) -> None:
    """No name becomes an address, a second one or a comment."""
    mail, data = read(name=name, sender_name=name)

    assert sound(mail, data)
    for header, address in (("To", PARCEL.address), ("From", PARCEL.sender_address)):
        [found] = mail[header].addresses
        assert found.addr_spec == address
        # The parser reads a space between two encoded words of a name, against RFC 2047.
        assert "".join(found.display_name.split()) == "".join(name.split())


@settings(max_examples=40)
@given(text=TEXT, html=TEXT)
@example(text="", html="")
@example(text=".\n..\n\n.\n", html="<p>.\r\n")
@example(text="trailing \nand\t\n--\n=_", html="--=_358176544cf60ac336ade7056cc68be1--")
@example(text="ä" * 400, html="<p>" + "x" * 400)
@example(text="From the start\nFrom here", html="\r\r\n\n\r")
def test_words_are_read_as_they_were_meant(text: str, html: str) -> None:
    """Text and HTML come out with their lines, whatever they hold and however they end."""
    mail, data = read(text=text, html=html)

    assert sound(mail, data)
    parts = list(mail.iter_parts()) if html else [mail]
    assert [part.get_content_subtype() for part in parts] == ["plain", "html"][: len(parts)]
    for part, wanted in zip(parts, (text, html), strict=False):
        got = cast("EmailMessage", part).get_payload(decode=True)
        assert isinstance(got, bytes)
        assert got.splitlines() == (wanted.encode().splitlines() or [b""])


@pytest.mark.parametrize("local", ["a..b", ".a", "a.", "ana+x", "o'neil", "a/b=c"])
def test_an_unusual_address_stays_one(local: str) -> None:
    """What is no plain word before the @ is quoted."""
    mail, _ = read(address=f"{local}@example.org", name="Ana")

    assert (mail["To"].addresses[0].username, len(mail["To"].addresses)) == (local, 1)


@pytest.mark.parametrize(
    "address", ["ana@b\uff1e.example", "ana@b\uff20c.example", "ana@b\uff0c.example", "ana@b!.c"]
)
def test_a_domain_that_becomes_something_else_is_refused(address: str) -> None:
    """Signs that are written like < or @ in ASCII do not get into the dialogue with a server."""
    with pytest.raises(ChannelError) as caught:
        wire_address(address, "recipient")

    assert caught.value.outcome == "refused"
