"""Who looked and what came of it, in sentences with the places of the rules."""

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from workers.places import Places
from workers.sentences import because, deed, false_part, idle, sentence, values_seen, when

Row = Mapping[str, Any]


class Teller:
    """Tells rows of an explanation by the programme's clock.

    Args:
        zone: The zone of the programme.
        places: Where rules stand.
        versions: The version of each run, by its id.
    """

    def __init__(self, zone: ZoneInfo, places: Places, versions: Mapping[str, str]) -> None:
        self.zone = zone
        self._places = places
        self._versions = versions

    def when(self, at: Any) -> str:  # noqa: ANN401 - an instant, or its text
        """Return an instant by the programme's clock."""
        return when(at, self.zone)

    def look(self, look: Row, event: Row) -> str:
        """Return who looked at an input, and what came of it."""
        if "did" in look:
            return deed(look)
        if "idle" in look:
            return idle(look)
        if "unmet" in look:
            return self._unmet(look)
        workflow, version = look["workflow"], look["version"]
        refused, operand = look.get("refused"), look.get("operand", "")
        place = self._places.trigger(version, operand if refused == "if" else "")
        who = f"{workflow} ({place or f'workflows/{workflow}.yaml'}, version {version[:8]})"
        if not refused:
            return f"{who} {'asked its account' if 'account' in look else 'started'}"
        if refused != "if":
            return f"{who} did not start{because(refused)}"
        return f"{who} did not start: {false_part(operand)}{_saw(look, event)}"

    def _unmet(self, look: Row) -> str:
        """Return which condition of a live run did not hold."""
        operand, where = look.get("operand", ""), look["unmet"]
        place = self._places.unmet(look["version"], where, operand)
        kind = "its exit" if where.startswith("exit/") else f'step "{where}"'
        who = f"run {look['run']} of {look['workflow']}, {kind}"
        at = f" ({place})" if place else ""
        return f"{who}{at}: {false_part(operand)}{_saw(look, {})}"

    def fact(self, fact: Row) -> Iterator[str]:
        """Give a fact as a line; below it the rule that it follows from, if that is known."""
        if fact["fact"] == "run.refused":  # said by who looked
            return
        yield f"  {self.when(fact['at'])}  {sentence(fact, self.zone)}"
        rule = self.rule(fact)
        if rule:
            yield f"    by {rule}"

    def rule(self, fact: Row) -> str:
        """Return where the rule of a fact stands: a policy, or the step of its run."""
        if fact.get("rule"):
            operand = fact.get("operand", "")
            place = self._places.policy(fact["at"], fact["rule"], operand)
            why = f": {false_part(operand)}{_saw(fact, {})}" if operand else ""
            return f"{fact['rule']} ({place or 'programme.yaml'}){why}"
        if fact["fact"].startswith("moment."):
            return self._places.moment(fact["at"], str(fact.get("data", {}).get("moment", "")))
        version = self._versions.get(fact.get("run", ""), "")
        if fact["fact"] == "run.ended" and version:
            return self._places.ending(version, str(fact.get("data", {}).get("as", "")))
        return self._places.step(version, fact["step"]) if version and fact.get("step") else ""

    def placed(self, row: Row) -> dict[str, Any]:
        """Return a row with the places of its rules, for programs."""
        if row["kind"] == "fact":
            rule = self.rule(row) or self._behind(row)
            return {**row, "place": rule} if rule else dict(row)
        return {**row, "looked": [self._placed(look) for look in row["looked"]]}

    def _behind(self, fact: Row) -> str:
        """Return the place of what sentences need not name: whose timer it is, what was synced."""
        version = self._versions.get(fact.get("run", ""), "")
        data = fact.get("data", {})
        if fact["fact"].startswith("timer.") and version:
            return self._places.step(version, str(data.get("timer", "")).partition("/")[0])
        if fact["fact"] == "run.started" and version:
            return self._places.trigger(version)
        if fact["fact"].startswith("sync.") and "target" in data:
            return self._places.policy(fact["at"], f"sync.{data['target']}")
        return ""

    def _placed(self, look: Row) -> dict[str, Any]:
        operand = look.get("operand", "")
        if "unmet" in look:
            place = self._places.unmet(look["version"], look["unmet"], operand)
        else:
            refused = look.get("refused") == "if"
            place = self._places.trigger(look.get("version", ""), operand if refused else "")
        return {**look, "place": place} if place else dict(look)

    def origin(self, workflow: str, version: str, step: str = "") -> str:
        """Return the place of a workflow or its step, and its version."""
        place = self._places.step(version, step) if step else self._places.trigger(version)
        return f"{place or f'workflows/{workflow}.yaml'}, version {version[:8]}"

    def origin_of(self, row: Row) -> Iterator[str]:
        """Give the line that says which step of a run made an ask or a message."""
        version = self._versions.get(row.get("run", ""), "")
        if version:
            yield f"  by {self.origin(row['workflow'], version, row['step'])}"

    def place(self, version: str, step: str) -> str:
        """Return the place of a step, or what can be said without the text."""
        return self._places.step(version, step) or f"version {version[:8]}"


def _saw(look: Row, event: Row) -> str:
    """Return what a false condition read, at the time; of old records what the event still says."""
    if "saw" in look:
        said = ", ".join(
            f"{path} was {value!r}" for path, value in look["saw"].items() if value is not None
        )
    else:
        said = values_seen(look.get("operand", ""), event)
    return f" ({said})" if said else ""
