"""The peers' own environment: a virtualenv of the versions in `requirements.lock`.

Never Vouch's: what a peer needs must not decide which version Vouch runs with.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Collection
from pathlib import Path

LOCK = Path(__file__).with_name("requirements.lock")
RESTATE = "@restatedev/restate-server@1.7.12"
"""Restate's server, as npm has it."""

LAST_WORDS = 300


def python_of(folder: Path) -> Path:
    """Return the interpreter of the environment in a folder, made and filled where need be.

    The stamp is the lock itself, so that another lock fills it anew. What cannot be installed
    together is not installed at all: see `missing`.
    """
    home = folder / "venv"
    python = home / "bin" / "python"
    stamp = home / "requirements.lock"
    if not stamp.exists() or stamp.read_bytes() != LOCK.read_bytes():
        venv.create(home, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        if _succeeds([*pip, "--require-hashes", "--requirement", str(LOCK)], "pip"):
            shutil.copyfile(LOCK, stamp)
    return python


def missing(python: Path, modules: Collection[str]) -> list[str]:
    """Return which of these modules the environment has not, each asked for by itself."""
    return [
        name
        for name in modules
        if subprocess.run(
            [python, "-c", f"import {name}"], capture_output=True, check=False
        ).returncode
    ]


def restate_server(folder: Path) -> str:
    """Return Restate's server: `BENCH_RESTATE_SERVER`, one on the PATH, or npm's; else nothing."""
    given = os.environ.get("BENCH_RESTATE_SERVER") or shutil.which("restate-server")
    if given:
        return given
    program = folder / "restate" / "node_modules" / ".bin" / "restate-server"
    npm = shutil.which("npm")
    if not program.exists() and npm:
        install = [npm, "install", "--silent", "--no-fund", "--no-audit"]
        _succeeds([*install, "--prefix", str(program.parents[2]), RESTATE], "npm")
    return str(program) if program.exists() else ""


def _succeeds(command: list[str], name: str) -> bool:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name}: {done.stderr.strip()[-LAST_WORDS:]}", file=sys.stderr)
    return not done.returncode
