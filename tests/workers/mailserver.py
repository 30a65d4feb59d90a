"""A real mail server (aiosmtpd) that does as a test tells it."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event, Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

DROP = "drop"
HANG = "hang"

FOREVER = 3600.0


@dataclass
class Mailbox:
    """What a server says where, and what it got.

    Attributes:
        answers: By stage (`CONNECT`, `MAIL`, `RCPT`, `DATA`, `MESSAGE`) a reply, `DROP` or
            `HANG`; good news if there is none. Each is given once, then the next.
        mails: What was taken.
        sessions: How many connections there were.
        pipelining: Whether it says that it takes commands ahead of its answers.
        ahead: How often it had been told that a mail comes before it answered for whom.
    """

    answers: dict[str, list[str]] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    rcpt: list[str] = field(default_factory=list)
    sessions: int = 0
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    accepts_login: bool = True
    pipelining: bool = False
    ahead: int = 0
    transports: list[asyncio.BaseTransport] = field(default_factory=list)

    async def handle_EHLO(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        session.host_name = hostname
        name, *others = responses
        return [name, *(["250-PIPELINING"] if self.pipelining else []), *others]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd names it
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self.answer(server, "MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.ahead += b"DATA" in server._reader._buffer  # type: ignore[attr-defined]  # noqa: SLF001
        reply = await self.answer(server, "RCPT", "250 OK")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        reply = await self.answer(server, "MESSAGE", "250 OK")
        if reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.raw.append(envelope.content)
            self.rcpt.extend(envelope.rcpt_tos)
            parsed = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
        return reply

    async def answer(self, server: SMTP, stage: str, good: str) -> str:
        waiting = self.answers.get(stage) or [good]
        reply = waiting.pop(0)
        if reply == HANG:
            await asyncio.sleep(FOREVER)
        if reply == DROP:
            assert server.transport is not None
            server.transport.close()
        return reply

    def login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=self.accepts_login, handled=False)


class Server(SMTP):
    def __init__(self, mailbox: Mailbox, **options: Any) -> None:
        super().__init__(
            mailbox, authenticator=mailbox.login, auth_require_tls=False, timeout=FOREVER, **options
        )
        self.mailbox = mailbox

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.mailbox.transports.append(transport)
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        self.mailbox.sessions += 1
        reply = await self.mailbox.answer(self, "CONNECT", "")
        if reply:
            await self.push(reply)
            assert self.transport is not None
            self.transport.close()
            return
        await super()._handle_client()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        reply = await self.mailbox.answer(self, "DATA", "")
        if not reply:
            await super().smtp_DATA(arg)
        elif reply != DROP:
            await self.push(reply)


@contextmanager
def serving(
    mailbox: Mailbox,
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    **options: Any,
) -> Iterator[str]:
    """Serve a mailbox and give the port's `host:port`."""
    ready, loop = Event(), asyncio.new_event_loop()
    place: list[str] = []
    end = asyncio.Event()

    async def serve() -> None:
        server = await loop.create_server(
            lambda: Server(mailbox, loop=loop, tls_context=starttls, **options),
            "127.0.0.1",
            0,
            ssl=tls,
        )
        place.append(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        ready.set()
        async with server:
            await end.wait()
        for transport in mailbox.transports:
            transport.close()
        await asyncio.sleep(0)  # they take leave one turn later
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.wait([task])

    thread = Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(30)
        yield place[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(30)
        loop.close()
