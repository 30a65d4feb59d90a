"""What processes cost: processor time and memory, children included."""

import os
import platform
from collections.abc import Iterable

import psutil  # type: ignore[import-untyped]


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that processes and all their children have used so far."""
    return sum(_cpu(process) for pid in pids for process in _tree(pid))


def memory_mib(pids: Iterable[int]) -> float:
    """Return the resident memory of processes and their children, shared pages counted each."""
    return sum(_memory(process) for pid in pids for process in _tree(pid)) / 2**20


def own_mib(pids: Iterable[int]) -> float:
    """Return the proportional memory of processes: a page that n of them share counts 1/n each.

    That is what one more worker costs: the code of libraries is in memory once.
    """
    every = (process for pid in pids for process in _tree(pid))
    return float(sum(process.memory_full_info().pss for process in every)) / 2**20


def parent_of(pid: int) -> int:
    """Return the process that started this one: of a Postgres session its server."""
    return int(psutil.Process(pid).ppid())


def described() -> str:
    """Return the machine in a few words."""
    memory = psutil.virtual_memory().total / 2**30
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.machine()}, Python {python}"


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # A server's children that have ended are counted by their parent from then on.
    return float(times.user + times.system + times.children_user + times.children_system)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
