"""A contact is forgotten: what identifies them goes, what counts stays under a pseudonym.

The pseudonym is the id. Scores stay as counts, the book stays whole. What stands in rows
outside the contact's own state (events, decisions, messages) is emptied by `store.erasure`,
batch by batch; the row of `Changes.erasures` tells it to.
"""

from typing import Any

from workflows import lifecycle
from workflows.adopted import ERASED, FORGOTTEN
from workflows.domain import contests, handing, handovers, late_wishes, referrals_judging
from workflows.domain.merging import SAID_SINCE
from workflows.state import Consent, Doc, Erasure, instant, iso
from workflows.steps import asking, tasking
from workflows.syncs import numbers_of
from workflows.turn import Turn

NEWS = "referral.returned"
"""What a lead hears of its own referral back from somebody forgotten."""
RETURNS = "optin.confirmed"
"""What somebody erased comes back by, under their old id: a fresh word of their own."""

_KEPT = frozenset({
    "id", "locale", "zone", "participant", "participant_since", "balance", "accruals", "payouts",
    "counted", "released", "tier", "aliases", "run_count", "ended", "referred", "lead_known",
    "undoings", "merged_into", "handed", "room",
})  # fmt: skip
_BOOK = frozenset({"hold", "expiry", "lower", "attribution"})
"""Timers that go on: they tell the time in the book, and in the life of a lead."""


def erase(turn: Turn, event: Doc, at: str = "") -> bool:
    """Forget this contact; what goes on elsewhere goes on without their name.

    `at` is when they asked for it, where that is not when the event happened.
    """
    if "erased_at" in turn.doc:
        return False
    packs = handovers.packed(turn)
    handing_over = handing.undelivered(turn)
    _end_all(turn)
    handing.forgone(turn, handing_over)
    for key, timer in list(turn.state.timers.items()):
        if timer.kind not in _BOOK:
            turn.cut_timer(key, ERASED)
    _withdraw(turn, event)
    contests.leave(turn, event)
    _tell(turn, event, packs)
    late_wishes.back_to(turn, instant(at or event["time"]))
    forget(turn, at or event["time"])
    late_wishes.unearn(turn)
    turn.fact(FORGOTTEN, f"{turn.mark}/erased")
    return False


def _end_all(turn: Turn) -> None:
    """End every run, ask and task that is here."""
    for run in list(turn.state.runs.values()):
        if run.id in turn.state.runs:
            lifecycle.leave(turn, run, ERASED)
    asking.withdraw_all(turn, ERASED)
    for task in list(turn.state.tasks.values()):
        tasking.cancel(turn, task, ERASED)


def if_forgotten(turn: Turn, event: Doc) -> None:
    """Forget as well what another record brought to somebody who had asked to be forgotten.

    Unless they said yes since then, under that other record: then they have come back.
    """
    if "erased_at" not in turn.doc:
        return
    since = instant(turn.doc.pop("erased_at"))
    turn.doc.pop("no_asks", None)
    words = event["data"]["consents"]
    if not any(word["granted"] and instant(word["at"]) > since for word in words):
        erase(turn, event, iso(since))


def forget(turn: Turn, at: str) -> None:
    """Empty the document, and have everything else emptied that is kept of this contact."""
    doc = turn.doc
    address = {name: str(doc.get(name) or "") for name in ("email", "phone")}
    turn.changes.erasures.append(Erasure(turn.state.actor, turn.now, **address))
    kept = {name: doc[name] for name in _KEPT if name in doc}
    for name in ("nps", "responses"):
        if name in doc:
            kept[name] = _counted(doc[name])
    if clicks := sum(doc.get("clicks", {}).values()):
        kept["clicks"] = {"": clicks}  # a code may bear a name
    kept |= numbers_of(doc)  # should they come back
    kept["referrals"] = {
        id_: {**referral, "lead": nameless(referral["lead"].get("id", "")), "code": ""}
        for id_, referral in doc.get("referrals", {}).items()
    }
    doc.clear()
    doc.update(kept, name=kept.get("id", turn.contact), erased_at=at, no_asks=True)
    turn.save()


def _counted(said: Doc) -> Doc:
    """Return answers without their words."""
    return {name: _counted(value) if isinstance(value, dict) else value
            for name, value in said.items() if name not in ("improve", "comment")}  # fmt: skip


def _withdraw(turn: Turn, event: Doc) -> None:
    """Say no to everything: nothing that needs consent leaves for this id any more."""
    policies = turn.programme.policies
    topics = {policy.consent for policy in policies.classes.values()} - {""}
    ways = {(channel, topic) for channel in policies.channels for topic in topics}
    for channel, topic in sorted(ways | set(turn.state.consents)):
        word = Consent(turn.state.actor, channel, topic, granted=False, at=turn.time,
                       source=f"{event['source']}#{event['id']}")  # fmt: skip
        known = turn.state.consents.get((channel, topic))
        word.at = max(word.at, known.at) if known else word.at
        turn.state.consents[channel, topic] = word
        turn.changes.consents.append(word)


def _tell(turn: Turn, event: Doc, packs: dict[str, Doc]) -> None:
    """Tell whoever knows this contact: its leads, its referrers, its other records.

    A lead takes over what colleagues do about it: `packs`, by lead.
    """
    leads = {r["lead"].get("id", "") for r in turn.doc.get("referrals", {}).values()} | {*packs}
    subs = turn.doc.get("referred", {}).get("subs", {}).values()
    referrers = {sub["referrer"]["id"] for sub in subs}
    others = {"referrer": leads, "lead": referrers, "alias": set(turn.doc.get("aliases", ()))}
    for what, contacts in others.items():
        for contact in sorted(contacts - {"", turn.contact}):
            _say(turn, what, contact, event, packs.get(contact, {}) if what == "referrer" else {})


def _say(turn: Turn, what: str, contact: str, event: Doc, more: Doc | None = None) -> None:
    """Tell another contact that its referrer, its lead or its other record is forgotten."""
    turn.forward(f"contact/{contact}", {
        "id": event["id"], "source": f"vouch/{what}.erased/{event['source']}",
        "type": f"{what}.erased", "fact": True, "time": event["time"],
        "to_alias": what == "alias",
        "contact": contact, "depth": turn.depth + 1,
        "data": {"contact": turn.contact, "also": turn.doc.get("aliases", []), **(more or {})},
    })  # fmt: skip


def named_before(turn: Turn, event: Doc) -> None:
    """Have forgotten as well who this lead was to whoever named it before it was forgotten.

    That is heard late; whoever names it since then knows it from somewhere else.
    """
    since, by = turn.doc.get("erased_at"), event.get("contact", "")
    if not since or not by or not isinstance(event["data"].get("lead"), dict):
        return
    if instant(event["time"]) <= instant(since):
        _say(turn, "lead", by, event)


def referrer_erased(turn: Turn, event: Doc) -> bool:
    """Forget who recommended this lead; the lead stays, and is nobody's recommendation.

    Only the book must still hear of what undoes a reward: it knows them by their pseudonym.
    What colleagues do about the lead goes on here.
    """
    handovers.check(turn, event["data"])
    referred, gone = turn.doc.get("referred", {}), _gone(event)
    nobody = {"id": "", "marks": [], "account": "", "domains": []}
    for id_, sub in referred.get("subs", {}).items():
        if sub["referrer"]["id"] in gone:
            referred.setdefault("earned", {})[id_] = sub["referrer"]["id"]
            sub["hits"] = referrals_judging.by_referrer(turn, sub)
            sub |= {"referrer": dict(nobody), "code": ""}  # a code may bear a name
            if id_ in referred.get("line", {}):
                referred["line"][id_] |= {"referrer": {"id": ""}, "code": ""}
    turn.save()
    runs = handovers.adopt(turn, event["data"])
    if "erased_at" in turn.doc:
        _end_all(turn)  # this lead was forgotten, too
    else:
        handovers.go_on(turn, runs)
    _empty_about(turn, event, gone)
    return False


def news_of_lead(turn: Turn, event: Doc) -> bool:
    """Hand news of a referral back to the lead where whoever recommended it is forgotten here.

    The lead did not know that yet; it is told so first. Gives whether it went there.
    """
    if "erased_at" not in turn.doc or not event.get("fact") or not event.get("lead"):
        return False
    lead = str(event["lead"])
    if lead == turn.contact:
        return False
    _say(turn, "referrer", lead, event)
    turn.forward(f"contact/{lead}", {
        **event, "source": f"vouch/{NEWS}/{event['source']}", "type": NEWS, "contact": lead,
        "depth": turn.depth + 1, "data": {"type": event["type"], "data": event["data"]},
    })  # fmt: skip
    return True


def told_again(turn: Turn, event: Doc) -> bool:
    """Handle news that came back from a referrer who is forgotten, as the lead's own."""
    said = {"id": f"{turn.mark}/back", "source": "vouch", **event["data"]}
    turn.queue.append((handovers.told(turn, {**event, **said}), turn.depth + 1))
    return False


def lead_erased(turn: Turn, event: Doc) -> bool:
    """Forget the name of a lead that this contact recommended; what is to be done is not done."""
    gone = _gone(event)
    for run in list(turn.state.runs.values()):
        if run.id in turn.state.runs and _is_about(run.doc["trigger"], gone):
            lifecycle.leave(turn, run, ERASED)
    for task in list(turn.state.tasks.values()):
        if task.doc.get("about") in gone:
            tasking.cancel(turn, task, ERASED)
    for referral in turn.doc.get("referrals", {}).values():
        if (lead := referral["lead"].get("id")) in gone:
            referral["lead"] = nameless(lead)
    _unname_all(turn, gone)
    _empty_about(turn, event, gone)
    return False


def _unname_all(turn: Turn, gone: set[str]) -> None:
    """Take the names of leads who are forgotten out of all that this contact remembers."""
    for name in ("recent", "parked"):
        if name in turn.doc:
            turn.doc[name] = [each for each in turn.doc[name] if not _is_about(each, gone)]
    if "asks_closed" in turn.doc:
        turn.doc["asks_closed"] = _unnamed(turn.doc["asks_closed"], gone)
    turn.save()
    for run in turn.state.runs.values():  # one that is not about the lead may have heard of it
        if (doc := _unnamed(run.doc, gone)) != run.doc:
            run.doc = doc
            turn.save_run(run)


def _empty_about(turn: Turn, event: Doc, gone: set[str]) -> None:
    """Have emptied what rows say of somebody who is forgotten: ours, and our other records'.

    What was over when a record was merged stayed with it, and so did its decisions.
    """
    about = event["data"]["contact"]
    told = {name: event["data"][name] for name in ("contact", "also") if name in event["data"]}
    order = Erasure(turn.state.actor, turn.now, about=about, also=sorted(gone - {about}))
    turn.changes.erasures.append(order)
    for alias in turn.doc.get("aliases", ()):
        turn.forward(f"contact/{alias}", {
            **event, "source": f"{event['source']}/{alias}", "contact": alias, "to_alias": True,
            "depth": turn.depth + 1, "data": told,
        })  # fmt: skip


def _unnamed(said: Any, gone: set[str]) -> Any:  # noqa: ANN401 - JSON
    """Return JSON in which leads who are forgotten are called by their ids."""
    if isinstance(said, list):
        return [_unnamed(each, gone) for each in said]
    if not isinstance(said, dict):
        return said
    found = {name: _unnamed(value, gone) for name, value in said.items()}
    lead = found.get("lead")
    if isinstance(lead, dict) and lead.get("id") in gone:
        found["lead"] = nameless(lead["id"])
    return found


def nameless(lead: str) -> Doc:
    """Return what is kept of a lead: its id, which is what it is called in words from then on."""
    return {"id": lead, "name": lead}


def _gone(event: Doc) -> set[str]:
    """Return who is forgotten: others may know them by the id of a record that was merged."""
    return {event["data"]["contact"], *event["data"].get("also", ())}


def _is_about(event: Doc, gone: set[str]) -> bool:
    said = event.get("data", {}).get("lead")
    named = said.get("id") if isinstance(said, dict) else said
    return bool(gone & {named, event.get("lead")})


def alias_erased(turn: Turn, event: Doc) -> bool:
    """Forget what another record of somebody erased is still called; it stays their alias.

    Also one that was forgotten with them before they came back, if it was heard of since.
    """
    if "erased_at" not in turn.doc or SAID_SINCE in turn.doc:
        forget(turn, event["time"])
    return False


def refuses(turn: Turn, event: Doc) -> bool:
    """Refuse what is said of somebody erased, and have it emptied; a fresh opt-in is let in.

    Only the event itself: all the rest was emptied by the order that stands since the erasure.
    """
    if event["type"] == RETURNS and instant(event["time"]) > instant(turn.doc["erased_at"]):
        del turn.doc["erased_at"]
        turn.doc.pop("no_asks", None)
        turn.doc["returned"] = event["id"]  # what is still being emptied ends before it
        turn.save()
        return False
    if handovers.passed_on(turn, event):
        return True
    if event.get("contact") != turn.contact:
        _unname(event)  # what becomes of a lead goes on without a name
        return False
    turn.changes.refused.append((event["source"], event["id"]))
    if late_wishes.said_before(turn, event):
        return True
    turn.fact("event.rejected", event["id"], event=event["id"], type=event["type"],
              reason="erased", field="subject")  # fmt: skip
    return True


def _unname(event: Doc) -> None:
    """Leave of a lead that somebody names, who asked to be forgotten, its id alone."""
    lead = event["data"].get("lead")
    if isinstance(lead, dict):
        event["data"] = {**event["data"], "lead": {"id": lead.get("id", "")}}


RULES = {
    "contact.erase_requested": erase,
    "referrer.erased": referrer_erased,
    NEWS: told_again,
    "lead.erased": lead_erased,
    "alias.erased": alias_erased,
}
"""What applies an event, by its type."""
FROM_FACTS = frozenset(RULES) - {"contact.erase_requested"}
"""Types that actors send each other."""
