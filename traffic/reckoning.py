"""What waits on lanes that nobody sees now: reckoned from what neighbours sent and from flows.

A blind lane's flow is what its own camera counted before; where it never did, the lane is taken to be as
loaded as those that are seen, in the local plan, which was timed for all of them. Its queue grows by that
flow, or by what neighbours let go towards it, and shrinks while it is green.
"""

import numpy as np

from citybrain.messages import IntersectionConfig
from citybrain.rings import planned
from traffic.network import PERMISSIVE, PROTECTED, Bytes, Floats, Network, Site
from traffic.record import Record
from traffic.weights import Weights

PRIOR_LOAD = 0.5
"""Degree of saturation that a local plan is taken to have been timed for."""
PRIOR_S, MEMORY_S = 300.0, 900.0
"""Seconds of looking that the prior is worth, and that are remembered."""
LOST_S = 3.0
"""Of each change, and of each green for starting."""
START_S = 1.5
CAUTION = 1.3
"""On the load of lanes that were never seen: a forgotten queue costs more than a wasted green."""


class Reckoning:
    """Of one intersection, by its own lanes k: `queue[k]` vehicles thought to wait on a blind lane.

    `flow[k]`: vehicles per second that are thought to come to it from where no neighbour sends them;
    `gone[k]`: vehicles thought to have crossed its stop line in the last period.
    """

    def __init__(self, net: Network, site: Site, record: Record, weights: Weights) -> None:
        lanes = slice(net.lane_ptr[site.index], net.lane_ptr[site.index + 1])
        self.queue: Floats = record.queue[lanes]
        self.blind: Bytes = record.blind[lanes]
        self.flow: Floats = record.flow[lanes]
        self.gone: Floats = np.zeros(len(self.queue))
        self._capacity = np.array(_green_shares(site.config)) / weights.protected_headway
        self._is_fed = np.diff(net.feed_ptr[lanes.start : lanes.stop + 1]) > 0
        self._crossed: Floats = np.zeros(len(self.queue))
        self._watched_s: Floats = np.zeros(len(self.queue))
        self._headway = weights.protected_headway

    def see(self, k: int, crossed: float, queued: float, elapsed_s: float) -> None:
        """Lane k was seen: its flow is learned, its queue is known."""
        self.blind[k], self.queue[k], self.gone[k] = 0, queued, 0.0
        keep = 1.0 - min(1.0, elapsed_s / MEMORY_S)
        self._crossed[k] = self._crossed[k] * keep + crossed
        self._watched_s[k] = self._watched_s[k] * keep + elapsed_s

    def go_on(self, k: int, sent: float, code: int, green_s: float, elapsed_s: float) -> None:
        """Lane k was not seen: `sent` vehicles came from neighbours; `code` is the best it was shown."""
        self.blind[k], self.gone[k] = 1, 0.0
        self.flow[k] = 0.0 if self._is_fed[k] else self._own_flow(k)
        self.queue[k] += sent + self.flow[k] * elapsed_s
        if code in (PROTECTED, PERMISSIVE) and green_s > START_S:
            pace = 1.0 if code == PROTECTED else 0.5
            self.gone[k] = min(self.queue[k], pace * elapsed_s / self._headway)
            self.queue[k] -= self.gone[k]

    def _own_flow(self, k: int) -> float:
        """Vehicles per second: as seen before, the more the longer, else by the load of the others."""
        capacity = float(self._capacity[k])
        own_s = float(self._watched_s[k])
        reach = float(self._capacity @ np.minimum(self._watched_s, MEMORY_S))
        crossed = float(self._crossed.sum())
        prior = float(self._capacity.mean()) * PRIOR_S
        load = (PRIOR_LOAD * prior + crossed) / (prior + reach)
        return (CAUTION * load * capacity * PRIOR_S + float(self._crossed[k])) / (PRIOR_S + own_s)


def _green_shares(config: IntersectionConfig) -> list[float]:
    """Share of the local plan's cycle in which some movement of each lane is green."""
    plan = config.local_plan
    if plan is not None:
        greens = [(stage.phase, stage.green_s) for stage in plan.stages]
        cycle_s = plan.cycle_s
    else:
        greens = [(phase, max(config.phases[phase].local_green_s, LOST_S)) for phase in planned(config)]
        cycle_s = sum(green_s + LOST_S for _, green_s in greens)
    number = {lane.lane: k for k, lane in enumerate(config.lanes)}
    shares = [0.0] * len(number)
    for phase, green_s in greens:
        shown = config.phases[phase].indications
        green = {m.from_lane for m, letter in zip(config.movements, shown, strict=True) if letter in "Gg"}
        for lane in green & number.keys():
            shares[number[lane]] += green_s / cycle_s
    return shares
