"""Programmes made at random, of every verb, policy and span; each is one that `check` passes.

Who draws says how: a seed's `Random` for the simulation, hypothesis's own for properties, so
that what fails shrinks.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import yaml

from workflows.check.sources import catalogue_of
from workflows.compiled import Programme
from workflows.compiling import compile_programme
from workflows.folder import Folder
from workflows.load import load_programme
from workflows.loaded import Loaded

ELAPSED = ("45m", "6h", "36h", "90m")
CALENDAR = ("1d", "2d", "1w", "5d12h", "1mo")
BUSINESS = ("1bd", "3bd", "4bh", "90bm")
SPANS = (*ELAPSED, *CALENDAR, *BUSINESS, "P3D", "PT5H")
LONG = ("3d", "1w", "10bd", "1mo")
ZONES = ("Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "UTC")
WORDS = ("plain-1", "plain-2", "plain-3")
ROLES = ("sales", "manager", "owner_of", "nobody_yet")
KINDS = ("quote", "reference_story", "referral")
DONE_BY = {"quote": "quote.given", "reference_story": "story.given",
           "referral": "referral.submitted"}  # fmt: skip
HEARD = ("nps.answered", "favour.granted", "problem.solved", "product.upgraded",
         "project.delivered", "compliment.given", "optin.confirmed", "quote.given",
         "story.given", "review.posted", "own.ping")  # fmt: skip
FACTS = ("ask.declined", "ask.silent", "message.skipped", "task.closed", "reward.released",
         "journey.answered", "contact.changed", "case.closed")  # fmt: skip
CONDITIONS = (
    "contact.nps.score >= 8", "contact.participant", "!contact.open_case", "contact.vip",
    "contact.owner == 'u-sam'", "contact.balance.pending == 0", "contact.rank < 3",
    "contact.nps.band != 'detractor'", "size(contact.segments) == 0",
    "contact.nps.at >= ago('90d')", "programme.name == 'made'",
    "contact.rank * 2 > 3 || contact.word == 'x'", "has(contact.first_name)",
)  # fmt: skip
OF_EVENT: Mapping[str, Sequence[str]] = {
    "nps.answered": ("event.data.score >= 9", "event.data.band == 'passive'",
                     "event.data.previous_band == ''"),
    "project.delivered": ("event.data.value_eur > 50000",),
    "problem.solved": ("event.data.ticket == 't-1'",),
    "own.ping": ("event.data.number % 2 == 0", "10 / event.data.number > 2"),
}  # fmt: skip
"""Conditions on an event's own data; the last one fails on a zero."""
FIELDS = {"vip": ("true", "contact.nps.score > 8", "!contact.vip"),
          "rank": ("3", "contact.rank + 1"), "word": ("'x'", "contact.word + 'y'")}  # fmt: skip
OWN_EVENT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"number": {"type": "integer"}},
    "required": ["number"],
}
MAIL = '---\nsubject: "About you"\n---\nDear {{ contact.name }}, a word from {{ sender.name }}.\n'
ASK = MAIL + "\n[Not now]({{ links.not_now }})\n"
DEPTH_MAX = 3


def made(draw: Random, *, policies: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Return the files of a programme; `policies` are laid over those that are drawn."""
    own = policies_of(draw) | dict(policies or {})
    files = {"programme.yaml": _yaml(own), "events/own.ping.yaml": _yaml(OWN_EVENT)}
    for name in (*WORDS, "task_escalated", "task_reassigned", "task_unassigned"):
        files[f"templates/{name}/en.md"] = MAIL
    files["templates/plain-1/en.sms.txt"] = "Dear {{ contact.name }}, a word.\n"
    files["templates/asked/en.md"] = ASK
    for name in ("stage", "thanks"):
        files[f"templates/{name}/en.md"] = MAIL
    return files | workflows_of(draw, draw.randint(1, 4), classes=own["classes"])


def busy(draw: Random) -> dict[str, str]:
    """Return the files of a programme that wants to write to everybody about everything."""
    files = {path: text for path, text in made(draw).items() if not path.startswith("workflows/")}
    for number, kind in enumerate(HEARD):
        step: dict[str, Any] = {"send": {
            "template": draw.choice(WORDS), "class": draw.choice(("value", "survey", "journey")),
            **draw.choice(({}, {}, {}, {"uncapped": True})),
        }}  # fmt: skip
        if number % 4 == 0:
            step = {"ask": {"kind": draw.choice(KINDS), "template": "asked", "within": "2mo"}}
        files[f"workflows/busy-{number}.yaml"] = _yaml({
            "workflow": f"busy-{number}", "trigger": {"event": kind}, "steps": [step],
        })  # fmt: skip
    return files


def loaded(files: Mapping[str, str]) -> Loaded:
    """Return a programme that was made, read; one with errors is a mistake of who made it."""
    found = load_programme(Folder(dict(files)))
    wrong = [finding for finding in found.findings if finding.severity == "error"]
    assert not wrong, (wrong, files)
    return found


def compiled(files: Mapping[str, str]) -> Programme:
    """Return a programme that was made, compiled."""
    found = loaded(files)
    return compile_programme(
        found.policies,
        found.workflows,
        templates={(k.name, k.locale, k.kind): text for k, text in found.templates.items()},
        catalogue=catalogue_of(found)[0],
    )


# -- policies --------------------------------------------------------------------------------------


def policies_of(draw: Random) -> dict[str, Any]:
    """Return policies, drawn: caps, cool-downs, hours, people."""
    slot = {"leaves": "slot", "calendar": "office"}
    return {
        "programme": "made",
        "zone": draw.choice(ZONES),
        "locales": ["en"],
        "channels": draw.choice((["email"], ["email", "sms"], ["sms", "email"])),
        "slot": draw.choice(("10:00", "08:30", "16:00")),
        "quiet": draw.choice((["20:00", "08:00"], ["22:30", "06:30"])),
        "defer": draw.choice(("3d", "14d", "P10D")),
        "calendars": {"office": {
            "days": draw.choice((["mon", "tue", "wed", "thu", "fri"], ["tue", "thu", "sat"])),
            "hours": draw.choice((["09:00", "17:00"], ["07:30", "12:00"])),
            **draw.choice(({}, {"holidays": "NL"}, {"holidays": ["2027-03-17"]})),
        }},
        "fields": {"contact": {"vip": "bool", "rank": "int", "word": "string"}},
        "classes": {
            "survey": {"consent": "survey", "caps": ["rare"], **slot},
            "ask": {"consent": "programme", "caps": ["asks", "often", "firm"],
                    "held_by": ["case", "cooldown"], **draw.choice((slot, {}))},
            "reminder": {"consent": "programme", "caps": ["often"], "held_by": ["case"], **slot},
            "value": {"consent": "programme", "caps": ["often"],
                      **draw.choice((slot, {"held_by": ["cooldown"]}, {}))},
            "journey": {"consent": "programme", "caps": ["often"], "held_by": ["case"], **slot},
            "newsletter": {"consent": "programme", "caps": ["often"]},
            "transactional": draw.choice(({}, {"at_night": ["email"]})),
        },
        "caps": {
            "rare": {"max": draw.randint(1, 2), "within": draw.choice(("30d", "2w", "1mo"))},
            "asks": {"max": 1, "within": draw.choice(("7d", "3d"))},
            "often": {"max": draw.randint(2, 3), "within": draw.choice(("7d", "36h", "1w"))},
            "firm": {"max": draw.randint(1, 3), "within": "14d", "per": "account"},
        },
        "asks": {
            **draw.choice(({}, {"if": "contact.nps.band == 'promoter' && !contact.open_case"})),
            "ladder": [{"kind": kind, "done_by": DONE_BY[kind]} for kind in KINDS],
            "cooldown": {"declined": draw.choice(("60d", "5d")), "answered": "20d",
                         "silent": draw.choice(("45d", "1w"))},
            "snooze": draw.choice(("3mo", "4d")),
        },
        "cases": {"cooldown": draw.choice(("30d", "2d"))},
        "staff": {f"u-{name}": {"name": name.title(), "email": f"{name}@made.example"}
                  for name in ("sam", "ada", "ben", "pim")} | {
            "u-lena": {"name": "Lena", "email": "lena@made.example", "deputy": "u-ben",
                       **draw.choice(({}, {"max": 1}, {"leave": ["2027-03-02", "2027-03-20"]}))}},
        "queues": {"all": ["u-sam", "u-ada", "u-lena"]},
        "roles": {"sales": ["contact.owner", "queue.all"], "manager": ["account.manager", "u-ada"],
                  "owner_of": [{"if": "contact.vip", "to": "u-lena"}, "u-ben"],
                  "nobody_yet": ["contact.owner", "account.manager"], "chief": ["u-pim"]},
        "unassigned": {"after": draw.choice(("15m", "2h")), "to": "chief"},
        "rewards": {
            "currency": {"code": "star", "names": {"en": "stars"}},
            **draw.choice(({}, {"if": "contact.nps.band == 'promoter'"})),
            "hold": draw.choice(("14d", "2h", "3bd")), "choices": ["donation", "training"],
            "reverse": ["deal.lost", "deal.refunded"],
        },
        "tiers": {"count": "reward.released", "within": "365d",
                  "levels": {"member": 0, "silver": 1, "gold": 3}, "lower": "0 3 1 * *"},
        "endpoints": {"hook": {"url": "https://hook.made.example/in", "secret": "env:VOUCH_HOOK",
                               "retry": draw.choice(([], ["5m", "1h"]))}},
        **draw.choice(({}, {"moments": {"collect": draw.choice(("24h", "2h")), "events": [
            {"event": "favour.granted", "rank": 1, "valid": "7d", "opens": ["quote"]},
            {"event": "problem.solved", "rank": 3, "valid": "14d", "opens": ["referral", "quote"]},
        ]}})),
    }  # fmt: skip


# -- workflows -------------------------------------------------------------------------------------


def workflows_of(
    draw: Random, count: int, *, classes: Mapping[str, Any], chatty: bool = True
) -> dict[str, str]:
    """Return the files of so many workflows; `chatty` ones emit events and start on facts."""
    return {
        f"workflows/made-{number}.yaml": _yaml(
            _Maker(draw, classes, first=number == 0, chatty=chatty).workflow(f"made-{number}")
        )
        for number in range(count)
    }


class _Maker:
    """Draws one workflow; what conditions may name depends on what starts it."""

    def __init__(
        self, draw: Random, classes: Mapping[str, Any], *, first: bool, chatty: bool
    ) -> None:
        self.draw = draw
        self.classes = sorted(classes.keys() - {"ask", "reminder", "newsletter"})
        self.waiting = [n for n in self.classes if classes[n].get("leaves")]
        # Only the first one emits, and it never starts on what is emitted: no circles.
        self.emits = first and chatty
        self.starts = (*HEARD[:-1], *(FACTS if chatty and not first else ()),
                       *(HEARD[-1:] if not first else ()))  # fmt: skip
        self.asked = 0
        self.has_journey = False

    def workflow(self, name: str) -> dict[str, Any]:
        draw = self.draw
        kind = draw.choice(self.starts)
        conditions = (*CONDITIONS, *OF_EVENT.get(kind, ()))
        trigger: dict[str, Any] = {"event": kind}
        if draw.random() < 0.3:
            trigger["if"] = draw.choice(conditions)
        run: dict[str, Any] = {"again": draw.choice(("ignore", "restart", "once"))}
        if run["again"] != "once" and draw.random() < 0.3:
            run["cooldown"] = draw.choice(SPANS)
        if kind == "nps.answered" and draw.random() < 0.5:
            run["per"] = "response"
        elif draw.random() < 0.1:
            run["per"] = "account"
        made_: dict[str, Any] = {"workflow": name, "title": "Made", "trigger": trigger, "run": run}
        if draw.random() < 0.4:
            others = [each for each in HEARD if each != kind]
            left: dict[str, Any] = {"event": draw.choice(others), "as": "left"}
            if draw.random() < 0.5:
                left["if"] = draw.choice((*CONDITIONS, *OF_EVENT.get(left["event"], ())))
            made_["exit"] = [left]
        return made_ | {"steps": self.steps(draw.randint(1, 5), 1)}

    def steps(self, count: int, depth: int) -> list[dict[str, Any]]:
        found = [self.step(depth) for _ in range(count)]
        if self.draw.random() < 0.15:
            found.append({"stop": self.draw.choice(("enough", "quiet"))})
        return found

    def step(self, depth: int) -> dict[str, Any]:
        draw = self.draw
        verbs = [self.send, self.send, self.wait, self.task, self.wait_for, self.ask, self.credit,
                 self.call, self.set]  # fmt: skip
        if depth < DEPTH_MAX:
            verbs.append(self.switch)
        if self.emits:
            verbs.append(self.emit)
        if not self.has_journey:
            verbs.append(self.journey)
        step: dict[str, Any] = draw.choice(verbs)(depth)
        if draw.random() < 0.15 and "switch" not in step:
            step["if"] = draw.choice(CONDITIONS)
        return step

    def then(self, depth: int, *outcomes: str) -> dict[str, Any]:
        """Return steps for some of the outcomes, or none."""
        draw = self.draw
        if depth >= DEPTH_MAX or draw.random() < 0.5:
            return {}
        some = [each for each in outcomes if draw.random() < 0.5] or [draw.choice(outcomes)]
        return {"then": {each: self.steps(1, depth + 1) for each in some}}

    def send(self, depth: int) -> dict[str, Any]:
        draw = self.draw
        if draw.random() < 0.15:
            to = draw.choice(ROLES)
            return {"send": {"template": draw.choice(WORDS), "class": "staff", "to": to}}
        send: dict[str, Any] = {
            "template": draw.choice(WORDS), "class": draw.choice(self.classes)
        }  # fmt: skip
        if draw.random() < 0.3:
            send["once"] = True
        if draw.random() < 0.2:
            send["uncapped"] = True
        if draw.random() < 0.2:
            send |= {"template": "plain-1", "by": draw.choice((["sms", "email"], ["email"]))}
        if send["class"] in self.waiting and draw.random() < 0.2:
            send["before"] = f"trigger.time + duration('{draw.choice(('30h', '200h'))}')"
        return {"send": send, **self.then(depth, "sent", "skipped")}

    def wait(self, _depth: int) -> dict[str, Any]:
        draw = self.draw
        if draw.random() < 0.3:
            return {"wait": draw.choice(SPANS)}
        at = {"at": draw.choice(("slot", "16:30", "02:30"))} if draw.random() < 0.6 else {}
        since = {"from": draw.choice(("trigger.time", "now"))} if draw.random() < 0.2 else {}
        return {"wait": {"for": draw.choice(SPANS), **at, **since}}

    def wait_for(self, depth: int) -> dict[str, Any]:
        draw = self.draw
        kind = draw.choice(HEARD)
        wait: dict[str, Any] = {"event": kind, "within": draw.choice((*SPANS, *LONG))}
        if draw.random() < 0.3:
            wait["if"] = draw.choice((*CONDITIONS, *OF_EVENT.get(kind, ())))
        if kind == "project.delivered" and draw.random() < 0.5:
            wait |= {"times": 2, "distinct": "event.data.project_id"}
        elif draw.random() < 0.15:
            wait["times"] = 2
        return {"wait_for": wait, **self.then(depth, kind, "timeout")}

    def task(self, depth: int) -> dict[str, Any]:
        draw = self.draw
        task: dict[str, Any] = {
            "to": draw.choice(ROLES), "title": "Call {{ contact.name }}",
            "due": draw.choice(("30bm", "24h", "3bd", "P2D")),
            "within": draw.choice(("0h", "2d", "5bd", "90bm")),
        }  # fmt: skip
        if draw.random() < 0.5:
            task["levels"] = [{"after": draw.choice(("0bh", "4bh")), "to": "chief"}]
        if draw.random() < 0.3:
            task |= {"case": True, "requires": ["root_cause"]}
        if draw.random() < 0.3:
            task["done_by"] = draw.choice(("quote.given", {"event": "own.ping"}))
        return {"task": task, **self.then(depth, "done", "timeout", "cancelled")}

    def ask(self, depth: int) -> dict[str, Any]:
        draw = self.draw
        ask: dict[str, Any] = {"kind": draw.choice(KINDS), "template": "asked"}
        if draw.random() < 0.7:
            ask["reminders"] = {"every": draw.choice(("15d", "1mo", "20bd")),
                                "send": ["asked"] * draw.randint(1, 3)}  # fmt: skip
        if draw.random() < 0.3 or "reminders" not in ask:
            ask["within"] = draw.choice(("3mo", "2mo"))
        return {"ask": ask, **self.then(depth, "answered", "declined", "silent", "skipped",
                                        "withdrawn")}  # fmt: skip

    def credit(self, depth: int) -> dict[str, Any]:
        draw = self.draw
        credit: dict[str, Any] = draw.choice(
            ({"amount": 10}, {"amount": 50}, {"draw": {10: 3, 40: 1}}, {"benefit": "course"})
        )
        credit = dict(credit)
        if draw.random() < 0.4:
            credit["object"] = draw.choice(("'made/' + contact.id", "'run/' + run.id"))
        if draw.random() < 0.3:
            credit["hold"] = draw.choice(SPANS)
        return {"credit": credit, **self.then(depth, "posted", "skipped")}

    def call(self, depth: int) -> dict[str, Any]:
        call = {"endpoint": "hook", "data": {"who": "contact.id", "score": "contact.nps.score"}}
        step: dict[str, Any] = {"call": call, **self.then(depth, "done")}
        if self.draw.random() < 0.6:
            step.setdefault("then", {})["failed"] = [{"stop": "no_answer"}]
        return step

    def set(self, _depth: int) -> dict[str, Any]:
        name = self.draw.choice(sorted(FIELDS))
        return {"set": {name: self.draw.choice(FIELDS[name])}}

    def emit(self, _depth: int) -> dict[str, Any]:
        return {"emit": {"event": "own.ping", "data": {"number": self.draw.choice(("0", "7"))}}}

    def switch(self, depth: int) -> dict[str, Any]:
        draw = self.draw
        arms: list[dict[str, Any]] = [
            {"if": draw.choice(CONDITIONS), "steps": self.steps(1, depth + 1)}
            for _ in range(draw.randint(1, 2))
        ]
        if draw.random() < 0.6:
            arms.append({"steps": self.steps(1, depth + 1)})
        return {"switch": arms}

    def journey(self, depth: int) -> dict[str, Any]:
        self.has_journey, draw = True, self.draw
        stages = [
            {"stage": f"s-{number}", "effort": draw.randint(1, 2), "template": "stage",
             **draw.choice(({"amount": 5}, {"draw": {5: 1, 20: 1}}, {}))}
            for number in range(draw.randint(1, 3))
        ]  # fmt: skip
        journey = {
            "class": "journey", "every": draw.choice(("1w", "10d", "5bd")),
            "within": draw.choice(("5d", "36h")), "skips": draw.randint(1, 2),
            "thanks": "thanks", "stages": stages,
        }  # fmt: skip
        return {"journey": journey, **self.then(depth, "finished", "paused")}


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False)
