"""A referrer is forgotten, and what colleagues do about their leads goes on at the leads.

The referrer's actor packs runs, tasks and timers about a lead for the lead's inbox, without a
word of the referrer; the lead's actor takes them over as they stand: due, assignee, levels and
the alarm are as they were. From then on news of such a referral, which belongs to nobody's
timeline, is handled by the lead (`adopted` says what goes on and what does not).
"""

from dataclasses import replace
from typing import Any

from workflows.adopted import ADOPTED, ERASED, allows, is_adopted, is_for_lead, nobody
from workflows.domain import referrals_reviews
from workflows.domain.merging import plain, unpacked
from workflows.domain.moving import version_of
from workflows.state import MOVED, Doc, Run, Task, Timer, iso
from workflows.steps import sending, tasking
from workflows.steps.outcome import Outcome
from workflows.steps.task_links import FORMER
from workflows.steps.titles import title_of
from workflows.turn import Turn
from workflows.words_types import WordsError

HANDED_MAX = 100
"""Tasks that somebody forgotten remembers to have handed on; the oldest goes first."""
_OF_RUN = frozenset({"wait", "within", "limit"})
"""Kinds of a run's own timers that go along: those of asks and journeys end with them."""
_TRIGGER = ("id", "source", "type", "time", "arrived", "fact", "depth")
_SAID = ("referral", "lead", "stage", "deal", "reason", "flags")
_STEP = ("outcome", "at", "reason", "amount", "free_at")
_RUN = ("time", "at", "used", "retries")
_WAIT = ("task", "message", "seen")
_TASK = ("via", "requires", "script", "prefer", "version", "about", "person", "levels",
         "referral", "reason", FORMER)  # fmt: skip


# -- at the referrer -------------------------------------------------------------------------------


def packed(turn: Turn) -> dict[str, Doc]:
    """Take out of a referrer's hands what is done about their leads; return it by lead.

    Tasks about the lead that are open, and runs that have such a task or may come to one. What
    such a run had for the referrer alone is not taken along.
    """
    found: dict[str, Doc] = {}
    known = turn.doc.get("referrals", {})
    own = {"", turn.contact, *turn.doc.get("aliases", ())}
    for run in list(turn.state.runs.values()):
        lead = str((run.doc["trigger"].get("referral") or {}).get("lead", {}).get("id", ""))
        if lead in own or run.per.startswith("account/") or not _is_of_lead(turn, run, lead):
            continue
        _pack_run(turn, run, lead, _of(found, lead))
    leads = {each["lead"].get("id", ""): each for each in known.values()}
    for task in list(turn.state.tasks.values()):
        lead = str(task.doc.get("about", ""))
        if lead in own or lead not in leads or task.run in turn.state.runs:
            continue  # of a run that stays here, and ends
        _pack_task(turn, task, lead, _of(found, lead), _title(turn, task, leads[lead]))
    for lead, pack in found.items():
        ids = {id_ for id_, each in known.items() if each["lead"].get("id") == lead}
        pack["ended"] = _ended(turn, ids)
        pack["winback"] = lead in turn.doc.get("winbacks", ())
    return found


def _of(found: dict[str, Doc], lead: str) -> Doc:
    return found.setdefault(lead, {"runs": [], "tasks": [], "timers": []})


def _is_of_lead(turn: Turn, run: Run, lead: str) -> bool:
    """Tell whether a run has an open task about its lead, or may still come to one."""
    if is_adopted(run):
        return False
    over = run.doc.get("steps", {})
    return any(_is_about(turn, task, run, lead) for task in turn.state.tasks.values()) or any(
        is_for_lead(node) for name, node in turn.programme.of(run).nodes.items() if name not in over
    )


def _is_about(turn: Turn, task: Task, run: Run, lead: str) -> bool:
    if task.run != run.id:
        return False
    node = turn.programme.of(run).nodes.get(task.step)
    return task.doc.get("about") == lead or (node is not None and is_for_lead(node))


def _pack_run(turn: Turn, run: Run, lead: str, pack: Doc) -> None:
    """Pack a run with its tasks about the lead, and cancel those about the referrer."""
    trigger = _trigger_without(turn, run.doc["trigger"], lead)
    gone = {"left": True, "moved_to": lead, "trigger": trigger}
    turn.changes.runs[run.id] = replace(run, status=MOVED, doc=gone)
    del turn.state.runs[run.id]
    doc: Doc = {name: run.doc[name] for name in _RUN if name in run.doc} | {"trigger": trigger}
    doc["steps"] = {name: _only(step, _STEP) for name, step in run.doc.get("steps", {}).items()}
    if "wait" in run.doc:
        doc["wait"] = _only(run.doc["wait"], _WAIT)
    heard = [each for each in run.doc.get("heard", ()) if each["type"].startswith("referral.")]
    if heard:
        doc["heard"] = [{**each, "data": _only(each["data"], _SAID)} for each in heard]
    if paused := run.doc.get("paused"):
        doc["paused"] = _paused_without(paused)
    went = replace(run, doc=doc)
    for task in list(turn.state.tasks.values()):
        if _is_about(turn, task, run, lead):
            _pack_task(turn, task, lead, pack, _title_of(turn, went, task.step))
        elif task.run == run.id:
            tasking.cancel(turn, task, ERASED)
    _pack_timers(turn, pack, run=run.id)
    pack["runs"].append(plain(went))


def _pack_task(turn: Turn, task: Task, lead: str, pack: Doc, title: str) -> None:
    turn.changes.tasks[task.key] = replace(task, status=MOVED, title="", doc={})
    del turn.state.tasks[task.key]
    went = replace(task, title=title or f"{task.workflow}: {lead}",
                   doc=_only(task.doc, _TASK) | {ADOPTED: True})  # fmt: skip
    pack["tasks"].append(plain(went))
    handed: dict[str, str] = turn.doc.setdefault("handed", {})
    handed[task.key] = lead
    while len(handed) > HANDED_MAX:
        del handed[next(iter(handed))]
    _pack_timers(turn, pack, subject=task.key)


def _pack_timers(turn: Turn, pack: Doc, *, run: str = "", subject: str = "") -> None:
    """Pack timers silently: they go on, and are not set anew."""
    for key, timer in list(turn.state.timers.items()):
        of_run = run and timer.run == run and not timer.subject and timer.kind in _OF_RUN
        if of_run or (subject and timer.subject == subject):
            pack["timers"].append(plain(timer))
            del turn.state.timers[key]
            turn.changes.timers_set.pop(key, None)
            turn.changes.timers_cut[key] = timer


def _only(doc: Doc, names: tuple[str, ...]) -> Doc:
    return {name: doc[name] for name in names if name in doc}


def _trigger_without(turn: Turn, trigger: Doc, lead: str) -> Doc:
    """Return a trigger without its referrer: the lead's, and marked."""
    referral = turn.doc.get("referrals", {}).get(trigger["referral"]["id"], trigger["referral"])
    return {
        **_only(trigger, _TRIGGER), "contact": lead, "lead": lead, ADOPTED: True,
        "data": _only(trigger["data"], _SAID),
        "referral": {**referral, "referrer": {"id": ""}, "code": ""},
    }  # fmt: skip


def _paused_without(paused: Doc) -> Doc:
    """Return a pause without what the step it stopped at was told."""
    kept = _only(paused, ("at", "by", "enter", "timers"))
    if noted := paused.get("outcome"):
        kept["outcome"] = {**noted, "outcome": _only(noted["outcome"], ("name", "reason"))}
    return kept


def _ended(turn: Turn, referrals: set[str]) -> Doc:
    """Return which runs of these referrals have ended: `again: once` holds at the lead, too."""
    ended = turn.doc.get("ended", {})
    of = {name: {per: at for per, at in pers.items() if per in referrals}
          for name, pers in ended.items()}  # fmt: skip
    return {name: pers for name, pers in of.items() if pers}


# -- titles ----------------------------------------------------------------------------------------


def _title(turn: Turn, task: Task, referral: Doc) -> str:
    """Return the title of a task whose run has ended, or that has none, without the referrer."""
    of_nobody = {**referral, "referrer": {"id": ""}, "code": ""}
    if task.step == referrals_reviews.STEP and not task.run:
        who = nobody(turn.programme.policies.locales[0])["name"]
        return referrals_reviews.title_for_nobody(turn, of_nobody, who)
    trigger = {"type": "", "time": iso(task.opened_at), "data": {}, ADOPTED: True,
               "referral": of_nobody}  # fmt: skip
    version = str(task.doc.get("version", ""))
    run = Run(id=task.run, actor=task.actor, workflow=task.workflow, version=version, per="",
              started_at=task.opened_at, doc={"trigger": trigger})  # fmt: skip
    return _title_of(turn, run, task.step) if version in turn.programme.versions else ""


def _title_of(turn: Turn, run: Run, step: str) -> str:
    """Return a task's title as it is without its referrer; '' where it cannot be made."""
    try:
        return title_of(turn, run, step)
    except (WordsError, KeyError):
        return ""


# -- at the lead -----------------------------------------------------------------------------------


def check(turn: Turn, pack: Doc) -> None:
    """See that every version is known before anything is changed.

    Raises:
        UnknownVersionError: One is not in memory.
    """
    for run in pack.get("runs", ()):
        version_of(turn, run["version"])


def adopt(turn: Turn, pack: Doc) -> list[Run]:
    """Take over what is done about this lead; return the runs that do not wait for a colleague."""
    state, me = turn.state, turn.state.actor
    number = turn.doc.get("run_count", 0)
    runs = [unpacked(Run, each) for each in pack.get("runs", ())]
    for run in runs:
        number += 1
        run.actor, run.doc["number"] = me, number
        run.per = me if run.per.startswith("contact/") else run.per
        state.runs[run.id] = run
        turn.save_run(run)
        done: Doc = {"did": "took over", "by": "the lead", "run": run.id}
        turn.looked.append({**done, "workflow": run.workflow, "version": run.version})
    turn.doc["run_count"] = number
    for task in (unpacked(Task, each) for each in pack.get("tasks", ())):
        task.actor = me
        state.tasks[task.key] = task
        turn.save_task(task)
    for timer in (unpacked(Timer, each) for each in pack.get("timers", ())):
        timer.actor = me
        state.timers[timer.key] = turn.changes.timers_set[timer.key] = timer
        turn.changes.timers_cut.pop(timer.key, None)
    for name, pers in pack.get("ended", {}).items():
        turn.doc.setdefault("ended", {}).setdefault(name, {}).update(pers)
    if pack.get("winback"):
        turn.doc["winbacks"] = sorted({*turn.doc.get("winbacks", ()), turn.contact})
    turn.save()
    return runs


def go_on(turn: Turn, runs: list[Run]) -> None:
    """Lead on the runs that waited for what ended with the referrer: an answer, a message."""
    for run in runs:
        at = run.doc.get("at", "")
        node = turn.programme.of(run).nodes.get(at)
        wait = run.doc.get("wait", {})
        if node is None or wait.get("task") in turn.state.tasks or node.verb in _WAITING:
            continue
        if allows(node) and node.verb == "send":
            sending.send_again(turn, run, node)
        elif "task" in wait:
            turn.wake(run.id, at, Outcome("cancelled", reason=ERASED), turn.time)
        else:
            turn.wake(run.id, at, Outcome("skipped", reason=ERASED), turn.time)


_WAITING = frozenset({"wait", "wait_for"})


def told(turn: Turn, event: Doc) -> Doc:
    """Return news of a referral whose referrer was forgotten as the lead's own to handle."""
    referral = {**event["referral"], "referrer": {"id": ""}, "code": ""}
    data = {name: value for name, value in event["data"].items() if name != "code"}
    return {**event, "contact": turn.contact, "data": data, "referral": referral, ADOPTED: True}


def follow(turn: Turn, event: Doc) -> None:
    """Keep the review task of a referral of nobody's in step with what the lead decided."""
    who = nobody(turn.programme.policies.locales[0])["name"]
    referrals_reviews.follow_task(turn, event["referral"], event["type"], who)


# -- what still comes for somebody forgotten -------------------------------------------------------


def passed_on(turn: Turn, event: Doc) -> bool:
    """Hand on to the lead what is said of a task, or decided in a review, that is there now."""
    data: dict[str, Any] = event["data"]
    if event["type"].startswith("review."):
        return referrals_reviews.decide(turn, event)
    lead = turn.doc.get("handed", {}).get(data.get("task"))
    if not lead or not event["type"].startswith("task."):
        return False
    turn.forward(f"contact/{lead}", {**event, "contact": lead, "depth": turn.depth + 1})
    return True
