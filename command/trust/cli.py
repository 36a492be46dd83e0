"""`citybrain account` and `citybrain audit`."""

import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from citybrain import config
from citybrain.cli import settings_of
from citybrain.up import state
from command.database import Row, act, queries
from command.principal import Role
from command.trust import accounts, check, direct, first, tokens
from command.trust.accounts import Connection
from command.trust.audit import SYSTEM
from command.trust.rights import Action, allowed

ROLES = click.Choice([role.value for role in Role])
SCOPES = click.Choice([action.value for action in Action if action is not Action.OWN_ACCOUNT])


def settings_in_use(ctx: click.Context) -> config.Settings:
    """As the command line says; without a word from it, those of the city that is up on this machine."""
    loaded = settings_of(ctx)
    running = state.read()
    if loaded == config.Settings() and running and state.is_alive(running.pid, running.created_s):
        return config.load(Path(running.config), {})
    return loaded


@click.group()
def account() -> None:
    """Make, list and shut out accounts; give tokens and one-time links."""


@account.command()
@click.argument("name")
@click.option("--role", "roles", type=ROLES, multiple=True, required=True, help="May be repeated.")
@click.option("--district", "districts", multiple=True, help="May be repeated; none: the whole city.")
@click.option("--department", help="The department that it handles cases for.")
@click.pass_context
def add(
    ctx: click.Context, name: str, roles: tuple[str, ...], districts: tuple[str, ...], department: str | None
) -> None:
    """Make the account NAME and print its password, this once.

    \b
    Example:
      citybrain account add li.wei --role dispatcher --district north
    """
    given = [Role(role) for role in roles]

    async def job(connection: Connection) -> accounts.Made:
        return await accounts.add(connection, SYSTEM, name, given, districts=districts, department=department)

    click.echo(f"{name}  {direct.run(settings_in_use(ctx), job).password}")


@account.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List all accounts.

    \b
    Example:
      citybrain account list
    """
    rows = direct.run(settings_in_use(ctx), lambda connection: act(connection, "account_list"))
    shown = [_shown(row) for row in rows]
    if as_json:
        click.echo(msgspec.json.encode(shown))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "roles", "districts", "state", "code"):
        table.add_column(column)
    for one in shown:
        places = ", ".join(one["districts"]) or "all"
        table.add_row(
            one["name"], ", ".join(one["roles"]), places, one["state"], "yes" if one["totp"] else ""
        )
    Console().print(table)


def _shown(row: Row) -> Row:
    locked = row["failures"] >= 5
    state_ = "disabled" if row["disabled_at"] else "locked at times" if locked else "in use"
    return {
        "name": row["name"],
        "roles": row["roles"],
        "districts": row["districts"],
        "department": row["department"],
        "state": state_,
        "totp": row["totp_sealed"] is not None,
        "local": row["password_hash"] is not None,
    }


@account.command()
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let it in again.")
@click.pass_context
def disable(ctx: click.Context, name: str, undo: bool) -> None:
    """Shut the account NAME out, with all its sessions and tokens.

    \b
    Example:
      citybrain account disable li.wei
    """

    async def job(connection: Connection) -> None:
        row = await accounts.by_name(connection, name)
        await accounts.disable(connection, SYSTEM, row, disabled=not undo)

    direct.run(settings_in_use(ctx), job)
    click.echo(f"{name} is {'let in again' if undo else 'shut out'}.")


@account.command()
@click.argument("name")
@click.pass_context
def reset(ctx: click.Context, name: str) -> None:
    """Print a new password for the account NAME, unlock it, and remove its authenticator.

    \b
    Example:
      citybrain account reset li.wei
    """

    async def job(connection: Connection) -> accounts.Made:
        return await accounts.reset(connection, SYSTEM, await accounts.by_name(connection, name))

    click.echo(f"{name}  {direct.run(settings_in_use(ctx), job).password}")


@account.command()
@click.argument("name")
@click.option("--scope", "scopes", type=SCOPES, multiple=True, help="May be repeated; none: all it may do.")
@click.option(
    "--days", type=click.IntRange(1, 3660), default=365, show_default=True, help="How long it lasts."
)
@click.option(
    "--called", default="made by the command line", show_default=True, help="What the list calls it."
)
@click.pass_context
def token(ctx: click.Context, name: str, scopes: tuple[str, ...], days: int, called: str) -> None:
    """Print a new API token of the account NAME, this once.

    \b
    Example:
      citybrain account token operator --scope see_metrics --called prometheus
    """

    async def job(connection: Connection) -> str:
        row = await accounts.by_name(connection, name)
        own = allowed(accounts.principal_of(row)) - {Action.OWN_ACCOUNT}
        wanted = {Action(scope) for scope in scopes} or own
        if beyond := wanted - own:
            raise click.UsageError(f"--scope: {name} may not {', '.join(sorted(beyond))} itself")
        _, secret = await tokens.make(connection, SYSTEM, row["id"], called, wanted, days=days)
        return secret

    click.echo(direct.run(settings_in_use(ctx), job))


@account.command()
@click.argument("name", default=Role.OPERATOR.value)
@click.pass_context
def link(ctx: click.Context, name: str) -> None:
    """Print an address that signs in once as NAME, within twelve hours; operator if left out.

    \b
    Example:
      citybrain account link supervisor
    """
    click.echo(first.link(settings_in_use(ctx), name))


@click.group()
def audit() -> None:
    """Read and verify the audit."""


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def verify(ctx: click.Context, as_json: bool) -> None:
    """Check every entry of the chain; exit code 1 where one was changed, removed or moved.

    \b
    Example:
      citybrain audit verify
    """
    settings = settings_in_use(ctx)

    async def job(connection: Connection) -> check.Report:
        await check.snapshot(connection)
        return await check.verify(connection, settings)

    report = direct.run(settings, job)
    if as_json:
        click.echo(msgspec.json.encode(report))
    elif report.faults:
        for fault in report.faults:
            click.echo(f"entry {fault.seq}: {fault.reason}")
    else:
        click.echo(f"{report.entries} entries and {report.anchors} anchors: nothing was changed.")
    if report.faults:
        sys.exit(1)


@audit.command(name="list")
@click.option("--action", help="Such as video.viewed, or its first part alone.")
@click.option("--actor", help="The name of an account.")
@click.option("--subject", help="Such as camera/north.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Entries shown.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def list_audit(
    ctx: click.Context,
    *,
    action: str | None,
    actor: str | None,
    subject: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List entries, newest first.

    \b
    Example:
      citybrain audit list --action video
    """
    asked = {"action": action, "actor": actor, "subject": subject, "before": None, "rows": limit}

    async def job(connection: Connection) -> list[Row]:
        cursor = await connection.execute(queries()["audit_page"].sql.encode(), asked)
        return await cursor.fetchall()

    rows = direct.run(settings_in_use(ctx), job)
    if as_json:
        click.echo(msgspec.json.encode(rows))
        return
    for row in rows:
        at = row["at"].strftime("%Y-%m-%d %H:%M:%S")
        told = (row["actor_name"], row["action"], row["subject"], row["details"])
        click.echo(f"{row['seq']:>7}  {at}  {'  '.join(told)}")
