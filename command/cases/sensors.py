"""Sensors as reporters: what stays beyond its bound for a time becomes a case, one while that is open."""

from datetime import timedelta
from uuid import uuid4

import structlog

from citybrain.config import SensorRule
from citybrain.fields import LonLat
from command.cases.codes import box
from command.cases.desk import Acting, Desk
from command.cases.intake import Report, take
from command.database import Row
from command.faults import ApiError

log = structlog.get_logger()

SAME_M = 30.0
"""An open case of the class so near is that of this sensor."""


async def watch(desk: Desk) -> None:
    """Look at what each rule's datastream said of late."""
    for name, rule in desk.settings.sensor_rules.items():
        asked = {"datastream": rule.datastream, "within": timedelta(minutes=rule.minutes)}
        for row in await desk.database.fetch("sensor_lately", asked):
            if is_beyond(rule, row["low"], row["high"]):
                await _report(desk, name, rule, row)


def is_beyond(rule: SensorRule, low: float, high: float) -> bool:
    """Whether all values, between `low` and `high`, are beyond a bound of the rule."""
    return (rule.above is not None and low > rule.above) or (rule.below is not None and high < rule.below)


async def _report(desk: Desk, name: str, rule: SensorRule, row: Row) -> None:
    place = rule.position or ((row["lon"], row["lat"]) if row["lon"] is not None else None)
    if place is None:
        log.warning("sensor_without_place", rule=name, device=row["device"])
        return
    async with desk.acting() as acting:
        await acting.act("report_lock", key=f"sensor/{name}/{row['device']}")
        if await _is_open(acting, rule.case_class, place):
            return
        text = f"{row['device']} {rule.datastream}: {row['low']:g} to {row['high']:g} {row['unit']}"
        text += f" over {rule.minutes:g} min"
        report = Report(id=uuid4(), class_=rule.case_class, position=place, source="sensor", text=text)
        try:
            await take(acting, report)
        except ApiError as error:
            log.warning("sensor_rule_wrong", rule=name, reason=error.message)


async def _is_open(acting: Acting, class_: str, place: LonLat) -> bool:
    west, south, east, north = box(place, SAME_M)
    asked = {"class": class_, "west": west, "south": south, "east": east, "north": north}
    return bool(await acting.act("sensor_case_open", **asked))
