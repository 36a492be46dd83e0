"""Prometheus: command's own counters, every agent's figures, delivery, latency as browsers see it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from command.database import Row
from command.feed import Feed
from command.live import Live
from command.stream import Hub

LATENCY_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

DELIVERY = {
    "numbered": "Messages that a device numbered this boot.",
    "committed": "Of these: stored.",
    "dead_lettered": "Of these: refused, and kept as dead letters.",
    "given_up": "Of these: dropped by the device's own disk, and told so.",
    "spooled": "Of these: still on the device's disk.",
    "balance": "Numbered less all of the above: on its way, lost if it stays above 0.",
    "duplicates": "Messages of this boot that came again after they were settled.",
}
"""Gauges of each device, from the view delivery_balance."""


class Figures:
    """The registry of one app; `expose` is what /metrics answers."""

    def __init__(self, live: Live, hub: Hub, feed: Feed) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "citybrain_command_requests_total",
            "Requests answered, by route and status.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.request_s = Histogram(
            "citybrain_command_request_seconds",
            "Time to answer; streams are left out.",
            ["route"],
            registry=self.registry,
        )
        self.map_latency_s = Histogram(
            "citybrain_latency_capture_to_map_seconds",
            "From capture on the street to drawn on a map, as told by browsers.",
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self.delivery: list[Row] = []
        """Rows of the query delivery_balance, as last known."""
        self.refused: int | None = None
        self.registry.register(_Now(self, live, hub, feed))

    def expose(self) -> bytes:
        """All metrics as text."""
        return generate_latest(self.registry)


class _Now(Collector):
    def __init__(self, figures: Figures, live: Live, hub: Hub, feed: Feed) -> None:
        self._figures = figures
        self._live = live
        self._hub = hub
        self._feed = feed

    def collect(self) -> Iterator[Metric]:
        yield _gauge("citybrain_command_stream_clients", "Open event streams.", self._hub.clients)
        yield _count("citybrain_command_stream_overruns", "Clients too slow to keep up.", self._hub.overruns)
        yield _count("citybrain_command_messages", "MQTT messages taken in.", self._feed.messages)
        yield _count("citybrain_command_messages_malformed", "MQTT messages refused.", self._feed.malformed)
        yield _count("citybrain_command_messages_dropped", "MQTT messages dropped.", self._feed.dropped)
        yield _gauge("citybrain_command_broker_connected", "1 if connected.", int(self._feed.bus.connected))
        yield from self._agents()
        yield from self._delivery()

    def _agents(self) -> Iterable[Metric]:
        agents = self._live.agents(datetime.now(UTC))
        figure = GaugeMetricFamily(
            "citybrain_agent_figure", "What agents say of themselves.", labels=["device", "name"]
        )
        health = GaugeMetricFamily("citybrain_agent_up", "1 if heard of and ok.", labels=["device", "health"])
        for agent in agents:
            health.add_metric([agent.device, agent.health], float(agent.health == "ok"))
            for name, value in agent.figures.items():
                figure.add_metric([agent.device, name], value)
        return figure, health

    def _delivery(self) -> Iterable[Metric]:
        for name, about in DELIVERY.items():
            gauge = GaugeMetricFamily(f"citybrain_delivery_{name}", about, labels=["device"])
            for row in self._figures.delivery:
                gauge.add_metric([str(row["device"])], row["open" if name == "balance" else name])
            yield gauge
        if self._figures.refused is not None:
            yield _gauge("citybrain_dead_letters", "Messages refused for good.", self._figures.refused)


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)


def _count(name: str, about: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, about, value=value)
