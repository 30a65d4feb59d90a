"""The lead's side of a recommendation: it hears everything, decides, and tells the referrers.

The lead is an actor of its own (the contact it is). What it heard is kept; the story is told
anew whenever something is added (`referrals_story`), and the difference is what the referrers
are told. A fact carries the referral as it is when the batch that made it ends.
"""

from datetime import datetime, timedelta

from workflows.domain import (
    handovers,
    joined,
    joined_fields,
    ledger_lead,
    ledger_reversal,
    ledger_room,
)
from workflows.domain import referrals_checks as checks
from workflows.domain import referrals_firms as firms
from workflows.domain import referrals_judging as judging
from workflows.domain.contacts import named
from workflows.domain.referrals_news import Told, differences
from workflows.domain.referrals_story import ENDS, LIVE, RANKS, Referral, Story
from workflows.state import Doc, instant, iso
from workflows.turn import Turn

LINE_MAX = 50
"""Recommendations of one lead that are remembered; a further one counts for nothing."""
NEWS_MAX = 200
"""News of one lead that is remembered; the oldest goes first."""


def submit(turn: Turn, event: Doc) -> None:
    """Hear of a recommendation; the referrer's actor handed it on with who that is."""
    data, referrer = event["data"], event["referrer"]
    meet(turn, data["lead"], event)
    referred = turn.doc.setdefault("referred", {})
    subs: dict[str, Doc] = referred.setdefault("subs", {})
    id_ = event["referral_id"]
    if id_ not in subs and len(subs) >= LINE_MAX:
        return
    given, mail = checks.marks_of(data["lead"]), turn.programme.mail
    domain = checks.domain_of(str(data["lead"].get("email") or ""))
    subs[id_] = {
        "id": id_, "at": event["time"], "referrer": referrer, "given": given,
        "code": data.get("code") or "", "via": data.get("via") or "",
        "consent_to_contact": bool(data.get("consent_to_contact")),
        "velocity": bool(event.get("velocity")), "event": event["id"],
        "disposable": mail.is_disposable(domain), "domain": mail.firm(domain),
    }  # fmt: skip
    firms.ask(turn, referred)
    unpark(turn)
    settle(turn)


def meet(turn: Turn, lead: Doc, event: Doc) -> None:
    """Fill in what is not known of the lead yet; a lead is a contact somebody recommended.

    Where nobody else says so, the lead is called as it was recommended first.
    """
    doc = turn.doc
    doc["lead_known"] = True
    if joined.is_one(turn):
        joined_fields.met(turn, lead, event)
    else:
        _fill(doc, lead, event["time"])
    named(doc)
    turn.save()


def _fill(doc: Doc, lead: Doc, at: str) -> None:
    met: dict[str, str] = doc.setdefault("referred", {}).setdefault("met", {})
    for name in joined_fields.MET:
        field = joined.key_of(name)
        said, since = lead.get(name), met.get(field, "")
        sooner = since != "" and instant(at) < instant(since)
        if said and (not doc.get(field) or (sooner and name not in doc.get("times", {}))):
            doc[field], met[field] = said, at


def hear(turn: Turn, event: Doc) -> None:
    """Hear what happened to the lead in the CRM."""
    data = event["data"]
    if event["type"] == "lead.stage_changed" and data.get("stage") not in RANKS:
        return  # a stage of the CRM's own moves nothing: it must not push out what does
    news = turn.doc.setdefault("referred", {}).setdefault("news", [])
    news.append({
        "id": f"{event['source']}#{event['id']}", "kind": event["type"], "time": event["time"],
        **{name: data[name] for name in ("stage", "deal", "value_eur") if data.get(name)},
    })  # fmt: skip
    news.sort(key=lambda each: (instant(each["time"]), each["id"]))
    del news[:-NEWS_MAX]
    turn.save()


def note_deal(turn: Turn, event: Doc) -> None:
    """Remember since when a deal was open, and until when: older ones were not brought by us."""
    data = event["data"]
    if not data.get("deal"):
        return
    deals: dict[str, Doc] = turn.doc.setdefault("deals", {})
    firms.add_deal(deals, str(data["deal"]), event["type"], event["time"])
    turn.save()
    account = event.get("account") or turn.doc.get("account")
    if account:
        if not turn.doc.get("account"):
            turn.doc["account"] = account
        firms.tell_deal(turn, str(account), event)


def review(turn: Turn, event: Doc) -> bool:
    """Hear what a person decided about a recommendation; the last word counts."""
    referred = turn.doc.get("referred", {})
    id_ = which(referred, event["data"]["referral"])
    if not id_:
        return False
    reviews: dict[str, list[str]] = referred.setdefault("reviews", {})
    said = event["type"].removeprefix("review.")
    known = reviews.get(id_)
    word = [said, event["time"]]
    if known is None or (instant(word[1]), said == "rejected") >= (
        instant(known[1]), known[0] == "rejected",
    ):  # fmt: skip
        reviews[id_] = word
    turn.save()
    settle(turn)
    return True


def which(referred: Doc, name: str) -> str:
    """Return the id of the referral that a name means: its own, its event's, or who waits."""
    subs: dict[str, Doc] = referred.get("subs", {})
    if name in subs:
        return name
    line: dict[str, Doc] = referred.get("line", {})
    told = [id_ for id_, known in subs.items() if name == known.get("event")]
    if told:
        return told[0]
    waiting = [id_ for id_, known in line.items() if known["verdict"] in ("review", "held")]
    return waiting[0] if waiting else ""


def paced(turn: Turn, event: Doc) -> None:
    """Hear that a referrer recommends faster than is allowed, or no longer does."""
    for id_, fast in event["data"]["velocity"].items():
        sub = turn.doc.get("referred", {}).get("subs", {}).get(id_)
        if sub is not None:
            sub["velocity"] = fast
    turn.save()
    settle(turn)


def unpark(turn: Turn) -> None:
    """Take in what was parked, now that somebody knows the lead."""
    for event in sorted(turn.doc.pop("parked", ()), key=lambda e: instant(e["time"])):
        turn.cut_timer(f"{event['source']}#{event['id']}/park", "known")
        hear(turn, event)


# -- the story -------------------------------------------------------------------------------------


def settle(turn: Turn, *, until: datetime | None = None, merged: bool = False) -> None:
    """Tell the story anew and the referrers what is different from before.

    Two records that are `merged` undo each other's wins: once the story says whose deal a win
    was, and before a win that followed is told.
    """
    referred = turn.doc.get("referred")
    if not referred or not referred.get("subs") or firms.is_awaited(referred):
        if merged:
            ledger_lead.merged(turn)
        return
    policy = turn.programme.policies.referrals
    story = Story(
        lambda at: turn.add(at, policy.within),
        lambda at: judging.before(turn, at, policy.park),
        lambda sub: checks.chosen(judging.hits_of(turn, sub), policy.checks),
        lambda news, won, at: ledger_reversal.undoes(
            turn, ledger_reversal.kind_of(news["kind"], news), won, at
        ),
    )
    story.tell(referred, until=until or turn.now)
    before: dict[str, Doc] = referred.get("line", {})
    after = {id_: _view(turn, referral) for id_, referral in story.found.items()}
    referred["line"] = after
    referred["current"] = story.current.id if story.current else ""
    turn.save()
    _set_limits(turn, story)
    told: Told = []
    for id_, referral in story.found.items():
        told += differences(referral, before.get(id_, {}), iso(turn.time))
    told.sort(key=lambda each: each[0] != "referral.voided")
    for id_, view in after.items():  # first: the same win is not credited twice
        ledger_lead.corrected(turn, view, before.get(id_, {}))
    if merged:
        ledger_lead.merged(turn)
    _tell(turn, told, before)
    spoken = {id_ for _, id_, _, _ in told}
    for id_, view in after.items():
        is_told = id_ in spoken and bool(view["referrer"]["id"])
        if not is_told and view != before.get(id_):
            _keep_current(turn, view)


def _keep_current(turn: Turn, view: Doc) -> None:
    """Have a referrer know a referral as it is, where nothing happened that is worth telling.

    Of one who was erased the pseudonym does: what is counted is the same in whatever order the
    wish and the news arrive.
    """
    referrer = view["referrer"]["id"] or ledger_lead.erased(turn).get(view["id"], "")
    if not referrer:
        return
    turn.forward(f"contact/{referrer}", {
        "id": f"{turn.mark}/{view['id']}/kept", "source": "vouch", "type": "referral.kept",
        "fact": True, "time": iso(turn.time), "contact": referrer,
        "lead": turn.contact, "data": {}, "referral": {**view, "lead": _lead_view(turn)},
    })  # fmt: skip


def _view(turn: Turn, referral: Referral) -> Doc:
    """Return a referral as LANGUAGE section 3 has it."""
    sub = referral.sub
    moved = referral.verdict == "accepted" or referral.stage == "expired"  # else nobody is told
    stage, stage_at = (referral.stage, referral.stage_at) if moved else ("submitted", "")
    bounded = ledger_room.is_bounded(turn)  # a win that was lost took room until then
    return {
        "id": referral.id, "referrer": {"id": sub["referrer"]["id"]}, "lead": {},
        "stage": stage, "verdict": referral.verdict, "reason": referral.reason,
        "code": sub["code"], "via": sub["via"], "consent_to_contact": sub["consent_to_contact"],
        "deal": referral.deal, "value_eur": referral.value_eur,
        "rewarded": referral.verdict == "accepted" and referral.stage != "expired",
        "winback": referral.verdict in LIVE and "winback" in judging.flags_of(turn, sub),
        "contacted_at": _contacted_at(referral) if moved else "",
        "submitted_at": sub["at"], "stage_at": stage_at, "event": sub.get("event", ""),
        **({"decided_at": referral.decided_at} if referral.decided_at else {}),
        **({"undone": True} if referral.undone and moved else {}),
        **({"reviewed": True} if referral.id in turn.doc["referred"].get("reviews", {}) else {}),
        **({"wins": referral.wins} if referral.wins and moved and bounded else {}),
    }  # fmt: skip


def _contacted_at(referral: Referral) -> str:
    """Return when somebody first spoke to the lead, as far as anybody said."""
    spoken = (time for stage, time in referral.passed if RANKS.get(stage, 0) >= RANKS["contacted"])
    return next(spoken, "")


def _set_limits(turn: Turn, story: Story) -> None:
    """Have exactly the timer that the one referral that counts needs."""
    current = story.current
    for id_ in story.found:
        key = f"{id_}/attribution"
        if current is None or id_ != current.id or current.is_contacted:
            turn.cut_timer(key, "settled")
            continue
        due = turn.add(current.at, turn.programme.policies.referrals.within)
        known = turn.state.timers.get(key)
        if known is None or known.due_at != due:
            turn.set_timer("attribution", key, due, name="attribution", subject=id_)


# -- telling the referrers -------------------------------------------------------------------------


def _tell(turn: Turn, told: Told, before: dict[str, Doc]) -> None:
    """Hand the batch's facts to the referrers, each with the referral as it is now."""
    referred = turn.doc["referred"]
    lead = _lead_view(turn)
    for number, (kind, id_, at, reason) in enumerate(told):
        sub = referred["subs"][id_]
        view = {**referred["line"][id_], "lead": lead}
        seen = judging.hits_of(turn, sub)
        flags = checks.signals(seen, judging.flags_of(turn, sub)) if kind not in _AFTER else []
        if seen and flags:
            flags.append(f"policy/{turn.programme.hash[:12]}")
        was = "" if kind == "referral.won" else before.get(id_, {}).get("deal", "")
        data = {
            "referral": id_, "lead": turn.contact, "code": view["code"], "stage": view["stage"],
            "deal": view["deal"] or was,
            "reason": reason or view["reason"], "flags": flags,
        }  # fmt: skip
        news = {
            "id": f"{turn.mark}/{number}/{kind}", "source": "vouch", "type": kind, "fact": True,
            "time": at, "contact": view["referrer"]["id"], "lead": turn.contact,
            "data": {k: v for k, v in data.items() if v}, "referral": view,
        }  # fmt: skip
        if sub["referrer"]["id"]:
            turn.forward(f"contact/{view['referrer']['id']}", news)
        else:  # who recommended was erased: what colleagues do about the lead goes on here
            turn.queue.append((handovers.told(turn, news), turn.depth + 1))


_AFTER = frozenset(f"referral.{stage}" for stage in ("contacted", "qualified", *ENDS, "expired"))


def _lead_view(turn: Turn) -> Doc:
    doc = turn.doc
    names = ("id", "name", "first_name", "last_name", "email", "phone", "company", "owner")
    view: Doc = {name: doc[name] for name in names if doc.get(name)}
    firm = next(iter(firms.known(doc).values()), None) or turn.state.account
    if firm:
        view["account"] = {k: v for k, v in firm.items() if k not in firms.INTERNAL}
    return view


def expire(turn: Turn) -> None:
    """Go on after the time in which a referral counts: the next in line takes its place."""
    settle(turn, until=turn.time + timedelta(microseconds=1))
