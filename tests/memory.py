"""Where tests put their files: into memory, on a machine that has it to spare.

A run makes hundreds of Postgres databases and thousands of small files, and takes them away
again. On a disk that is a sixth of all its work, and it proves nothing: only a power failure
tells the difference. A night (`VOUCH_NIGHTLY=1`) works on the disk all the same.
"""

import os
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder that every user of the machine shares, as /tmp
FREE_BYTES_MIN = 4 * 1024**3
"""Left for others, after what a run holds at once: about half a GiB."""


def has_room(folder: Path = MEMORY, *, least: int = FREE_BYTES_MIN) -> bool:
    """Return whether files may go to a folder: it is ours to write, roomy, and runs programs.

    Containers often have one of 64 MiB, on which nothing can be run.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize >= least and not found.f_flag & os.ST_NOEXEC


def use_memory() -> None:
    """Have temporary files of this process and of its children be in memory, if there is room.

    Whoever sets `TMPDIR` has chosen.
    """
    if "TMPDIR" not in os.environ and has_room():
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # to be looked up anew: pytest has asked before us
