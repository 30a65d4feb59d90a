"""What somebody most likely meant who wrote something that YAML reads otherwise.

YAML gives `!`, `&`, `*`, `{`, `[`, `'`, `"`, `: ` and ` #` meanings of their own, and expressions
are full of them. Each mistake is recognised by what stands in the file and named in its terms.
"""

import re
from typing import NamedTuple

from workflows.check.yaml_indents import misindented

EXPRESSION_KEYS = frozenset({"if", "from", "before", "object", "distinct", "schedule", "lower"})

_ENTRY = re.compile(r"""(?P<key>[\w.-]+|"[^"\n]*"|'[^'\n]*'):[ \t]+(?=\S)""")
_STARTERS = "!'\"[{&*@`%|>"
_DASHED = re.compile(r"[ ]*(?P<dash>-)(?P<key>[A-Za-z_]\w*):(?=\s)")
_NEXT_ENTRY = re.compile(r",\s*[A-Za-z_]\w*:\s")
_PLAIN_PROBLEMS = {
    "found unexpected end of stream": ("quotes that are not closed", "close them in this line"),
    "did not find expected key": (
        "this does not fit what stands around it",
        "check the indentation, brackets and quotes of this line and the one before",
    ),
    "mapping values are not allowed in this context": (
        'a ": " where no key can stand',
        "check the indentation, or put the text in quotes",
    ),
    "could not find expected ':'": ("a key without a colon", 'write "key: value"'),
    "did not find expected ',' or '}'": ("a {...} that is not closed", "add the bracket"),
    "did not find expected ',' or ']'": ("a [...] that is not closed", "add the bracket"),
    "did not find expected node content": (
        "a value is missing here",
        "write it, or leave the key out",
    ),
    "did not find expected '-' indicator": (
        "this does not fit the list around it",
        "start the item with a dash, at the same indentation as the others",
    ),
    "block sequence entries are not allowed in this context": (
        "a list cannot begin behind its key",
        "write [one, other], or begin it on the next line",
    ),
    "found character that cannot start any token": (
        "no text begins with this character",
        "put the text in quotes; a tab is no indentation",
    ),
    "found unexpected ':'": (
        'a ":" without a space and a value behind it',
        'write "key: value", or leave the key out',
    ),
    "found unknown escape character": (
        "an unknown escape after the backslash",
        "double the backslash, or use single quotes",
    ),
}


_LOOK = "look at the quotes, brackets and indentation of this line and the one before"
_AT_THE_START = frozenset(
    {
        "found unexpected end of stream",
        "did not find expected ',' or '}'",
        "did not find expected ',' or ']'",
    }
)
"""What the parser notices far behind the bracket or quote that began it."""
_GLUED = re.compile(r"[ \t]*(?:- +)?(?P<key>[A-Za-z_][\w-]*):(?=[^\s/])")
_BARE = re.compile(r"[ \t]*(?:- +)?(?P<key>[A-Za-z_][\w-]*) (?P<value>[^:#]*[^\s:#])\s*\Z")


class Mistake(NamedTuple):
    """A finding before it has a file: code, first index, index after the last, text, remedy."""

    code: str
    start: int
    end: int
    message: str
    help: str = ""


_MISREAD = {
    "!": "leave it out, or put the text in quotes",
    "&": "repeat the value where it is needed, or put the text in quotes",
    "*": "repeat the value, or put the text in quotes",
}


def diagnose(text: str, problem: int, context: int, said: str) -> Mistake:
    """Return the mistake behind text that is no YAML.

    Args:
        text: the file.
        problem: index at which the parser gave up.
        context: index at which what it was reading began.
        said: the parser's own words, used when nothing better is recognised.
    """
    problem = min(problem, len(text))
    stop = problem + 1
    tab = _tab(text, problem)
    if tab is not None:
        message = "a tab cannot indent YAML"
        return Mistake("V008", tab, tab + 1, message, "use spaces")
    mistake = _glued(text, problem)
    if mistake:
        return mistake
    for index in (problem, problem - 1, context):
        found = _entry_before(text, index)
        mistake = found and _unquoted(text, *found)
        if mistake:
            return mistake
    mistake = _dash(text, problem) or _colon(text, problem, said) or _indented(text, problem, said)
    if mistake:
        return mistake
    if said in _AT_THE_START and text[context : context + 1] in ("{", "[", "'", '"'):
        problem, stop = context, context + 1
    if said == "could not find expected ':'":  # told on the line after
        start = min(context, len(text))
        problem, stop = start, max(_line_end(text, start), start + 1)
    message, help_ = _PLAIN_PROBLEMS.get(said, (f"this is not YAML: {said}", _LOOK))
    return Mistake("V001", problem, stop, message, help_)


def _dash(text: str, problem: int) -> Mistake | None:
    """Return the mistake of the line before, whose dash has no space behind it."""
    here = text.rfind("\n", 0, problem) + 1
    before = text.rfind("\n", 0, max(here - 1, 0)) + 1
    glued = _DASHED.match(text, before, here)
    if glued is None:
        return None
    message = "a space is missing after the dash"
    help_ = f'write "- {glued["key"]}:"'
    return Mistake("V001", glued.start("dash"), glued.end("key"), message, help_)


def _indented(text: str, problem: int, said: str) -> Mistake | None:
    """Return the mistake of a line that stands a little too far out or in."""
    line = misindented(text, problem, said)
    if line is None:
        return None
    here = f"{line.is_} space{'' if line.is_ == 1 else 's'}"
    around = " or ".join(map(str, line.should))
    message = f"this line is indented by {here}, and what it belongs to by {around}"
    help_ = f"indent it by {around} spaces" if line.should != (0,) else "begin it at the margin"
    return Mistake("V001", line.start, line.end, message, help_)


def _glued(text: str, index: int) -> Mistake | None:
    """Return the mistake of a line whose key has no space behind its colon."""
    start = text.rfind("\n", 0, max(index, 0)) + 1
    line = text[start : _line_end(text, start)]
    glued = _GLUED.match(line)
    if not glued or start + glued.end() > index:
        return None
    help_ = f'write "{glued["key"]}: {line[glued.end() :][:1]}..."'
    end = start + glued.end()
    message = "a space is missing after the colon"
    return Mistake("V001", start + glued.start("key"), end, message, help_)


def _colon(text: str, problem: int, said: str) -> Mistake | None:
    """Return the mistake of the line before, which YAML reads on where it has no `: `."""
    if not said.startswith("mapping values are not allowed"):
        return None
    here = text.rfind("\n", 0, problem) + 1
    before = text.rfind("\n", 0, max(here - 1, 0)) + 1
    line, this = text[before : max(here - 1, 0)], text[here : _line_end(text, here)]
    if not here or _column(line) < _column(this):
        return None
    bare = _BARE.match(line)
    if bare:
        start, end = before + bare.start("key"), before + bare.end("value")
        help_ = f'write "{bare["key"]}: {bare["value"]}"'
        return Mistake("V001", start, end, "a colon is missing here", help_)
    return _glued(text, max(here - 1, 0))


def _column(line: str) -> int:
    """Return how far in a line's text begins, behind the dash of an item."""
    indent = re.match(r"[ ]*(?:- +)?", line)
    return indent.end() if indent else 0


def misread_value(text: str, start: int, end: int, key: str) -> Mistake:
    """Return the mistake of a value that YAML takes for a tag, an anchor, an alias or a key."""
    first = text[start : start + 1]
    stop = max(_line_end(text, start), start + 1)
    if text.startswith("{{", start):
        return _braces(start, stop)
    if key in EXPRESSION_KEYS:
        return _starts_with(text, key, start, first, stop)
    names = {"!": "a tag", "&": "an anchor", "*": "an alias"}
    if first in names:
        message = f'"{first}" begins {names[first]} here; programmes have none'
        help_ = _MISREAD[first]
        return Mistake("V005", start, min(end, stop) if end > start else stop, message, help_)
    message = "a key is a plain word, not a mapping or a list"
    return Mistake("V001", start, start + 1, message, "put text with {{ }} or brackets in quotes")


def begins_text(text: str, start: int, key: str) -> bool:
    """Return whether a `{` or `[` is the beginning of an expression or of text with `{{ }}`."""
    return key in EXPRESSION_KEYS or text.startswith("{{", start)


def bare_item(text: str, start: int, end: int) -> Mistake:
    """Return the mistake of an item in `{...}` that is no entry: a comma cut a value in two."""
    before = _entry_before(text, start)
    if before and text.startswith("{{", before[1]):
        return _braces(before[1], end)
    message = f'"{text[start:end]}" stands in {{...}} without a value'
    if before and before[0] in EXPRESSION_KEYS:
        message = 'in {...} an expression that contains "," is cut in two'
        return Mistake("V003", before[1], end, message, "write it on a line of its own")
    return Mistake("V001", start, end, message, 'write "key: value"; text with a comma in quotes')


def cut_by_comment(line: str, value: str) -> bool:
    """Return whether a plain value ended at a ` #` in its line that may have been part of it."""
    return f"{value} #" in " ".join(line.split())


def _tab(text: str, problem: int) -> int | None:
    start = text.rfind("\n", 0, problem) + 1
    indent = re.compile(r"[ \t]*").match(text, start)
    tab = text.find("\t", start, indent.end() if indent else start)
    return tab if tab >= 0 else None


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else len(text[:end].rstrip("\r"))


def _entry_before(text: str, index: int) -> tuple[str, int] | None:
    """Return the last `key: ` of the line whose value begins at or before `index`."""
    start = text.rfind("\n", 0, max(index, 0)) + 1
    found = None
    for match in _ENTRY.finditer(text, start, _line_end(text, start) + 1):
        if match.end() > index:
            break
        if text[match.end()] == "\n":
            break
        found = (match["key"].strip("\"'"), match.end())
        if match["key"] in EXPRESSION_KEYS and text[match.end()] in _STARTERS:
            break
    return found


def _unquoted(text: str, key: str, start: int) -> Mistake | None:
    """Return the mistake of a value without quotes, if it looks like one."""
    stop = _line_end(text, start)
    if _in_braces(text, start) and text[:stop].endswith("}"):
        stop -= 1
    value = text[start:stop]
    if value.startswith("{{"):
        return _braces(start, stop)
    if key in EXPRESSION_KEYS:
        mistake = _expression(text, key, start, stop)
    else:
        mistake = _words(key, value, start)
    return mistake or (_braces(start, stop) if "{{" in value else None)


def _expression(text: str, key: str, start: int, stop: int) -> Mistake | None:
    value = text[start:stop]
    if value and value[0] in _STARTERS:
        return _starts_with(text, key, start, value[0], stop)
    for sign in (": ", " ? "):
        if sign in value:
            message = f'an expression that contains "{sign}" needs quotes'
            return Mistake("V003", start, stop, message, _remedy(key, value))
    if _in_braces(text, start):
        message = "in {...} an expression may hold no bracket pair, comma or {{"
        return Mistake("V003", start, stop, message, "write it on a line of its own")
    return None


def _words(key: str, value: str, start: int) -> Mistake | None:
    message = ""
    if value and value[0] in "!&*@`%":
        message = f'text that starts with "{value[0]}" needs quotes'
    elif ": " in value and "{{" not in value and value[:1] not in "'\"[{":
        message = 'text that contains ": " needs quotes'
    if not message:
        return None
    return Mistake("V003", start, start + len(value), message, _remedy(key, value))


def _in_braces(text: str, index: int) -> bool:
    line = text[text.rfind("\n", 0, index) + 1 : index]
    return line.count("{") > line.count("}")


def _braces(start: int, stop: int) -> Mistake:
    message = "text with {{ }} needs quotes here"
    return Mistake("V004", start, stop, message, "put the whole text in quotes")


def _starts_with(text: str, key: str, start: int, first: str, stop: int) -> Mistake:
    message = f'an expression that starts with "{first}" needs quotes'
    value = text[start:stop]
    if _in_braces(text, start):
        value = value.removesuffix("}")
        value = value[: following.start()] if (following := _NEXT_ENTRY.search(value)) else value
    return Mistake("V003", start, start + len(value), message, _remedy(key, value))


def _remedy(key: str, value: str) -> str:
    value = value.rstrip()
    if '"' not in value and "\\" not in value:
        return f'write {key}: "{value}"'
    if "'" not in value:
        return f"write {key}: '{value}'"
    return f'write "{key}: >-" and the text on the next line, further in'
