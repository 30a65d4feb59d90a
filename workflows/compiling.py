"""From policies and workflows as they were read to what the engine runs: compiled and indexed."""

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from events.catalogue import Catalogue
from workflows.calendars import make_calendar
from workflows.compiled import (
    OF_ACCOUNTS,
    CompiledDoing,
    CompiledExit,
    CompiledWorkflow,
    Programme,
    version_of,
)
from workflows.definition import Step, Workflow
from workflows.domain import firm_owners
from workflows.expressions import Expression, compile_expression
from workflows.mail_domains import MailDomains
from workflows.moments import compile_moments
from workflows.nodes import Node, flatten
from workflows.policies import FIRM_CHECKS, Policies, RoleIf
from workflows.rewarding import compile_rewarding, reads_of
from workflows.schedules import due_type
from workflows.scopes import Scopes
from workflows.syncs import compile_syncs
from workflows.themes import MakeFinder, WordFinder
from workflows.walking import NO_CONTACT
from workflows.wallclock import time_of_day
from workflows.words import parse_template


def _index(workflows: Mapping[str, CompiledWorkflow]) -> dict[str, tuple[CompiledWorkflow, ...]]:
    found: dict[str, list[CompiledWorkflow]] = {}
    for name in sorted(workflows):
        for kind in workflows[name].types:
            found.setdefault(kind, []).append(workflows[name])
    return {kind: tuple(listed) for kind, listed in found.items()}


def compile_programme(
    policies: Policies,
    workflows: Mapping[str, Workflow],
    *,
    templates: Mapping[tuple[str, str, str], str],
    catalogue: Catalogue,
    hash_: str = "",
    finder: MakeFinder = WordFinder,
) -> Programme:
    """Return a programme that the engine can run.

    `templates` holds the texts by (name, locale, `email` or `sms`). `finder` makes what finds
    themes in free texts.

    Raises:
        ExpressionError, SpanError: Something that `check` would have found.
    """
    zone = ZoneInfo(policies.zone)
    scopes = Scopes(policies, catalogue)
    calendars = {
        name: make_calendar(calendar.days, calendar.hours, calendar.holidays, zone)
        for name, calendar in policies.calendars.items()
    }
    quiet = policies.quiet and (
        time_of_day(policies.quiet[0]),
        time_of_day(policies.quiet[1], end=True),
    )
    currency = policies.rewards.currency
    compiled = {
        name: compile_workflow(workflow, scopes) for name, workflow in sorted(workflows.items())
    }
    asks, domains = policies.asks, policies.referrals.domains
    rewarding = compile_rewarding(policies, scopes, zone)
    hear = frozenset().union(*(w.hears for w in compiled.values() if not w.registered))
    account_roles = _names_accounts(policies)
    rewards_if = _bool(policies.rewards.if_, scopes.rewards())
    return Programme(
        hash=hash_,
        policies=policies,
        catalogue=catalogue,
        zone=zone,
        calendars=calendars,
        slot=time_of_day(policies.slot),
        quiet=quiet or None,
        workflows=compiled,
        templates=dict(templates),
        asks_if=_bool(asks.if_, scopes.asks()),
        doing=_doing(policies, scopes),
        rewards_if=rewards_if,
        role_ifs={
            entry.if_: compile_expression(entry.if_, scopes.role(), returns="bool")
            for chain in policies.roles.values()
            for entry in chain
            if isinstance(entry, RoleIf)
        },
        facts={
            "name": policies.programme,
            "zone": policies.zone,
            "currency": currency.code if currency else "",
        },
        scopes=scopes,
        rewarding=rewarding,
        earning=reads_of([rewards_if], "contact"),
        earning_firm=reads_of([rewards_if], "account"),
        versions={workflow.version: workflow for workflow in compiled.values()},
        by_type=_index(compiled),
        listens=frozenset().union(
            *(w.listens for w in compiled.values()),
            _ladder(policies),
            _moments(policies),
            rewarding.listens,
        ),
        heard=frozenset().union(*(w.heard | w.left for w in compiled.values())),
        shared=_shared(compiled),
        moments=compile_moments(policies.moments, scopes),
        themes=finder(policies.themes) if policies.themes else None,
        mail=MailDomains.of(domains.free, domains.disposable),
        firm_checks=not FIRM_CHECKS.isdisjoint(policies.referrals.checks),
        syncs=compile_syncs(policies, scopes),
        members_hear=hear,
        members_read=hear | firm_owners.HEARS if account_roles else hear,
        account_roles=account_roles,
        needs_loads=bool(policies.queues) or any(p.max for p in policies.staff.values()),
    )


def _names_accounts(policies: Policies) -> bool:
    entries = (entry for chain in policies.roles.values() for entry in chain)
    names = (entry.to if isinstance(entry, RoleIf) else entry for entry in entries)
    return any(name.startswith("account.") for name in names)


def _shared(workflows: Mapping[str, CompiledWorkflow]) -> dict[str, tuple[str, ...]]:
    """Return for whom an account must be told of events of its contacts, by type."""
    found: dict[str, list[str]] = {}
    for name, workflow in sorted(workflows.items()):
        kinds = workflow.hears if workflow.registered or OF_ACCOUNTS & set(workflow.types) else ()
        for kind in {*kinds, *(workflow.types if workflow.registered else ())}:
            found.setdefault(kind, []).append(name)
    return {kind: tuple(names) for kind, names in found.items()}


def _ladder(policies: Policies) -> frozenset[str]:
    return frozenset(t for r in policies.asks.ladder if r.done_by for t in r.done_by.event)


def _doing(policies: Policies, scopes: Scopes) -> dict[str, tuple[CompiledDoing, ...]]:
    """Return by event type which kinds of ask it answers, and under which condition."""
    found: dict[str, tuple[CompiledDoing, ...]] = {}
    for rung in policies.asks.ladder:
        if rung.done_by is not None:
            if_ = _bool(rung.done_by.if_, scopes.trigger(rung.done_by.event))
            for kind in rung.done_by.event:
                found[kind] = (*found.get(kind, ()), CompiledDoing(rung.kind, if_))
    return found


def _moments(policies: Policies) -> frozenset[str]:
    events = policies.moments.events if policies.moments else ()
    return frozenset(kind for moment in events for kind in moment.event)


def _bool(text: str, scope: Any) -> Expression | None:  # noqa: ANN401
    return compile_expression(text, scope, returns="bool") if text else None


def compile_workflow(workflow: Workflow, scopes: Scopes) -> CompiledWorkflow:
    """Return one version of a workflow, flattened, with every expression compiled."""
    nodes = flatten(workflow)
    step_scope = scopes.step(workflow)
    titles = {}
    for node in nodes.values():
        _compile_node(node, workflow, scopes, step_scope)
        if node.step.task is not None:
            titles[node.name] = parse_template(node.step.task.title, kind="title", name=node.name)
    trigger = workflow.trigger
    types = trigger.event or (due_type(workflow.workflow),)
    exits = tuple(
        CompiledExit(e.event, _bool(e.if_, scopes.exit(workflow, e.event)), e.as_)
        for e in workflow.exit
    )
    waited = {t for n in nodes.values() if n.step.wait_for for t in n.step.wait_for.event}
    seen = {t for e in (*_expressions(nodes), *(e.if_ for e in exits)) if e for t in e.seen}
    done = {
        t
        for n in nodes.values()
        if n.step.task and n.step.task.done_by
        for t in n.step.task.done_by.event
    }
    left = frozenset(t for e in exits for t in e.types)
    kinds = {node.step.ask.kind for node in nodes.values() if node.step.ask}
    answers = {t for r in scopes.ladder if r.done_by and r.kind in kinds for t in r.done_by.event}
    return CompiledWorkflow(
        name=workflow.workflow,
        version=version_of(workflow.canonical()),
        definition=workflow,
        nodes=nodes,
        first=next(iter(nodes)),
        types=types,
        if_=_bool(trigger.if_, scopes.starting(trigger)),
        exits=exits,
        titles=titles,
        listens=frozenset(types) | left | waited | done | seen,
        heard=frozenset(waited | seen),
        left=left,
        hears=frozenset(left | waited | done | seen | answers),
        registered=workflow.run.per == "account" and any(t not in NO_CONTACT for t in types),
    )


def _expressions(nodes: Mapping[str, Node]) -> Iterator[Expression | None]:
    for node in nodes.values():
        arms = [condition for condition, _ in node.branches]
        own = [node.if_, node.beside, node.value, node.distinct]
        yield from (*own, *arms, *node.values.values())


def _compile_node(node: Node, workflow: Workflow, scopes: Scopes, scope: Any) -> None:  # noqa: ANN401
    step = node.step
    node.if_ = _bool(step.if_, scope)
    node.branches = [
        (_bool(branch.if_, scope), first)
        for branch, (_, first) in zip(step.switch or (), node.branches, strict=True)
    ]
    value = _value(step)
    if value is not None:
        text, returns = value
        node.value = compile_expression(text, scope, returns=returns)  # type: ignore[arg-type]
    if step.wait_for is not None:
        beside = scopes.beside(workflow, step.wait_for.event)
        node.beside = _bool(step.wait_for.if_, beside)
        if step.wait_for.distinct:
            node.distinct = compile_expression(step.wait_for.distinct, beside, returns="any")
    if step.task is not None and step.task.done_by is not None:
        done_by = step.task.done_by
        node.beside = _bool(done_by.if_, scopes.beside(workflow, done_by.event))
    values = step.set or (step.emit and step.emit.data) or (step.call and step.call.data) or {}
    node.values = {
        name: compile_expression(text, scope, returns="any") for name, text in values.items()
    }


def _value(step: Step) -> tuple[str, str] | None:
    """Return the one CEL value a verb has, and what it must give."""
    if step.send is not None and step.send.before:
        return step.send.before, "instant"
    if step.ask is not None and step.ask.before:
        return step.ask.before, "instant"
    if step.wait is not None and step.wait.from_:
        return step.wait.from_, "any"  # an instant, or a date as text
    if step.credit is not None and step.credit.object:
        return step.credit.object, "any"
    return None
