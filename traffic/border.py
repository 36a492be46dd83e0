"""Over the border of a region: which intersections of others touch it, and what regions tell each other.

What is told is an intersection's part of `traffic.inflow.Exchange`: expected crossings, the plan's expected
outflow, and how full its lanes are.
"""

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from citybrain.messages import IntersectionConfig, LaneFlow, MovementFlow, Outflow
from traffic.inflow import PAST_S, Exchange
from traffic.network import Network, Site

DIGITS = 4
"""Of what is told: enough that who hears it plans as if it were its own."""
LEAST = 0.0005
"""Vehicles that are worth telling."""


class Border:
    """The lanes by which some intersections are joined to others."""

    def __init__(self, configs: Iterable[IntersectionConfig]) -> None:
        self._exits: set[str] = set()
        self._entries: set[str] = set()
        for config in configs:
            self._exits |= _exits(config)
            self._entries |= _entries(config)

    def touches(self, config: IntersectionConfig) -> bool:
        """Whether it sends vehicles to one of them, or one of them to it."""
        return not (self._entries.isdisjoint(_exits(config)) and self._exits.isdisjoint(_entries(config)))


def told(net: Network, site: Site, shared: Exchange, second: int, *, at: datetime, device: str) -> Outflow:
    """What others should hear of an intersection whose latest measurement, `at`, was of `second`."""
    first, last = net.movement_ptr[site.index : site.index + 2]
    is_planned = int(shared.planned_s[site.index]) == second
    crossed = shared.sent[first:last, second % PAST_S]
    plan = shared.sending[first:last] * is_planned
    flows = [
        MovementFlow(
            m,
            round(float(crossed[m]), DIGITS),
            [(int(t), round(float(plan[m, t]), DIGITS)) for t in np.flatnonzero(plan[m] >= LEAST)],
        )
        for m in np.flatnonzero((crossed >= LEAST) | (plan >= LEAST).any(axis=1)).tolist()
    ]
    lanes = [
        LaneFlow(name, int(shared.held[lane]), round(float(shared.rate[lane]), DIGITS))
        for name, lane in site.lane_index.items()
    ]
    return Outflow(
        at=at, device=device, intersection=site.id, is_planned=is_planned, movements=flows, lanes=lanes
    )


def hear(net: Network, site: Site, shared: Exchange, second: int, outflow: Outflow) -> None:
    """Enter what was told of an intersection in `second`; what is older than the last word is ignored.

    Movements, seconds and lanes that are not there belong to another configuration and are left out.
    """
    seen = int(shared.seen_s[site.index])
    if second < seen:
        return
    first, last = net.movement_ptr[site.index : site.index + 2]
    gap = [later % PAST_S for later in range(max(seen + 1, second - PAST_S + 1), second + 1)]
    shared.sent[first:last, gap] = 0.0
    shared.seen_s[site.index] = second
    if outflow.is_planned:
        shared.sending[first:last] = 0.0
        shared.planned_s[site.index] = second
    horizon = shared.sending.shape[1]
    for flow in outflow.movements:
        m = first + flow.movement
        if m >= last:
            continue
        shared.sent[m, second % PAST_S] = flow.crossed
        for later, vehicles in flow.plan:
            if later < horizon:
                shared.sending[m, later] = vehicles
    for lane in outflow.lanes:
        if lane.lane in site.lane_index:
            k = site.lane_index[lane.lane]
            shared.held[k], shared.rate[k] = lane.vehicles, lane.rate_vps


def _exits(config: IntersectionConfig) -> set[str]:
    return {movement.to_lane for movement in config.movements}


def _entries(config: IntersectionConfig) -> set[str]:
    return {feeder.lane for lane in config.lanes for feeder in lane.feeders}
