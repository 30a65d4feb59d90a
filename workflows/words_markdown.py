"""Markdown to mail: a small safe HTML and a plain text, with values that stay values."""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(
    ["image", "html_block", "html_inline"]
)
_Put: TypeAlias = Callable[[str], str]
_SCHEMES = re.compile(r"(https?|mailto|tel):", re.IGNORECASE)


def to_html_and_text(source: str, mark: str, values: Sequence[str]) -> tuple[str, str]:
    """Return the HTML and the plain text of a Markdown source.

    `mark`, a number and `x` stand in the source for one of `values`. They are put in after
    the markup was read: a name that holds `**` or `<b>` is shown as it is. A link leads to
    http, https, mailto or tel, or to nothing.
    """
    tokens = _MARKDOWN.parse(source)
    stands = re.compile(re.escape(mark) + r"(\d+)x")

    def put(text: str) -> str:
        return stands.sub(lambda found: values[int(found[1])], text)

    for token in tokens:
        _put_in(token, put)
    return _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}), _text(tokens)


def _put_in(token: Token, put: _Put) -> None:
    token.content = put(token.content)
    for name, value in token.attrs.items():
        filled = put(str(value))
        safe = name != "href" or _SCHEMES.match(filled)
        token.attrs[name] = filled if safe else "#"
    for child in token.children or ():
        _put_in(child, put)


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
