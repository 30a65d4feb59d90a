"""Fail when a lock lags behind pyproject.toml, or names an address or a folder.

A lock is read on other machines, with other indexes: it holds versions and hashes only.
Works offline; `make lock` is the cure.
"""

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)
LINE = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?|[A-Za-z0-9._-]+==[^\s;#]+( ; [^#/]+)? \\")


def findings(lock: Path, wanted: list[str]) -> list[str]:
    """Return what is wrong with a lock, given the requirements it should meet."""
    text = lock.read_text().rstrip()
    pins = {canonicalize_name(name): version for name, version in PIN.findall(text)}
    foreign = [line for line in text.splitlines() if not LINE.fullmatch(line)]
    found = [f"{lock}: a line that is no pin and no hash: {line}" for line in foreign]
    for requirement in map(Requirement, wanted):
        version = pins.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            found.append(f"{lock}: {requirement} is wanted, {version or 'nothing'} is locked")
    return found


def main() -> int:
    """Print the findings of both locks; 1 if there are any."""
    project = tomllib.loads(Path("pyproject.toml").read_text())
    runtime = project["project"]["dependencies"]
    development = project["dependency-groups"]["dev"]
    found = findings(Path("requirements.lock"), runtime)
    found += findings(Path("requirements-dev.lock"), runtime + development)
    for finding in found:
        print(finding)
    if found:
        print("Run `make lock` and commit the result.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
