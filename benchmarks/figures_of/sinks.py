"""A mail server and a web server that take everything and count it: in a process of its own.

`python -m benchmarks.figures_of.sinks` prints the two ports, then answers each line of its
input with a line of JSON: how many came, how many of those were different ones, when the first
and the last came. They do as little as such servers can, so that they are not what is measured.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import uvloop

_MESSAGE_ID = re.compile(rb"(?mi)^message-id:\s*(\S+)")
_KEY = re.compile(rb"(?mi)^idempotency-key:\s*(\S+)")
_LENGTH = re.compile(rb"(?mi)^content-length:\s*(\d+)")
_OK = b"250 OK\r\n"
_END = b"\r\n\r\n"


@dataclass(slots=True)
class Taken:
    """What a sink took."""

    count: int = 0
    keys: set[bytes] = field(default_factory=set)
    first: float = 0.0
    last: float = 0.0

    def take(self, found: "re.Match[bytes] | None") -> None:
        """Count one, and note which one it was."""
        self.last = time.time()
        self.first = self.first or self.last
        self.count += 1
        self.keys.add(found[1] if found else b"")

    def plain(self) -> dict[str, float]:
        """Return it for machines."""
        distinct = len(self.keys)
        return {
            "count": self.count, "distinct": distinct, "first": self.first, "last": self.last,
        }  # fmt: skip


class Smtp(asyncio.Protocol):
    """Enough of SMTP to take a mail."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._heard = b""
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = transport
        self._say(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer every line, or the end of a mail."""
        self._heard += data
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            before, found, after = self._heard.partition(end)
            if not found:
                return
            self._heard = after
            self._take(before)

    def _take(self, words: bytes) -> None:
        if self._in_data:
            self._in_data = False
            self._taken.take(_MESSAGE_ID.search(words))
            self._say(_OK)
            return
        match words[:4].upper():
            case b"EHLO":
                self._say(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
            case b"DATA":
                self._in_data = True
                self._say(b"354 go on\r\n")
            case b"QUIT":
                self._say(b"221 bye\r\n")
                self._transport.close()
            case _:
                self._say(_OK)

    def _say(self, words: bytes) -> None:
        self._transport.write(words)  # type: ignore[attr-defined]


class Web(asyncio.Protocol):
    """Enough of HTTP to take a POST."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is answered to."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._heard += data
        for head in self._requests():
            self._taken.take(_KEY.search(head))
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            self._transport.write(answer)  # type: ignore[attr-defined]

    def _requests(self) -> Iterator[bytes]:
        while True:
            head, found, after = self._heard.partition(_END)
            length = _LENGTH.search(head)
            body = int(length[1]) if length else 0
            if not found or len(after) < body:
                return
            self._heard = after[body:]
            yield head


async def main() -> None:
    """Serve until the input ends."""
    loop = asyncio.get_running_loop()
    mails, calls = Taken(), Taken()
    smtp = await loop.create_server(lambda: Smtp(mails), "127.0.0.1", 0)
    web = await loop.create_server(lambda: Web(calls), "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1] for server in (smtp, web)]
    print(*ports, flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps({"mails": mails.plain(), "calls": calls.plain()}), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
