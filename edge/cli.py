"""`citybrain edge`: the agents beside cameras and signals."""

from collections.abc import Iterable
from threading import Event

import click

from citybrain import log
from citybrain.cli import settings_of
from citybrain.errors import ConfigError, ContractError
from citybrain.topics import check_id
from edge.host import Agent, lane_agent, run_agents, signal_agent, street_agents
from edge.postman import Postman


@click.group(short_help="Run the agents beside cameras and signals.")
def edge() -> None:
    """Run the agents beside cameras and signals.

    \b
    Example:
      citybrain edge street
    """


@edge.command(short_help="All agents of the simulated street in one process.")
@click.pass_context
def street(ctx: click.Context) -> None:
    """Run a signal agent and a lane agent for every intersection of the running street.

    It waits for the street (`citybrain run street`) and ends with Ctrl-C.

    \b
    Example:
      citybrain edge street
    """
    log.configure("edge-street")
    settings = settings_of(ctx)

    def build(postman: Postman, stop: Event) -> Iterable[Agent]:
        return street_agents(settings, postman, stop)

    run_agents(settings, "street", build)


@edge.command("signal", short_help="The agent of one signal controller.")
@click.argument("intersection")
@click.pass_context
def signal_(ctx: click.Context, intersection: str) -> None:
    """Run the agent of the signal controller INTERSECTION.

    \b
    Example:
      citybrain edge signal 247379907
    """
    _check(intersection)
    log.configure(f"edge-signal-{intersection}")
    settings = settings_of(ctx)

    def build(postman: Postman, _stop: Event) -> Iterable[Agent]:
        return [signal_agent(settings, postman, intersection)]

    run_agents(settings, f"signal-{intersection}", build)


@edge.command(short_help="The lane observer of one intersection.")
@click.argument("intersection")
@click.pass_context
def lanes(ctx: click.Context, intersection: str) -> None:
    """Run the lane observer of INTERSECTION.

    \b
    Example:
      citybrain edge lanes 247379907
    """
    _check(intersection)
    log.configure(f"edge-lanes-{intersection}")
    settings = settings_of(ctx)

    def build(postman: Postman, _stop: Event) -> Iterable[Agent]:
        return [lane_agent(settings, postman, intersection)]

    run_agents(settings, f"lanes-{intersection}", build)


def _check(id_: str) -> None:
    try:
        check_id(id_)
    except ContractError as error:
        raise ConfigError(str(error)) from error
