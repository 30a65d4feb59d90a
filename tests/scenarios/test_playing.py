"""Playing: what the three ways do to a story, and how webhooks of trials are signed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from workers.scenarios.compare import between_ways
from workers.scenarios.observe import observe
from workers.scenarios.play import Crash, Crasher, play
from workers.scenarios.reading import Story, read_story
from workers.scenarios.webhooks import SECRET, signed
from workflows.load import load_folder, load_programme
from workflows.policies import Signature
from workflows.signatures import verify
from workflows.yaml12 import load_yaml

RULES = Path(__file__).parent / "programmes" / "rules"
HELD = "env:S"
AT = datetime(2027, 2, 1, 12, tzinfo=UTC)

STORY = """\
scenario: Two products
at: 2027-02-01T08:00
workflows: [once-a-product]
contacts: [{id: c-a, name: An, email: an@x.example}]
events:
  - {at: 2027-02-01T12:00, type: product.upgraded, contact: c-a, data: {product: a}}
  - {at: 2027-02-01T12:00, type: product.upgraded, contact: c-a, data: {product: b}}
expect: {runs: []}
"""


def _story(text: str = STORY) -> Story:
    story, findings = read_story(load_yaml(text, "x.yaml"), load_programme(load_folder(RULES)))
    assert story is not None, findings
    return story


def test_a_process_dies_after_each_call_once() -> None:
    """The second call with the same key goes through, or nothing would ever be sent."""
    crasher = Crasher()
    for key in ("one", "two"):
        with pytest.raises(Crash):
            crasher.once(key)
        crasher.once(key)


def test_every_commit_and_every_call_kills_the_process() -> None:
    """Two events in one drain and two messages in one burst are six deaths at least."""
    story = _story()
    played = play(story, "crashes")
    sent = [fact["key"] for fact in played.seen.of("message.sent")]
    assert len(sent) == len(set(sent)) == 2
    assert played.crashes >= 1 + 1 + 2  # a drain, a claim, each message; then the rest


def test_what_comes_twice_is_a_duplicate_and_nothing_else() -> None:
    """Each event is delivered twice: as many duplicates as events, and the facts as they were."""
    story = _story()
    once, twice = play(story, "as_written"), play(story, "twice")
    assert [row["verdict"] for row in twice.seen.rejects] == []  # caused only to be ignored
    assert between_ways(story, "twice", observe(once.seen), observe(twice.seen)) == []


def test_ways_that_differ_are_told_apart() -> None:
    """A row that only one way gives is a difference, whatever the scenario expects."""
    story = _story()
    other = _story(STORY.replace("product: b", "product: a"))
    one, two = (observe(play(each, "as_written").seen) for each in (story, other))
    found = between_ways(story, "crashes", one, two)
    assert {each.section for each in found} == {"runs", "refused", "messages"}
    assert all(each.why.endswith("a crash after each call and commit the second") for each in found)


@pytest.mark.parametrize(
    "signature",
    [
        Signature(scheme="hmac-sha256", header="X-Sign", prefix="sha256=", secret=HELD),
        Signature(scheme="standard-webhooks", secret=HELD),
        Signature(scheme="basic", secret=HELD),
        Signature(scheme="bearer", secret=HELD),
        Signature(scheme="bearer", header="X-Token", secret=HELD),
    ],
    ids=lambda signature: f"{signature.scheme} {signature.header}".strip(),
)
def test_a_webhook_of_a_trial_is_signed_as_its_vendor_would(signature: Signature) -> None:
    """The real check lets it pass, whatever the scheme."""
    headers = signed(signature, SECRET, b"{}", str(int(AT.timestamp())))
    verify(signature, SECRET, headers, b"{}", now=AT)
