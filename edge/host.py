"""Several agents in one process: a thread each, one spool and one postman for all."""

import threading
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec
import structlog

from citybrain.config import Settings
from citybrain.errors import Unavailable
from citybrain.paths import data_dir
from citybrain.stopping import stop_on_signals
from edge.beat import Beat, beat_path
from edge.drivers.cabinets import open_cabinet
from edge.drivers.sumo import SumoLanes, list_intersections
from edge.lanes import LaneAgent
from edge.postman import Postman
from edge.signal import SignalAgent
from edge.spool import Bound, Spool

log = structlog.get_logger()

WAIT_S = 1.0
MIN_CONTACT_WALL_S = 1.0


class Agent(Protocol):
    """Anything that runs beside a device."""

    device: str

    def run(self, stop: threading.Event) -> None:
        """Until `stop`."""


def run_agents(
    settings: Settings, spool_name: str, build: Callable[[Postman, threading.Event], Iterable[Agent]]
) -> None:
    """Run the agents that `build` makes, with the spool `spool_name`, until SIGTERM or Ctrl-C.

    Raises:
        ConfigError: the spool is in use or cannot be written.
    """
    stop = stop_on_signals()
    postman = Postman(open_spool(settings, spool_name)).start()
    try:
        threads = [
            threading.Thread(target=agent.run, args=(stop,), name=agent.device)
            for agent in build(postman, stop)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        postman.stop()


def open_spool(settings: Settings, name: str) -> Spool:
    """The spool `name`, bounded as the settings say; raises ConfigError as `Spool`."""
    edge = settings.edge
    return Spool(
        data_dir() / "spool" / f"{name}.sqlite",
        edge.spool_max_bytes,
        edge.spool_max_age_s,
        {
            "measurement": Bound(
                min(edge.measurements_max_bytes, edge.spool_max_bytes),
                min(edge.measurements_max_age_s, edge.spool_max_age_s),
            ),
            "state": Bound(
                min(edge.states_max_bytes, edge.spool_max_bytes),
                min(edge.states_max_age_s, edge.spool_max_age_s),
            ),
        },
    )


def street_agents(settings: Settings, postman: Postman, stop: threading.Event) -> list[Agent]:
    """A signal agent and a lane agent for each intersection of the running street; waits for the street."""
    intersections = _intersections(settings, stop)
    log.info("street_found", intersections=len(intersections))
    agents: list[Agent] = []
    for intersection in intersections:
        agents.append(signal_agent(settings, postman, intersection))
        agents.append(lane_agent(settings, postman, intersection))
    return agents


def signal_agent(settings: Settings, postman: Postman, intersection: str) -> SignalAgent:
    """The agent of one signal, by the driver of [signals.NAME]; without one it is on the simulated street."""
    # Faster than real time, the seconds of the setting may be less than commands need to travel.
    speed = 1.0 if intersection in settings.signals else settings.street.speed
    contact_lost_s = max(settings.edge.contact_lost_s, MIN_CONTACT_WALL_S * speed)
    edge = msgspec.structs.replace(settings.edge, contact_lost_s=contact_lost_s)
    settings = msgspec.structs.replace(settings, edge=edge)
    beat = Beat(beat_path(intersection))
    return SignalAgent(settings, postman, open_cabinet(settings, intersection), intersection, beat.strike)


def lane_agent(settings: Settings, postman: Postman, intersection: str) -> LaneAgent:
    """The lane observer of one intersection of the street."""
    return LaneAgent(settings, postman, SumoLanes(settings.street, intersection), intersection)


def _intersections(settings: Settings, stop: threading.Event) -> list[str]:
    told = False
    while not stop.is_set():
        try:
            return list_intersections(settings.street)
        except Unavailable as error:
            if not told:
                log.warning("street_awaited", reason=str(error))
            told = True
            stop.wait(WAIT_S)
    return []
