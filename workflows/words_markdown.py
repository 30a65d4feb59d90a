"""Markdown to mail: a small safe HTML and a plain text, with values that stay values."""

import re
from collections.abc import Callable, Sequence
from copy import copy
from functools import lru_cache
from typing import TypeAlias

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(
    ["image", "html_block", "html_inline"]
)
PARSED_MAX = 300
"""Sources whose tokens are kept: a programme's templates in their languages, and their ways."""

_Put: TypeAlias = Callable[[str], str]
_SCHEMES = re.compile(r"(https?|mailto|tel):", re.IGNORECASE)


def to_html_and_text(source: str, mark: str, values: Sequence[str]) -> tuple[str, str]:
    """Return the HTML and the plain text of a Markdown source.

    `mark`, a number and `x` stand in the source for one of `values`. They are put in after
    the markup was read: a name that holds `**` or `<b>` is shown as it is. A link leads to
    http, https, mailto or tel, or to nothing.
    """
    stands = re.compile(re.escape(mark) + r"(\d+)x")

    def put(text: str) -> str:
        return stands.sub(lambda found: values[int(found[1])], text)

    tokens = [_filled(token, mark, put) for token in _parsed(source)]
    return _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}), _text(tokens)


@lru_cache(maxsize=PARSED_MAX)
def _parsed(source: str) -> tuple[Token, ...]:
    """Return the tokens of a source, whose values are not in it: the same for most recipients.

    Reading Markdown is most of what rendering a mail costs. Nobody may change these tokens.
    """
    return tuple(_MARKDOWN.parse(source))


def _filled(token: Token, mark: str, put: _Put) -> Token:
    """Return a token with the values put in: itself where there are none."""
    attrs: dict[str, str | int | float] = {
        name: _attr(name, value, put) for name, value in token.attrs.items()
    }
    children = token.children and [_filled(child, mark, put) for child in token.children]
    if not attrs and not children and mark not in token.content:
        return token
    filled = copy(token)
    filled.content, filled.attrs, filled.children = put(token.content), attrs, children
    return filled


def _attr(name: str, value: str | float, put: _Put) -> str:
    filled = put(str(value))
    return filled if name != "href" or _SCHEMES.match(filled) else "#"


def _text(tokens: Sequence[Token]) -> str:
    """Return what the tokens say without markup: paragraphs, `- ` lists, links as `text: URL`."""
    lines: list[str] = []
    lists: list[int | None] = []
    lead = ""
    for token in tokens:
        match token.type:
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
                lead = ""
                lines += [] if lists else [""]
            case "list_item_open":
                number = lists[-1]
                lead = "- " if number is None else f"{number}. "
                lists[-1] = None if number is None else number + 1
            case "inline":
                indent = "  " * (len(lists) - 1)
                lines.append(f"{indent}{lead}{_inline(token.children or [])}")
                lead = "  " if lists else ""
                lines += [] if lists else [""]
            case "fence" | "code_block" | "hr":
                lines += [token.content.rstrip() or "---", ""]
            case _:
                pass
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _inline(tokens: Sequence[Token]) -> str:
    parts: list[str] = []
    opened: list[tuple[int, str]] = []
    for token in tokens:
        if token.type == "link_open":
            opened.append((len(parts), str(token.attrs.get("href", ""))))
        elif token.type == "link_close":
            start, address = opened.pop()
            if "".join(parts[start:]) != address:
                parts.append(f": {address}")
        elif token.type in {"softbreak", "hardbreak"}:
            parts.append("\n")
        else:
            parts.append(token.content)
    return "".join(parts)
