"""Signed tokens: what was signed is read back, and nothing else is."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.tokens import (
    KEY_BYTES_MIN,
    TOKEN_CHARS_MAX,
    Purpose,
    TokenError,
    TokenKeyError,
    Tokens,
)

OLD, NEW = b"o" * KEY_BYTES_MIN, b"n" * KEY_BYTES_MIN
TOKENS = Tokens([OLD])
ASK = ("r-1/ask/1", "contact/c-anna")


@pytest.mark.parametrize(
    ("purpose", "parts"),
    [
        ("ask", ASK),
        ("survey", ("r-1/2", "contact/c-änna")),
        ("optin", ("contact/c-anna",)),
        ("unsubscribe", ("contact/c-anna", "programme", "email")),
        ("task", ("r-1/call", "contact/c-anna", "u-ben")),
        ("refer", ("", "contact/c-anna")),
    ],
)
def test_what_was_signed_is_read_back(purpose: Purpose, parts: tuple[str, ...]) -> None:
    """A token carries its parts, is the same each time, and fits into an address as it is."""
    token = TOKENS.sign(purpose, *parts)

    assert TOKENS.read(purpose, token) == parts
    assert TOKENS.open(token) == (purpose, parts)
    assert TOKENS.sign(purpose, *parts) == token
    assert token.replace("-", "").replace("_", "").isalnum()
    assert token.isascii()


def test_token_of_one_purpose_is_none_of_another() -> None:
    """Neither asking for another purpose nor changing the letter makes a link do something else."""
    token = TOKENS.sign("ask", *ASK)

    for purpose in get_args(Purpose):
        if purpose != "ask":
            with pytest.raises(TokenError):
                TOKENS.read(purpose, token)
            with pytest.raises(TokenError):
                TOKENS.open(purpose[0] + token[1:])


def test_token_with_any_character_changed_is_refused() -> None:
    """Whatever single character is changed, dropped or added, the token is no longer ours."""
    token = TOKENS.sign("ask", *ASK)

    for place, char in enumerate(token):
        other = "A" if char != "A" else "B"
        changed = [token[:place] + other + token[place + 1 :], token[:place] + token[place + 1 :]]
        for each in (*changed, token[:place] + "A" + token[place:]):
            if each != token:
                with pytest.raises(TokenError):
                    TOKENS.open(each)


@given(st.text(max_size=60))
def test_whatever_is_no_token_is_refused_alike(text: str) -> None:
    """No text ends in anything but the one refusal, which says nothing about keys."""
    for each in (text, "a" + text):
        with pytest.raises(TokenError) as refused:
            TOKENS.open(each)
        assert str(refused.value) == "this link is not valid"


def test_token_is_bounded() -> None:
    """A token of the most characters is made and read; a longer one is neither."""
    fits = "x" * ((TOKEN_CHARS_MAX - 23) * 3 // 4)

    assert TOKENS.read("optin", TOKENS.sign("optin", fits)) == (fits,)
    with pytest.raises(TokenError):
        TOKENS.sign("optin", fits + "xx")
    with pytest.raises(TokenError):
        TOKENS.open("o" + "A" * TOKEN_CHARS_MAX)


def test_parts_are_counted_and_cannot_run_into_each_other() -> None:
    """A wrong number of parts, or one that would be read as two, is not signed."""
    for parts in (("a",), ("a", "b", "c"), ("a\x1fb", "c")):
        with pytest.raises(TokenError):
            TOKENS.sign("ask", *parts)


def test_keys_rotate() -> None:
    """The first key signs, all verify; a link signed with a key that is gone is no longer ours."""
    before = TOKENS.sign("ask", *ASK)
    both = Tokens([NEW, OLD])

    assert both.read("ask", before) == ASK
    assert both.sign("ask", *ASK) == Tokens([NEW]).sign("ask", *ASK) != before
    with pytest.raises(TokenError):
        Tokens([NEW]).read("ask", before)


def test_short_keys_and_none_are_refused_with_the_way_out() -> None:
    """A key below its least length signs nothing, and the error says how to make one."""
    with pytest.raises(TokenKeyError) as short:
        Tokens([OLD, b"k" * (KEY_BYTES_MIN - 1)])
    with pytest.raises(TokenKeyError):
        Tokens([])

    assert "token_urlsafe" in short.value.hint


def test_keys_show_nowhere() -> None:
    """Printing the signer prints no key."""
    assert "ooo" not in repr(TOKENS)
