"""The referrer's side of checks: how fast somebody recommends, reviews, and blocking.

A held referral makes the programme's review task; it belongs to no run. Whoever was found to
recommend themselves often enough earns nothing any more, and still takes part.
"""

from datetime import datetime

from workflows.domain import blocking, engine_tasks, redating
from workflows.durations import parse_span, subtract_span
from workflows.state import Doc, instant, iso
from workflows.steps import tasking
from workflows.turn import Turn

STEP = "review"
"""How the task of a review is named."""
PACE_MAX = 200
"""Submissions that a referrer's pace is measured by; the oldest goes first."""

_TITLES = {
    "nl": "Beoordeel de aanbeveling van {lead} door {contact} ({reason})",
    "de": "Empfehlung von {lead} durch {contact} prüfen ({reason})",
    "en": "Review the recommendation of {lead} by {contact} ({reason})",
}
_BLOCKED = {
    "nl": "{contact} heeft zichzelf {times} keer aanbevolen en verdient niets meer: bekijk het",
    "de": "{contact} hat sich {times} Mal selbst empfohlen und verdient nichts mehr: bitte prüfen",
    "en": "{contact} recommended themselves {times} times and earns nothing any more: have a look",
}


# -- pace ------------------------------------------------------------------------------------------


def pace(turn: Turn, id_: str, event: Doc) -> bool:
    """Note a submission and tell whether it comes too fast; others may do so by it as well."""
    policy = turn.programme.policies.referrals.checks.get("velocity")
    if policy is None or policy.max is None or not policy.within:
        return False
    made = turn.doc.setdefault("recommended", {})
    of = "" if policy.per in ("", "contact") else str(event["data"].get(policy.per, ""))
    made[id_] = {"at": event["time"], "lead": event["lead"], "of": of, "fast": False}
    while len(made) > PACE_MAX:
        del made[min(made, key=lambda name: (instant(made[name]["at"]), name))]
    changed = measure(turn)
    tell_pace(turn, {name: fast for name, fast in changed.items() if name != id_})
    return bool(made.get(id_, {}).get("fast"))


def measure(turn: Turn) -> dict[str, bool]:
    """Count anew, in order of time, what was not rejected by then; return whose finding changed.

    What has not been checked yet may count or not. Where that decides, a submission that waits for
    its own check is too fast, and one that was checked stays what it was found to be.
    """
    policy = turn.programme.policies.referrals.checks.get("velocity")
    made: dict[str, Doc] = turn.doc.get("recommended", {})
    if policy is None or policy.max is None or not policy.within:
        return {}
    span = parse_span(policy.within)
    known = turn.doc.get("referrals", {})
    ordered = sorted(made, key=lambda name: (instant(made[name]["at"]), name))
    changed = {}
    for place, name in enumerate(ordered):
        if known.get(name, {}).get("verdict") == "rejected":
            continue
        at = instant(made[name]["at"])
        since = subtract_span(at, span, zone=turn.zone, office=turn.programme.office)
        before = [
            each for each in ordered[: place + 1]
            if made[each]["of"] == made[name]["of"] and instant(made[each]["at"]) > since
            and not _is_out(known.get(each, {}), at)
        ]  # fmt: skip
        fast = len(before) > policy.max
        if fast and name in known:
            sure = sum(each in known for each in before)
            fast = sure > policy.max or made[name]["fast"]
        if fast != made[name]["fast"]:
            made[name]["fast"] = changed[name] = fast
    turn.save()
    return changed


def _is_out(referral: Doc, at: datetime) -> bool:
    """Tell whether a referral was rejected by then: a review that came later changes nothing."""
    decided = referral.get("decided_at")
    return referral.get("verdict") == "rejected" and (not decided or instant(decided) <= at)


def tell_pace(turn: Turn, changed: dict[str, bool]) -> None:
    """Tell the leads concerned that a finding about the pace changed."""
    made: dict[str, Doc] = turn.doc.get("recommended", {})
    for name, fast in changed.items():
        turn.forward(f"contact/{made[name]['lead']}", {
            "id": f"{turn.mark}/{name}/pace", "source": "vouch", "type": "referral.paced",
            "fact": True, "time": iso(turn.time), "contact": turn.contact,
            "data": {"velocity": {name: fast}},
        })  # fmt: skip


# -- reviews ---------------------------------------------------------------------------------------


def follow(turn: Turn, referral: Doc, kind: str) -> None:
    """Keep the review task, the pace and the block in step with what a referral has become."""
    follow_task(turn, referral, kind, turn.doc.get("name", turn.contact))
    is_out = referral["verdict"] == "rejected" and kind in _OUT
    if is_out or _is_news(turn, referral["id"]):
        tell_pace(turn, measure(turn))
    if is_out and referral["reason"] == "self":
        block(turn)


def _is_news(turn: Turn, id_: str) -> bool:
    """Tell whether the check of a submission has just come back, and others came after it."""
    made: dict[str, Doc] = turn.doc.get("recommended", {})
    mine = made.get(id_)
    if mine is None or mine.get("back"):
        return False
    mine["back"] = True
    at = instant(mine["at"])
    return any(name != id_ and instant(each["at"]) >= at for name, each in made.items())


def follow_task(turn: Turn, referral: Doc, kind: str, referrer: str) -> None:
    """Open the review task of a referral that waits for one, and close it once it does not."""
    waits = referral["verdict"] in ("review", "held") and referral["stage"] != "expired"
    key = f"{referral['id']}/{STEP}"
    task = turn.state.tasks.get(key)
    if waits and task is None and kind == "referral.held":
        title = _title(turn, _TITLES, referral, referrer=referrer)
        _open(turn, key, referral["reason"], title, referral)
    elif task is not None and not waits and referral.get("reviewed"):
        tasking.close(turn, task, {}, reason=referral["verdict"])
    elif task is not None and not waits:  # nobody has to look at it after all
        tasking.cancel(turn, task, referral["verdict"])


def title_for_nobody(turn: Turn, referral: Doc, referrer: str) -> str:
    """Return the title of a review where whoever recommended is called otherwise."""
    return _title(turn, _TITLES, referral, referrer=referrer)


_OUT = frozenset({"referral.rejected", "referral.voided"})


def merged(turn: Turn) -> None:
    """Measure as one referrer's what two records recommended: their pace, and themselves."""
    tell_pace(turn, measure(turn))
    block(turn, merged=True)


def _open(
    turn: Turn, key: str, reason: str, title: str, referral: Doc | None = None,
    *, since: datetime | None = None,
) -> None:  # fmt: skip
    """Open a task of the programme's own, about the lead of a referral where it is one's."""
    policy = turn.programme.policies.referrals.review
    if policy is None:
        return
    now, turn.time = turn.time, since or turn.time
    engine_tasks.open_task(
        turn, key, STEP, policy.to, title=title, due=policy.due, reason=reason,
        about=referral["lead"] if referral else None,
        more={"referral": referral["id"]} if referral else None,
    )  # fmt: skip
    turn.time = now


def _title(
    turn: Turn, titles: dict[str, str], referral: Doc | None = None, times: int = 0,
    referrer: str = "",
) -> str:  # fmt: skip
    language = turn.programme.policies.locales[0].replace("_", "-").partition("-")[0]
    lead = (referral or {}).get("lead", {})
    return titles.get(language, titles["en"]).format(
        lead=lead.get("name") or lead.get("id", ""),
        contact=referrer or turn.doc.get("name", turn.contact),
        reason=(referral or {}).get("reason", ""), times=times,
    )  # fmt: skip


def block(turn: Turn, *, merged: bool = False) -> None:
    """End earning once so many recommendations of oneself were turned down.

    Somebody looks at it, due from the one that made them enough, in order of time; from the
    merge, where two records together had enough.
    """
    most = turn.programme.policies.referrals.block_after
    known = turn.doc.get("referrals", {}).values()
    selves = [r for r in known if r["verdict"] == "rejected" and r.get("reason") == "self"]
    if most is None or not selves:
        return
    out: dict[str, str] = turn.doc.setdefault("selves", {})
    for each in selves:
        out.setdefault(each["id"], iso(turn.time))
    turn.save()
    if len(selves) < most:
        return
    times = sorted((each["submitted_at"] for each in selves), key=instant)
    enough = sorted(instant(out[each["id"]]) for each in selves)[most - 1]
    key = f"{turn.state.actor}/blocked"
    is_new = blocking.block(turn, times[most - 1])
    if is_new:
        title = _title(turn, _BLOCKED, times=len(selves))
        _open(turn, key, "self", title, since=turn.time if merged else enough)
    elif not merged and (policy := turn.programme.policies.referrals.review) is not None:
        redating.task(turn, key, enough, policy.due)


def decide(turn: Turn, event: Doc) -> bool:
    """Hand a review's decision on to the lead; False where no referral of that name is known."""
    name = str(event["data"]["referral"])
    referrals: dict[str, Doc] = turn.doc.get("referrals", {})
    found = referrals.get(name) or _of_lead(referrals, name)
    if found is None:
        return False
    event["data"] = {**event["data"], "referral": found["id"]}
    lead = found["lead"]["id"]
    turn.forward(f"contact/{lead}", {
        **event, "id": f"{event['id']}/lead", "contact": turn.contact, "lead": lead,
        "to_lead": True,
    })  # fmt: skip
    return True


def _of_lead(referrals: dict[str, Doc], name: str) -> Doc | None:
    """Return the referral of a lead, or by the event that told of it: one that waits first."""
    fit = [r for r in referrals.values() if name in (r["lead"].get("id"), r.get("event"))]
    fit.sort(key=lambda r: (r["verdict"] in ("review", "held"), instant(r["submitted_at"])))
    return fit[-1] if fit else None
