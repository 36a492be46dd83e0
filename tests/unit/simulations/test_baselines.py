"""What the baselines wish when lanes are known to be full."""

from datetime import UTC, datetime

import pytest

from citybrain.conflicts import GREEN
from citybrain.messages import LaneReading, VehicleObservation
from citybrain.rules import rules_of
from simulations.baselines import PRESSURE_EVERY_S, Controller, Greedy, MaxPressure
from simulations.delivery import Delivered, Delivery
from simulations.epoch import instant
from simulations.network import SignalNetwork, read_network
from simulations.scenarios import find_scenario
from simulations.sensing import Sensing
from traffic.timing import SignalTimer


def read(name: str) -> SignalNetwork:
    return read_network(find_scenario(name).net, at=datetime(2026, 1, 1, tzinfo=UTC), boot=1)


class Site:
    def __init__(self, name: str, made: type[Greedy] | type[MaxPressure]) -> None:
        self.network = read(name)
        self.controller: Controller = made(self.network)
        self.timers = {id_: SignalTimer(rules_of(one)) for id_, one in self.network.configs.items()}

    def wishes(self, queues: dict[str, int]) -> dict[str, int]:
        readings = {lane: reading(lane, queues.get(lane, 0)) for lane in self.network.views}
        delivered = Delivery(self.network, Sensing()).hand_over(0.0, self.timers, readings, {})
        assert isinstance(delivered, Delivered)
        return self.controller.wishes(instant(0.0), delivered)

    def green_lanes(self, id_: str, phase: int) -> set[str]:
        config = self.network.configs[id_]
        shown = config.phases[phase].indications
        return {move.from_lane for move, one in zip(config.movements, shown, strict=True) if one in GREEN}


def reading(lane: str, queued: int) -> LaneReading:
    seen = tuple(VehicleObservation(7.5 * place, 0.0) for place in range(queued))
    return LaneReading(
        lane, queued, queued, 7.5 * queued, 0.0 if queued else None, 0.0, 0, 0, float(queued), seen
    )


@pytest.mark.parametrize("made", [Greedy, MaxPressure])
def test_a_baseline_serves_the_only_lane_that_waits(made: type[Greedy] | type[MaxPressure]) -> None:
    for lane in read("cologne1").views:
        site = Site("cologne1", made)
        ((id_, phase),) = site.wishes({lane: 8}).items()
        assert lane in site.green_lanes(id_, phase)


@pytest.mark.parametrize("made", [Greedy, MaxPressure])
def test_a_baseline_stays_with_what_is_shown_where_nobody_waits(
    made: type[Greedy] | type[MaxPressure],
) -> None:
    site = Site("cologne1", made)
    ((id_, timer),) = site.timers.items()
    site.timers[id_] = SignalTimer(timer.rules, 2)
    assert list(site.wishes({}).values()) == [2]


def test_max_pressure_decides_every_five_seconds_only() -> None:
    site = Site("cologne1", MaxPressure)
    one, other = (site.network.configs["GS_cluster_357187_359543"].lanes[k].lane for k in (0, -1))
    first = site.wishes({one: 9})
    for _ in range(PRESSURE_EVERY_S - 1):
        assert site.wishes({other: 30}) == first
    assert site.wishes({other: 30}) != first


def test_max_pressure_does_not_send_a_queue_into_a_longer_one() -> None:
    network = read("grid4x4")
    own = {lane: id_ for id_, config in network.configs.items() for lane in (x.lane for x in config.lanes)}
    id_, lane, exits = next(
        (id_, lane.lane, exits)
        for id_, config in network.configs.items()
        for lane in config.lanes
        if (exits := {move.to_lane for move in config.movements if move.from_lane == lane.lane})
        and all(exit_ in own for exit_ in exits)
    )
    free = Site("grid4x4", MaxPressure)
    assert lane in free.green_lanes(id_, free.wishes({lane: 8})[id_])
    full = Site("grid4x4", MaxPressure)
    other = next(
        phase for phase in range(len(network.configs[id_].phases)) if lane not in full.green_lanes(id_, phase)
    )
    full.timers[id_] = SignalTimer(full.timers[id_].rules, other)
    assert lane not in full.green_lanes(id_, full.wishes({lane: 8} | dict.fromkeys(exits, 20))[id_])


def test_greedy_counts_who_is_coming_as_well_as_who_waits() -> None:
    site = Site("cologne1", Greedy)
    ((id_, waiting),) = site.wishes(
        {site.network.configs["GS_cluster_357187_359543"].lanes[0].lane: 3}
    ).items()
    coming = site.network.configs[id_].lanes[-1].lane
    seen = tuple(VehicleObservation(100.0 + place, 13.0) for place in range(5))
    moving = LaneReading(coming, 5, 0, 0.0, 13.0, 0.1, 0, 0, 0.0, seen)
    readings = {lane: reading(lane, 0) for lane in site.network.views} | {coming: moving}
    delivered = Delivery(site.network, Sensing()).hand_over(1.0, site.timers, readings, {})
    assert delivered is not None
    phase = site.controller.wishes(instant(1.0), delivered)[id_]
    assert coming in site.green_lanes(id_, phase)
    assert phase != waiting
