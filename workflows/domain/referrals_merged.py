"""Who recommended turns out to be somebody else as well: the side of whom they recommended.

A referrer is merged into another record, or an address that they had all along is heard of late.
What both records recommended is of one referrer then, what the lead says reaches the record that
remains at once, and whether anybody recommended themselves or a colleague is judged again: two
records of one person always were one, so it makes no difference when that is found out.
"""

from workflows.domain import referrals_lead
from workflows.state import Doc, instant
from workflows.turn import Turn


def heard(turn: Turn, event: Doc) -> bool:
    """Know who recommended this lead by the record that remains, and judge again who that is."""
    referred, data = turn.doc.get("referred", {}), event["data"]
    same = {data["contact"], data["into"]}
    for each in referred.get("line", {}).values():
        if each["referrer"]["id"] in same:
            each["referrer"] = {**each["referrer"], "id": data["into"]}
    for sub in referred.get("subs", {}).values():
        if sub["referrer"]["id"] in same:
            known = data.get("known", {}) if _counts(sub, data) else {}
            sub["referrer"] = {**_both(sub["referrer"], known), "id": data["into"]}
    turn.save()
    referrals_lead.settle(turn)
    return False


def _counts(sub: Doc, data: Doc) -> bool:
    """Tell whether what is known now was so already when somebody recommended."""
    since = data.get("since")
    return not since or instant(sub["at"]) >= instant(since)


def _both(was: Doc, known: Doc) -> Doc:
    """Return who a referrer is by what was known of them, and by what is."""
    lists = {name: sorted({*was[name], *known.get(name, ())}) for name in ("marks", "domains")}
    return {**was, **lists, "account": was["account"] or known.get("account", "")}
