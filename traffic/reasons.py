"""Why a signal shows what it shows: what binds its decision, what follows, and when its queues are gone."""

from collections.abc import Mapping

from citybrain.messages import Binding, LaneOutlook, PlannedPhase
from traffic.inflow import Exchange
from traffic.network import Network, Site
from traffic.record import Record
from traffic.replan import CLEARING, MINIMUM_GREEN, REASONS

MOST_PHASES = 16
GONE = 0.5
"""Less than so much of a vehicle is nobody."""


def binding_of(reason: str, *, has_priority: bool, is_overruled: bool, is_ordered: bool) -> Binding:
    """What decided, from a decision's reason and who weighed in it."""
    if is_overruled:
        return Binding.RULES
    if is_ordered:
        return Binding.ORDER
    if reason == REASONS[CLEARING]:
        return Binding.CLEARANCE
    if reason == REASONS[MINIMUM_GREEN]:
        return Binding.MINIMUM_GREEN
    return Binding.PRIORITY if has_priority else Binding.PLAN


def course_of(wanted: int, record: Record, shared: Exchange, i: int) -> list[PlannedPhase]:
    """The phase that is wanted at intersection i, and those that its latest plan has after it."""
    found = [PlannedPhase(wanted, 0.0)]
    for later, phase in enumerate(record.course[i, _age_s(record, shared, i) :].tolist()):
        if phase != found[-1].phase and later > 0 and len(found) < MOST_PHASES:
            found.append(PlannedPhase(phase, float(later)))
    return found


def outlooks(
    net: Network, site: Site, record: Record, shared: Exchange, queued: Mapping[str, float]
) -> list[LaneOutlook]:
    """By approach lane: its queue in vehicles, and when the latest plan has let that many go."""
    age_s = _age_s(record, shared, site.index)
    waiting = [(lane, k, queued.get(lane, 0.0)) for lane, k in site.lane_index.items()]
    return [
        LaneOutlook(lane, round(vehicles, 1), _clears_s(net, k, shared, age_s, vehicles))
        for lane, k, vehicles in waiting
    ]


def _clears_s(net: Network, lane: int, shared: Exchange, age_s: int, queued: float) -> float | None:
    moves = net.lane_movement[net.lane_movement_ptr[lane] : net.lane_movement_ptr[lane + 1]]
    left = queued
    for later, leaving in enumerate(shared.sending[moves, age_s:].sum(axis=0).tolist()):
        if left < GONE:
            return float(later)
        left -= leaving
    return None if left >= GONE else float(shared.sending.shape[1] - age_s)


def _age_s(record: Record, shared: Exchange, i: int) -> int:
    """How far the latest plan is gone through; all of it where there is none."""
    age_s = int(record.second[i]) - int(shared.planned_s[i])
    return min(max(0, age_s), int(shared.sending.shape[1]))
