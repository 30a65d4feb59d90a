"""Group commit: requests that come at once share a transaction, and each still waits for it.

One thread commits. What piles up while it does goes into its next transaction, so that a busy
server makes few commits of many events, and an idle one answers a single event at once.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread

from workers.intake import Intake, Prepared, Publisher
from workers.verdicts import BackPressureError, IntakeError, IntakeUnavailableError, Verdict

EVENTS_PER_COMMIT = 1_000
"""A transaction takes no further request once it has so many events."""

GATHER_SECONDS = 0.003
"""While requests come at once, how long a commit waits for more: each costs as much as several
events, and whoever comes alone waits for nobody."""

WAITING_EVENTS_MAX = 20_000
"""Events in memory that no transaction holds yet; past it publishers are held back."""

PARSED_AT_ONCE_MAX = 20
"""A larger request is parsed beside the event loop, which others wait for."""


@dataclass(slots=True)
class _Waiting:
    """A request, and where its answer goes: to a future of an event loop, or of a thread."""

    request: Prepared
    answer: "asyncio.Future[list[Verdict]] | Future[list[Verdict]]"
    loop: asyncio.AbstractEventLoop | None = None


class GroupCommit:
    """Intake for many concurrent callers: of event loops, or threads of their own.

    The thread starts with the first request and ends with `close`.
    """

    def __init__(self, intake: Intake, *, waiting_max: int = WAITING_EVENTS_MAX) -> None:
        self._intake = intake
        self._waiting_max = waiting_max
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._lock = Lock()
        self._waiting = 0
        self._thread: Thread | None = None
        self._closed = False

    async def accept(
        self, raws: Sequence[object], *, key: Publisher | None = None
    ) -> list[Verdict]:
        """Return the verdict on each event, in order, after they are committed.

        Raises:
            EventTooLargeError: More events than one request may have.
            IntakeError: Not acknowledged, come back later.
        """
        if len(raws) <= PARSED_AT_ONCE_MAX:
            return await self.begin(raws, key=key)
        return await self._begin(await asyncio.to_thread(self._intake.prepare, raws, key=key))

    def begin(
        self, raws: Sequence[object], *, key: Publisher | None = None
    ) -> asyncio.Future[list[Verdict]]:
        """Return where the verdicts will be, for a caller of an event loop with few events.

        Raises:
            IntakeError: Not acknowledged, come back later.
        """
        return self._begin(self._intake.prepare(raws, key=key))

    def _begin(self, request: Prepared) -> asyncio.Future[list[Verdict]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Verdict]] = loop.create_future()
        self._put(_Waiting(request, answer, loop))
        return answer

    def wait(self, raws: Sequence[object], *, key: Publisher | None = None) -> list[Verdict]:
        """Do the same for a thread, which stands still meanwhile."""
        answer: Future[list[Verdict]] = Future()
        self._put(_Waiting(self._intake.prepare(raws, key=key), answer))
        return answer.result()

    def __len__(self) -> int:
        """Return how many events no transaction holds yet, or one that is not committed."""
        return self._waiting

    def close(self) -> None:
        """Commit what waits, then end the thread; later requests are told to come back."""
        with self._lock:
            self._closed = True
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _put(self, waiting: _Waiting) -> None:
        size = max(1, len(waiting.request.slots))
        with self._lock:
            if self._closed:
                raise IntakeUnavailableError("this process is stopping", hint="send it again")
            if self._waiting and self._waiting + size > self._waiting_max:
                raise BackPressureError(
                    f"more than {self._waiting_max} events wait to be stored",
                    hint="send again later, and fewer at once",
                )
            self._waiting += size
            if self._thread is None:
                self._thread = Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()
            self._queue.put(waiting)

    def _run(self) -> None:
        last = busy = False
        while not last:
            first = self._queue.get()
            if first is None:
                return
            if busy:
                Event().wait(GATHER_SECONDS)
            group, last = self._group(first)
            busy = len(group) > 1
            self._answer(group, self._commit([each.request for each in group]))

    def _group(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """Return the requests of the next transaction, and whether nothing comes after them."""
        group, events = [first], len(first.request.slots)
        while events < EVENTS_PER_COMMIT:
            try:
                following = self._queue.get_nowait()
            except Empty:
                break
            if following is None:
                return group, True
            group.append(following)
            events += len(following.request.slots)
        return group, False

    def _commit(self, requests: Sequence[Prepared]) -> list[list[Verdict] | Exception]:
        """Commit all together; what nobody foresaw must not be answered to the innocent."""
        try:
            return list(self._intake.commit(requests))
        except IntakeError as error:
            return [error] * len(requests)
        except Exception as error:  # noqa: BLE001 - whoever waits must get an answer
            if len(requests) == 1:
                return [error]
        return [answer for request in requests for answer in self._commit([request])]

    def _answer(
        self, group: Sequence[_Waiting], answers: Sequence[list[Verdict] | Exception]
    ) -> None:
        with self._lock:
            self._waiting -= sum(max(1, len(each.request.slots)) for each in group)
        by_loop: dict[asyncio.AbstractEventLoop | None, list[tuple[_Waiting, object]]] = {}
        for waiting, answer in zip(group, answers, strict=True):
            by_loop.setdefault(waiting.loop, []).append((waiting, answer))
        _tell(by_loop.pop(None, ()))
        for loop, told in by_loop.items():
            if loop is not None:
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    loop.call_soon_threadsafe(_tell, told)


def _tell(told: Sequence[tuple[_Waiting, object]]) -> None:
    for waiting, answer in told:
        if waiting.answer.done():
            continue  # the client went away; its events are stored all the same
        if isinstance(answer, Exception):
            waiting.answer.set_exception(answer)
        else:
            waiting.answer.set_result(answer)  # type: ignore[arg-type]
