"""Which firm a lead works for, asked of the firm itself: it may be a customer, or in a pipeline.

A domain and an account are actors of their own. The lead asks the domain of its address, the
domain asks the accounts whose contacts have addresses there, and each account answers the lead
and remembers who asked: when it becomes a customer after all, or ends, the lead hears of it.
"""

from collections.abc import Mapping
from hashlib import sha256

from workflows.domain import referrals_checks as checks
from workflows.mail_domains import MailDomains, label_of
from workflows.state import Doc, instant, iso
from workflows.turn import Turn

LEADS_MAX = 500
"""Leads that a domain or an account remembers as having asked; the oldest goes first."""
ACCOUNTS_MAX = 20
"""Accounts that share one domain; a further one is not asked."""
DEALS_MAX = 100
"""Deals that a lead or an account remembers; the oldest goes first."""
INTERNAL = frozenset(
    {"leads", "guessed", "domains", "deals", "ended", "recent", "run_count", "times"}
)
"""Fields of an account that nobody else needs."""


def matters(turn: Turn) -> bool:
    """Tell whether the programme checks anything about firms."""
    return turn.programme.firm_checks


# -- the lead --------------------------------------------------------------------------------------


def ask(turn: Turn, referred: Doc) -> None:
    """Ask which firm the lead works for, if a check wants to know and nobody was asked yet."""
    if not matters(turn):
        return
    asked = _whom(turn)
    firm = referred.get("firm")
    if not asked or (firm is not None and firm["asked"] == asked):
        return
    known = firm["told"] if firm else {}
    referred["firm"] = {"asked": asked, "of": 1, "told": known, "heard": []}
    _forward(turn, asked, "firm.asked", {"lead": turn.contact, "of": 1, "asked": asked})


def _whom(turn: Turn) -> str:
    """Return the actor to ask: the account, else the domain, else one of the company's name."""
    doc = turn.doc
    if doc.get("account"):
        return f"account/{doc['account']}"
    domain = checks.firm_domain(str(doc.get("email", "")), turn.programme.mail)
    return f"domain/{domain}" if domain else ""


def is_awaited(referred: Doc) -> bool:
    """Tell whether a firm was asked that has not answered yet."""
    firm = referred.get("firm")
    return firm is not None and len(firm["heard"]) < firm["of"]


def told(turn: Turn, event: Doc) -> bool:
    """Take down what an account said of itself; True when the story can go on."""
    data = event["data"]
    firm = turn.doc.get("referred", {}).get("firm")
    if firm is None:
        return False
    account = data["account"]
    if data.get("asked") == firm["asked"]:
        firm["of"] = max(firm["of"], data["of"])
    if account not in firm["heard"]:
        firm["heard"].append(account)
    if data["firm"]:
        firm["told"][account] = data["firm"]
    else:
        firm["told"].pop(account, None)
    turn.save()
    return True


def known(doc: Doc) -> dict[str, Doc]:
    """Return the firms a lead works for, by account."""
    found: dict[str, Doc] = doc.get("referred", {}).get("firm", {}).get("told", {})
    return {account: found[account] for account in sorted(found)}


def tell_deal(turn: Turn, account: str, event: Doc) -> None:
    """Tell the lead's account of a deal: a colleague may be recommended next."""
    if matters(turn):
        data = {"deal": str(event["data"]["deal"]), "kind": event["type"], "at": event["time"]}
        _forward(turn, f"account/{account}", "firm.dealt", data)


# -- the domain ------------------------------------------------------------------------------------


def link(turn: Turn) -> None:
    """Tell a domain which account has addresses there, once a contact's are known."""
    doc = turn.doc
    account, mail = doc.get("account"), turn.programme.mail
    domain = checks.firm_domain(str(doc.get("email") or ""), mail)
    if not account or not domain or doc.get("firm_of") == [domain, account]:
        return
    doc["firm_of"] = [domain, account]
    turn.save()
    _forward(turn, f"domain/{domain}", "firm.linked", {"account": account, "domain": domain})


def linked(actors: Mapping[str, Doc], mail: MailDomains) -> dict[str, Doc]:
    """Return contacts, accounts and domains as they are once `link` was done for all of them.

    For those who store contacts as they are, without events.
    """
    found: dict[str, Doc] = {}
    for key, doc in actors.items():
        account = doc.get("account")
        domain = checks.firm_domain(str(doc.get("email") or ""), mail)
        if not key.startswith("contact/") or not account or not domain:
            continue
        found[key] = {**doc, "firm_of": [domain, account]}
        there = found.setdefault(f"domain/{domain}", {"accounts": []})["accounts"]
        there[:] = sorted({*there, account})
        of = f"account/{account}"
        if of in actors:
            firm = found.setdefault(of, {**actors[of], "domains": []})
            firm["domains"] = sorted({*firm["domains"], domain})
    return found


def domain_linked(turn: Turn, event: Doc) -> None:
    """Remember an account of this domain; leads who asked before are told of it."""
    account = event["data"]["account"]
    accounts = turn.doc.setdefault("accounts", [])
    if account in accounts or len(accounts) >= ACCOUNTS_MAX:
        return
    accounts.append(account)
    accounts.sort()
    turn.save()
    _forward(turn, f"account/{account}", "firm.linked", event["data"])
    for lead in turn.doc.get("leads", ()):
        _pass_on(turn, account, lead)


def domain_asked(turn: Turn, event: Doc) -> None:
    """Ask the accounts of this domain; without any, the one that bears its name."""
    lead = event["data"]["lead"]
    _remember(turn, lead)
    for account in turn.doc.get("accounts", ()):
        _pass_on(turn, account, lead)
    if not turn.doc.get("accounts"):
        label = label_of(turn.state.actor.partition("/")[2])
        _pass_on(turn, label, lead, guess=True)


def _pass_on(turn: Turn, account: str, lead: str, *, guess: bool = False) -> None:
    data = {
        "lead": lead, "asked": turn.state.actor, "of": max(1, len(turn.doc.get("accounts", ()))),
        "guess": guess,
    }  # fmt: skip
    _forward(turn, f"account/{account}", "firm.asked", data)


# -- the account -----------------------------------------------------------------------------------


def account_linked(turn: Turn, event: Doc) -> None:
    """Remember a domain whose addresses this account's people have."""
    domains = turn.doc.setdefault("domains", [])
    if event["data"]["domain"] not in domains:
        domains.append(event["data"]["domain"])
        turn.save()
        for lead in turn.doc.pop("guessed", ()):  # its people have addresses elsewhere
            if lead not in turn.doc.get("leads", ()):
                _answer(turn, lead, {"of": 1}, {})


def account_asked(turn: Turn, event: Doc) -> None:
    """Answer a lead; an account known only by its name answers if nothing speaks against it."""
    data, doc = event["data"], turn.doc
    known = bool(doc.keys() - INTERNAL - {"id"}) or bool(doc.get("deals"))
    if data.get("guess"):
        _remember(turn, data["lead"], "guessed")
        if not known or doc.get("domains"):
            _answer(turn, data["lead"], data, {})
            return
    else:
        _remember(turn, data["lead"])
    _answer(turn, data["lead"], data, _brief(turn))


def account_dealt(turn: Turn, event: Doc) -> None:
    """Remember a deal with somebody of this account."""
    data = event["data"]
    add_deal(turn.doc.setdefault("deals", {}), data["deal"], data["kind"], data["at"])
    turn.save()
    announce(turn)


def announce(turn: Turn) -> None:
    """Tell the leads who asked what is true of this account now."""
    told = dict.fromkeys(turn.doc.get("leads", ()))
    if not turn.doc.get("domains"):  # nothing speaks against the name
        told |= dict.fromkeys(turn.doc.get("guessed", ()))
    for lead in told:
        _answer(turn, lead, {"of": 1}, _brief(turn))


def _brief(turn: Turn) -> Doc:
    shown = {name: value for name, value in turn.doc.items() if name not in INTERNAL}
    return {**shown, "deals": turn.doc.get("deals", {})}


def _answer(turn: Turn, lead: str, asked: Doc, firm: Doc) -> None:
    account = turn.state.actor.partition("/")[2]
    data = {
        "account": account, "firm": firm, "of": asked["of"], "asked": asked.get("asked", ""),
    }  # fmt: skip
    _forward(turn, f"contact/{lead}", "firm.told", data)


def add_deal(deals: dict[str, Doc], name: str, kind: str, at: str) -> None:
    """Note a deal's beginning or its end, whichever order they come in."""
    deal = deals.setdefault(name, {})
    if kind == "deal.opened":
        deal["opened"] = min(at, deal.get("opened", at), key=instant)
    elif kind in ("deal.won", "deal.lost"):
        last = max(at, deal.get("ended", at), key=instant)
        if last == at:
            deal["won"] = kind == "deal.won"
        deal["ended"] = last
    while len(deals) > DEALS_MAX:
        del deals[next(iter(deals))]


# -- what they share -------------------------------------------------------------------------------


def _remember(turn: Turn, lead: str, name: str = "leads") -> None:
    leads = turn.doc.setdefault(name, [])
    if lead not in leads:
        leads.append(lead)
        del leads[:-LEADS_MAX]
    turn.save()


def _forward(turn: Turn, actor: str, kind: str, data: Doc) -> None:
    what = "\n".join((turn.mark, kind, actor, str(data.get("lead", ""))))
    mark = sha256(what.encode()).hexdigest()[:24]  # hashed, or it grows with every hop
    turn.forward(actor, {
        "id": f"{kind}/{mark}", "source": "vouch", "type": kind, "fact": True,
        "time": iso(turn.time), "contact": "",
        "data": data,
    })  # fmt: skip


def heard(turn: Turn, event: Doc) -> bool:
    """Handle what domains and accounts hear; no workflow does."""
    side = turn.state.actor.partition("/")[0]
    rule = _RULES.get((side, event["type"]))
    if rule is not None:
        rule(turn, event)
    return False


_RULES = {
    ("domain", "firm.asked"): domain_asked,
    ("domain", "firm.linked"): domain_linked,
    ("account", "firm.asked"): account_asked,
    ("account", "firm.linked"): account_linked,
    ("account", "firm.dealt"): account_dealt,
}
