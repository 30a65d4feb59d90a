"""What to write instead of a name that an expression cannot see where it stands."""

import re

from workflows.cel_scope import ExpressionError, Scope, paths_of

_COMPARED = re.compile(r"(?:==|!=|\bin\s*\[[^\]]*)\s*\Z")
"""What stands before a text that something is compared with."""
_OF_PLACE = {
    'unknown name "event"': (
        "nothing happened here that could be asked about: no event is named beside it"
    ),
    'unknown name "referral"': "only runs of events that carry a referral have one",
}


def name_hint(text: str, scope: Scope, error: ExpressionError) -> str:
    """Return what to write instead of an unknown name or field; the error's own hint for others.

    Args:
        text: the expression.
        scope: what it may name.
        error: what is wrong with it.
    """
    message, hint = str(error), error.hint
    if message == 'unknown name "event"' and "trigger" in scope.names:
        return "what started the run is trigger; event is the one named beside a condition"
    if message == 'unknown name "trigger"' and "event" in scope.names:
        return "nothing has started yet: the event that may start a run is event here"
    if message in _OF_PLACE:
        return _OF_PLACE[message]
    return _nearer(text, scope, error) if hint.startswith("known:") else hint


def _nearer(text: str, scope: Scope, error: ExpressionError) -> str:
    """Return more than a list of what is known: a text without quotes, a name without its path."""
    word, hint = text[error.offset : error.end], error.hint
    if str(error).startswith("unknown name"):
        if word.isidentifier() and _COMPARED.search(text[: error.offset]):
            return f"a text stands in quotes: '{word}'; {hint}"
        if path := _deeper(scope, word):
            return f'did you mean "{path}"?'
    if text.strip().isidentifier():
        return f"a text stands in quotes in quotes: \"'{text.strip()}'\"; {hint}"
    return hint


def _deeper(scope: Scope, name: str) -> str:
    """Return the one path whose last part is a name that stands alone, '' if there is none."""
    if scope.names.get("body") == "dyn" and "_" in name:
        return f"body.{name}"
    found = [path for path in paths_of(scope.names) if path.rpartition(".")[2] == name]
    return min(found, key=len, default="")
