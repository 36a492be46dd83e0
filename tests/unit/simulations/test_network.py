from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain import codec, topics
from citybrain.errors import ConfigError
from citybrain.rules import yellow_s
from simulations.network import RESCO, Protocol, SignalNetwork, intersection_id, read_network, road_network
from simulations.scenarios import find_scenario, scenario_names
from traffic.network import VIEW_M

AT = datetime(2025, 6, 1, tzinfo=UTC)


def network(name: str, protocol: Protocol = RESCO) -> SignalNetwork:
    return read_network(find_scenario(name).net, at=AT, boot=1, protocol=protocol)


@pytest.fixture(scope="module")
def cologne8() -> SignalNetwork:
    return network("cologne8")


@pytest.mark.parametrize("name", scenario_names())
def test_every_configuration_keeps_the_contract(name: str) -> None:
    read = network(name)
    for id_, config in read.configs.items():
        assert codec.decode(codec.encode(config)) == config
        assert topics.check_id(id_) == config.intersection
        assert all(len(phase.indications) == len(config.movements) for phase in config.phases)
        lanes = {lane.lane for lane in config.lanes}
        assert lanes == {m.from_lane for m in config.movements if m.from_lane != "unused"}
        assert set(config.downstream) == {m.to_lane for m in config.movements if m.to_lane != "unused"}


@pytest.mark.parametrize("name", scenario_names())
def test_no_phase_gives_protected_green_to_a_movement_and_one_it_yields_to(name: str) -> None:
    for config in network(name).configs.values():
        for phase in config.phases:
            for shown, movement in zip(phase.indications, config.movements, strict=True):
                if shown == "G":
                    assert all(phase.indications[foe] != "G" for foe in movement.yields_to)


@pytest.mark.parametrize("name", scenario_names())
def test_foes_are_mutual_and_one_of_them_yields_at_most_twice(name: str) -> None:
    for config in network(name).configs.values():
        for index, movement in enumerate(config.movements):
            assert set(movement.yields_to) <= set(movement.foes)
            assert all(index in config.movements[foe].foes for foe in movement.foes)


def test_cologne8_has_its_eight_signals_where_they_are(cologne8: SignalNetwork) -> None:
    assert len(cologne8.configs) == 8
    for config in cologne8.configs.values():
        lon, lat = config.position
        assert 6.94 < lon < 6.97
        assert 50.96 < lat < 50.99
    phases = cologne8.configs["252017285"].phases
    assert [phase.indications for phase in phases] == ["rrrrGGggrrrrGGgg", "GGggrrrrGGggrrrr"]
    assert phases[0].local_green_s == 33


def test_a_permissive_left_yields_to_the_opposite_through(cologne8: SignalNetwork) -> None:
    config = cologne8.configs["252017285"]
    left = next(i for i, m in enumerate(config.movements) if m.turn == "left")
    foes = {config.movements[foe].turn for foe in config.movements[left].yields_to}
    assert "through" in foes


def test_an_upstream_lane_is_seen_by_one_camera_only(cologne8: SignalNetwork) -> None:
    seen = [stretch.lane for view in cologne8.views.values() for stretch in view]
    assert len(seen) == len(set(seen))
    for lane, view in cologne8.views.items():
        assert (view[0].lane, view[0].offset_m) == (lane, 0.0)
        assert all(stretch.offset_m < VIEW_M for stretch in view)


def test_the_map_holds_every_lane_once_and_names_the_intersection_ahead(cologne8: SignalNetwork) -> None:
    parts = road_network(cologne8, version="cologne8", at=AT, boot=1)
    segments = [segment for part in parts for segment in part.segments]
    assert len({segment.lane for segment in segments}) == len(segments) == 157
    assert {segment.to_intersection for segment in segments if segment.to_intersection} == set(cologne8.tls)
    for part in parts:
        assert codec.decode(codec.encode(part)) == part


def test_yellow_follows_the_approach_speed_within_its_bounds() -> None:
    assert yellow_s(5.0) == 3.0
    assert yellow_s(50 / 3.6) == 3.3
    assert yellow_s(40.0) == 5.0


def test_an_id_that_no_topic_can_carry_is_made_one_and_stays_distinct() -> None:
    assert intersection_id("cluster_1_2") == "cluster_1_2"
    long, other = "cluster_" + "1_" * 60, "cluster_" + "1_" * 59 + "2_"
    assert intersection_id(long) != intersection_id(other)
    assert topics.check_id(intersection_id(long))
    assert topics.check_id(intersection_id("#7:north"))


def test_a_file_that_is_no_network_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "town.net.xml"
    path.write_text("<net>")
    with pytest.raises(ConfigError, match=r"town\.net\.xml"):
        read_network(path, at=AT, boot=1)
    path.write_text("<net/>")
    with pytest.raises(ConfigError, match="not a SUMO network"):
        read_network(path, at=AT, boot=1)
    path.write_text('<net><location netOffset="0,0" projParameter="!"/></net>')
    with pytest.raises(ConfigError, match="no traffic light"):
        read_network(path, at=AT, boot=1)
