"""Turning counts from a CSV as the demand of a plan: begin,end,from_edge,to_edge,count."""

import csv
from collections import defaultdict
from pathlib import Path

from citybrain.errors import ConfigError
from simulations.flows import Kind, TurnCounter
from simulations.network import SignalNetwork
from simulations.scenarios import Scenario
from traffic.streets import Demand

_CAR = Kind(7.5, 1.0)
_COLUMNS = ("begin", "end", "to_edge", "count")


def read_turn_counts(path: Path, scenario: Scenario, protocol: str) -> Demand:
    """The counts as turns and links; `from_edge` may also be `from_lane`. Times in seconds.

    Who turns into a road that leads to counted turns goes on in the proportion of those counts.

    Raises:
        ConfigError: the file cannot be read, lacks a column, has a bad number, or names no turn at a signal.
    """
    network = scenario.network(protocol)
    counts, begin_s, end_s = _rows(path, network)
    hours = (end_s - begin_s) / 3600.0
    return _Paths(network, counts).demand(hours, end_s - begin_s)


def _rows(path: Path, network: SignalNetwork) -> tuple[dict[tuple[str, str], float], float, float]:
    counts: dict[tuple[str, str], float] = defaultdict(float)
    begin_s, end_s = float("inf"), 0.0
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            names = set(reader.fieldnames or ())
            missing = [name for name in _COLUMNS if name not in names]
            if missing or not names & {"from_edge", "from_lane"}:
                raise ConfigError(f"{path} lacks the column {(missing or ['from_edge'])[0]}")
            for line, row in enumerate(reader, 2):
                here = row.get("from_edge") or network.net.lanes[row["from_lane"]].edge
                counts[here, row["to_edge"]] += _number(path, line, row["count"])
                begin_s = min(begin_s, _number(path, line, row["begin"]))
                end_s = max(end_s, _number(path, line, row["end"]))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except KeyError as error:
        raise ConfigError(f"{path} names lane {error}, which is not in the network") from error
    if not counts or end_s <= begin_s:
        raise ConfigError(f"{path} holds no counts, or its end is not after its begin")
    return counts, begin_s, end_s


def _number(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path} line {line}: {text!r} is no number") from error
    if value < 0:
        raise ConfigError(f"{path} line {line}: {text} is below 0")
    return value


class _Paths:
    """Follows each counted turn down the road to the turns that were counted next."""

    def __init__(self, network: SignalNetwork, counts: dict[tuple[str, str], float]) -> None:
        edges = network.net.edges
        for here, there in counts:
            if here not in edges or there not in edges:
                raise ConfigError(
                    f"turning counts name {here} to {there}, which are not edges of the network"
                )
        self._network = network
        self._counts = counts
        self._onward: dict[str, dict[str, float]] = defaultdict(dict)
        for (here, there), count in counts.items():
            self._onward[here][there] = count
        self._straight = _straight(network)

    def demand(self, hours: float, period_s: float) -> Demand:
        counter = TurnCounter(self._network)
        for (here, there), count in self._counts.items():
            counter.add((here, there), _CAR, count)
            way = self._way((here, there))
            total = sum(self._onward.get(way[-1], {}).values())
            for target, onward in self._onward.get(way[-1], {}).items():
                if total > 0:
                    counter.link((*way, target), count * onward / total)
        return counter.demand(hours, period_s)

    def _way(self, begin: tuple[str, str]) -> tuple[str, ...]:
        """Straight on until a road whose turns were counted, or until it ends or turns back on itself."""
        way = list(begin)
        while way[-1] not in self._onward and (ahead := self._straight.get(way[-1])) and ahead not in way:
            way.append(ahead)
        return tuple(way)


def _straight(network: SignalNetwork) -> dict[str, str]:
    """The edge straight on after each edge, or the only one there is."""
    lanes = network.net.lanes
    ahead: dict[str, dict[str, str]] = defaultdict(dict)
    for connection in network.net.connections:
        if connection.direction != "t" and connection.from_lane in lanes and connection.to_lane in lanes:
            here, there = lanes[connection.from_lane].edge, lanes[connection.to_lane].edge
            ahead[here][there] = connection.direction
    found = {}
    for here, targets in ahead.items():
        straight = [there for there, direction in targets.items() if direction == "s"]
        if straight or len(targets) == 1:
            found[here] = (straight or list(targets))[0]
    return found
