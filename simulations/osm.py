"""An OpenStreetMap extract as a SUMO network, with what came in and what was left out."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from citybrain.errors import ConfigError
from simulations.sumotools import run_program
from simulations.sumoxml import elements

_OPTIONS = (
    "--geometry.remove", "--ramps.guess", "--roundabouts.guess", "--junctions.join",
    "--tls.guess-signals", "--tls.discard-simple", "--tls.join", "--tls.default-type", "static",
    "--no-turnarounds.except-deadend", "--no-turnarounds.tls", "--output.street-names",
    "--junctions.corner-detail", "5", "--junctions.limit-turn-speed", "5.5",
    "--keep-edges.components", "1", "--aggregate-warnings", "3",
)  # fmt: skip
_PEDESTRIANS = ("--sidewalks.guess", "--crossings.guess", "--walkingareas")
_MOTOR = {
    "motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "living_street",
    "service", "busway", "bus_guideway", "road",
}  # fmt: skip
_LICENCE = "map data: OpenStreetMap contributors, ODbL 1.0"


@dataclass(frozen=True, slots=True)
class Extract:
    """What an extract holds: roads by highway class, nodes tagged as signals, its licence."""

    ways: Counter[str]
    signal_nodes: int
    licence: str

    @property
    def roads(self) -> int:
        """Ways for motor traffic."""
        return sum(number for kind, number in self.ways.items() if kind.removesuffix("_link") in _MOTOR)

    @property
    def left_out(self) -> dict[str, int]:
        """Ways that make no road, by highway class, most first."""
        return {
            kind: number
            for kind, number in self.ways.most_common()
            if kind.removesuffix("_link") not in _MOTOR
        }


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of it; `warnings` are netconvert's."""

    signals: int
    edges: int
    junctions: int
    crossings: int
    length_km: float
    warnings: tuple[str, ...]


def read_extract(path: Path) -> Extract:
    """Look through an .osm file (plain or .gz) before it is converted.

    Raises:
        ConfigError: no OpenStreetMap XML, or without a road.
    """
    if path.suffix == ".pbf":
        raise ConfigError(
            f"{path} is binary OpenStreetMap data: convert it, e.g. osmium cat {path.name} -o x.osm"
        )
    _check_root(path)
    ways: Counter[str] = Counter()
    signals = 0
    for element in elements(path, {"node", "way"}):
        tags = {tag.get("k", ""): tag.get("v", "") for tag in element.iter("tag")}
        if element.tag == "way" and "highway" in tags:
            ways[tags["highway"]] += 1
        signals += element.tag == "node" and tags.get("highway") == "traffic_signals"
    if not ways:
        raise ConfigError(f"{path} holds no road (no way with a highway tag): export a larger extract")
    return Extract(ways, signals, _licence(path))


def import_extract(path: Path, net: Path, *, pedestrians: bool = False) -> Imported:
    """Convert the extract into the network file `net`: roads for motor traffic, signals as tagged.

    With `pedestrians`, sidewalks and crossings too.

    Raises:
        ConfigError: netconvert is missing or refuses the file, or no signal remains.
    """
    arguments: list[str | Path] = ["--osm-files", path, "--output-file", net, *_OPTIONS]
    arguments += _PEDESTRIANS if pedestrians else ()
    arguments += ["--keep-edges.by-vclass", "passenger,bus"]
    warnings = run_program("netconvert", arguments, f"{path} cannot be made a network")
    found = _count(net, tuple(warnings))
    if found.signals == 0:
        net.unlink()
        raise ConfigError(
            f"{path} has no signalled intersection: its signals must be tagged highway=traffic_signals"
        )
    return found


def _check_root(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(2)
            file.seek(0)
            if head == b"\x1f\x8b":
                return
            _, root = next(iter(ET.iterparse(file, ("start",))))  # noqa: S314 - a file that the operator names
    except (OSError, ET.ParseError, StopIteration) as error:
        raise ConfigError(f"{path} is no OpenStreetMap file: it cannot be read as XML: {error}") from error
    if root.tag != "osm":
        raise ConfigError(f"{path} is no OpenStreetMap file: it begins with <{root.tag}>, not <osm>")


def _licence(path: Path) -> str:
    """OpenStreetMap's licence, and the one that the file's head names besides."""
    head = path.read_bytes()[:2000].decode("utf-8", "replace")
    named = re.search(
        r"licen[cs]e\w*[^.\n]*?\b(MIT|CC[ -]BY[\w .-]*|ODbL[\w .-]*|Apache[\w .-]*)", head, re.IGNORECASE
    )
    return f"{_LICENCE}; file: {named[1].strip()}" if named and "odbl" not in named[1].lower() else _LICENCE


def _count(net: Path, warnings: tuple[str, ...]) -> Imported:
    lights, edges, junctions, crossings, length = set(), 0, 0, 0, 0.0
    for element in elements(net, {"edge", "junction", "tlLogic"}):
        kind = element.get("function", "normal")
        if element.tag == "tlLogic":
            lights.add(element.get("id"))
        elif element.tag == "junction":
            junctions += element.get("type") not in {"internal", "dead_end"}
        elif kind == "normal":
            edges += 1
            lane = element.find("lane")
            length += float(lane.get("length", "0")) if lane is not None else 0.0
        else:
            crossings += kind == "crossing"
    return Imported(len(lights), edges, junctions, crossings, length / 1000.0, warnings)
