"""Starting a server for a while: a free port, a password, and an end that always comes."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from events.errors import VouchError

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30
START_ATTEMPTS_MAX = 3
"""Another process can take a free port between the look and the start."""

# The pipe on the guard's standard input closes when its owner ends, kill -9 included:
# then the server gets its signal. A server that ends by itself ends the guard.
_GUARD = """
exec 3<&0
stop=$1
shift
"$@" 3<&- </dev/null &
server=$!
{ read -r _ <&3; kill -s "$stop" "$server"; } &
exec 3<&-
wait "$server"
"""


class ServiceUnavailableError(VouchError):
    """A server that a test needs cannot be had on this machine."""

    code = "service-unavailable"


@dataclass(frozen=True)
class Launcher:
    """A way to run a program that may refuse to run as root.

    Attributes:
        name: What a reader of a test's name sees.
        prefix: Words before the command.
        user: The user to change to, if any.
    """

    name: str
    prefix: tuple[str, ...] = ()
    user: str | None = None

    @property
    def group(self) -> int | None:
        """The group that goes with the user."""
        return None if self.user is None else pwd.getpwnam(self.user).pw_gid

    @property
    def extra_groups(self) -> list[int] | None:
        """No groups of ours for another user."""
        return None if self.user is None else []

    def own(self, path: Path) -> None:
        """Give a file or folder to the user, who has to read and write it."""
        if self.user is not None:
            shutil.chown(path, self.user, self.group)

    def run(self, command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a program to its end in a folder.

        Raises:
            PermissionError: The user may not enter the folder or run the program.
        """
        return subprocess.run(
            [*self.prefix, *command],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            user=self.user,
            group=self.group,
            extra_groups=self.extra_groups,
        )


AS_MYSELF = Launcher("myself")
AS_MAPPED = Launcher("mapped", prefix=("unshare", "--user", "--map-user=1000", "--map-group=1000"))
AS_NOBODY = Launcher("nobody", user="nobody")


def launchers() -> tuple[Launcher, ...]:
    """Return the ways to run as somebody else than root that work here, the best one first.

    A user namespace comes first: it changes the owner of nothing and needs no other user.
    Containers often forbid it; then the user nobody gets a folder of its own.
    """
    if os.geteuid() != 0:
        return (AS_MYSELF,)
    if shutil.which("unshare") is None:
        return (AS_NOBODY,)
    allowed = AS_MAPPED.run(["true"], Path("/")).returncode == 0
    return (AS_MAPPED, AS_NOBODY) if allowed else (AS_NOBODY,)


@dataclass(frozen=True)
class Server:
    """What it takes to run one kind of server.

    Attributes:
        command: The command line for a port.
        address: The address for a port.
        answers: Whether the server at an address takes work.
        stop: The signal that ends it in order.
    """

    command: Callable[[int], list[str]]
    address: Callable[[int], str]
    answers: Callable[[str], bool]
    stop: str


@contextmanager
def running(
    server: Server, home: Path, launcher: Launcher = AS_MYSELF, *, port: int | None = None
) -> Iterator[str]:
    """Run a server in the folder `home` and give its address once it answers.

    Without a `port` it gets a free one.

    Raises:
        ServiceUnavailableError: It ended or stayed silent; the message has its last words.
    """
    for attempt in range(1, START_ATTEMPTS_MAX + 1):
        chosen = port or free_port()
        process = _start(server, chosen, home, launcher)
        if _came_up(process, lambda: server.answers(server.address(chosen))):  # noqa: B023
            break
        _end(process)
        if attempt == START_ATTEMPTS_MAX:
            words = (home / "server.log").read_text(errors="replace").splitlines()[-5:]
            raise ServiceUnavailableError("a server did not start", hint=" / ".join(words))
    try:
        yield server.address(chosen)
    finally:
        _end(process)


@contextmanager
def data_folder(folder: Path | None) -> Iterator[Path]:
    """Give the folder, made if need be, or a temporary one that goes away."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve()
        return
    # A server that was killed may still be writing its last words.
    with tempfile.TemporaryDirectory(prefix="vouch-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def password(home: Path) -> Path:
    """Return the file with the server's password, made at the first start.

    Every user of the machine can reach a port of 127.0.0.1, and a superuser of Postgres
    can run programs.
    """
    path = home / "password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(16))
    return path


def wheel(package: str) -> Path:
    """Return the folder of an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ServiceUnavailableError(f"the package {package} is not installed", hint="run `make`")
    return Path(spec.origin).parent


def _start(server: Server, port: int, home: Path, launcher: Launcher) -> subprocess.Popen[bytes]:
    command = ["/bin/sh", "-c", _GUARD, "guard", server.stop, *launcher.prefix]
    command += server.command(port)
    with (home / "server.log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=home,
            start_new_session=True,  # Control-C is for us; the server outlives it a moment
            user=launcher.user,
            group=launcher.group,
            extra_groups=launcher.extra_groups,
        )


def _came_up(process: subprocess.Popen[bytes], answers: Callable[[], bool]) -> bool:
    pause = 0.02
    for _ in range(int(START_SECONDS_MAX / pause)):
        if answers():
            return True
        with suppress(subprocess.TimeoutExpired):
            process.wait(pause)
            return False
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
