"""What is wrong in `rewards`: spans, stocks, who hears of a floor."""

from workflows.check.context import Context, Place
from workflows.folder import PROGRAMME_FILE
from workflows.locales import is_locale

ROOT = Place(PROGRAMME_FILE, ("rewards",))


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


def _names(context: Context) -> None:
    """Report names of the currency in what is no locale."""
    currency = context.policies.rewards.currency
    for locale in currency.names if currency else ():
        if not is_locale(locale):
            place = ROOT / "currency" / "names" / locale
            context.unknown("V031", place, "locale", locale, context.policies.locales, key=True)
