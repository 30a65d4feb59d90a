"""Mail over SMTP, with a clear line between "not sent" and "we cannot know".

A mail is the server's from the moment it answers 2xx to the end of the data. Until our last
byte has left, it surely has no mail; once its answer is read, it surely has one or has none.
In between lies the only gap in which nobody knows.
"""

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
from workers.channels.mime import compose, needs_utf8, wire_address

TIMEOUT_SECONDS = 20.0
TIMEOUT_SECONDS_MAX = 120.0

QUIT_SECONDS = 2.0
"""The mails are delivered: nobody has to wait long for a goodbye."""

_PORTS = {"smtp": 25, "smtps": 465}
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
_LEADING_DOT = re.compile(rb"(?m)^\.")
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}")

_DONE = 250
_GO_ON = 354
_TOO_LARGE = 552

_Reply = tuple[int, bytes]


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
        sender = wire_address(parcel.sender_address, "sender")
        domain = self._domain or sender.rpartition("@")[2]
        mail = compose(parcel, domain=domain)
        options = ["SMTPUTF8", "BODY=8BITMIME"] if needs_utf8(mail) else []
        smtp = self._connected(domain)
        try:
            _transmit(
                smtp,
                sender,
                wire_address(parcel.address, "recipient"),
                mail.as_bytes(),
                options,
            )
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
            if outcome != "uncertain" and smtp.sock is not None and smtp.rset()[0] == _DONE:
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
            f"the mail server cannot be used: {_kind(error)}",
            outcome="retry",
            hint="`vouch doctor` tries the connection and says more",
        ) from None
    return smtp


def _transmit(smtp: smtplib.SMTP, sender: str, to: str, data: bytes, options: list[str]) -> None:
    """Hand over one mail.

    Raises:
        ChannelError: with what is certain, see the module's words.
    """
    try:
        # A sender whom the server does not want is our settings' fault, not the recipient's.
        if options and not smtp.has_extn("smtputf8"):
            raise ChannelError("the mail server takes only ASCII addresses", outcome="refused")
        reply = smtp.mail(sender, options)
        _expect(reply, "sender", forever="refused" if reply[0] == _TOO_LARGE else "retry")
        _expect(smtp.rcpt(to), "recipient")
        _expect(smtp.docmd("DATA"), "mail", good=_GO_ON)
    except (OSError, smtplib.SMTPException) as error:
        raise ChannelError(
            f"the mail server went away before the mail: {_kind(error)}", outcome="retry"
        ) from None
    try:
        smtp.send(_LEADING_DOT.sub(b"..", data) + b".\r\n")
        reply = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise ChannelError(
            f"the mail server went away after the mail: {_kind(error)}", outcome="uncertain"
        ) from None
    _expect(reply, "mail", strange="uncertain")


def _expect(
    reply: _Reply,
    what: str,
    *,
    good: int = _DONE,
    forever: Outcome = "refused",
    strange: Outcome = "retry",
) -> None:
    """Raise unless a reply is good: 4xx may pass, 5xx will not, and what is neither is strange."""
    code, words = reply
    if code // 100 == good // 100:
        return
    outcomes: dict[int, Outcome] = {4: "retry", 5: forever}
    outcome = outcomes.get(code // 100, strange)
    found = _ENHANCED.match(words)
    detail = f"{code} {found[0].decode()}" if found else f"{code}"
    raise ChannelError(f"the mail server refused the {what}: {detail}", outcome=outcome)


def _kind(error: Exception) -> str:
    """Return an error's kind and code; the server's words may name the recipient."""
    code = getattr(error, "smtp_code", "")
    return f"{type(error).__name__} {code}".strip()
