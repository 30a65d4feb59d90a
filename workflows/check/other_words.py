"""Keys of other tools, and of plain English, by the key that is meant or what to write instead."""

from collections.abc import Collection, Mapping

MEANT: Mapping[str, tuple[str, ...]] = {
    "timeout": ("within",), "until": ("within", "for"), "deadline": ("due", "within"),
    "delay": ("for", "wait"), "duration": ("for", "within"), "sleep": ("wait",),
    "when": ("if",), "condition": ("if",), "conditions": ("if",), "where": ("if",),
    "on": ("trigger", "event"), "type": ("event",), "cron": ("schedule",),
    "name": ("id", "workflow", "stage", "kind"), "description": ("title",),
    "do": ("steps",), "then": ("steps",), "actions": ("steps",), "tasks": ("steps",),
    "assignee": ("to",), "owner": ("to",), "role": ("to",), "recipient": ("to",),
    "subject": ("title",), "channel": ("by",), "via": ("by",), "count": ("times", "max"),
    "interval": ("every",), "limit": ("max",), "key": ("per",), "unique": ("distinct",),
    "body": ("data",), "payload": ("data",), "fields": ("data",), "timezone": ("zone",),
    "languages": ("locales",), "currency_code": ("code",), "points": ("amount",),
}  # fmt: skip
"""The first that is known where the key stands, and is not there."""

_INSTEAD: Mapping[str, str] = {
    "else": "a switch has it: its last branch, without if",
    "elif": "write a switch: each branch has an if",
    "parallel": "steps go one after another; what goes beside them is a workflow of its own",
    "loop": "nothing loops: reminders, times: of a wait_for, and journeys repeat",
    "repeat": "nothing loops: reminders, times: of a wait_for, and journeys repeat",
    "foreach": "nothing loops: a schedule with each: contact starts a run for everybody",
    "for_each": "nothing loops: a schedule with each: contact starts a run for everybody",
    "retry": "an endpoint has it, in programme.yaml",
    "log": "every step is recorded by itself: see vouch explain",
}


def other_word(name: str, free: Collection[str]) -> str:
    """Return the key that is meant by a word that is none here, of those that are free; '' if none.

    >>> other_word("timeout", {"event", "within"})
    'within'
    """
    return next((known for known in MEANT.get(name, ()) if known in free), "")


def instead(name: str, known: Collection[str]) -> str:
    """Return what to write instead of a key that no mapping has; '' if nobody can tell."""
    if name == "steps" and "switch" in known:
        return "steps under an if are a branch: - switch: [{if: ..., steps: [...]}]"
    return _INSTEAD.get(name, "")
