"""Where mails and calls arrive: a mail server and a web hook that misbehave when they are told to.

Each keeps a count of what it took, by the name that a repeated attempt has again. It counts a
mail as soon as its last line is there, whatever it answers then, or whether it answers at all.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from random import Random
from threading import Event, Thread
from typing import Any

HANG_SECONDS = 30
MISBEHAVED = 0.7
"""How many of the exchanges go wrong while a sink is told to misbehave."""

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([0-9a-f]+)@", re.IGNORECASE | re.MULTILINE)


class Mood(StrEnum):
    """What a sink does with those who come."""

    WELL = "well"
    HANG = "hang"  # says nothing any more
    REFUSE = "refuse"  # not now
    DROP = "drop"  # takes it, and drops the line before the answer
    AWAY = "away"  # drops the line at once


class Sinks:
    """Both sinks, on ports of their own.

    Attributes:
        host: The address that both listen on.
        mood: What they do now.
        mails: How often each mail was taken, by the first part of its Message-ID.
        calls: How often each call was taken, by its `webhook-id`.
    """

    def __init__(self, seed: int, host: str) -> None:
        self.host = host
        self.mood = Mood.WELL
        self.mails: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.smtp_port = 0
        self.http_port = 0
        self._draw = Random(f"sinks/{seed}")

    def _now(self) -> Mood:
        return self.mood if self._draw.random() < MISBEHAVED else Mood.WELL

    async def serve(self, ready: Event, stop: asyncio.Event) -> None:
        """Listen on both ports until told to stop."""
        smtp = await asyncio.start_server(self._smtp, self.host, 0, limit=2**22)
        http = await asyncio.start_server(self._http, self.host, 0, limit=2**22)
        self.smtp_port = smtp.sockets[0].getsockname()[1]
        self.http_port = http.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        smtp.close()
        http.close()

    async def _smtp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _quietly(self._conversation(reader, writer), writer)

    async def _conversation(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._now() is Mood.AWAY:
            return
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            match line[:4].upper().strip():
                case b"QUIT":
                    writer.write(b"221 bye\r\n")
                    return
                case b"MAIL" if (mood := self._now()) is not Mood.WELL:
                    if mood is Mood.HANG:
                        await asyncio.sleep(HANG_SECONDS)
                    if mood in {Mood.HANG, Mood.AWAY}:
                        return
                    good = b"250 ok\r\n" if mood is Mood.DROP else b"451 not now\r\n"
                    writer.write(good)
                case b"DATA":
                    writer.write(b"354 go on\r\n")
                    if not await self._take_mail(reader):
                        return
                    writer.write(b"250 taken\r\n")
                case _:
                    writer.write(b"250 ok\r\n")

    async def _take_mail(self, reader: asyncio.StreamReader) -> bool:
        """Count a mail; return whether to say so."""
        mail = await reader.readuntil(b"\r\n.\r\n")
        found = _MESSAGE_ID.search(mail)
        name = found[1].decode() if found else "a mail without a Message-ID"
        mood = self._now()
        if mood is Mood.AWAY:
            return False  # lost on the way: the server never had it
        self.mails[name] += 1
        if mood is Mood.HANG:
            await asyncio.sleep(HANG_SECONDS)
        return mood not in {Mood.HANG, Mood.DROP}

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _quietly(self._hook(reader, writer), writer)

    async def _hook(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mood = self._now()
        if mood is Mood.AWAY:
            return
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        headers = dict(line.split(": ", 1) for line in head.splitlines()[1:] if ": " in line)
        await reader.readexactly(int(headers["content-length"]))
        if mood is Mood.REFUSE:
            writer.write(b"HTTP/1.1 503 Not Now\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        self.calls[headers["webhook-id"]] += 1
        if mood is Mood.HANG:
            await asyncio.sleep(HANG_SECONDS)
        if mood is Mood.WELL:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


async def _quietly(talk: Coroutine[Any, Any, None], writer: asyncio.StreamWriter) -> None:
    """Hold a conversation until either side has had enough, or the sink ends."""
    ended = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
    try:
        with suppress(*ended, asyncio.CancelledError):
            await talk
    finally:  # also when the sink ends in the middle of a silence
        writer.close()


@contextmanager
def sinks(seed: int, host: str = "127.0.0.1") -> Iterator[Sinks]:
    """Run both sinks in a thread of their own."""
    found, ready, stop = Sinks(seed, host), Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        await found.serve(ready, stop)

    thread = Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield found
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()
