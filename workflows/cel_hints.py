"""What to write instead of an expression whose parts do not fit each other."""

_CHANGED: dict[tuple[str, ...], str] = {
    ("a string", "an int"): "a number stands without quotes; int(...) makes one of a text",
    ("a list", "a string"): "ask whether it is in the list: 'text' in list",
    ("a list", "an int"): "count the list with size(list)",
    ("an instant", "an int"): "compare instants with instants: now, ago('7d')",
    ("a string", "an instant"): "write an instant: now, ago('7d'), timestamp('...')",
    ("a bool", "a string"): "it is true or false already: write it alone, or ! before it",
    ("a bool", "an int"): "it is true or false already: write it alone, or ! before it",
    ("a duration", "an int"): "write a duration: duration('24h')",
    ("a duration", "a string"): "write a duration: duration('24h')",
}  # fmt: skip
_MADE = {
    "string": "write string(...) around it; a text itself stands in single quotes",
    "int": "write int(...) around it",
    "instant": "write timestamp(...) around it",
    "list": "write it in [ ]",
    "bool": "compare it with something: == or !=",
}
_LOGIC = frozenset({"&&", "||", "!", "?:"})
SEE = "docs/conditions.md tells what fits what"


def unfit(sign: str, kinds: list[str]) -> str:
    """Return the remedy where an operator or a function does not take what it is given.

    Args:
        sign: the operator, or the function's name.
        kinds: of its arguments, as a sentence names them.

    >>> unfit("==", ["a list", "a string"])
    "ask whether it is in the list: 'text' in list"
    """
    if sign in _LOGIC:
        return "compare each part with something first: == or !="
    if sign == "in":
        if kinds[-1:] == ["a string"]:
            return "look in a text with contains(): contact.email.contains('@')"
        return "what stands behind in is a list"
    if sign == "+" and set(kinds) == {"a string", "an int"}:
        return "write string(...) around the number"
    if "null" in kinds:
        return "nothing is null: what has no value is '', 0 or false, and has() tells"
    pair = tuple(sorted(kinds[:2]))
    return _CHANGED.get(pair, SEE) if len(pair) == len(kinds) else SEE


def made(returns: str) -> str:
    """Return how to make a value of the type that is needed."""
    return _MADE.get(returns, SEE)
