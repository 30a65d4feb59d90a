"""What is wrong in `rewards`: spans, stocks, who hears of a floor."""

from workflows.check.context import Context, Place
from workflows.folder import PROGRAMME_FILE

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
