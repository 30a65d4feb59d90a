"""Settings from the environment: defaults, every variable, and errors that name the remedy."""

from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from workers.settings import (
    RETENTION_DAYS_MAX,
    RETENTION_DAYS_MIN,
    THREADS_MAX,
    VARIABLES,
    Settings,
    SettingsError,
)
from workers.settings_read import SECRET_KEYS_MAX
from workers.tokens import KEY_BYTES_MIN

KEY = "k" * KEY_BYTES_MIN


def test_nothing_set_is_the_embedded_mode() -> None:
    """Without any variable everything runs in one process on a file in this folder."""
    settings = Settings.from_env({})

    assert settings.embedded
    assert settings.database_url == "sqlite:///vouch.db"
    assert settings.bind == ("127.0.0.1", 8000)
    assert settings.programme is None
    assert settings.keeps is None
    assert settings.allowed_hosts == ()


def test_every_variable_is_read() -> None:
    """What is set is what comes out, in the type the code wants."""
    settings = Settings.from_env(
        {
            "VOUCH_DATABASE_URL": "postgres://u:p@db/vouch",
            "VOUCH_REDIS_URL": "redis://queue:6379/1",
            "VOUCH_PROGRAMME": "programme",
            "VOUCH_SECRET_KEYS": f"{KEY}, {KEY}2",
            "VOUCH_SMTP_URL": "smtps://u:p@mail:465",
            "VOUCH_MAIL_FROM": "Kompas <hallo@example.com>",
            "VOUCH_MAIL_FOLDER": "mails",
            "VOUCH_BASE_URL": "https://vouch.example.com/",
            "VOUCH_BIND": "[::1]:9000",
            "VOUCH_LOG_FORMAT": "console",
            "VOUCH_WORKER_THREADS": "8",
            "VOUCH_INBOX_MAX": "500",
            "VOUCH_RETENTION_DAYS": "400",
            "VOUCH_ALLOWED_HOSTS": "hooks.example.com, *.example.org",
            "VOUCH_TRUSTED_PROXIES": "10.0.0.1",
            "PATH": "/bin",
        }
    )

    assert not settings.embedded
    assert settings.database_url == "postgresql://u:p@db/vouch"
    assert settings.redis_url == "redis://queue:6379/1"
    assert (settings.programme, settings.mail_folder) == (Path("programme"), Path("mails"))
    assert settings.secret_keys == (KEY.encode(), f"{KEY}2".encode())
    assert settings.signing_keys() == settings.secret_keys
    assert settings.smtp_url == "smtps://u:p@mail:465"
    assert settings.mail_from == "Kompas <hallo@example.com>"
    assert settings.base_url == "https://vouch.example.com"
    assert settings.bind == ("::1", 9000)
    assert (settings.log_format, settings.worker_threads, settings.inbox_max) == ("console", 8, 500)
    assert settings.keeps == timedelta(days=400)
    assert settings.allowed_hosts == ("hooks.example.com", "*.example.org")
    assert settings.trusted_proxies == "10.0.0.1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VOUCH_REDIS_URL", "unix:///run/valkey.sock?db=1"),
        ("VOUCH_REDIS_URL", "rediss://user:p%40ss@[::1]:6380/"),
        ("VOUCH_MAIL_FROM", "hallo@example.com"),
        ("VOUCH_MAIL_FROM", '"Kompas, B.V." <hallo@example.com>'),
        ("VOUCH_MAIL_FROM", "Börse <hallo@bücher.example>"),
        ("VOUCH_TRUSTED_PROXIES", "10.0.0.0/24, ::1"),
        ("VOUCH_TRUSTED_PROXIES", "*"),
        ("VOUCH_RETENTION_DAYS", str(RETENTION_DAYS_MIN)),
        ("VOUCH_RETENTION_DAYS", str(RETENTION_DAYS_MAX)),
    ],
)
def test_what_is_rare_and_right_is_taken(name: str, value: str) -> None:
    """A socket, a name with a comma in quotes, a network of proxies: none is refused."""
    Settings.from_env({name: value})


def test_empty_variable_is_one_that_is_not_set() -> None:
    """A variable left empty in a file means its default."""
    assert Settings.from_env({"VOUCH_BIND": "", "VOUCH_REDIS_URL": " "}) == Settings.from_env({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VOUCH_DATABASE_URL", "mysql://host/db"),
        ("VOUCH_REDIS_URL", "http://host"),
        ("VOUCH_REDIS_URL", "redis://host:port"),
        ("VOUCH_REDIS_URL", "redis://host/vouch"),
        ("VOUCH_SECRET_KEYS", "k" * (KEY_BYTES_MIN - 1)),
        ("VOUCH_SECRET_KEYS", ",".join([KEY] * (SECRET_KEYS_MAX + 1))),
        ("VOUCH_SMTP_URL", "mail.example.com"),
        ("VOUCH_SMTP_URL", "smtp://"),
        ("VOUCH_SMTP_URL", "smtp://host:port"),
        ("VOUCH_MAIL_FROM", "nobody"),
        ("VOUCH_MAIL_FROM", "a@example.com, b@example.com"),
        ("VOUCH_MAIL_FROM", "a@exam ple.com"),
        ("VOUCH_MAIL_FROM", "Kompas\nBcc: all@example.com"),
        ("VOUCH_BASE_URL", "vouch.example.com"),
        ("VOUCH_BASE_URL", "https://vouch.example.com/?a=b"),
        ("VOUCH_BASE_URL", "https://vouch.example.com:port"),
        ("VOUCH_TRUSTED_PROXIES", "proxy"),
        ("VOUCH_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("VOUCH_TRUSTED_PROXIES", "10.0.0.1;10.0.0.2"),
        ("VOUCH_BIND", "8000"),
        ("VOUCH_BIND", "127.0.0.1:65536"),
        ("VOUCH_BIND", "127.0.0.1:http"),
        ("VOUCH_LOG_FORMAT", "xml"),
        ("VOUCH_WORKER_THREADS", "0"),
        ("VOUCH_WORKER_THREADS", str(THREADS_MAX + 1)),
        ("VOUCH_WORKER_THREADS", "many"),
        ("VOUCH_INBOX_MAX", "-1"),
        ("VOUCH_ALLOWED_HOSTS", "https://example.com"),
        ("VOUCH_RETENTION_DAYS", str(RETENTION_DAYS_MIN - 1)),
        ("VOUCH_RETENTION_DAYS", str(RETENTION_DAYS_MAX + 1)),
        ("VOUCH_RETENTION_DAYS", "for ever"),
    ],
)
def test_variable_that_cannot_be_read_is_named_with_the_remedy(name: str, value: str) -> None:
    """A bad value names its variable and says what would be right, without showing a secret."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({name: value})

    assert refused.value.variable == name
    assert str(refused.value).startswith(f"{name}: ")
    assert refused.value.hint
    if name == "VOUCH_SECRET_KEYS":
        assert "kkk" not in str(refused.value)


def test_misspelt_variable_is_refused_and_others_may_stand() -> None:
    """A name one slip away from ours is an error; the variables of sources are their own."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"VOUCH_REDIS_ULR": "redis://host"})

    assert "VOUCH_REDIS_URL" in refused.value.hint
    Settings.from_env({"VOUCH_DELIGHTED_SECRET": "s", "VOUCH_TEST_REDIS_URL": "redis://host"})


def test_missing_key_says_how_to_make_one() -> None:
    """Whoever needs to sign links without a key is told the command that makes one."""
    with pytest.raises(SettingsError) as missing:
        Settings.from_env({}).signing_keys()

    assert missing.value.variable == "VOUCH_SECRET_KEYS"
    assert "secrets.token_urlsafe(32)" in missing.value.hint


def test_secrets_show_in_no_repr() -> None:
    """Printing settings prints no password and no key."""
    shown = repr(
        Settings.from_env(
            {
                "VOUCH_DATABASE_URL": "postgresql://u:dbpass@db/vouch",
                "VOUCH_REDIS_URL": "redis://:queuepass@queue",
                "VOUCH_SECRET_KEYS": KEY,
                "VOUCH_SMTP_URL": "smtp://u:mailpass@mail",
            }
        )
    )

    for secret in ("dbpass", "queuepass", "mailpass", KEY):
        assert secret not in shown


def test_every_setting_has_its_line_and_secrets_are_marked() -> None:
    """The table of variables describes every attribute, and what is hidden is marked secret."""
    hidden = {each.name for each in fields(Settings) if not each.repr}

    assert set(VARIABLES) == {each.name for each in fields(Settings)}
    assert hidden == {name for name, variable in VARIABLES.items() if variable.secret}
    assert all(variable.about.endswith(".") and variable.hint for variable in VARIABLES.values())
