"""What is wrong in `rewards`: spans, stocks, who hears of a floor."""

from workflows.check.context import Context, Place
from workflows.check.site import steps_of
from workflows.folder import PROGRAMME_FILE
from workflows.locales import is_locale

ROOT = Place(PROGRAMME_FILE, ("rewards",))
OF_REFERRALS = ("referral", "lead", "deal")
"""What every reward for a recommendation is about."""


def check_rewards(context: Context) -> None:
    """Report everything wrong in the policy of rewards that can be told without running it."""
    policy = context.policies.rewards
    context.span(ROOT / "expires", policy.expires)
    for number, limit in enumerate(policy.limits):
        context.span(ROOT / "limits" / number / "within", limit.within, backwards=True)
    if policy.budget is not None:
        context.span(ROOT / "budget" / "within", policy.budget.within, backwards=True)
    for number, reverse in enumerate(policy.reverse):
        context.span(ROOT / "reverse" / number / "within", reverse.within)
    _names(context)
    _in_common(context)
    if policy.clawback.to:
        roles = context.policies.roles
        context.known("V044", ROOT / "clawback" / "to", "role", policy.clawback.to, roles)
    for number, choice in enumerate(policy.choices):
        place = ROOT / "choices" / number
        if isinstance(choice, str):
            continue
        for gift, pieces in choice.stock.items():
            if pieces < 0:
                context.report("V015", place / "stock" / gift, "a stock is 0 or more", "write 0")


def _in_common(context: Context) -> None:
    """Report events that can take nothing back: they name nothing that a reward is about."""
    about = _about(context)
    for number, reverse in enumerate(context.policies.rewards.reverse if about else ()):
        for kind in reverse.event:
            if kind not in context.catalogue.types or context.takes_any(kind):
                continue
            if about.isdisjoint(context.catalogue.fields(kind)):
                message = f"{kind} names nothing by which rewards are earned: it takes none back"
                help_ = f"give it one of these in its data: {', '.join(sorted(about))}"
                place = context.inner(ROOT / "reverse" / number, "event")
                context.report("V076", place, message, help_, severity="warning")


def _about(context: Context) -> set[str]:
    """Return the names of what rewards are earned by; none where that cannot be told."""
    names = set(OF_REFERRALS)
    for name, workflow in context.loaded.workflows.items():
        per = workflow.run.per
        for step, _ in steps_of(workflow.steps, Place(name)):
            if step.credit is None:
                continue
            if per not in ("contact", "account"):
                names.add(per)
            path = step.credit.object.strip()
            if path.replace(".", "").replace("_", "").isalnum():
                names.add(path.rpartition(".")[2])
            elif path:
                return set()  # it spells its object out: anything may be the name
    return names


def _names(context: Context) -> None:
    """Report names of the currency in what is no locale."""
    currency = context.policies.rewards.currency
    for locale in currency.names if currency else ():
        if not is_locale(locale):
            place = ROOT / "currency" / "names" / locale
            context.unknown("V031", place, "locale", locale, context.policies.locales, key=True)
