"""What `citybrain status` prints: processes of `citybrain up`, then every service and agent that speaks."""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import psutil
from rich.console import Console
from rich.table import Table

from citybrain import config
from citybrain.cli import resolve
from citybrain.errors import CityBrainError
from citybrain.messages import AgentStatus
from citybrain.up import state
from citybrain.up.roster import Roster, is_silent

COLOURS = {
    "on its way": "yellow",
    "ok": "green",
    "starting": "cyan",
    "degraded": "yellow",
    "running": "green",
}


def status(settings: config.Settings, *, as_json: bool) -> bool:
    """Print it; False where nothing runs or something that should speak does not."""
    running = state.read()
    if running and state.is_alive(running.pid, running.created_s):
        settings = config.load(Path(running.config), {})
    else:
        running = None
    heard, fault = _listen(settings)
    processes = [_process(process) for process in running.processes] if running else []
    agents = [_agent(one) for one in heard]
    balances, untold = _balances(settings)
    sound = not fault and bool(agents) and all(agent["health"] in {"ok", "starting"} for agent in agents)
    if as_json:
        url = running.url if running else None
        told = {"up": url, "fault": fault, "processes": processes, "agents": agents, "delivery": balances}
        click.echo(msgspec.json.encode(told))
    else:
        _print(running, fault, processes, agents)
        _print_balances(balances, untold)
    return sound


def _listen(settings: config.Settings) -> tuple[list[AgentStatus], str]:
    roster = Roster(settings, f"{settings.site.name}-status-{datetime.now(UTC).timestamp():.0f}")
    try:
        roster.bus.start(5.0)
    except CityBrainError as error:
        return [], str(error)
    roster.settle()
    roster.bus.stop()
    # Who said goodbye has left the city; who vanished is offline by its last will and shown.
    return roster.all(), ""


def _balances(settings: config.Settings) -> tuple[list[dict[str, object]], str]:
    """What became of every device's messages, by the database; and why that is not known."""
    read = resolve("ingest.status:balances")
    assert callable(read)
    try:
        return [dataclasses.asdict(balance) for balance in read(settings.database.dsn)], ""
    except CityBrainError as error:
        return [], str(error)


def _process(process: state.Running) -> dict[str, object]:
    alive = state.is_alive(process.pid, process.created_s)
    memory_mb = _memory_mb(process.pid) if alive else 0.0
    return {
        "name": process.name,
        "pid": process.pid,
        "state": "running" if alive else "ended",
        "restarts": process.restarts,
        "memory_mb": round(memory_mb, 1),
    }


def _memory_mb(pid: int) -> float:
    """Resident memory of the process and its children."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return float(sum(one.memory_info().rss for one in family)) / 1e6
    except psutil.Error:
        return 0.0


def _agent(one: AgentStatus) -> dict[str, object]:
    silent = is_silent(one)
    return {
        "device": one.device,
        "health": "silent" if silent else str(one.health),
        "heard_s": round((datetime.now(UTC) - one.at).total_seconds(), 1),
        "sent": one.sent,
        "spooled": one.spooled,
        "detail": one.detail,
        "figures": one.figures,
    }


def _print(
    running: state.UpState | None,
    fault: str,
    processes: list[dict[str, object]],
    agents: list[dict[str, object]],
) -> None:
    console = Console()
    if running:
        console.print(
            f"City up since process {running.pid}: {running.url}/  log {running.log}\n", soft_wrap=True
        )
        console.print(_table(processes, ["name", "pid", "state", "restarts", "memory_mb"], "state"))
    else:
        console.print("`citybrain up` does not run on this machine.")
    if fault:
        console.print(f"[red]{fault}[/red]", soft_wrap=True)
    elif not agents:
        console.print("The broker answers, but no service or agent has said anything.")
    else:
        console.print(_table(agents, ["device", "health", "heard_s", "sent", "spooled", "detail"], "health"))


def _print_balances(balances: list[dict[str, object]], untold: str) -> None:
    console = Console()
    if untold:
        console.print(f"\nWhat became of the messages is not known: {untold}", soft_wrap=True)
    elif balances:
        totals = {
            name: sum(int(str(balance[name])) for balance in balances)
            for name in balances[0]
            if name != "device"
        }
        columns = ["device", "balance", *totals]
        rows = [
            {"balance": _closed(balance), **balance} for balance in (*balances, {"device": "all", **totals})
        ]
        console.print()
        console.print(_table(rows, columns, "balance"))


def _closed(balance: Mapping[str, object]) -> str:
    return "ok" if int(str(balance["open"])) <= 0 else "on its way"


def _table(rows: list[dict[str, object]], columns: list[str], coloured: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        numeric = all(isinstance(row[column], int | float) for row in rows)
        table.add_column(column.replace("_", " "), justify="right" if numeric else "left")
    for row in rows:
        colour = COLOURS.get(str(row[coloured]), "red")
        table.add_row(
            *[
                f"[{colour}]{row[column]}[/{colour}]" if column == coloured else str(row[column])
                for column in columns
            ]
        )
    return table
