"""The standard mode on one machine: a Postgres, a Valkey, and every line of the Procfile."""

import os
import secrets
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from tests.services import postgres_server, valkey_server


def stack(checkout: Path) -> int:
    """Run it all until Control-C or SIGTERM, and return the exit code.

    What it makes stays in `.stack/`, so that the next start goes on where this one ended:
    both servers' data, a signing key and, unless VOUCH_PROGRAMME names another, a programme
    by `vouch init`.
    """
    home = checkout / ".stack"
    home.mkdir(exist_ok=True)
    with postgres_server(home / "postgres") as database, valkey_server(home / "valkey") as queue:
        environ = _environ(home, database, queue)
        programme = Path(environ["VOUCH_PROGRAMME"])
        _write_exports(home / "env", environ)
        print(f"Postgres   {database}\nValkey     {queue}\nprogramme  {programme}", flush=True)
        print(f"mails      {environ.get('VOUCH_MAIL_FOLDER') or environ.get('VOUCH_SMTP_URL')}")
        print("elsewhere  . .stack/env && .venv/bin/vouch keys add crm", flush=True)
        commands = [] if programme.exists() else [["init", str(programme)]]
        for command in [*commands, ["migrate"], ["apply"]]:
            print(f"vouch {' '.join(command)}", flush=True)
            done = subprocess.run([_beside_python("vouch"), *command], env=environ, check=False)
            if done.returncode != 0:
                return done.returncode
        return _processes(checkout, environ)


def _environ(home: Path, database: str, queue: str) -> dict[str, str]:
    mail = {} if os.environ.get("VOUCH_SMTP_URL") else {"VOUCH_MAIL_FOLDER": str(home / "mail")}
    programs = str(Path(sys.executable).parent)
    defaults = {
        "VOUCH_PROGRAMME": str(home / "programme"),
        "VOUCH_SECRET_KEYS": _secret_key(home / "secret_keys"),
    }
    return {
        **defaults,
        **mail,
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "VOUCH_DATABASE_URL": database,
        "VOUCH_REDIS_URL": queue,
    }


def _write_exports(path: Path, environ: Mapping[str, str]) -> None:
    """Write what another terminal needs to talk to this stack, readable by its owner alone."""
    path.touch(mode=0o600)
    names = sorted(name for name in environ if name.startswith("VOUCH_"))
    path.write_text("".join(f"export {name}={shlex.quote(environ[name])}\n" for name in names))


def _secret_key(path: Path) -> str:
    """Links in mails signed before a restart must open after it, so the key is kept."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text()


def _processes(checkout: Path, environ: Mapping[str, str]) -> int:
    """Run the Procfile until a signal comes or one of its processes ends.

    The servers stop after the processes, not with them: honcho runs in a session of its
    own, where Control-C does not reach it, and hears of the end from us.
    """
    honcho = subprocess.Popen(
        [_beside_python("honcho"), "start", "-f", str(checkout / "Procfile")],
        env=environ,
        cwd=checkout,
        start_new_session=True,
    )
    asked = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        honcho.terminate()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    code = honcho.wait()
    return 0 if asked else code


def _beside_python(program: str) -> str:
    return str(Path(sys.executable).with_name(program))
