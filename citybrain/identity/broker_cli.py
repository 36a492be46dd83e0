"""`citybrain broker`: the production broker's files."""

from pathlib import Path

import click

from citybrain.cli import settings_of
from citybrain.errors import ConfigError
from citybrain.identity import emqx, mosquitto
from citybrain.identity.home import Home, Place

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.group(short_help="Write and renew a production broker's files.")
def broker() -> None:
    """The production broker: Mosquitto with TLS, certificates and an access control list.

    \b
    Example:
      citybrain broker init /etc/citybrain/broker --host broker.example.org
    """


@broker.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--host", "hosts", multiple=True, help="Name or address that clients use; may be repeated.")
@click.option("--site", help="First level of every topic; default: site.name of the settings.")
@click.option("--bind", default="0.0.0.0", show_default=True, help="Address to listen on.")  # noqa: S104
@click.option("--port", default=8883, show_default=True, type=click.IntRange(1, 65535), help="For devices.")
@click.option(
    "--services-port", default=8884, show_default=True, type=click.IntRange(1, 65535), help="For services."
)
@click.option("--user", default="", help="Account that the broker runs as, if it is started by root.")
@click.option("--data", default="", help="Where it keeps messages; default: DIR/broker/data.")
@click.pass_context
def init(  # noqa: PLR0917  one an option
    ctx: click.Context, folder: Path, hosts: tuple[str, ...], site: str | None, bind: str, port: int,
    services_port: int, user: str, data: str,
) -> None:  # fmt: skip
    """Make DIR the home of a broker: its authority, certificates, lists and configuration.

    Then add devices and services by `citybrain device add`, and start `mosquitto -c DIR/mosquitto.conf`, or
    install DIR/citybrain-broker.service.

    \b
    Example:
      citybrain broker init /etc/citybrain/broker --host broker.example.org --user mosquitto
    """
    if port == services_port:
        raise ConfigError(f"--port and --services-port are both {port}: choose two")
    place = Place(
        site=site or settings_of(ctx).site.name, hosts=hosts or ("localhost", "127.0.0.1"), bind=bind,
        devices_port=port, services_port=services_port, user=user,
        data=str(Path(data).absolute()) if data else "",
    )  # fmt: skip
    home = Home.create(folder.absolute(), place)
    mosquitto.write_all(home)
    click.echo(f"home       {home.folder} (keep a backup of it: it can issue certificates)")
    click.echo(f"devices    mqtts://{place.hosts[0]}:{port}")
    click.echo(f"services   mqtts://{place.hosts[0]}:{services_port}")
    click.echo(f"next       citybrain device add --home {home.folder} service/ingest camera/gate ...")
    click.echo(f"start      mosquitto -c {home.folder / 'mosquitto.conf'}")


@broker.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
def refresh(folder: Path) -> None:
    """Write the lists anew, revoke certificates whose time after a rotation is over, reload the broker.

    Run it once a day by a timer.

    \b
    Example:
      citybrain broker refresh /etc/citybrain/broker
    """
    with Home.open(folder.absolute()) as home:
        publish(home)


@broker.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--for", "kind", default="mosquitto", type=click.Choice(["mosquitto", "emqx"]))
def acl(folder: Path, kind: str) -> None:
    """Print who may publish and hear what, as the broker's own kind of file.

    \b
    Example:
      citybrain broker acl /etc/citybrain/broker --for emqx > acl.conf
    """
    with Home.open(folder.absolute()) as home:
        rights = home.rights()
        click.echo(emqx.rules(rights) if kind == "emqx" else mosquitto.access_list(rights), nl=False)


def publish(home: Home) -> None:
    """Write the lists and have the broker read them."""
    mosquitto.write_lists(home)
    if mosquitto.reload(home):
        click.echo("the broker has read its lists again")
    else:
        click.echo("no broker of this home runs here: reload it where it runs (systemctl reload)", err=True)
