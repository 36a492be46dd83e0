"""The service `traffic`: region actors on Ray, watched, and the health of them all."""

import threading

import structlog

from citybrain.config import Settings
from citybrain.messages import Health
from citybrain.presence import Presence
from citybrain.stopping import stop_on_signals
from traffic.agent import FIGURES
from traffic.cluster import Cluster

log = structlog.get_logger()

WATCH_S = 2.0
_SUMMED = ("intersections", *FIGURES)


def main(settings: Settings, stop: threading.Event | None = None) -> None:
    """Run until SIGTERM or SIGINT, or until `stop` is set where one is given.

    Raises:
        Unavailable: no Ray cluster.
    """
    if stop is None:
        stop = stop_on_signals()
    presence = Presence(settings, "service/traffic")
    presence.bus.start(timeout_s=None)
    presence.report(Health.STARTING, "joining Ray")
    cluster = Cluster(settings)
    try:
        cluster.start()
        while not stop.wait(WATCH_S):
            _report(presence, cluster.watch(), settings.traffic.regions, cluster.restarts)
        cluster.stop()
    finally:
        presence.leave()


def _report(presence: Presence, regions: list[dict[str, float]], wanted: int, restarts: int) -> None:
    figures = {name: sum(region[name] for region in regions) for name in _SUMMED} if regions else {}
    if regions:
        for name in ("decision_p50_s", "decision_p99_s"):
            figures[name] = max(region[name] for region in regions)
    figures |= {"regions": float(len(regions)), "restarts": float(restarts)}
    health, detail = Health.OK, ""
    if len(regions) < wanted:
        health, detail = Health.DEGRADED, f"{wanted - len(regions)} of {wanted} regions are starting again"
    presence.report(health, detail, figures=figures)
