"""Every code of a finding: its title, and a paragraph that explains it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Code(NamedTuple):
    """What a code stands for."""

    title: str
    explanation: str


_FORM = {
    "V001": Code(
        "not YAML",
        "The file cannot be read as one YAML document. Most often a bracket or quote is not "
        "closed, or a line is indented otherwise than its neighbours.",
    ),
    "V002": Code(
        "duplicate key",
        "A mapping has the same key twice, of which YAML would silently keep one.",
    ),
    "V003": Code(
        "text that needs quotes",
        "YAML gives ! & * { [ ' \" and the pairs ': ' and ' #' meanings of their own. An "
        "expression or a text with one of these stands in quotes, or under '>-' on its own lines.",
    ),
    "V004": Code(
        "{{ }} without quotes",
        "A value that begins with {{, or that stands inside {...} and contains {{, is a mapping to "
        "YAML. Put the whole text in quotes.",
    ),
    "V005": Code(
        "tag, anchor, alias or merge key",
        "Programmes use none of these: a file means what a reader sees on the page.",
    ),
    "V006": Code(
        "odd number",
        "Numbers such as 1e3, 0x1F and 017 are read differently by different tools. Write plain "
        "digits, or put the text in quotes.",
    ),
    "V007": Code(
        "file that cannot be read",
        "A file is too large, nested too deep, no UTF-8, or holds characters that are not text.",
    ),
    "V008": Code("tab", "YAML is indented by spaces; a tab has no width that all agree on."),
    "V009": Code(
        "file that is not read",
        "A file lies among the programme's files under a name that no such file has.",
    ),
    "V010": Code("unknown key", "No key or field of this name exists here."),
    "V011": Code("missing key", "A key or field that is needed is not there."),
    "V013": Code("wrong kind of value", "A text, number, list or mapping is needed here."),
    "V014": Code("value not possible", "Only certain values are possible here."),
    "V015": Code("limit", "Something is larger, smaller, longer or deeper than allowed."),
    "V018": Code(
        "name",
        "A definition is named otherwise than its file, or a name is taken by something else.",
    ),
}
_LOGIC = {
    "V012": Code(
        "unknown name in an expression",
        "The expression names something that does not exist in this place. What can be named "
        "depends on the place and on the event.",
    ),
    "V016": Code(
        "wrong expression",
        "The expression is no CEL, compares what cannot be compared, or gives another type than "
        "is needed. An expression has at most 4 KiB.",
    ),
    "V017": Code(
        "value that never occurs",
        "The text can never be the value of what it is compared with, so that the comparison "
        "always comes out the same. Only names whose values are all known are looked at; of "
        "others a text that is nearly one of theirs is a warning.",
    ),
    "V019": Code("not one verb", "A step is a mapping with exactly one verb."),
    "V020": Code("not one of several", "Exactly one of several keys is needed."),
    "V021": Code("id of a step", "An id is unique in its file and can be named in conditions."),
    "V022": Code("unknown outcome", "The step never has the outcome that `then` names."),
    "V023": Code(
        "unreachable",
        "Nothing ever gets there: what comes before always ends the run, or always takes it first.",
    ),
    "V025": Code("nothing ends this", "A wait or an ask has nothing that would ever end it."),
    "V026": Code(
        "before without effect",
        "The message leaves at once: nothing makes it wait, so that it cannot expire.",
    ),
    "V027": Code("cooldown after once", "`again: once` never starts a second run anyway."),
    "V028": Code(
        "nobody there",
        "The runs of this workflow have no contact, or concern no referral.",
    ),
    "V029": Code(
        "per names no field", "The run's key is a field that an event which starts it lacks."
    ),
    "V030": Code(
        "not a span",
        "Spans are written 24h, 7d, 3mo, 2bd, 30bm or in ISO 8601; case matters, a bare number "
        "has no unit, and windows that look back count no business days.",
    ),
    "V024": Code("said twice", "A list has the same entry twice, and the second has no effect."),
    "V031": Code(
        "not a time, date, zone or locale",
        "Times of day are written in quotes as hours and minutes, dates as 2027-05-05, zones as "
        "Europe/Amsterdam, locales as nl.",
    ),
}
_MEANING = {
    "V032": Code(
        "no time to send",
        "Quiet hours take the whole day, or the very slot at which messages leave. "
        "Mostly their two times are the wrong way round.",
    ),
    "V033": Code(
        "cap that can never be met",
        "A cap keeps messages from ever leaving, because each waits for room no longer than "
        "`defer`; or it never binds, because a stricter one always does before.",
    ),
    "V034": Code(
        "not a schedule",
        "A schedule is a cron line of five fields (minute, hour, day, month, weekday) that some "
        "day comes true.",
    ),
    "V036": Code(
        "time of day without quotes",
        "Other tools read 09:00 without quotes as a number: of these files nobody shall make two "
        "meanings.",
    ),
    "V037": Code(
        "no way to say no",
        "The words of an ask hold no link with which one declines. A mail needs "
        "`links.not_now` or `links.never`; a text message one link to the page with the answers.",
    ),
}
_NAMES = {
    "V040": Code("unknown event type", "No event type or fact of this name exists."),
    "V041": Code("event that reaches nobody", "Facts about the machine start and end nothing."),
    "V042": Code(
        "message class",
        "The class does not exist, or does not fit the recipient: `staff` is for roles alone.",
    ),
    "V043": Code("unknown cap", "`caps` of the policies has no entry of this name."),
    "V044": Code("unknown person or role", "`staff`, `queues` and `roles` have nobody so named."),
    "V045": Code("unknown kind of ask", "The ladder of `asks` has no such kind."),
    "V046": Code("unknown channel", "Messages leave by email or sms."),
    "V047": Code("unknown endpoint", "`endpoints` of the policies has no entry of this name."),
    "V048": Code(
        "field that cannot be set",
        "A workflow sets only the programme's own `fields` of the contact.",
    ),
    "V049": Code(
        "unknown calendar", "A calendar is named, or counted on, that the policies do not have."
    ),
    "V050": Code(
        "wrong words",
        "A template cannot be read, names something its message does not have, or names without "
        "a default what can be absent.",
    ),
    "V051": Code(
        "missing words",
        "A template is needed in the programme's first locale, for every channel in `by`.",
    ),
    "V052": Code("words missing in a locale", "Recipients of this locale get the first one."),
    "V053": Code(
        "unknown workflow or source",
        "A scenario names what the programme lacks. Scenarios are part of the programme: until "
        "those of a removed workflow are changed or deleted, `plan` and `apply` refuse it.",
    ),
    "V054": Code(
        "nothing expected",
        "A scenario without a section under `expect` would pass whatever happens.",
    ),
    "V060": Code("circle of roles", "A role leads back to itself, or a person to themselves."),
    "V061": Code(
        "nobody in a role",
        "A role names nobody, or somebody who has left, or all of it are on leave. Tasks go to "
        "whoever comes next in it, else they are unassigned.",
    ),
}
_WARNINGS = {
    "V070": Code("waits for ever", "An event that never comes would keep the run for ever."),
    "V071": Code(
        "second answer unheard",
        "With `per: contact` and `again: ignore`, a second event of the contact starts nothing "
        "while the first one's run still waits.",
    ),
    "V072": Code(
        "workflows alike", "Two workflows start alike and send messages of the same class."
    ),
    "V074": Code(
        "workflows in a circle",
        "Workflows start each other, or one itself: in one instant until the engine stops it, or "
        "for ever where something waits between.",
    ),
    "V075": Code(
        "never happens",
        "No step and no policy of this programme ever makes this event.",
    ),
    "V078": Code(
        "topic misspelt",
        "Two topics are nearly the same. Who says no to one of them goes on getting the other.",
    ),
    "V076": Code("without effect", "What is written here changes nothing where it stands."),
    "V077": Code(
        "holds without a value",
        "A field without a value is its type's zero, an instant's is 1970: earlier than anything. "
        "The comparison holds for whoever has none; `has()` tells.",
    ),
    "V073": Code("minutes", "A wait in single minutes is often a month misspelt: 3mo, not 3m."),
}

CODES: Mapping[str, Code] = MappingProxyType({**_FORM, **_LOGIC, **_MEANING, **_NAMES, **_WARNINGS})
"""By code, in order of subject."""
