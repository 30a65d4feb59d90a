"""Fifty broken programmes: each has one mistake in its meaning, and gives one finding.

A programme is the sound one with texts replaced, and files added. The finding is given by its
file, its code, the text it underlines, and a part of its message.
"""

from dataclasses import dataclass, field

P, W, S = "programme.yaml", "workflows/w.yaml", "sources/s.yaml"
_LAST = "        - stop: silent"
_IF = "event.data.score <= 6"
_MAIL = "---\nsubject: Hello\n---\n"


@dataclass(frozen=True)
class Broken:
    """What is changed in the sound programme, and what must be found."""

    name: str
    code: str
    marked: str
    says: str
    file: str = W
    old: str = ""
    new: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    also: tuple[tuple[str, str, str], ...] = ()
    severity: str = "error"


def flow(name: str, steps: str, trigger: str = "{event: quote.given}", more: str = "") -> str:
    """Return a small workflow as text."""
    return f"workflow: {name}\ntrigger: {trigger}\n{more}steps:\n{steps}"


def one(name: str, code: str, marked: str, says: str, steps: str, **more: str) -> Broken:
    """Return a programme with one more workflow that is wrong."""
    severity = more.pop("severity", "error")
    extra = {"workflows/x.yaml": flow("x", steps, **more)}
    return Broken(name, code, marked, says, "workflows/x.yaml", extra=extra, severity=severity)


def policy(name: str, code: str, marked: str, says: str, text: str) -> Broken:
    """Return a programme with another section of policies."""
    return Broken(name, code, marked, says, P, "unassigned:", f"{text}\nunassigned:")


def contest(**changed: str) -> str:
    """Return a contest with some of its keys changed."""
    keys = {
        "period": "[2027-09-01T00:00, 2027-10-01T00:00]",
        "freeze": "2027-10-04T12:00",
        "entries": "[{event: review.posted}]",
        **changed,
    }
    return "contests:\n  c:\n" + "".join(f"    {key}: {value}\n" for key, value in keys.items())


PROGRAMMES = (
    # -- what stands in the wrong place
    one("a verb's keys beside it", "V010", "to", "stands beside task and belongs in it",
        "  - task:\n    to: sales\n    title: T\n    due: 2bd\n"),
    one("no space behind the dash", "V013", "-send", "a list is needed",
        "  -send: {template: hi, class: transactional}\n"),
    # -- when messages can leave
    Broken("slot in the quiet hours", "V032", '"21:00"', "no slot is left", P,
           "programme: small", 'programme: small\nslot: "21:00"'),
    Broken("quiet hours the wrong way round", "V032", '["08:00", "20:00"]', "no slot is left", P,
           '["20:00", "08:00"]', '["08:00", "20:00"]'),
    Broken("quiet all day", "V032", '["00:00", "24:00"]', "all day", P,
           '["20:00", "08:00"]', '["00:00", "24:00"]'),
    Broken("quiet hours of no length", "V032", '["08:00", "08:00"]', "there are none", P,
           '["20:00", "08:00"]', '["08:00", "08:00"]', severity="warning"),
    Broken("cap without a window", "V033", "0d", "never met", P, "within: 7d}", "within: 0d}"),
    Broken("cap that no class has", "V076", "rare", "no class lists", P,
           "within: 7d}", "within: 7d}\n  rare: {max: 1, within: 3d}", severity="warning"),
    Broken("cap that another always stops before", "V033", "day", "can never be met", P,
           "caps: [ask], held_by: [case], leaves: slot, calendar: office}\n",
           "caps: [ask, day], held_by: [case], leaves: slot, calendar: office}\n",
           also=((P, "within: 7d}", "within: 7d}\n  day: {max: 1, within: 1d}"),),
           severity="warning"),
    Broken("reminders that a cap keeps", "V033", "7d", "no reminder ever leaves", W,
           also=((P, "within: 7d}", "within: 60d}"),
                 (P, "reminder: {consent: programme,",
                  "reminder: {consent: programme, caps: [ask],"))),
    Broken("the second reminder, that a cap keeps", "V033", "3d", "only the first", W,
           "every: 7d, send: [ask]", "every: 3d, send: [ask, ask]",
           also=((P, "within: 7d}\nasks:", "within: 7d}\n  r: {max: 1, within: 30d}\nasks:"),
                 (P, "reminder: {consent: programme,",
                  "reminder: {consent: programme, caps: [r],"))),
    Broken("reminders after the end", "V023", "7d", "silent after 3d", W,
           "send: [ask]}", "send: [ask]}\n      within: 3d"),
    Broken("reminders all at once", "V033", "0d", "all at once", W, "every: 7d", "every: 0d"),
    Broken("time without quotes", "V036", "10:00", "without quotes", P,
           "programme: small", "programme: small\nslot: 10:00", severity="warning"),
    Broken("time of a wait without quotes", "V036", "09:00", "without quotes", W,
           _LAST, "        - wait: {for: 1d, at: 09:00}", severity="warning"),
    # -- asks
    Broken("an ask that cannot be refused", "V037", "pushy", "no way to say no", W,
           "template: ask", "template: pushy",
           {"templates/pushy/en.md": f"{_MAIL}[Yes]({{{{ links.gladly }}}})\n",
            "templates/pushy/nl.md": f"{_MAIL}[Rather not]({{{{ links.never }}}})\n"},
           severity="warning"),
    # -- texts that never are
    Broken("misspelt band", "V017", "'promotor'", "is never", W,
           _IF, "event.data.band == 'promotor'"),
    Broken("misspelt band in a list", "V017", "'detracter'", "is never", W,
           _IF, "event.data.band in ['passive', 'detracter']"),
    Broken("misspelt band, the other way round", "V017", "'Passive'", "is never", W,
           _IF, "true && 'Passive' == contact.nps.band"),
    one("misspelt outcome", "V017", "'silend'", '"steps.a.outcome" is never',
        "  - {id: a, ask: {kind: quote, template: ask, within: 3d}}\n"
        "  - {stop: x, if: steps.a.outcome == 'silend'}\n"),
    one("misspelt answer", "V017", "'no'", "is never", "  - wait: 1d\n",
        trigger="{event: ask.answered, if: event.data.answer == 'no'}"),
    one("misspelt kind of ask", "V017", "'quot'", "is never", "  - wait: 1d\n",
        trigger="{event: ask.declined, if: event.data.kind == 'quot'}"),
    one("misspelt type", "V017", "'story.gven'", "is never", "  - wait: 1d\n",
        trigger="{event: [quote.given, story.given], if: event.type == 'story.gven'}"),
    # -- workflows together
    Broken("two that start each other", "V074", "emit", "a -> b -> a", "workflows/a.yaml", extra={
        "workflows/a.yaml": flow("a", "  - emit: {event: favour.granted}\n",
                                 "{event: product.upgraded}"),
        "workflows/b.yaml": flow("b", "  - emit: {event: product.upgraded}\n",
                                 "{event: favour.granted}")}),
    one("one that starts itself", "V074", "emit", "starts this workflow itself",
        "  - emit: {event: product.upgraded}\n", trigger="{event: product.upgraded}"),
    one("one that its own mail starts", "V074", "send", "message.sent starts",
        "  - send: {template: hi, class: transactional}\n", trigger="{event: message.sent}"),
    Broken("two that end starts", "V074", "steps", "run.ended starts", "workflows/a.yaml", extra={
        "workflows/a.yaml": flow("a", "  - wait: 1d\n", "{event: run.ended}"),
        "workflows/b.yaml": flow("b", "  - wait: 1d\n", "{event: run.ended}")}),
    one("a circle under a condition", "V074", "emit", "as long as the conditions hold",
        "  - emit: {event: product.upgraded}\n",
        trigger="{event: product.upgraded, if: contact.vip}", severity="warning"),
    # -- order
    one("every outcome ends", "V023", "wait", "never reached",
        "  - wait_for: {event: story.given, within: 3d}\n    then:\n"
        "      story.given: [{stop: a}]\n      timeout: [{stop: b}]\n  - wait: 1d\n"),
    one("every branch ends", "V023", "wait", "never reached",
        "  - switch:\n      - {if: contact.vip, steps: [{stop: a}]}\n"
        "      - {steps: [{stop: b}]}\n  - wait: 1d\n"),
    one("a branch behind all", "V023", "{steps: [{stop: a}]}", "never taken",
        "  - switch:\n      - {steps: [{stop: a}]}\n"
        "      - {if: contact.vip, steps: [{stop: b}]}\n"),
    one("the same branch twice", "V023", "contact.vip", "the one in line 5",
        "  - switch:\n      - {if: contact.vip, steps: [{stop: a}]}\n"
        "      - {if: contact.vip, steps: [{stop: b}]}\n"),
    one("a switch without branches", "V015", "switch", "at least one branch", "  - switch: []\n"),
    one("an exit behind another", "V023", "story.given", "the one in line 4", "  - wait: 9d\n",
        more="exit:\n  - {event: story.given, as: a}\n"
             "  - {event: story.given, if: contact.vip, as: b}\n"),
    one("a wait that an exit ends", "V023", "story.given", "the exit in line 4",
        "  - wait_for: {event: story.given, within: 3d}\n",
        more="exit:\n  - {event: story.given, as: a}\n"),
    Broken("a mapping behind all", "V023", "if", "takes every webhook", S,
           "events:\n", "events:\n  - {type: favour.granted, contact: {email: body.email}}\n"),
    # -- waits
    one("a wait without end", "V070", "wait_for", "waits for ever",
        "  - wait_for: {event: story.given}\n", severity="warning"),
    one("different, of one", "V076", "distinct", "no effect",
        "  - wait_for: {event: story.given, distinct: event.data.url, within: 3d}\n",
        severity="warning"),
    one("no event at all", "V015", "times", "at least 1",
        "  - wait_for: {event: story.given, times: 0, within: 3d}\n"),
    one("nothing to set", "V015", "set", "a field and its value", "  - set: {}\n"),
    # -- said twice
    one("a type twice", "V024", "story.given", "the first is in line 4, column 24",
        "  - wait_for: {event: [story.given, story.given], within: 3d}\n"),
    one("a channel twice", "V024", "email", "twice",
        "  - send: {template: hi, class: transactional, by: [email, email]}\n"),
    Broken("a locale twice", "V024", "en", "twice", P, "[en, nl]", "[en, nl, en]"),
    Broken("a person twice in a queue", "V024", "u-ann", "twice", P,
           "sales: [u-ann, u-bob]", "sales: [u-ann, u-bob, u-ann]"),
    one("an id twice", "V021", "a", "line 4 has it",
        "  - {id: a, wait: 1d}\n  - {id: a, wait: 1d}\n"),
    Broken("a kind twice", "V018", "quote", "the first is in line 18", P,
           "    - {kind: quote, done_by: quote.given}\n",
           "    - {kind: quote, done_by: quote.given}\n    - {kind: quote}\n"),
    # -- people
    Broken("no address", "V014", "ann(at)x", "no address of mail", P, "ann@x.example", "ann(at)x"),
    # -- policies
    policy("a contest backwards", "V031", "[2027-09-01T00:00, 2027-08-01T00:00]",
           "before it begins", contest(period="[2027-09-01T00:00, 2027-08-01T00:00]")),
    policy("frozen too early", "V031", "2027-09-04T12:00", "before the contest ends",
           contest(freeze="2027-09-04T12:00")),
    policy("no instant", "V031", "soon", "no instant", contest(freeze="soon")),
    policy("no entries", "V015", "[]", "nothing earns", contest(entries="[]")),
    policy("no weight", "V015", "weight", "at least 1",
           contest(entries="[{event: review.posted, weight: 0}]")),
    policy("no winner", "V015", "winners", "at least 1", contest(winners="0")),
    policy("no sum", "V014", "abc", "64 digits", contest(seed_sha256="abc")),
    policy("a secret in a file", "V014", "hush", "does not stand in a file",
           'endpoints: {c: {url: "https://x.example", secret: hush}}'),
    policy("no address of a call", "V014", "fulfil", "no address", "endpoints: {c: {url: fulfil}}"),
    policy("a retry without a unit", "V030", "5", "not a span",
           "endpoints: {c: {url: env:URL, retry: [5]}}"),
    policy("four fields", "V034", '"0 3 1 *"', "has 4 fields",
           'tiers: {count: reward.released, within: 1y, levels: {a: 0}, lower: "0 3 1 *"}'),
    policy("two levels alike", "V024", "b", "begins at 3 as well",
           "tiers: {count: reward.released, within: 1y, levels: {a: 3, b: 3}}"),
    policy("a misspelt check", "V010", "own_frm", "unknown check",
           "referrals: {checks: {own_frm: review}}"),
    policy("a speed without bounds", "V011", "velocity", "needs max and within",
           "referrals: {checks: {velocity: hold}}"),
    policy("no span", "V030", "soon", "", "rewards: {expires: soon}"),
    policy("no looking back", "V030", "5bd", "backwards",
           "rewards: {limits: [{max: 1, within: 5bd}]}"),
    policy("nobody's floor", "V044", "bos", "unknown role", "rewards: {clawback: {to: bos}}"),
    policy("chosen twice", "V024", "mug", "twice", "rewards: {choices: [mug, mug]}"),
    policy("less than none", "V015", "-1", "0 or more",
           "rewards: {choices: [{choice: mug, stock: {red: -1}}]}"),
    policy("a floor above", "V015", "200", "0 or less", "rewards: {clawback: {floor: 200}}"),
    one("a minute that no hour has", "V034", "61", "no minute", "  - wait: 1d\n",
        trigger="{schedule: 61 9 * * *}"),
    one("a day that no month has", "V034", "0 9 30 2 *", "never comes true", "  - wait: 1d\n",
        trigger="{schedule: 0 9 30 2 *}"),
    one("a stage twice", "V024", "s", "the first is in line 9",
        "  - journey:\n      class: transactional\n      every: 30d\n      within: 20d\n"
        "      stages:\n        - {stage: s, effort: 1, template: hi, amount: 5}\n"
        "        - {stage: s, effort: 2, template: hi, amount: 5}\n"),
    one("a stage that pays twice", "V020", "draw", "one of the two",
        "  - journey:\n      class: transactional\n      every: 30d\n      within: 20d\n"
        "      stages: [{stage: s, effort: 1, template: hi, amount: 5, draw: {5: 1}}]\n"),
    # -- words of other languages, and days that there are not
    Broken("a chain's entry misspelt", "V010", "too", "unknown key", P,
           "to: u-ann}", "too: u-ann}"),
    Broken("a queue without people", "V061", "spare", "names nobody", P,
           "sales: [u-ann, u-bob]\n", "sales: [u-ann, u-bob]\n  spare: []\n"),
    Broken("no such day", "V031", "2027-02-30", "not a date", P, "2027-02-01,", "2027-02-30,",
           also=((P, "2027-02-08]", "2027-03-08]"),)),
    Broken("a week of the year", "V031", "2027-W05-1", "not a date", P,
           "2027-02-01,", "2027-W05-1,"),
    policy("a blank for a T", "V031", "2027-10-04 12:00", "no instant",
           contest(freeze="2027-10-04 12:00")),
    policy("a moment for nothing", "V015", "opens", "opens nothing",
           "moments: {collect: 1d, events: [{event: favour.granted, rank: 1, valid: 3d, "
           "opens: []}]}"),
    policy("words of a locale that there is not", "V031", "French", "unknown locale",
           "rewards: {currency: {code: star, names: {French: etoiles}}}"),
    Broken("a type with more to say", "V014", "{type: bool}", "one word", P, "{vip: bool}",
           "{vip: {type: bool}}"),
    one("a weekday in full", "V034", "Monday", "no weekday", "  - wait: 1d\n",
        trigger="{schedule: 0 9 * * Monday}"),
    one("a range over the week's end", "V034", "fri-mon", "no weekday", "  - wait: 1d\n",
        trigger="{schedule: 0 9 * * fri-mon}"),
    one("a line with a name", "V034", '"@daily"', "has 1 field", "  - wait: 1d\n",
        trigger='{schedule: "@daily"}'),
    one("then of a branch", "V010", "then", "unknown key",
        "  - switch:\n      - if: contact.vip\n        then:\n          - wait: 1d\n"),
    one("a field of an event misspelt", "V010", "projectid", "unknown field",
        "  - emit: {event: project.delivered, data: {projectid: contact.id}}\n"),
    Broken("an event that may start nothing yet", "V012", "trigger", "unknown name", W,
           _IF, "trigger.data.score <= 6"),
    Broken("a span without quotes", "V016", "d", "not expected", W, _IF, "event.time > ago(7d)"),
    Broken("a dash for a minus", "V016", "\u2212", "not expected", W, _IF,
           "event.data.score \u2212 1 <= 6"),
    Broken("is", "V016", "is", "not expected", W, _IF, "event.data.band is 'detractor'"),
    Broken("no null", "V016", "contact.owner == null", "with null", W, _IF,
           "event.data.score <= 6 && contact.owner == null"),
    Broken("has of a name", "V016", "contact", "asks of a field", W, _IF, "has(contact)"),
    Broken("a number too large", "V016", "9223372036854775808", "too large", W, _IF,
           "event.data.score < 9223372036854775808"),
    Broken("a field of a text", "V016", "s.name", "has no fields", W, _IF,
           "contact.segments.exists(s, s.name == 'a')"),
    Broken("a condition about nothing", "V076", '"1 == 1"', "asks about nothing", W,
           _IF, '"1 == 1"', severity="warning"),
    # -- one mistake, one finding
    Broken("a colon too few", "V001", "due 2bd", "without a colon", W, "due: 2bd", "due 2bd"),
    Broken("a field there is already", "V018", "name", "already", P,
           "contact: {vip: bool}", "contact: {vip: bool, name: int}"),
    one("the event of a trigger, in a step", "V012", "event", "unknown name",
        "  - {wait: 1d, if: event.data.text == 'x'}\n"),
    Broken("an answer without an ask", "V050", "links.gladly", "unknown field",
           "templates/hi/en.md", "Hello {{", "[Yes]({{ links.gladly }}) {{"),
    one("a text that is no condition", "V016", "contact.name", "a bool is needed",
        "  - set: {vip: contact.name}\n"),
    # -- values
    Broken("no fraction", "V016", "0.5", "numbers are whole", W, _IF, "event.data.score >= 0.5"),
    Broken("one equals sign", "V016", "=", "not expected", W, _IF, "event.data.score = 6"),
    Broken("a misspelt function", "V016", "startswith", "unknown function", W,
           _IF, "contact.name.startswith('x')"),
    Broken("a bracket too few", "V016", "6", "ends too early", W, _IF, "(event.data.score <= 6"),
    Broken("a question without quotes", "V003", "event.data.score > 3 ? true : false", '": "', W,
           _IF, "event.data.score > 3 ? true : false"),
    Broken("an exclamation mark without quotes", "V003", "!contact.open_case", "needs quotes", W,
           _IF, "!contact.open_case"),
    Broken("braces without quotes", "V004", "{{ contact.name }}", "needs quotes", W,
           "title: Call {{ contact.name }}", "title: {{ contact.name }}"),
)  # fmt: skip
