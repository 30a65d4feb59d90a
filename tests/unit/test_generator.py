"""The demo's event file: made again the same, and of the make-up that the demo promises."""

from collections import Counter
from pathlib import Path
from subprocess import run
from sys import executable

from events.catalogue import default_catalogue
from events.envelope import Event, parse_event
from events.refusals import EventError
from workers.demo import flaws
from workers.demo.company import ACCOUNTS, CUSTOMERS, found
from workers.demo.generate import SEED, generate
from workers.demo.lines import ENDS_AT, STARTS_AT, Line

FILE = Path(__file__).parents[2] / "workers" / "demo" / "year.jsonl"
FILE_BYTES_MAX = 2_000_000


def committed() -> list[Line]:
    return [Line.decode(text) for text in FILE.read_bytes().splitlines()]


def sorted_out(lines: list[Line]) -> tuple[list[tuple[Line, Event]], Counter[str]]:
    """What intake makes of the lines: those it takes, and how many others for which reason."""
    taken: list[tuple[Line, Event]] = []
    refused: Counter[str] = Counter()
    ids, keys = set(), set()
    for line in lines:
        try:
            event = parse_event(line.event, now=line.arrival, catalogue=default_catalogue())
        except EventError as error:
            refused[error.reason] += 1
            continue
        if (event.source, event.id) in ids:
            refused["same id"] += 1
        elif event.natural_key and (event.source, event.natural_key) in keys:
            refused["same natural key"] += 1
        else:
            ids.add((event.source, event.id))
            keys.add((event.source, event.natural_key))
            taken.append((line, event))
    return taken, refused


def test_file_is_what_the_generator_gives() -> None:
    """The committed file is the generator's for its seed, byte for byte."""
    assert b"".join(line.encode() for line in generate(SEED)) == FILE.read_bytes()


def test_command_writes_the_file() -> None:
    """The generator's command gives the same in another process, whatever its hash seed."""
    made = run(  # noqa: S603 - this interpreter
        [executable, "-m", "workers.demo.generate", "--seed", str(SEED)],
        cwd=FILE.parents[2],
        capture_output=True,
        check=True,
    )

    assert made.stdout == FILE.read_bytes()


def test_another_seed_gives_another_year() -> None:
    """Another seed gives other people and other days, of about the same size."""
    one, other = list(generate(1)), list(generate(7))

    assert [line.event for line in one] != [line.event for line in other]
    assert 0.9 < len(other) / len(one) < 1.1


def test_file_is_small_and_in_order() -> None:
    """A year is 3,000 to 5,000 lines in order of arrival, below 2 MB."""
    lines = committed()
    arrivals = [line.arrival for line in lines]

    assert 3_000 <= len(lines) <= 5_000
    assert FILE.stat().st_size < FILE_BYTES_MAX
    assert arrivals == sorted(arrivals)
    assert STARTS_AT <= arrivals[0] <= arrivals[-1] < ENDS_AT


def test_half_by_each_way() -> None:
    """Between two and three fifths of the lines come over HTTP, the others over the queue."""
    ways = Counter(line.via for line in committed())

    assert 0.4 < ways["http"] / ways.total() < 0.6
    assert set(ways) == {"http", "queue"}


def test_everybody_is_introduced() -> None:
    """400 people at 150 customers are known by name, address, language and zone on day one."""
    accounts, people = found(SEED)
    taken, _ = sorted_out(committed())
    told = {event.contact: event for _, event in reversed(taken) if event.type == "contact.updated"}

    assert len({account.id for account in accounts}) == len(accounts) == ACCOUNTS
    assert len({person.id for person in people}) == len(people) == CUSTOMERS
    assert len({person.email for person in people}) == CUSTOMERS
    assert set(told) == {person.id for person in people}
    assert all(
        {"name", "email", "locale", "zone", "account"} <= set(event.data) for event in told.values()
    )
    assert {event.data["locale"] for event in told.values()} == {"nl", "de", "en"}


def test_nobody_else_is_named() -> None:
    """Every event that names a contact names one of the 400."""
    people = {person.id for person in found(SEED)[1]}
    taken, _ = sorted_out(committed())

    assert {event.contact for _, event in taken if event.contact} <= people


def test_nonsense_is_refused_for_its_reason() -> None:
    """Each kind of nonsense is there as often as it says, and refused for its own reason."""
    taken, refused = sorted_out(committed())
    off_scale = [e for _, e in taken if e.type == "nps.answered" and not 0 <= e.data["score"] <= 10]

    for reason in ("missing", "unknown_type", "future", "malformed"):
        assert refused[reason] == flaws.BROKEN_EACH, reason
    assert len(off_scale) == flaws.BROKEN_EACH


def test_duplicates_are_a_few_per_cent() -> None:
    """Some lines repeat an id, some a fact under another id; neither beyond 3 %."""
    lines = committed()
    _, refused = sorted_out(lines)

    assert 0 < refused["same id"] < 0.03 * len(lines)
    assert 0 < refused["same natural key"] < 0.03 * len(lines)


def test_late_and_out_of_order() -> None:
    """Some events arrive days late, and a win arrives before anybody knows its lead."""
    taken, _ = sorted_out(committed())
    late = [event for line, event in taken if (line.arrival - event.time).days >= 1]
    order = [(event.type, event.lead) for _, event in taken]
    known = [order.index(("lead.created", f"l-phone-{n}")) for n in (1, 2)]
    won = [order.index(("deal.won", f"l-phone-{n}")) for n in (1, 2)]

    assert 0 < len(late) < 0.03 * len(taken)
    assert known[0] < won[0]
    assert won[1] < known[1]


def test_answers_are_as_good_as_promised() -> None:
    """Roughly 65 % of the answers are promoters', 22 % passives', 13 % detractors'."""
    taken, _ = sorted_out(committed())
    scores = {
        event.data["response"]: event.data["score"]
        for _, event in taken
        if event.type == "nps.answered" and 0 <= event.data["score"] <= 10
    }
    share = {
        "promoters": sum(score >= 9 for score in scores.values()) / len(scores),
        "detractors": sum(score <= 6 for score in scores.values()) / len(scores),
    }

    assert 200 <= len(scores) <= 320
    assert 0.58 <= share["promoters"] <= 0.70
    assert 0.10 <= share["detractors"] <= 0.17


def test_some_answers_are_revised() -> None:
    """Some people correct their answer: the same response again, with a higher revision."""
    taken, _ = sorted_out(committed())
    revisions = [event.data["revision"] for _, event in taken if event.type == "nps.answered"]

    assert 5 <= revisions.count(2) <= 40
