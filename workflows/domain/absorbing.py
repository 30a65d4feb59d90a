"""Two records turn out to be one person: the side of the one that remains.

The strictest consent of both counts, of two runs of one workflow the furthest goes on, of two
tasks alike the oldest stays, the book moves over, and whoever recommended themselves by their
other record did not recommend anybody.
"""

from workflows.domain import (
    as_of,
    blending,
    contacts,
    eligibility,
    engine_tasks,
    erasing,
    firm_owners,
    hearing_again,
    joined,
    joined_fields,
    ledger_lead,
    ledger_reversal,
    ledger_room,
    merged_consent,
    merged_work,
    merging,
    owners,
    referrals_known,
    referrals_lead,
    referrals_reviews,
    standing,
    themes,
)
from workflows.domain.ledger import reason_of
from workflows.domain.merging import SELF, unpacked
from workflows.domain.moving import version_of
from workflows.policies import Review
from workflows.state import Ask, Doc, Entry, Run, Task, Timer
from workflows.steps import ask_touches, asking, calling, journeying, sending
from workflows.turn import Turn


def absorbed(turn: Turn, event: Doc) -> bool:
    """Take over what another record of this contact packed."""
    data = event["data"]
    runs = [unpacked(Run, each) for each in data["runs"]]
    for run in runs:
        version_of(turn, run.version)  # all are known before anything is changed
    theirs, them = data["doc"], data["from"]
    turn.doc.setdefault("id", turn.contact)
    had_case = bool(turn.doc.get("open_case"))
    heard, firm = turn.doc.get("recent", []), turn.doc.get("account")
    as_of.moved(turn, theirs, them)
    joined.note(turn, theirs, event)
    blending.blend(turn.doc, theirs, me=turn.contact, them=them, rung=turn.programme.rung)
    joined_fields.settle(turn)
    contacts.named(turn.doc)
    said_no = merged_consent.take(turn, event)
    ledger_room.merged(turn, theirs, them)
    _book(turn, theirs, data["transfers"], them)
    standing.merged(turn, them, theirs)
    turn.save()
    moved = _take(turn, runs, data, them)
    merged_work.keep_furthest(turn, moved)
    hearing_again.share(turn, heard, theirs.get("recent", ()), moved)
    merged_work.keep_oldest(turn)
    owners.offer(turn)
    if turn.doc.get("account") != firm:
        firm_owners.learned(turn)
    for channel, topic in said_no:
        if contacts.ends_asks(turn, channel, topic):
            asking.withdraw_all(turn, "unsubscribed")
        key = f"{turn.mark}/{channel}/{topic}"
        turn.say("contact.unsubscribed", key, {"topic": topic, "channel": channel})
    if turn.doc.get("open_case"):
        if not had_case:
            _case(turn)
        asking.withdraw_all(turn, "case_opened")
    merged_work.one_ask(turn)
    if turn.doc.get("lead_known"):  # what was parked for one record is news of the other
        referrals_lead.unpark(turn)
    _self_referrals(turn)
    referrals_reviews.merged(turn)
    referrals_known.tell_leads(turn, theirs, them)
    themes.merged(turn, theirs, them)
    if turn.programme.earning:
        eligibility.again(turn, turn.time)
    if "contact.merged" in turn.programme.listens:
        turn.say("contact.merged", f"{turn.mark}/merged", {"into": turn.contact})
    turn.queue.append((_again(turn, event, moved), turn.depth + 1))
    erasing.if_forgotten(turn, event)
    return False


def _again(turn: Turn, event: Doc, moved: list[Run]) -> Doc:
    """Return what makes moved runs send what they waited for, after exits have had their say."""
    mark = f"vouch/contact.settled/{event['source']}"
    return {**event, "source": mark, "type": "contact.settled", "contact": turn.contact,
            "data": {"runs": [run.id for run in moved]}}  # fmt: skip


# -- runs, asks and tasks --------------------------------------------------------------------------


def _take(turn: Turn, runs: list[Run], data: Doc, them: str) -> list[Run]:
    """Have everything that was live live here, under the ids that links and messages bear."""
    state, me = turn.state, turn.state.actor
    number = turn.doc.get("run_count", 0)
    for run in runs:
        number += 1
        run.actor, run.doc["number"] = me, number
        run.doc["of"] = run.doc.get("of") or run.doc["trigger"].get("of") or them
        run.per = me if run.per == f"contact/{them}" else run.per
        state.runs[run.id] = run
        turn.save_run(run)
        if run.per.startswith("account/"):
            _tell_account(turn, run)
    turn.doc["run_count"] = number
    for ask in (unpacked(Ask, each) for each in data["asks"]):
        ask.actor = me
        state.asks[ask.key] = turn.changes.asks[ask.key] = ask
    for task in (unpacked(Task, each) for each in data["tasks"]):
        task.actor = me
        task.doc["of"] = task.doc.get("of") or them
        state.tasks[task.key] = task
        turn.save_task(task)
    for timer in (unpacked(Timer, each) for each in data["timers"]):
        known = state.timers.get(timer.key)
        timer.actor = me
        if known is None or timer.due_at < known.due_at:
            state.timers[timer.key] = turn.changes.timers_set[timer.key] = timer
            turn.changes.timers_cut.pop(timer.key, None)
    return runs


def _tell_account(turn: Turn, run: Run) -> None:
    """Tell the account where the run is that its contacts share."""
    data = {"workflow": run.workflow, "run": run.id, "now": run.id, "host": turn.state.actor}
    turn.forward(run.per, {
        "id": f"{turn.mark}/{run.id}", "source": "vouch/run.moved", "type": "run.moved",
        "fact": True, "time": run.doc["time"], "contact": "", "depth": turn.depth + 1,
        "data": data,
    })  # fmt: skip


def _case(turn: Turn) -> None:
    """Say that this record has an open case now: runs of its own may leave for that."""
    cases = (task for task in turn.state.tasks.values() if task.doc.get("case"))
    task = min(cases, key=lambda task: (task.opened_at, task.key), default=None)
    if task is None:
        turn.fact("case.opened", f"{turn.mark}/case")
    else:
        run = turn.state.runs.get(task.run)
        turn.fact("case.opened", task.key, run=run, step=task.step, task=task.key)


def settled(turn: Turn, event: Doc) -> bool:
    """Queue again what moved runs had queued: the other record's messages are dropped."""
    for id_ in event["data"]["runs"]:
        run = turn.state.runs.get(id_)
        if run is None or run.status != "live":
            continue
        wait = run.doc.get("wait", {})
        ask = turn.state.asks.get(wait.get("ask", ""))
        node = turn.programme.of(run).nodes.get(run.doc.get("at", ""))
        if node is None:
            continue
        if ask is not None and ask.doc.get("message"):
            ask_touches.send_again(turn, run, ask)
        elif wait.get("journey", {}).get("message"):
            journeying.send_again(turn, run, node)
        elif wait.get("message"):
            sending.send_again(turn, run, node)
        elif wait.get("call") and run.doc.get("paused"):
            calling.send_again(turn, run, node)
    return False


# -- the book --------------------------------------------------------------------------------------


def _book(turn: Turn, theirs: Doc, transfers: list[Doc], them: str) -> None:
    """Move what the other record earned: holds, states and shares of payouts stay as they are."""
    accruals = turn.doc.setdefault("accruals", {})
    for reason, accrual in theirs.get("accruals", {}).items():
        accruals[reason if reason not in accruals else f"{reason}#{accrual['entry']}"] = accrual
    balance = turn.doc.setdefault("balance", {})
    for move in transfers:
        if not move["benefit"]:
            for bucket, delta in move["moves"].items():
                balance[bucket] = balance.get(bucket, 0) + delta
        if them == turn.contact:
            continue  # our own pack came back: nothing moves
        for account, sign in ((f"contact/{them}", -1), (turn.state.actor, 1)):
            turn.changes.entries += [
                Entry(key=f"{move['txn']}/{account}/{bucket}", txn=move["txn"], account=account,
                      bucket=bucket, delta=sign * delta, reason=move["reason"], at=turn.now,
                      benefit=move["benefit"], object=move["object"], side=move["side"],
                      cause=turn.cause, rule=move["rule"])
                for bucket, delta in move["moves"].items()
            ]  # fmt: skip
        merging.told(turn, move, move["moves"])
    for name in ("accruals", "balance"):
        if not turn.doc[name]:
            del turn.doc[name]


# -- self-referrals --------------------------------------------------------------------------------


def _self_referrals(turn: Turn) -> None:
    """Take back what this person earned by recommending themselves under another name."""
    names = {turn.contact, *turn.doc["aliases"]}
    for id_, referral in turn.doc.get("referrals", {}).items():
        if referral.get("lead", {}).get("id") not in names or referral["verdict"] == "rejected":
            continue
        referral |= {"verdict": "rejected", "reason": "self", "rewarded": False}
        _void(turn, id_, referral)
    _recommended_by_oneself(turn, names)
    turn.save()


def _recommended_by_oneself(turn: Turn, names: set[str]) -> None:
    """Forget, as a lead, what one said of oneself: the next in line takes its place."""
    referred = turn.doc.get("referred")
    if not referred:
        ledger_lead.merged(turn)
        return
    for id_, sub in list(referred.get("subs", {}).items()):
        if sub["referrer"]["id"] in names:
            del referred["subs"][id_]
            referred.get("line", {}).pop(id_, None)
            turn.cut_timer(f"{id_}/attribution", "merged")
    if referred.get("current") not in referred.get("line", {}):
        referred["current"] = ""
    referrals_lead.settle(turn, merged=True)


def _void(turn: Turn, id_: str, referral: Doc) -> None:
    said: Doc = {name: referral.get(name) or None for name in ("code", "stage", "deal")}
    said |= {"referral": id_, "lead": referral["lead"]["id"], "reason": SELF}
    waiting = len(turn.queue)
    turn.fact("referral.voided", f"{turn.mark}/{id_}/voided", **said)
    for event, _ in list(turn.queue)[waiting:]:  # what it starts is about this referral
        event |= {"referral": {**referral}, "noted": True}
    referrals_reviews.follow(turn, referral, "referral.voided")
    for accrual in list(turn.doc.get("accruals", {}).values()):
        mine = accrual["object"] in (f"deal/{referral.get('deal')}", f"referral/{id_}")
        about = accrual.get("about", {}).get("referral")  # of another the same deal may be
        if (about == id_ if about else mine) and accrual["state"] in ("pending", "available"):
            accrual["undone_by"] = SELF
            ledger_reversal.settle(turn, accrual)
            title = f"{reason_of(accrual)}: {turn.doc['name']} was recommended by themselves"
            review = turn.programme.policies.referrals.review
            _review(turn, f"{id_}/{SELF}", title, review)


def _review(turn: Turn, key: str, title: str, review: Review | None) -> None:
    alarm = turn.programme.policies.unassigned
    role = review.to if review else alarm.to if alarm else ""
    due = review.due if review else merging.REVIEW_DUE
    engine_tasks.open_task(turn, key, "review", role, title=title, due=due)
