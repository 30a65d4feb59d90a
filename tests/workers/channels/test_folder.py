"""Mail and text messages into a folder: once, readable, and never outside it."""

from email import message_from_bytes, policy
from pathlib import Path

import pytest

from tests.workers.channels.senders import DOMAIN
from tests.workers.parcels import PARCEL, failing, send
from workers.channels.folder import FolderChannel


def test_a_folder_keeps_a_mail_once(tmp_path: Path) -> None:
    """A delivery is one file, however often it is sent, and the folder knows it."""
    folder = FolderChannel(tmp_path / "out", domain=DOMAIN)
    assert folder.look_up(PARCEL.key) is False

    sent = send(folder)
    first = folder.path(PARCEL.key).read_bytes()
    assert send(folder, text="other words") == sent

    assert folder.look_up(PARCEL.key) is True
    assert [path.read_bytes() for path in (tmp_path / "out").iterdir()] == [first]
    mail = message_from_bytes(first, policy=policy.default)
    assert (mail["Message-ID"], mail["Subject"]) == (sent, PARCEL.subject)


def test_a_folder_keeps_text_messages_readable(tmp_path: Path) -> None:
    """A text message is a text file with whom and when above it."""
    folder = FolderChannel(tmp_path, name="sms")

    send(folder, channel="sms", address="+4930123456", text="Grüße")

    [path] = tmp_path.glob("*.txt")
    assert path.read_text() == (
        "To: +4930123456\nFrom: Ben of Acme\nDate: 2026-03-02T08:30:00+00:00\n\nGrüße\n"
    )


@pytest.mark.parametrize("key", ["../../etc/passwd", "/", "", "é" * 500, "a/b\x00c", ".."])
def test_a_key_never_leaves_the_folder(tmp_path: Path, key: str) -> None:
    """Whatever a key looks like, its file is in the folder and is found again."""
    folder = FolderChannel(tmp_path / "out")

    send(folder, key=key)

    assert folder.look_up(key) is True
    assert [path.parent for path in tmp_path.rglob("*.eml")] == [tmp_path / "out"]


def test_keys_that_look_alike_stay_apart(tmp_path: Path) -> None:
    """Two deliveries never share a file, even if their readable names would."""
    folder = FolderChannel(tmp_path)

    send(folder, key="run/1")
    send(folder, key="run-1")

    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_is_none_may_become_one(tmp_path: Path) -> None:
    """A place that cannot be written is tried again, and says that it cannot tell."""
    (tmp_path / "out").write_text("a file")
    folder = FolderChannel(tmp_path / "out")

    with failing("retry"):
        send(folder)

    assert folder.look_up(PARCEL.key) is None
