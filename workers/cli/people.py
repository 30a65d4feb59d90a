"""`vouch contacts import|export|merge|erase`: what is done with whole people."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from store import contacts as store_contacts
from store.intake import Arrival, accept
from store.listings import ledger, work
from store.listings.pages import actor_key
from workers import exporting, importing
from workers.app import App
from workers.bulk import SOURCE
from workers.cli.context import (
    Format,
    UsageError,
    operator,
    require_format,
    settings,
    the_process,
    the_reader,
)
from workers.cli.options import DryRun, Who
from workers.cli.tables import as_json, show
from workers.compose import open_process, require_schema
from workers.logs import configure_logs
from workflows.state import Doc, iso, slice_of

Id = Annotated[str, typer.Argument(help="The contact's id.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it: it cannot be taken back.")]


def add_to(tree: typer.Typer) -> None:
    """Add these commands to `vouch contacts`."""
    tree.command("import")(import_)
    tree.command("export")(export)
    tree.command("merge")(merge)
    tree.command("erase")(erase)


def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file with a heading.")],
    *,
    by: Who = "",
    dry_run: DryRun = False,
    format_: Format = "text",
) -> None:
    """Take in contacts from a CSV file, and say what becomes of each row.

    Columns: id, email or phone; name, first_name, last_name, locale, zone, owner, account,
    segments (a;b), the programme's own fields; consent (yes, no) with consent_at, topic and
    channel. What is empty changes nothing. A yes never undoes a no. Exit 1 if a row was refused.

    Example: vouch contacts import customers.csv --by u-sam --dry-run
    """
    require_format(format_, "text", "json")
    found = settings()
    configure_logs(found.log_format)
    process = open_process(found, signs=bool(found.secret_keys))
    try:
        require_schema(process.app.store, found)
        rows = [
            row.told()
            for row in importing.run(process.app, file, by=by or operator(), dry_run=dry_run)
        ]
    finally:
        process.close()
    refused = any(row["status"] == "refused" for row in rows)
    if format_ == "json":
        typer.echo(as_json({"dry_run": dry_run, "rows": rows}))
        raise typer.Exit(1 if refused else 0)
    telling = [row for row in rows if row["reason"] or row["consent"].startswith("kept")]
    if telling:
        show(telling, "text", columns=("line", "contact", "status", "consent", "reason"))
    counts = Counter(row["status"] for row in rows)
    counts.update(row["consent"].partition(":")[0] for row in rows if row["consent"])
    said = ", ".join(f"{number} {what}" for what, number in sorted(counts.items())) or "no rows"
    typer.echo(f"{'would be: ' if dry_run else ''}{said}")
    raise typer.Exit(1 if refused else 0)


def export(
    contact: Id,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file.")] = None,
) -> None:
    """Write all data of a person as JSON: what is known, was said, sent, decided and booked.

    Records that were merged into this one come along.

    Example: vouch contacts export c-anna -o anna.json
    """
    with the_reader() as conn:
        found = exporting.everything(conn, actor_key(contact))
    if found is None:
        raise _unknown(contact)
    text = as_json(found)
    if output is None:
        typer.echo(text)
        return
    try:
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{output}: {error.strerror}") from None
    typer.echo(f"{output}: written")


def merge(
    contact: Id,
    into: Annotated[str, typer.Argument(help="The contact that remains.")],
    by: Who = "",
    dry_run: DryRun = False,  # noqa: FBT002
) -> None:
    """Merge a contact into another: the first is an alias from then on, for ever.

    Example: vouch contacts merge c-nora2 c-nora --dry-run
    """
    with the_process() as process:
        app = process.app
        (one, merged), (other, kept) = (_known(app, each) for each in (contact, into))
        if one == other:
            raise UsageError(f"{contact} and {into} are one record already")
        if "erased_at" in merged:
            raise UsageError(f"{_erased(contact, merged)}: there is nothing left to merge")
        if "erased_at" in kept:
            hint = f"if that is what the person wants: vouch contacts erase {contact}"
            raise UsageError(f"{_erased(into, kept)}: {contact} would be, too", hint=hint)
        if dry_run:
            _tell(app, one)
            return
        data = {"into": other.partition("/")[2], "by": by or operator()}
        _say(app, one, "contact.merged", data, f"{one}/{other}")
    typer.echo(f"{contact} is being merged into {into}")


def erase(
    contact: Id,
    by: Who = "",
    yes: Yes = False,  # noqa: FBT002
) -> None:
    """Forget a contact: name, address and words go, counts and the book stay under the id.

    Offer them their data first: vouch contacts export. Without --yes it says what there is.

    Example: vouch contacts erase c-anna --yes
    """
    with the_process() as process:
        app = process.app
        actor, doc = _known(app, contact)
        if "erased_at" in doc:
            raise UsageError(_erased(contact, doc))
        if not yes:
            _tell(app, actor)
            raise UsageError(
                "nothing was erased: say --yes", hint=f"first: vouch contacts export {contact}"
            )
        _say(app, actor, "contact.erase_requested", {"by": by or operator()}, actor)
    typer.echo(f"{contact} is being erased")


def _unknown(contact: str) -> UsageError:
    return UsageError(f"there is no contact {contact!r}", hint="see: vouch contacts list")


def _erased(contact: str, doc: Doc) -> str:
    return f"{contact} was erased on {doc['erased_at'][:10]}"


def _known(app: App, contact: str) -> tuple[str, Doc]:
    with app.store.reader() as conn:
        actor = store_contacts.resolve(conn, actor_key(contact))
        doc = store_contacts.get(conn, [actor]).get(actor)
    if doc is None:
        raise _unknown(contact)
    return actor, doc


def _tell(app: App, actor: str) -> None:
    """Say how much there is of a contact."""
    with app.store.reader() as conn:
        number = {
            "live runs": len(work.runs(conn, contact=actor, status="live")),
            "open tasks": len(work.tasks(conn, contact=actor, status="open")),
            "open asks": len(work.asks(conn, contact=actor, status="open")),
            "timers": len(work.timers(conn, contact=actor)),
        }
        held = ledger.balances(conn, account=actor)
    for what, count in number.items():
        typer.echo(f"{what:12}{count}")
    for row in held:
        typer.echo(f"{row['bucket']:12}{row['balance']} {row['benefit']}".rstrip())


def _say(app: App, actor: str, kind: str, data: Doc, mark: str) -> None:
    """Put what an operator does into the inbox, with who and when."""
    now = app.clock.now()
    contact = actor.partition("/")[2]
    id_ = f"{kind}/{mark}/{iso(now)}"
    doc: Doc = {
        "id": id_, "source": SOURCE, "type": kind, "time": iso(now), "contact": contact,
        "account": "", "lead": "", "data": data, "natural_key": "",
    }  # fmt: skip
    arrival = Arrival(id=id_, source=SOURCE, type=kind, time=now, arrived=now, doc=doc,
                      actors=(actor,), contact=contact)  # fmt: skip
    with app.store.transaction() as conn:
        accept(conn, [arrival])
    app.bell.ring_drain([slice_of(actor)])
