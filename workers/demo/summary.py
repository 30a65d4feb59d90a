"""What the demo shows: how it goes, and at the end what came of the year."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from workers.demo import story
from workers.demo.company import Person
from workers.demo.generate import SEED
from workers.demo.lines import YEAR
from workers.demo.tally import Tally
from workflows.referral.nps import margin, response_rate, score, shown

STORY_LINES_MAX = 45
TOP = 5
BAR = 40  # events a block


@dataclass(frozen=True, slots=True)
class Books:
    """What the summary says beside the counts.

    Attributes:
        at: The instant of the summary.
        people: The contacts at customers.
        folder: Where database and mails are.
        seed: Which year it was.
        dead: Inputs that were set aside with an error.
        wrong: Transactions of the ledger that do not sum to zero.
    """

    at: datetime
    people: Sequence[Person]
    folder: Path
    seed: int
    dead: int
    wrong: int


def opening(console: Console, seed: int, people: int) -> None:
    """Say what is about to be shown."""
    console.print(
        f"[bold]Kompas, {YEAR}[/bold]: a made-up company with {people} customers, seed {seed}."
    )
    console.print(
        "The shipped programme on SQLite with a virtual clock; half of the events come over HTTP,\n"
        "half over the queue. Nothing leaves this machine: mails are files.\n"
    )


def month(console: Console, instant: datetime, tally: Tally, before: Counter[str]) -> Counter[str]:
    """Write a month's line; return the counts up to its end."""
    now = Counter(
        events=tally.verdicts.total(),
        mails=tally.sent.total(),
        tasks=len(tally.tasks),
        runs=tally.runs_started.total(),
    )
    new = now - before
    bar = "▇" * max(1, new["events"] // BAR)
    console.print(
        f"{instant:%b}  {new['events']:>4} events  {new['runs']:>4} runs  {new['mails']:>4} mails  "
        f"{new['tasks']:>3} tasks  [cyan]{bar}[/cyan]"
    )
    return now


def closing(console: Console, tally: Tally, books: Books) -> None:
    """Write the summary of the year."""
    _events(console, tally, books.dead)
    _runs(console, tally)
    _messages(console, tally)
    _work(console, tally, books.at)
    _ledger(console, tally, books.wrong)
    _survey(console, tally)
    _funnel(console, tally, books.people)
    _stories(console, tally, books.people)
    _next(console, books.folder, books.seed)


def _head(console: Console, text: str) -> None:
    console.print(f"\n[bold]{text}[/bold]")


def _rows(console: Console, rows: Iterable[Sequence[object]], right: Iterable[int] = ()) -> None:
    """Write a table without lines; the columns in `right` hold numbers."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    numbers = set(right)
    for number, row in enumerate(rows):
        if not number:
            for column in range(len(row)):
                is_last = column == len(row) - 1
                table.add_column(
                    justify="right" if column in numbers else "left", no_wrap=not is_last
                )
        table.add_row(*(escape(str(cell)) for cell in row))
    if table.row_count:
        console.print(table)
    else:
        console.print("none")


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def _events(console: Console, tally: Tally, dead: int) -> None:
    _head(console, "Events in")
    ways = f"{tally.ways['http']} over HTTP, {tally.ways['queue']} over the queue"
    rows = [
        ("arrived", tally.verdicts.total(), ways),
        ("accepted", tally.verdicts["accepted"], "handled once each"),
        ("duplicates", tally.verdicts["duplicate"], "the same id, or the same fact under another"),
        ("rejected", tally.verdicts["rejected"], _listed(tally.refused)),
        ("set aside", dead, "dead letters: inputs that could not be handled"),
    ]
    _rows(console, rows, right=[1])


def _runs(console: Console, tally: Tally) -> None:
    _head(console, "Runs")
    rows = []
    for workflow, started in sorted(tally.runs_started.items()):
        ends = Counter({end: n for (name, end), n in tally.runs_ended.items() if name == workflow})
        live = started - ends.total()
        rows.append((workflow, started, _listed(ends + Counter({"still live": live}))))
    _rows(console, rows, right=[1])


def _messages(console: Console, tally: Tally) -> None:
    _head(console, f"Messages sent: {tally.sent.total()}")
    classes: Counter[str] = Counter()
    for (class_, _), count in tally.sent.items():
        classes[class_] += count
    rows = []
    for class_, total in classes.most_common():
        templates = Counter({t: n for (c, t), n in tally.sent.items() if c == class_})
        rows.append((class_, total, _listed(templates)))
    _rows(console, rows, right=[1])
    _head(console, f"Messages not sent: {tally.not_sent.total()}")
    reasons: Counter[str] = Counter()
    for (reason, _), count in tally.not_sent.items():
        reasons[reason] += count
    _rows(
        console,
        [(r, n, story.REASONS.get(r, "")) for r, n in reasons.most_common()],
        right=[1],
    )
    if tally.deferred:
        console.print(f"Held back for a while and looked at again: {_listed(tally.deferred)}.")


def _work(console: Console, tally: Tally, at: datetime) -> None:
    _head(console, "Tasks")
    sla = tally.sla(at)
    ended = sla["kept"] + sla["late"] + sla["overdue"]
    kept = f"{100 * sla['kept'] / ended:.0f} % of those that were due" if ended else ""
    rows = [
        ("opened", len(tally.tasks), f"{tally.escalated} times the next level was told"),
        ("in time", sla["kept"], kept),
        ("late", sla["late"], ""),
        ("open", sla["open"] + sla["overdue"], f"{sla['overdue']} of them overdue"),
        ("cancelled", sla["cancelled"], ""),
    ]
    _rows(console, rows, right=[1])
    _moments(console, tally)
    _head(console, "Asks")
    console.print(_listed(tally.asks) or "none")
    _head(console, "Recommendations")
    console.print(_listed(tally.referrals) or "none")


def _moments(console: Console, tally: Tally) -> None:
    """Write what became of the moments to ask: chosen, held back with the reason, absorbed."""
    _head(console, "Moments")
    verbs: Counter[str] = Counter()
    for (verb, _), number in tally.moments.items():
        verbs[verb] += number
    rows = []
    for verb, number in verbs.most_common():
        why = Counter({why: n for (v, why), n in tally.moments.items() if v == verb and why})
        rows.append((verb, number, _listed(why)))
    _rows(console, rows, right=[1])


def _ledger(console: Console, tally: Tally, wrong: int) -> None:
    _head(console, "Ledger")
    stars = {who: held for (who, benefit), held in tally.balances.items() if not benefit}
    total: Counter[str] = Counter()
    for held in stars.values():
        total.update(held)
    sums = (
        f"{wrong} transactions do not sum to zero!" if wrong else "Every transaction sums to zero."
    )
    console.print(f"Stars of {len(stars)} contacts: {_held(total)}. {sums}")
    top = sorted(stars.items(), key=lambda each: (-each[1].total(), each[0]))[:TOP]
    _rows(console, [(who, _held(held)) for who, held in top])
    levels = Counter({f"to {name}": n for (name, up), n in tally.tiers.items() if up})
    if levels:
        console.print(f"Risen to another level: {_listed(levels)}.")
    if tally.syncs:
        console.print(f"Told to other systems: {_listed(tally.syncs)}.")
    benefits: Counter[str] = Counter()
    for (_, benefit), held in tally.balances.items():
        if benefit:
            benefits[benefit] += held.total()
    if benefits:
        console.print(f"Benefits of those who were recommended: {_listed(benefits)}.")


def _held(buckets: Counter[str]) -> str:
    return ", ".join(f"{buckets[name]} {name}" for name in sorted(buckets) if buckets[name]) or "0"


def _survey(console: Console, tally: Tally) -> None:
    _head(console, "NPS")
    answers = tally.answers()
    points, spread = score(answers), margin(answers)
    exact = f"{points:+.1f} ± {spread:.1f}" if points is not None and spread is not None else "—"
    rate = response_rate(answers.total, tally.surveys_sent())
    console.print(
        f"{shown(answers)} ({exact} at 95 %): {answers.promoters} promoters, {answers.passives} "
        f"passives, {answers.detractors} detractors."
    )
    said = "—" if rate is None else f"{rate:.1f} %"
    console.print(f"Response rate {said}: {answers.total} of {tally.surveys_sent()} answered.")


def _funnel(console: Console, tally: Tally, people: Sequence[Person]) -> None:
    _head(console, "Funnel")
    rows = [
        (
            level.name,
            f"{level.count} of {level.of}",
            level.shown,
            f"benchmark {level.benchmark} %",
            "met" if level.met else "not met",
        )
        for level in tally.funnel(person.id for person in people)
    ]
    _rows(console, rows, right=[1, 2])


def _stories(console: Console, tally: Tally, people: Sequence[Person]) -> None:
    names = {person.id: f"{person.name} of {person.account.name}" for person in people}
    for title, contact in story.chosen(tally):
        _head(console, f"{title}: {names.get(contact, contact)}")
        told = story.of(tally, contact)
        for each in told[:STORY_LINES_MAX]:
            console.print(escape(each.shown))
        if len(told) > STORY_LINES_MAX:
            console.print(f"... and {len(told) - STORY_LINES_MAX} more until December.")


def _next(console: Console, folder: Path, seed: int) -> None:
    _head(console, "Where it is, and what to try next")
    database = f"VOUCH_DATABASE_URL=sqlite:///{folder / 'trial.db'}"
    rows = [
        ("the mails", folder / "mail"),
        ("another year", f"make demo SEED={seed + 6 if seed == SEED else SEED}"),
        ("look around", f"{database} .venv/bin/vouch tasks list"),
        ("your own programme", ".venv/bin/vouch init programme && .venv/bin/vouch test programme"),
        ("run it", ".venv/bin/vouch dev programme"),
    ]
    _rows(console, rows)
