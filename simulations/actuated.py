"""SUMO's own actuated control as a baseline: the network's programs with the protocol's timing rules.

Each green phase of the program runs until no vehicle came for SUMO's default gap of 3 s, within the
protocol's minimum green and the program's own maximum, 50 s where it gives none (as netconvert does).
Between two greens the same yellow and all-red are shown that every other controller has to show.
"""

import xml.etree.ElementTree as ET
from pathlib import Path

from citybrain.messages import IntersectionConfig
from citybrain.rules import rules_of
from simulations.network import SignalNetwork, green_order

PROGRAM = "citybrain-actuated"
MAX_GREEN_S = 50.0


def write_actuated(network: SignalNetwork, path: Path) -> Path:
    """Write an additional file for SUMO that replaces the program of every signal; returns `path`."""
    root = ET.Element("additional")
    for id_, config in network.configs.items():
        program = network.net.programs[network.tls[id_]]
        maximum = {state: longest for _, state, _, longest in program.phases if longest > 0}
        order = green_order(program)
        states = list(dict.fromkeys(order))
        _add(
            root,
            network.tls[id_],
            config,
            [states.index(state) for state in order],
            [maximum.get(state, MAX_GREEN_S) for state in states],
        )
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def _add(
    root: ET.Element, tl: str, config: IntersectionConfig, order: list[int], maxima_s: list[float]
) -> None:
    """One signal's logic: its green phases in `order`, numbered as in `config`, and what clears between."""
    logic = ET.SubElement(root, "tlLogic", id=tl, type="actuated", programID=PROGRAM, offset="0")
    rules = rules_of(config)
    for phase, following in zip(order, [*order[1:], order[0]], strict=True):
        green = config.phases[phase]
        longest = max(maxima_s[phase], green.min_green_s)
        first = min(max(green.local_green_s, green.min_green_s), longest)
        _phase(logic, first, green.indications, (green.min_green_s, longest))
        for _, seconds, state in rules.clearing(phase, following):
            _phase(logic, seconds, state)


def _phase(
    logic: ET.Element, seconds: float, state: str, bounds_s: tuple[float, float] | None = None
) -> None:
    attributes = {"duration": f"{seconds:g}", "state": state}
    if bounds_s is not None:
        attributes |= {"minDur": f"{bounds_s[0]:g}", "maxDur": f"{bounds_s[1]:g}"}
    ET.SubElement(logic, "phase", attributes)
