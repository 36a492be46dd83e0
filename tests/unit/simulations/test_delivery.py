"""What arrives of what was sensed, and when."""

from datetime import UTC, datetime

import pytest

from citybrain.errors import ConfigError
from citybrain.messages import LaneReading
from citybrain.rules import rules_of
from simulations.delivery import Delivered, Delivery
from simulations.epoch import instant
from simulations.network import SignalNetwork, read_network
from simulations.scenarios import find_scenario
from simulations.sensing import Sensing, blind_lanes
from traffic.timing import SignalTimer

ID = "GS_cluster_357187_359543"


@pytest.fixture(scope="module")
def network() -> SignalNetwork:
    return read_network(find_scenario("cologne1").net, at=datetime(2026, 1, 1, tzinfo=UTC), boot=1)


def hand_over(delivery: Delivery, network: SignalNetwork, clock_s: float) -> Delivered | None:
    timers = {id_: SignalTimer(rules_of(config)) for id_, config in network.configs.items()}
    readings = {
        lane: LaneReading(lane, 0, 0, 0.0, None, 0.0, crossed=0, stops=0, delay_s=0.0)
        for lane in network.views
    }
    return delivery.hand_over(clock_s, timers, readings, {})


def test_in_time_a_measurement_and_a_state_of_every_signal_arrive(network: SignalNetwork) -> None:
    delivered = hand_over(Delivery(network, Sensing()), network, 100.0)
    assert delivered is not None
    measurement, state = delivered.measurements[ID], delivered.states[ID]
    assert measurement.at == state.at == instant(100.0)
    assert [reading.lane for reading in measurement.lanes] == [
        lane.lane for lane in network.configs[ID].lanes
    ]
    assert state.indications == network.configs[ID].phases[0].indications
    assert not delivered.turns


def test_a_late_message_keeps_the_time_at_which_it_was_sent(network: SignalNetwork) -> None:
    delivery = Delivery(network, Sensing(late_s=2))
    arrived = [hand_over(delivery, network, clock_s) for clock_s in (10.0, 11.0, 12.0, 13.0)]
    assert arrived[:2] == [None, None]
    sent = [one.measurements[ID].clock_s for one in arrived[2:] if one is not None]
    assert sent == [10.0, 11.0]


def test_nothing_arrives_in_silence(network: SignalNetwork) -> None:
    delivery = Delivery(network, Sensing(silent=True))
    assert [hand_over(delivery, network, float(clock_s)) for clock_s in range(5)] == [None] * 5


def test_a_blind_approach_is_left_out_of_every_measurement(network: SignalNetwork) -> None:
    lane = network.configs[ID].lanes[0].lane
    edge = network.net.lanes[lane].edge
    delivered = hand_over(Delivery(network, Sensing(blind=(edge,))), network, 0.0)
    assert delivered is not None
    edges = {network.net.lanes[reading.lane].edge for reading in delivered.measurements[ID].lanes}
    assert edge not in edges
    assert len(edges) == 3
    assert blind_lanes([lane], network) == {lane}


def test_a_blind_approach_that_is_not_there_is_named_with_what_there_is(network: SignalNetwork) -> None:
    with pytest.raises(ConfigError, match=r"blind 'nowhere'.*27115123#3"):
        blind_lanes(["nowhere"], network)
