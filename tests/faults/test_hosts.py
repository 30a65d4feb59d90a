"""Several hosts in network namespaces: wires cut and healed while events are published, counted."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.hosts.network import Network, NoNetworkError
from benchmarks.processes import CHECKOUT

_ASKED = "import socket; socket.create_connection(('{}', 4711), timeout={}).close()"
_ANSWERS = (
    "import socket; s = socket.create_server(('', 4711)); print(flush=True)\n"
    "while True: s.accept()[0].close()"
)


@pytest.fixture
def network() -> Iterator[Network]:
    """Give two hosts; where the rights are missing, skip the test, and in CI fail it."""
    made = Network(("here", "there"), os.getpid())
    try:
        made.__enter__()
    except NoNetworkError as error:
        reason = f"network namespaces are needed: {error}. {error.hint}"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    yield made
    made.__exit__()


def _reaches(network: Network, *, seconds: float = 0.5) -> bool:
    """Tell whether one host hears the other's answer."""
    asked = _ASKED.format(network.address("there"), seconds)
    command = [*network.on("here"), sys.executable, "-c", asked]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_a_wire_that_is_cut_carries_nothing_and_healed_it_does(network: Network) -> None:
    """Unplugged or with its answers lost, a host is not reached; the drill cuts what it says."""
    command = [*network.on("there"), sys.executable, "-c", _ANSWERS]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        server.stdout.readline()
        try:
            found = [_reaches(network, seconds=20)]
            network.unplug("there")
            found.append(_reaches(network))
            network.plug("there")
            found.append(_reaches(network, seconds=20))
            network.silence("there", "here")
            found.append(_reaches(network))
            network.unsilence("there", "here")
            found.append(_reaches(network, seconds=20))
        finally:
            server.kill()

    assert found == [True, False, True, False, True]


def test_nothing_is_missing_or_doubled_whatever_wire_is_cut(
    network: Network, tmp_path: Path
) -> None:
    """Web, workers, clock, Postgres and Valkey, each on its host: all effects count."""
    del network  # that it can be made is known; the drill makes its own
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)  # the user that Postgres runs as must get through
    command = [sys.executable, "-m", "benchmarks.hosts", "--folder", str(tmp_path)]
    command += ["--events", "200", "--minutes", "0.05", "--every", "0.2", "--seed", "5"]

    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=CHECKOUT)

    assert done.returncode == 0, done.stdout + done.stderr
    faults = next(line for line in done.stdout.splitlines() if line.startswith("faults"))
    assert faults.count(",") >= 5, "hardly anything went wrong: the test proves nothing"
