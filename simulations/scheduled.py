"""How many vehicles a scenario schedules: vehicles, trips and flows of its route and additional files."""

import math
import xml.etree.ElementTree as ET

from simulations.scenario import Scenario
from simulations.sumoxml import elements, seconds


def demand(scenario: Scenario) -> int:
    """How many vehicles are scheduled to depart between its begin and end, public transport included.

    A flow counts with the number that it is expected to send. Vehicles whose departure something else
    triggers (a person, a container) are not counted.

    Raises:
        ConfigError: a file cannot be read.
    """
    count = 0.0
    for path in (*scenario.routes, *scenario.additional):
        for element in elements(path, {"trip", "vehicle", "flow"}):
            if element.tag == "flow":
                count += _flow(element, scenario)
            else:
                count += _departs(element.get("depart", ""), scenario)
    return round(count)


def _departs(text: str, scenario: Scenario) -> bool:
    if text == "now":
        return True
    try:
        return scenario.begin_s <= seconds(text) < scenario.end_s
    except ValueError:
        return False


def _flow(flow: ET.Element, scenario: Scenario) -> float:
    """Expected vehicles of a flow within the scenario's hours."""
    try:
        begin = seconds(flow.get("begin", "0"))
        end = seconds(flow.get("end", str(scenario.end_s)))
        rate = _rate(flow, end - begin)
    except ValueError:
        return 0.0
    inside = max(0.0, min(end, scenario.end_s) - max(begin, scenario.begin_s))
    number = float(flow.get("number", "inf"))
    return min(number, rate * inside) if math.isfinite(rate) else number


def _rate(flow: ET.Element, lasts_s: float) -> float:
    """Vehicles per second."""
    if per_hour := flow.get("vehsPerHour", flow.get("perHour")):
        return float(per_hour) / 3600.0
    if probability := flow.get("probability"):
        return float(probability)
    if (period := flow.get("period", "")).startswith("exp("):
        return float(period[4:-1])
    if period:
        return 1.0 / float(period)
    return float(flow.get("number", "0")) / lasts_s if lasts_s > 0 else 0.0
