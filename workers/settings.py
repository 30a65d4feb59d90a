"""Settings: everything an installation decides, from environment variables and nowhere else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

from events.errors import VouchError, did_you_mean
from workers import settings_read as read
from workers.tokens import KEY_BYTES_MIN

MAKE_A_KEY: Final = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'
THREADS_MAX: Final = 64
LEASE_SECONDS_MIN: Final = 5
LEASE_SECONDS_MAX: Final = 3_600
RETENTION_DAYS_MIN: Final = 30
RETENTION_DAYS_MAX: Final = 36_500


class SettingsError(VouchError):
    """A variable that is missing or cannot be what it says.

    Attributes:
        variable: Its name.
    """

    code = "bad-setting"

    def __init__(self, variable: str, message: str, *, hint: str) -> None:
        super().__init__(f"{variable}: {message}", hint=hint)
        self.variable = variable


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: what it means, and how its text is read.

    `secret` ones show neither in a `repr` nor in `vouch doctor`. A text that `read` refuses
    becomes a `SettingsError` with `hint`.
    """

    name: str
    about: str
    default: str
    read: Callable[[str], Any]
    hint: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation decided. Each attribute is described in `VARIABLES`.

    `redis_url` empty is the embedded mode: one process, its own queue.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    programme: Path | None
    secret_keys: tuple[bytes, ...] = field(repr=False)
    smtp_url: str = field(repr=False)
    mail_from: str
    mail_folder: Path | None
    base_url: str
    bind: tuple[str, int]
    log_format: str
    worker_threads: int
    lease_seconds: int
    inbox_max: int
    retention_days: int | None
    allowed_hosts: tuple[str, ...]
    allow_private: bool
    sms_url: str = field(repr=False)
    sms_secret: str = field(repr=False)
    trusted_proxies: str

    @property
    def embedded(self) -> bool:
        """Whether everything runs in one process, without Redis."""
        return not self.redis_url

    @property
    def keeps(self) -> timedelta | None:
        """How long the words of what happened are kept; None for ever."""
        return None if self.retention_days is None else timedelta(days=self.retention_days)

    def signing_keys(self) -> tuple[bytes, ...]:
        """Return the keys that sign links; whatever sends or serves them calls this first.

        Raises:
            SettingsError: There are none. One made up at each start would break every link
                sent before it, so we do not.
        """
        if not self.secret_keys:
            variable = VARIABLES["secret_keys"]
            message = "missing: links in messages are signed with it"
            raise SettingsError(variable.name, message, hint=variable.hint)
        return self.secret_keys

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings that environment variables give.

        An empty variable counts as one that is not set.

        Raises:
            SettingsError: One is missing, cannot be read, or is one we do not know.
        """
        _refuse_unknown(environ)
        values = {name: _value(variable, environ) for name, variable in VARIABLES.items()}
        return cls(**values)


def _value(variable: Variable, environ: Mapping[str, str]) -> Any:  # noqa: ANN401
    text = environ.get(variable.name, "").strip() or variable.default
    try:
        return variable.read(text)
    except ValueError as error:
        raise SettingsError(variable.name, str(error), hint=variable.hint) from None


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    """Refuse names one slip away from one of ours, which would be ignored in silence.

    Others may stand: a programme's sources name variables of their own.
    """
    known = [variable.name for variable in VARIABLES.values()]
    for name in sorted(environ):
        if name.startswith("VOUCH_") and name not in known and _near(name, known):
            raise SettingsError(name, "there is no such setting", hint=did_you_mean(name, known))


def _near(name: str, known: list[str]) -> bool:
    """Tell whether one letter more, less or wrong, or two swapped, makes it one of ours."""
    return any(_distance_one(name, other) for other in known)


def _distance_one(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[1::-1] + a[2:]) == b


_Table: TypeAlias = Mapping[str, Variable]

VARIABLES: Final[_Table] = {
    "database_url": Variable(
        "VOUCH_DATABASE_URL",
        "Where everything is kept: an SQLite file, or a Postgres database.",
        "sqlite:///vouch.db",
        read.database,
        "sqlite:///vouch.db, or postgresql://user:password@host/database",
        secret=True,
    ),
    "redis_url": Variable(
        "VOUCH_REDIS_URL",
        "The Redis or Valkey that carries nudges between processes; without one everything "
        "runs embedded in one process.",
        "",
        read.redis,
        "redis://host:6379/0, or leave it out for the embedded mode",
        secret=True,
    ),
    "programme": Variable(
        "VOUCH_PROGRAMME",
        "The programme's folder; only `check`, `test`, `simulate`, `plan`, `apply` and `dev` "
        "read it.",
        "",
        read.path,
        "the path of a folder that `vouch init` made",
    ),
    "secret_keys": Variable(
        "VOUCH_SECRET_KEYS",
        f"Keys that sign the links in messages, separated by commas, at least {KEY_BYTES_MIN} "
        "bytes each: the first signs, all verify. Keep old ones as long as their mails matter.",
        "",
        read.keys,
        f"make one: {MAKE_A_KEY}",
        secret=True,
    ),
    "smtp_url": Variable(
        "VOUCH_SMTP_URL",
        "The mail server: `smtps://` is TLS from the first byte, `smtp://` with `?starttls=1` "
        "TLS by command or no mail at all, `smtp://` alone no encryption.",
        "",
        read.smtp,
        "smtps://user:password@host:465, smtp://user:password@host:587?starttls=1, or "
        "smtp://localhost:25",
        secret=True,
    ),
    "mail_from": Variable(
        "VOUCH_MAIL_FROM",
        "The sender of messages whose template names no other.",
        "Vouch <vouch@localhost>",
        read.sender,
        "Kompas <hallo@example.com>",
    ),
    "mail_folder": Variable(
        "VOUCH_MAIL_FOLDER",
        "Write messages as files into this folder instead of sending them.",
        "",
        read.path,
        "the path of a folder",
    ),
    "base_url": Variable(
        "VOUCH_BASE_URL",
        "The address at which people reach the pages, as links in messages begin.",
        "http://127.0.0.1:8000",
        read.base,
        "https://vouch.example.com",
    ),
    "bind": Variable(
        "VOUCH_BIND",
        "Where the web process listens.",
        "127.0.0.1:8000",
        read.bind,
        "127.0.0.1:8000, or 0.0.0.0:8000 behind a proxy",
    ),
    "log_format": Variable(
        "VOUCH_LOG_FORMAT",
        "How logs are written: `json` for machines, `console` for people.",
        "json",
        read.one_of("json", "console"),
        "json, or console",
    ),
    "worker_threads": Variable(
        "VOUCH_WORKER_THREADS",
        "How many bursts of messages one worker process sends at a time.",
        "4",
        read.whole(1, THREADS_MAX),
        "more where mail servers are slow",
    ),
    "lease_seconds": Variable(
        "VOUCH_LEASE_SECONDS",
        "How long a worker that says nothing any more keeps what it holds: messages on their way "
        "(then they are in doubt) and, for a minute at most, contacts.",
        "300",
        read.whole(LEASE_SECONDS_MIN, LEASE_SECONDS_MAX),
        "longer than ten mails take with a slow mail server",
    ),
    "inbox_max": Variable(
        "VOUCH_INBOX_MAX",
        "Events waiting to be handled past which publishers are told to come back later (429).",
        "100000",
        read.whole(1, 10_000_000),
        "a minute of what your workers handle",
    ),
    "retention_days": Variable(
        "VOUCH_RETENTION_DAYS",
        "How many days the words of events, and why things happened, are kept: older ones are "
        "emptied by and by. Nothing is, where it is not set.",
        "",
        read.perhaps(read.whole(RETENTION_DAYS_MIN, RETENTION_DAYS_MAX)),
        "400; longer than anybody asks why something happened",
    ),
    "allowed_hosts": Variable(
        "VOUCH_ALLOWED_HOSTS",
        "Hosts that outbound calls may go to, separated by commas, `*.example.com` for those "
        "below one; none by default.",
        "",
        read.hosts,
        "hooks.example.com,*.example.org",
    ),
    "allow_private": Variable(
        "VOUCH_ALLOW_PRIVATE",
        "Whether outbound calls may also go to addresses of your own network, and by plain http; "
        "their hosts must be in VOUCH_ALLOWED_HOSTS all the same.",
        "no",
        read.yes,
        "yes or no",
    ),
    "sms_url": Variable(
        "VOUCH_SMS_URL",
        "Your SMS gateway, which takes signed webhooks (Standard Webhooks); its host must be in "
        "VOUCH_ALLOWED_HOSTS.",
        "",
        read.https,
        "https://sms.example.com/send",
        secret=True,
    ),
    "sms_secret": Variable(
        "VOUCH_SMS_SECRET",
        "What signs the webhooks to the SMS gateway.",
        "",
        read.text,
        "whsec_ and 24 to 64 random bytes in base64",
        secret=True,
    ),
    "trusted_proxies": Variable(
        "VOUCH_TRUSTED_PROXIES",
        "Addresses or networks of proxies whose X-Forwarded-For is believed, separated by commas: "
        "the rate limit of pages counts per client.",
        "127.0.0.1",
        read.proxies,
        "10.0.0.1,10.0.0.0/24",
    ),
}
"""Every setting by the attribute that holds it; the documentation is tested against it."""
