"""Workflows made at random, of every verb and span."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import yaml

from tests.generated_policies import KINDS

ELAPSED = ("45m", "6h", "36h", "90m")
CALENDAR = ("1d", "2d", "1w", "5d12h", "1mo")
BUSINESS = ("1bd", "3bd", "4bh", "90bm")
SPANS = (*ELAPSED, *CALENDAR, *BUSINESS, "P3D", "PT5H")
LONG = ("3d", "1w", "10bd", "1mo")
WORDS = ("plain-1", "plain-2", "plain-3")
ROLES = ("sales", "manager", "owner_of", "nobody_yet")
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
DEPTH_MAX = 3


def workflows_of(
    draw: Random, count: int, *, classes: Mapping[str, Any], chatty: bool = True
) -> dict[str, str]:
    """Return the files of so many workflows; `chatty` ones emit events and start on facts."""
    return {
        f"workflows/made-{number}.yaml": as_yaml(
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


def as_yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False)
