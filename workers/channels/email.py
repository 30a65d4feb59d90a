"""Mail over SMTP: which server, and a connection with it for a burst of mails."""

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from events.errors import did_you_mean
from workers.channels.base import (
    LINE_MAX,
    ChannelError,
    ChannelSettingsError,
    Outcome,
    Parcel,
    Send,
    message_id,
)
from workers.channels.mime import compose, wire_address
from workers.channels.transmission import DONE, kind, transmit

TIMEOUT_SECONDS = 20.0
TIMEOUT_SECONDS_MAX = 120.0

QUIT_SECONDS = 2.0
"""The mails are delivered: nobody has to wait long for a goodbye."""

_PORTS = {"smtp": 25, "smtps": 465}
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail goes out, from an address like `smtps://user:password@host:465?timeout=20`.

    Attributes:
        host: The server.
        port: Its port; 25 for smtp, 465 for smtps if the address has none.
        user: Logs in with it, if not empty.
        password: Its password.
        tls: TLS from the first byte (smtps).
        starttls: TLS by command before anything else; without it nothing is sent.
        timeout: Seconds to wait for each answer.
    """

    host: str
    port: int
    user: str
    password: str
    tls: bool
    starttls: bool
    timeout: float

    @classmethod
    def parse(cls, address: str) -> "SmtpServer":
        """Return the server that an address names.

        Raises:
            ChannelSettingsError: it names none; the words do not repeat the password.
        """
        try:
            parts = urlsplit(address)
            port, options = parts.port, dict(parse_qsl(parts.query, strict_parsing=True))
            timeout = float(options.pop("timeout", TIMEOUT_SECONDS))
        except ValueError:
            parts, port, options, timeout = urlsplit(""), None, {}, 0.0
        starttls = options.pop("starttls", "0")
        usable = parts.hostname and parts.scheme in _PORTS and starttls in ("0", "1")
        if not usable or not 0 < timeout <= TIMEOUT_SECONDS_MAX:
            raise ChannelSettingsError(
                "the mail server's address is not understood",
                hint="smtp://USER:PASSWORD@HOST:PORT?starttls=1&timeout=20, or smtps://",
            )
        for name in options:
            raise ChannelSettingsError(
                f"the mail server's address has an unknown option {name!r}",
                hint=did_you_mean(name, ["starttls", "timeout"]),
            )
        return cls(
            host=parts.hostname or "",
            port=port or _PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls=parts.scheme == "smtps",
            starttls=starttls == "1",
            timeout=timeout,
        )


class EmailChannel:
    """Sends mail; `domain` is ours, in Message-IDs and in the greeting.

    Without one it is the sender's, and a retry under another sender has another Message-ID.
    """

    name = "email"
    repeatable = False

    def __init__(self, address: str, *, domain: str = "") -> None:
        self._server = SmtpServer.parse(address)
        if domain and not _DOMAIN.fullmatch(domain):
            raise ChannelSettingsError(
                f"{domain!r} is no domain", hint="write it in ASCII, like example.org"
            )
        self._domain = domain

    @contextmanager
    def burst(self) -> Iterator[Send]:
        """Give a function that sends over one connection, opened by the first parcel."""
        burst = _Burst(self._server, self._domain)
        try:
            yield burst.send
        finally:
            burst.close()

    def look_up(self, key: str) -> bool | None:
        """Return None: SMTP cannot be asked what became of a mail."""
        return None


class _Burst:
    """Sends one after another; after a failure the next parcel starts in order."""

    def __init__(self, server: SmtpServer, domain: str) -> None:
        self._server = server
        self._domain = domain
        self._smtp: smtplib.SMTP | None = None
        self._sent = 0
        self._unreachable: ChannelError | None = None

    def send(self, parcel: Parcel) -> str:
        """Send one mail and return its Message-ID."""
        domain = self._domain or wire_address(parcel.sender_address, "sender").rpartition("@")[2]
        mail = compose(parcel, domain=domain)
        smtp = self._connected(domain)
        try:
            transmit(smtp, mail)
        except ChannelError as error:
            self._recover(error.outcome)
            raise
        self._sent += 1
        if self._sent == LINE_MAX:
            self.close()
        return message_id(parcel.key, domain)

    def close(self) -> None:
        """End the connection in order, if it still stands."""
        smtp, self._smtp, self._sent = self._smtp, None, 0
        if smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                if smtp.sock is not None:
                    smtp.sock.settimeout(min(self._server.timeout, QUIT_SECONDS))
                    smtp.quit()
            smtp.close()

    def _connected(self, domain: str) -> smtplib.SMTP:
        """Return the connection; a server that was not there is not asked ten times."""
        if self._unreachable is not None:
            raise self._unreachable
        if self._smtp is None:
            try:
                self._smtp = _connect(self._server, domain)
            except ChannelError as error:
                self._unreachable = error
                raise
        return self._smtp

    def _recover(self, outcome: Outcome) -> None:
        """Make the connection ready for the next parcel, or drop it."""
        smtp = self._smtp
        if smtp is None:
            return
        with suppress(OSError, smtplib.SMTPException):
            if outcome != "uncertain" and smtp.sock is not None and smtp.rset()[0] == DONE:
                return
        smtp.close()
        self._smtp, self._sent = None, 0


def _connect(server: SmtpServer, domain: str) -> smtplib.SMTP:
    """Return a connection that is ready for mail. Nothing is sent, so any failure may pass."""
    smtp: smtplib.SMTP | None = None
    try:
        if server.tls:
            smtp = smtplib.SMTP_SSL(
                server.host,
                server.port,
                domain,
                timeout=server.timeout,
                context=ssl.create_default_context(),
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, domain, timeout=server.timeout)
        if server.starttls:
            smtp.starttls(context=ssl.create_default_context())
        if server.user:
            smtp.login(server.user, server.password)
        smtp.ehlo_or_helo_if_needed()
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        if smtp is not None:
            smtp.close()
        raise ChannelError(
            f"the mail server cannot be used: {kind(error)}",
            outcome="retry",
            hint="`vouch doctor` tries the connection and says more",
        ) from None
    return smtp
