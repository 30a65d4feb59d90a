"""What Jinja says of text that is no template, in plain words and with a remedy."""

import re

SIMPLER = "words hold {{ names }}, {% if %}, {% for %} and filters, nothing else"
_ENDS = re.compile(r"innermost block that needs to be closed is '(\w+)'")
_TAG = re.compile(r"unknown tag '(\w+)'")
_SIGN = re.compile(r"unexpected char '(.)' at \d+")
_INSTEAD = {
    "&": "write and for &&",
    "|": "write or for ||",
    "!": "write not for !",
    "?": "write {{ 'a' if contact.open_case else 'b' }}",
    "\u2018": "write straight quotes: 'text'",
    "\u2019": "write straight quotes: 'text'",
    "\u201c": "write straight quotes: 'text'",
    "\u201d": "write straight quotes: 'text'",
}


def said_of(message: str) -> tuple[str, str]:
    """Return what is wrong with a template, and the remedy, for a message of Jinja's.

    >>> said_of("unexpected char '&' at 23")
    ('"&" is not expected here', 'write and for &&')
    """
    open_ = _ENDS.search(message)
    if open_:
        name = open_[1]
        return f"{{% {name} %}} is not closed", f"close it with {{% end{name} %}}"
    tag = _TAG.search(message)
    if tag and tag[1].startswith("end"):
        name = tag[1].removeprefix("end")
        return f"{{% {tag[1]} %}} closes nothing", f"open it with {{% {name} ... %}}, or remove it"
    if tag:
        return f'unknown tag "{tag[1]}"', SIMPLER
    sign = _SIGN.search(message)
    if sign:
        return f'"{sign[1]}" is not expected here', _INSTEAD.get(sign[1], SIMPLER)
    if "end of print statement" in message or message.startswith("unexpected '}'"):
        return message.rstrip("."), "close {{ with }}, and write one name with its filters between"
    return message.rstrip("."), SIMPLER
