"""Fixed plans as SUMO programs, in an additional file that any SUMO run can load, and as local plans."""

import dataclasses
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import msgspec

from citybrain.messages import Interval, LocalPlan, PlanStage
from citybrain.rules import Rules, rules_of
from simulations.network import SignalNetwork
from traffic.design import Design, SignalPlan

PROGRAM = "optimised"
_CLEARING = {Interval.GREEN: "walk", Interval.YELLOW: "yellow", Interval.ALL_RED: "all-red"}


def write_programs(network: SignalNetwork, design: Design, path: Path) -> None:
    """Write one static `tlLogic` for each signal of the plan, changes by the network's rules."""
    root = ET.Element("additional")
    for id_, plan in design.signals.items():
        rules = rules_of(network.configs[id_])
        logic = ET.SubElement(
            root, "tlLogic", id=network.tls[id_], type="static", programID=PROGRAM, offset=str(plan.offset_s)
        )
        for seconds, state, name in stages(rules, plan):
            ET.SubElement(logic, "phase", duration=str(seconds), state=state, name=name)
    ET.indent(root)
    path.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def stages(rules: Rules, plan: SignalPlan) -> list[tuple[int, str, str]]:
    """The cycle in (seconds, indications, name): each green, and the yellow and all-red that follow it."""
    found = []
    following = (*plan.order[1:], plan.order[0])
    for phase, target, green_s in zip(plan.order, following, plan.green_s, strict=True):
        found.append((green_s, rules.phases[phase], f"phase {phase}"))
        found += [
            (seconds, state, _CLEARING[interval])
            for interval, seconds, state in rules.clearing(phase, target)
        ]
    return found


def local_plan(network: SignalNetwork, design: Design, id_: str) -> LocalPlan:
    """One signal's part as its controller's own plan, on a clock that all signals share."""
    plan, start_s = design.signals[id_], 0
    found: list[PlanStage] = []
    for seconds, _, name in stages(rules_of(network.configs[id_]), plan):
        if name.startswith("phase"):
            found.append(PlanStage(phase=plan.order[len(found)], start_s=start_s, green_s=seconds))
        start_s += seconds
    return LocalPlan(cycle_s=design.cycle_s, offset_s=plan.offset_s, stages=found)


def with_local_plans(network: SignalNetwork, plans: Mapping[str, LocalPlan]) -> SignalNetwork:
    """The network with these plans in its signals' configurations, for their controllers to fall back on."""
    configs = {
        id_: msgspec.structs.replace(config, local_plan=plans[id_]) if id_ in plans else config
        for id_, config in network.configs.items()
    }
    return dataclasses.replace(network, configs=configs)
