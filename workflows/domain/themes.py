"""What customers say more than once: mentioned by a contact, counted by the theme, resolved.

A theme is an actor, `theme/NAME`. A contact whose answer is about it tells it so by an event;
the theme counts different contacts, and when the improvement is announced it tells each of
them by an event in their own inbox. Both ways by rule 3: nobody reaches into another actor.

The theme's document: `mentions` (since the last announcement; by contact the times, oldest
first), `alarms` (when it recurred), and `resolved` (the last announcement, and who was told of it).
"""

from collections.abc import Callable
from datetime import datetime

from workflows.domain import redating
from workflows.durations import parse_span, subtract_span
from workflows.state import Doc, instant, iso
from workflows.themes import texts_of
from workflows.turn import Turn

CONTACTS_MAX = 10_000
"""Contacts a theme remembers until its improvement is announced; who came first goes first."""
ALARMS_MAX = 50
"""Alarms that a theme remembers, the last ones."""
TIMES_MAX = 5
"""Mentions of one contact that a theme remembers, the last ones."""
RESPONSES_MAX = 20
"""Answers per theme that a contact remembers: a correction is no further mention."""
TEXT_CHARS_MAX = 500
"""How much of an answer a mention quotes."""
EVIDENCE_MAX = 1_000
"""Contacts that a task names as evidence."""
NOTES_MAX = 50
"""Notes of a task; the oldest goes first."""

_ACTOR = "theme/"


def look(turn: Turn, event: Doc) -> None:
    """Look what an answer is about, and tell each theme that its response did not name before."""
    finder = turn.programme.themes
    texts = texts_of(event["data"]) if finder is not None else []
    if finder is None or not texts:
        return
    text = "\n".join(texts)
    response = str(event["data"]["response"])
    for theme in finder.find(text, str(turn.doc.get("locale", ""))):
        mentioned = turn.doc.setdefault("themes", {}).setdefault(theme, [])
        if response in mentioned:
            continue
        mentioned.append(response)
        del mentioned[:-RESPONSES_MAX]
        turn.save()
        data: Doc = {"theme": theme, "text": text[:TEXT_CHARS_MAX]}
        turn.fact("theme.mentioned", f"{theme}/{response}", **data)
        turn.forward(f"{_ACTOR}{theme}", _event(turn, "theme.mentioned", turn.contact, data, theme))


def _event(turn: Turn, kind: str, contact: str, data: Doc, suffix: str) -> Doc:
    return {
        "id": f"{turn.mark}/{kind}/{suffix}", "source": "vouch", "type": kind, "fact": True,
        "time": iso(turn.time), "contact": contact, "data": data,
    }  # fmt: skip


# -- the theme ------------------------------------------------------------------------------------


def mentioned(turn: Turn, event: Doc) -> bool:
    """Count a mention; on the contact's own side there is nothing more to do."""
    if not turn.state.actor.startswith(_ACTOR):
        return True
    contact = str(event["contact"])
    resolved = turn.doc.get("resolved")
    if resolved and turn.time < instant(resolved["at"]):
        _tell_late(turn, resolved, contact, str(event["data"]["theme"]))
        return False
    mentions = turn.doc.setdefault("mentions", {})
    times = mentions.setdefault(contact, [])
    times.append(iso(turn.time))
    times.sort(key=instant)
    del times[:-TIMES_MAX]
    while len(mentions) > CONTACTS_MAX:
        del mentions[min(mentions, key=lambda name: (instant(mentions[name][-1]), name))]
    turn.save()
    _evidence(turn, contact)
    _recurring(turn, event["data"])
    return False


def _tell_late(turn: Turn, resolved: Doc, contact: str, theme: str) -> None:
    """Tell somebody who complained before the announcement, and whose word arrived after it."""
    if contact in resolved["told"]:
        return
    resolved["told"].append(contact)
    turn.save()
    turn.time = instant(resolved["at"])
    data = {"theme": theme, "text": resolved["text"]}
    turn.forward(f"contact/{contact}", _event(turn, "theme.resolved", contact, data, contact))


def merged(turn: Turn, theirs: Doc, them: str) -> None:
    """Tell the themes that another record of this contact mentioned whose word it is now."""
    for theme in sorted(theirs.get("themes", {})):
        data = {"theme": theme, "contact": them, "into": turn.contact}
        turn.forward(f"{_ACTOR}{theme}", _event(turn, "theme.merged", turn.contact, data, theme))


def renamed(turn: Turn, event: Doc) -> bool:
    """Count two records of one person as one of the different contacts."""
    them, into = event["data"]["contact"], event["data"]["into"]
    mentions: dict[str, list[str]] = turn.doc.get("mentions", {})
    if them in mentions:
        times = sorted([*mentions.pop(them), *mentions.get(into, ())], key=instant)
        mentions[into] = times[-TIMES_MAX:]
    resolved = turn.doc.get("resolved")
    if resolved and them in resolved["told"]:
        resolved["told"] = _one(resolved["told"], them, into)
    for task in turn.state.tasks.values():
        if them in task.doc.get("evidence", ()):
            task.doc["evidence"] = _one(task.doc["evidence"], them, into)
            turn.save_task(task)
    turn.save()
    return False


def _one(names: list[str], them: str, into: str) -> list[str]:
    return list(dict.fromkeys(into if name == them else name for name in names))


def _evidence(turn: Turn, contact: str) -> None:
    """Keep the evidence of the theme's open tasks current."""
    for task in turn.state.tasks.values():
        evidence = task.doc.setdefault("evidence", [])
        if contact not in evidence and len(evidence) < EVIDENCE_MAX:
            evidence.append(contact)
            turn.save_task(task)


def _recurring(turn: Turn, data: Doc) -> None:
    """State that a theme recurs when enough different contacts mention it within the window."""
    themes = turn.programme.policies.themes
    policy = themes.recurring if themes else None
    if policy is None:
        return
    known = sorted(
        (instant(time), contact)
        for contact, times in turn.doc["mentions"].items()
        for time in times
    )
    said, moved = turn.time, False

    def who(end: datetime) -> list[str]:
        opens = _opens(turn, end, policy.within)
        return list(dict.fromkeys(contact for time, contact in known if opens < time <= end))

    for end in sorted({time for time, _ in known if time >= said}):
        if _opens(turn, end, policy.within) >= said and not moved:
            break  # this mention is in no later window either
        if len(who(end)) >= policy.min:
            moved |= _alarm(turn, end, str(data["theme"]), who)
    turn.time = said


def _alarm(turn: Turn, end: datetime, theme: str, who: Callable[[datetime], list[str]]) -> bool:
    """Note that a theme recurs, unless it cools; True where an alarm stated was of then.

    What is heard late may be what made them enough. In order of time this alarm comes before
    those that were stated: each of them counts from an earlier instant, and the last is stated
    only now, unless it cools after this one.
    """
    stated = _alarms(turn)
    before = [at for at in stated if at <= end]
    if before and (before[-1] == end or _cools(turn, end, before[-1])):
        return False
    after = next((at for at in stated if at > end), None)
    is_same = after is not None and _cools(turn, after, end)
    alarms = sorted([*(at for at in stated if at != after or not is_same), end])
    turn.doc["alarms"] = [iso(at) for at in alarms[-ALARMS_MAX:]]
    turn.save()
    for was, at in zip(stated, alarms, strict=False):
        if at < was:
            data = {"theme": theme, "contacts": who(at)}
            redating.fact(turn, "theme.recurring", iso(was), at, data)
    if not is_same:
        turn.time = alarms[-1]
        key, contacts = f"{theme}/{iso(turn.time)}", who(turn.time)
        turn.fact("theme.recurring", key, theme=theme, contacts=contacts)
    return after is not None


def _alarms(turn: Turn) -> list[datetime]:
    """Return when the theme recurred, in order; of before alarms were listed, the last."""
    last = turn.doc.pop("recurring_at", None)
    if last and "alarms" not in turn.doc:
        turn.doc["alarms"] = [last]
    return [instant(at) for at in turn.doc.get("alarms", ())]


def _opens(turn: Turn, end: datetime, within: str) -> datetime:
    """Return where the window that ends at `end` opens; what stands exactly there is outside."""
    programme = turn.programme
    return subtract_span(end, parse_span(within), zone=programme.zone, office=programme.office)


def _cools(turn: Turn, at: datetime, last: datetime) -> bool:
    """Tell whether the theme recurred so short a time ago that it is the same alarm."""
    themes = turn.programme.policies.themes
    cooldown = themes.recurring.cooldown if themes and themes.recurring else ""
    return bool(cooldown) and at < turn.add(last, cooldown)


def announced(turn: Turn, event: Doc) -> bool:
    """Tell everybody who mentioned the theme up to now that it was improved.

    Whoever is its subject, and where a run of a contact says it: it is the theme's own news.
    """
    theme, text = str(event["data"]["theme"]), str(event["data"]["text"])
    if turn.state.actor != f"theme/{theme}":
        handed = {**event, "contact": "", "depth": turn.depth + 1}
        turn.forward(f"theme/{theme}", handed)
        return False
    mentions: dict[str, list[str]] = turn.doc.get("mentions", {})
    themes = turn.programme.policies.themes
    if not mentions and theme not in (themes.words if themes else {}):
        turn.fact(
            "event.rejected", event["id"], event=event["id"], type=event["type"],
            reason="unknown_theme", field="data.theme",
        )  # fmt: skip
        return False
    told = [who for who, times in mentions.items() if instant(times[0]) <= turn.time]
    rest = {who: [t for t in times if instant(t) > turn.time] for who, times in mentions.items()}
    turn.doc["mentions"] = {who: times for who, times in rest.items() if times}
    last = turn.doc.get("resolved")
    if last is None or instant(last["at"]) <= turn.time:
        turn.doc["resolved"] = {"at": event["time"], "text": text, "told": told}
    turn.save()
    for contact in told:
        data = {"theme": theme, "text": text}
        turn.forward(f"contact/{contact}", _event(turn, "theme.resolved", contact, data, contact))
    return True


# -- who mentioned it -----------------------------------------------------------------------------


def resolved(turn: Turn, event: Doc) -> bool:
    """Note on a contact, and on the tasks of an open case, that what they named was improved."""
    data = event["data"]
    turn.doc.get("themes", {}).pop(data["theme"], None)
    turn.save()
    turn.fact("theme.resolved", event["id"], theme=data["theme"], text=data["text"])
    if turn.doc.get("open_case"):
        for task in turn.state.tasks.values():
            if task.doc.get("case"):
                notes = task.doc.setdefault("notes", [])
                notes.append({"at": event["time"], "theme": data["theme"], "text": data["text"]})
                del notes[:-NOTES_MAX]
                turn.save_task(task)
    return True


RULES = {
    "theme.mentioned": mentioned,
    "theme.merged": renamed,
    "theme.resolved": resolved,
    "improvement.announced": announced,
}
FROM_FACTS = frozenset({"theme.mentioned", "theme.merged", "theme.resolved"})
