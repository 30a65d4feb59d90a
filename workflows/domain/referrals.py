"""A lead's life: submitted, attributed, contacted, won or lost, in any order of events.

The lead is an actor of its own (the contact it is); it decides and tells the referrer's
actor by facts. A fact carries the referral as it is when the batch that made it ends.
"""

from hashlib import sha256

from workflows.domain.contacts import named
from workflows.state import Doc, Timer, instant, iso
from workflows.turn import Turn

PARKED_MAX = 100
"""Events about one lead nobody knows yet; the oldest goes first."""
REFERRALS_MAX = 500
"""Referrals a referrer remembers; the oldest goes first."""
LINE_MAX = 50
"""Referrers kept in line behind the first."""

RANKS = {"submitted": 0, "accepted": 1, "contacted": 2, "qualified": 3, "won": 4, "lost": 4}
_ENDS = frozenset({"won", "lost"})
_OVER = frozenset({"expired", "lost"})


def is_about_lead(turn: Turn, event: Doc) -> bool:
    """Tell whether this actor is the lead an event is about (and not the referrer)."""
    return (
        not event.get("fact")
        and bool(event.get("lead"))
        and turn.state.actor == f"contact/{event['lead']}"
        and event.get("contact") != event["lead"]
    )


def apply_to_lead(turn: Turn, event: Doc) -> bool:
    """Apply what happened to a lead; parked while nobody knows the lead."""
    kind, data = event["type"], event["data"]
    told: list[tuple[str, Doc]] = []
    if kind == "referral.submitted":
        _submit(turn, event, event["contact"], data["lead"], told)
        _tell(turn, told)
        return False  # workflows hear of it on the referrer's side
    if kind == "lead.created":
        turn.doc["lead_known"] = True
        turn.save()
        if data.get("referred_by"):
            _created(turn, event, told)
        _replay(turn, told)
        _tell(turn, told)
        return True
    if not turn.doc.get("referred") and not turn.doc.get("lead_known"):
        _park(turn, event)
        return False
    _move(turn, event, told)
    _tell(turn, told)
    return True


# -- submission ------------------------------------------------------------------------------------


def _created(turn: Turn, event: Doc, told: list[tuple[str, Doc]]) -> None:
    """A lead that sales entered with who recommended it: the referral is submitted by that."""
    referrer = str(event["data"]["referred_by"])
    _submit(turn, event, referrer, {"id": event["lead"]}, told)
    turn.forward(f"contact/{referrer}", {
        "id": f"{event['id']}/referral", "source": event["source"], "type": "referral.submitted",
        "time": event["time"], "arrived": event["arrived"], "contact": referrer,
        "lead": event["lead"], "data": {"lead": {"id": event["lead"]}, "via": "crm"},
    })  # fmt: skip


def _submit(turn: Turn, event: Doc, referrer: str, lead: Doc, told: list[tuple[str, Doc]]) -> None:
    _meet(turn, lead, event)
    referred = turn.doc.setdefault("referred", {"current": "", "line": {}})
    line: dict[str, Doc] = referred["line"]
    data = event["data"]
    mark = sha256(f"{event['source']}#{event['id']}".encode()).hexdigest()[:16]
    referral: Doc = {
        "id": f"r-{mark}", "referrer": {"id": referrer}, "lead": {}, "stage": "submitted",
        "verdict": "accepted", "code": data.get("code", ""), "via": data.get("via", ""),
        "consent_to_contact": bool(data.get("consent_to_contact")), "deal": "", "value_eur": 0,
        "rewarded": True, "winback": False, "submitted_at": event["time"],
    }  # fmt: skip
    current = line.get(referred["current"])
    if current is not None and current["stage"] not in _OVER:
        same = current["referrer"]["id"] == referrer
        referral |= {"verdict": "duplicate", "rewarded": False}
        if not same and len(line) < LINE_MAX:
            line[referral["id"]] = referral
        turn.save()
        told.append(
            (
                "referral.duplicate",
                referral
                | {
                    "time": event["time"],
                    "reason": "same_referrer" if same else "already_referred",
                },
            )
        )
        return
    line[referral["id"]] = referral
    _accept(turn, referral, event["time"], told)
    _replay(turn, told)


def _meet(turn: Turn, lead: Doc, event: Doc) -> None:
    """Fill in what is not known of the lead yet; a lead is a contact somebody recommended."""
    doc = turn.doc
    doc["lead_known"] = True
    if lead.get("name") and not doc.get("given_name"):
        doc["given_name"] = lead["name"]
    for field in ("email", "phone", "company"):
        if lead.get(field) and not doc.get(field):
            doc[field] = lead[field]
    if event.get("locale") and not doc.get("locale"):
        doc["locale"] = event["locale"]
    named(doc)
    turn.save()


def _accept(turn: Turn, referral: Doc, time: str, told: list[tuple[str, Doc]]) -> None:
    referral["verdict"] = "accepted"
    referral["rewarded"] = True
    turn.doc["referred"]["current"] = referral["id"]
    turn.save()
    limit = turn.add(instant(referral["submitted_at"]), turn.programme.policies.referrals.within)
    turn.set_timer(
        "attribution",
        f"{referral['id']}/attribution",
        limit,
        name="attribution",
        subject=referral["id"],
    )
    told.append(("referral.accepted", {"id": referral["id"], "time": time}))


# -- stages ----------------------------------------------------------------------------------------


def _move(turn: Turn, event: Doc, told: list[tuple[str, Doc]]) -> None:
    """Move the referral's stage forward; what is older than its state only enters the timeline."""
    referral = _current(turn)
    if referral is None:
        return
    data, kind = event["data"], event["type"]
    if data.get("deal"):
        referral["deal"] = referral["deal"] or str(data["deal"])
    if data.get("value_eur"):
        referral["value_eur"] = data["value_eur"]
    stage = {"deal.won": "won", "deal.lost": "lost"}.get(kind) or str(data.get("stage", ""))
    turn.save()
    if stage not in RANKS or not _is_forward(referral, stage, event["time"]):
        return
    referral["stage"] = stage
    referral["stage_at"] = event["time"]
    if data.get("deal"):
        referral["deal"] = str(data["deal"])
    if RANKS[stage] >= RANKS["contacted"]:
        turn.cut_timer(f"{referral['id']}/attribution", stage)
    if stage not in ("submitted", "accepted"):
        told.append((f"referral.{stage}", {"id": referral["id"], "time": event["time"]}))


def _is_forward(referral: Doc, stage: str, time: str) -> bool:
    known = referral["stage"]
    if known in _ENDS and stage in _ENDS:
        return known != stage and instant(referral["stage_at"]) < instant(time)
    return RANKS[stage] > RANKS.get(known, 0)


def _current(turn: Turn) -> Doc | None:
    referred = turn.doc.get("referred")
    if not referred:
        return None
    found: Doc | None = referred["line"].get(referred["current"])
    return found


def attribution_passed(turn: Turn, timer: Timer) -> None:
    """Not contacted in time: it expires, and the next in line is promoted."""
    referral = _current(turn)
    if referral is None or referral["id"] != timer.subject:
        return
    told: list[tuple[str, Doc]] = []
    referral["stage"] = "expired"
    referral["rewarded"] = False
    told.append(("referral.expired", {"id": referral["id"], "time": iso(timer.due_at)}))
    line = turn.doc["referred"]["line"].values()
    waiting = [other for other in line if other["verdict"] == "duplicate"]
    turn.save()
    if waiting:
        first = min(waiting, key=lambda other: (instant(other["submitted_at"]), other["id"]))
        _accept(turn, first, iso(timer.due_at), told)
    _tell(turn, told)


# -- parking ---------------------------------------------------------------------------------------


def _park(turn: Turn, event: Doc) -> None:
    parked = turn.doc.setdefault("parked", [])
    parked.append(event)
    del parked[:-PARKED_MAX]
    turn.save()
    turn.set_timer(
        "park",
        f"{event['source']}#{event['id']}/park",
        turn.add(turn.now, turn.programme.policies.referrals.park),
        name="park",
        subject=event["id"],
    )
    turn.fact(
        "event.parked",
        event["id"],
        event=event["id"],
        type=event["type"],
        reason="unknown_lead",
        field="data.lead",
    )


def _replay(turn: Turn, told: list[tuple[str, Doc]]) -> None:
    """Apply what was parked, in order of its time, now that somebody knows the lead."""
    for event in sorted(turn.doc.pop("parked", ()), key=lambda e: instant(e["time"])):
        turn.cut_timer(f"{event['source']}#{event['id']}/park", "known")
        _move(turn, event, told)
    turn.save()


def park_passed(turn: Turn, timer: Timer) -> None:
    """Nobody ever named the lead: the event stays in the view of parked ones, without effect."""
    turn.doc["parked"] = [e for e in turn.doc.get("parked", ()) if e["id"] != timer.subject]
    turn.save()


# -- telling the referrer --------------------------------------------------------------------------


def _tell(turn: Turn, told: list[tuple[str, Doc]]) -> None:
    """Hand the batch's facts to the referrers, each with the referral as it is now."""
    line = turn.doc.get("referred", {}).get("line", {})
    for number, (kind, said) in enumerate(told):
        referral = line.get(said["id"], said)
        view = {**referral, "lead": _lead_view(turn)}
        view.pop("time", None)
        data = {
            "referral": view["id"],
            "lead": turn.contact,
            "code": view["code"],
            "stage": view["stage"],
            "deal": view["deal"],
            "reason": said.get("reason", ""),
        }
        turn.forward(f"contact/{view['referrer']['id']}", {
            "id": f"{turn.mark}/{number}/{kind}", "source": "vouch", "type": kind, "fact": True,
            "time": said["time"], "contact": view["referrer"]["id"], "lead": turn.contact,
            "data": {k: v for k, v in data.items() if v}, "referral": view,
        })  # fmt: skip


def _lead_view(turn: Turn) -> Doc:
    doc = turn.doc
    names = ("id", "name", "first_name", "last_name", "email", "phone", "company", "owner")
    view = {name: doc[name] for name in names if doc.get(name)}
    if turn.state.account:
        view["account"] = turn.state.account
    return view


def note(turn: Turn, event: Doc) -> None:
    """Keep a referral's news on the referrer's side, and record the fact there."""
    referral = event.get("referral")
    if not event.get("fact") or referral is None:
        return
    known = turn.doc.setdefault("referrals", {})
    known[referral["id"]] = referral
    while len(known) > REFERRALS_MAX:
        del known[min(known, key=lambda name: (known[name]["submitted_at"], name))]
    turn.save()
    turn.fact(event["type"], event["id"], **event["data"])
