"""The command line: verbs a user would say. Rooms are imported only when one of their verbs is used."""

import importlib
import sys
from pathlib import Path

import click

from citybrain import __version__, log
from citybrain.config import Settings, load
from citybrain.errors import CityBrainError, ConfigError

# verb: (where its click command stands, what the list of verbs says of it)
VERBS = {
    "up": ("citybrain.up.cli:up", "Start the whole city on this machine."),
    "status": ("citybrain.up.cli:status", "Show every service and agent."),
    "doctor": ("citybrain.up.cli:doctor", "Say what is installed, reachable and missing."),
    "watch": ("vision.watch_cli:watch", "Watch a video, folder or camera: boxes, tracks, counts."),
    "vision": ("vision.evaluation_cli:vision", "Judge what vision counts."),
    "models": ("vision.models_cli:models", "Manage the detectors."),
    "sim": ("simulations.cli:sim", "List and run simulated cities."),
    "edge": ("edge.cli:edge", "Run the agents beside cameras and signals."),
    "db": ("ingest.cli:db", "Migrate and inspect the database."),
    "ingest": ("ingest.cli:ingest", "Look at what ingest refused."),
    "broker": ("citybrain.identity.broker_cli:broker", "Write and renew a production broker's files."),
    "device": ("citybrain.identity.device_cli:device", "Give devices and services certificates."),
    "quarantine": ("ingest.quarantine_cli:quarantine", "Devices whose messages ingest turns away."),
    "web": ("command.cli:web", "Build the front end."),
    "account": ("command.trust.cli:account", "Make, list and shut out accounts."),
    "audit": ("command.trust.cli:audit", "Read and verify the audit."),
    "cases": ("command.cases.cli:cases", "Set up cases: grid, classes, workers; check histories."),
    "docs": ("command.cli:docs", "Write the generated API documents."),
}

# service: (its main(settings), what it does)
SERVICES = {
    "ingest": ("ingest.service:main", "MQTT into the database"),
    "vision": ("vision.service:main", "frames into measurements, on Ray"),
    "traffic": ("traffic.service:main", "measurements into signal commands, on Ray"),
    "command": ("command.service:main", "API and live map"),
    "street": ("simulations.street:main", "the simulated street"),
}


class LazyGroup(click.Group):
    """A group that imports a verb's module when the verb is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*VERBS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return super().get_command(ctx, cmd_name)
        command = resolve(VERBS[cmd_name][0])
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # From the table above, so that --help imports no room.
        rows = [(name, text) for name, (_, text) in VERBS.items()]
        rows += [(name, (command.short_help or "")) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def resolve(place: str) -> object:
    """The object at `module:name`."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="citybrain")
@click.option(
    "--config", type=click.Path(path_type=Path), help="Configuration file; default ./citybrain.toml."
)
@click.pass_context
def root(ctx: click.Context, config: Path | None) -> None:
    """City Brain: see the city, time its signals, handle its cases.

    \b
    Example:
      citybrain up
    """
    ctx.obj = config


def settings_of(ctx: click.Context) -> Settings:
    """The settings that the command line names."""
    path = ctx.find_root().obj
    assert path is None or isinstance(path, Path)
    return load(path)


@root.command(short_help="Run one service in the foreground.")
@click.argument("service", type=click.Choice(list(SERVICES)))
@click.pass_context
def run(ctx: click.Context, service: str) -> None:
    """Run one service in the foreground, configured by file and environment.

    \b
    Example:
      citybrain run ingest
    """
    log.configure(service)
    main_of = resolve(SERVICES[service][0])
    assert callable(main_of)
    main_of(settings_of(ctx))


def main() -> None:
    """Entry point: exit codes 0 done, 1 failed, 2 wrong usage; errors are one clear sentence."""
    try:
        root(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except ConfigError as error:
        click.echo(f"citybrain: {error}", err=True)
        sys.exit(2)
    except CityBrainError as error:
        click.echo(f"citybrain: {error}", err=True)
        sys.exit(1)
