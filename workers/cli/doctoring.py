"""`vouch doctor`: is everything there that an installation needs?"""

import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from urllib.parse import urlsplit

import typer

from events.errors import VouchError
from store.db import Store
from store.errors import is_transient, why_unavailable
from store.holding import MOVED
from store.holding import look as look_for_hold
from store.schema import half_done
from store.stats import clock_of, health
from workers.channels.targets import host_of, variable_of
from workers.cli import context
from workers.cli.context import Format, require_format
from workers.cli.developing import KEY_FILE
from workers.cli.surroundings import look_at_mail, look_at_queue, look_at_sms
from workers.cli.tables import as_json
from workers.clock import SystemClock
from workers.compose import open_store, outbound_of, require_schema
from workers.programmes import Applied, NoProgrammeError, Programmes
from workers.seeds import seed_of
from workers.settings import VARIABLES, Settings
from workers.wellbeing import Look, handled, waiting
from workflows.signatures import SECRET_PREFIX

SKEW_MAX = timedelta(seconds=30)
"""How far the database's clock may be from this machine's."""

OF_DEVELOPERS = ("VOUCH_TEST_", "VOUCH_NIGHTLY")
"""How variables begin that only the tests read."""


def add_to(app: typer.Typer) -> None:
    """Add this command to the tree."""
    app.command("doctor")(doctor)


def doctor(format_: Format = "text") -> None:
    """Check what an installation needs; exit 1 on an error.

    Settings, database, schema, clocks, programme, secrets, workers, queue and mail. It sends
    nothing and changes nothing. A warning is something to look at, such as a message in doubt;
    an error is something without which the installation does not work.

    Example: vouch doctor
    """
    require_format(format_, "text", "json")
    looks = list(_looks())
    if format_ == "json":
        typer.echo(as_json([asdict(look) for look in looks]))
    else:
        width = max(len(look.about) for look in looks)
        for look in looks:
            typer.echo(f"{look.state:7}  {look.about:{width}}  {look.said}")
            if look.remedy:
                typer.echo(f"{'':7}  {'':{width}}  help: {look.remedy}")
    raise typer.Exit(1 if any(look.state == "error" for look in looks) else 0)


def _looks() -> Iterator[Look]:
    try:
        settings = context.settings()
    except VouchError as error:
        yield Look("settings", "error", str(error), error.hint)
        return
    mode = "embedded: vouch dev is web, worker and clock in one process"
    yield Look("settings", "ok", mode if settings.embedded else "web, worker and clock with Redis")
    yield _keys(settings)
    if settings.programme is not None and not settings.programme.is_dir():
        remedy = "what runs is in the database; vouch apply and vouch dev look there for the next"
        yield Look("settings", "warning", f"no folder {settings.programme}: VOUCH_PROGRAMME",
                   remedy)  # fmt: skip
    yield from _database(settings)
    if not settings.embedded:
        yield from look_at_queue(settings)
    yield look_at_mail(settings)
    yield from look_at_sms(settings)


def _keys(settings: Settings) -> Look:
    if settings.embedded and not settings.secret_keys:
        return Look("signing keys", "ok", f"vouch dev keeps one in {KEY_FILE}")
    try:
        number = len(settings.signing_keys())
    except VouchError as error:
        return Look("signing keys", "error", str(error), error.hint)
    return Look("signing keys", "ok", f"{number}; the first signs, all verify")


# -- database --------------------------------------------------------------------------------------


def _database(settings: Settings) -> Iterator[Look]:
    try:
        store = open_store(settings)
    except VouchError as error:
        yield Look("database", "error", str(error), error.hint)
        return
    try:
        try:
            require_schema(store, settings)
        except VouchError as error:
            about = "database" if is_transient(error) else "schema"
            yield Look(about, "error", str(error), error.hint)
            if about == "schema" and store.dialect == "postgresql":
                yield from _half_done(store)
            return
        yield from _half_done(store)
        with store.transaction():
            """Nothing is written: it is only asked whether anything could be."""
        yield Look("database", "ok", f"{store.dialect}, its schema is {store.schema_state().head}")
        yield from _clock(store)
        yield from _programme(store, settings)
        now = SystemClock().now()
        with store.reader() as conn:
            found = health(conn, now=now)
            held = look_for_hold(conn)
        if held.is_held:
            said = f"no message leaves: {held.reason or MOVED}"
            remedy = "docs/backups.md, After a restore; vouch outbox release"
            yield Look("hold", "error", said, remedy)
        yield handled(found, now, embedded=settings.embedded)
        yield from waiting(found)
        yield _kept(settings)
    except Exception as error:  # noqa: BLE001 - a look that fails is what was looked for
        remedy = "is it there, and is it Vouch's? VOUCH_DATABASE_URL names it"
        if is_transient(error):
            remedy = why_unavailable(error)
        yield Look("database", "error", f"fails with {type(error).__name__}", remedy)
    finally:
        store.close()


def _half_done(store: Store) -> Iterator[Look]:
    with store.reader() as conn:
        for left in half_done(conn):
            remedy = "a migration was broken off: vouch migrate; docs/operating.md, Upgrades"
            yield Look("schema", "error", left, remedy)


def _clock(store: Store) -> Iterator[Look]:
    with store.reader() as conn:
        theirs = clock_of(conn, SystemClock().now())
    if theirs is None:
        return
    seconds = (theirs - SystemClock().now()).total_seconds()
    if abs(seconds) > SKEW_MAX.total_seconds():
        said = f"the database's is {abs(seconds):.0f} s {'ahead' if seconds > 0 else 'behind'}"
        yield Look("clocks", "error", said, "let both machines keep time by NTP")
    else:
        yield Look("clocks", "ok", "this machine and the database agree")


def _programme(store: Store, settings: Settings) -> Iterator[Look]:
    try:
        applied = Programmes(store, SystemClock()).current()
    except NoProgrammeError as error:
        yield Look("programme", "error", str(error), error.hint)
        return
    programme = applied.programme
    yield Look(
        "programme",
        "ok",
        f"{programme.policies.programme}, version {applied.hash[:12]}, "
        f"{len(programme.workflows)} workflows",
    )
    for name, wanted_by in sorted(_variables(applied).items()):
        if not os.environ.get(name):
            remedy = f"{wanted_by} needs it: until then {_lacking(wanted_by)}"
            yield Look("secrets", "warning", f"{name} is not set", remedy)
    yield from _unread(applied)
    yield from _endpoints(applied, settings)
    yield from _targets(applied, settings)
    for name, contest in sorted(programme.policies.contests.items()):
        unset = contest.seed.startswith(SECRET_PREFIX) and not os.environ.get(
            contest.seed.removeprefix(SECRET_PREFIX)
        )
        if not unset and seed_of(contest, os.environ) is None:
            remedy = "set the seed whose hash was published: until then the draw waits"
            yield Look("secrets", "error", f"the seed of {name} is not the promised one", remedy)


def _unread(applied: Applied) -> Iterator[Look]:
    """Say which variables look like settings of ours, and are read by nobody."""
    known = {variable.name for variable in VARIABLES.values()} | _variables(applied).keys()
    for target in applied.programme.policies.sync:
        known |= {variable_of(target), f"{variable_of(target)}_SECRET"}
    for name in sorted(os.environ.keys() - known):
        if name.startswith("VOUCH_") and not name.startswith(OF_DEVELOPERS):
            remedy = "docs/settings.md has their names; a programme names its own as env:NAME"
            yield Look("settings", "warning", f"{name} is set, and nothing reads it", remedy)


def _lacking(wanted_by: str) -> str:
    """Return what comes of a variable that is not set."""
    if "contest" in wanted_by:
        return "it waits"
    return "its calls fail" if "endpoint" in wanted_by else "its webhooks are refused"


def _endpoints(applied: Applied, settings: Settings) -> Iterator[Look]:
    """Say of which endpoints the host is not on the list: their calls would fail for good."""
    outbound = outbound_of(settings)
    for name, endpoint in applied.programme.policies.endpoints.items():
        variable = endpoint.url.removeprefix(SECRET_PREFIX)
        url = endpoint.url if variable == endpoint.url else os.environ.get(variable, "")
        host = (urlsplit(url).hostname or "").lower()
        if host and not outbound.allows(host):
            said = f"the host of {name} is not allowed"
            yield Look("endpoints", "warning", said, f"add {host} to VOUCH_ALLOWED_HOSTS")


def _targets(applied: Applied, settings: Settings) -> Iterator[Look]:
    """Say of which targets nobody said where they are: what is for them waits."""
    outbound = outbound_of(settings)
    for name in applied.programme.policies.sync:
        variable = variable_of(name)
        for each in (variable, f"{variable}_SECRET"):
            if not os.environ.get(each):
                remedy = f"the target {name} needs it: until then what it is to be told waits"
                yield Look("syncs", "warning", f"{each} is not set", remedy)
        host = host_of(os.environ.get(variable, ""))
        if host and not outbound.allows(host):
            said = f"the host of {name} is not allowed"
            yield Look("syncs", "warning", said, f"add {host} to VOUCH_ALLOWED_HOSTS")


def _variables(applied: Applied) -> dict[str, str]:
    """Return the variables that hold the secrets of sources and endpoints, and whose they are."""
    secrets = {
        f"the source {name}": source.signature.secret for name, source in applied.sources.items()
    }
    for name, endpoint in applied.programme.policies.endpoints.items():
        secrets[f"the endpoint {name}"] = endpoint.secret
        secrets[f"the address of the endpoint {name}"] = endpoint.url
    for name, contest in applied.programme.policies.contests.items():
        secrets[f"the draw of the contest {name}"] = contest.seed
    return {
        secret.removeprefix(SECRET_PREFIX): wanted_by
        for wanted_by, secret in secrets.items()
        if secret.startswith(SECRET_PREFIX)
    }


def _kept(settings: Settings) -> Look:
    """Say how long the words of what happened are kept."""
    days = settings.retention_days
    said = f"words are kept for {days} days" if days else "everything is kept, for ever"
    return Look("retention", "ok", f"{said}: VOUCH_RETENTION_DAYS")
