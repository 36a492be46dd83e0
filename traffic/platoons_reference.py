"""The same model of a fixed plan as `traffic/platoons.py` in plain Python: slow, and easy to check by eye."""

import math

import numpy as np

from citybrain.messages import Interval
from traffic.network import ON_RED, PERMISSIVE, PROTECTED, RED
from traffic.platoons import Model, Plans
from traffic.streets import YELLOW, Streets

_Profile = list[float]


def reference_cost(streets: Streets, model: Model, plans: Plans, cycle_s: int, rounds: int) -> float:
    """Delay and stops of all lanes under these plans, in vehicle-seconds a second."""
    return _Follower(streets, model, plans, cycle_s).follow(rounds)


class _Follower:
    def __init__(self, streets: Streets, model: Model, plans: Plans, cycle_s: int) -> None:
        self._streets = streets
        self._model = model
        self._cycle_s = cycle_s
        movements = range(len(streets.movement_lane))
        lanes = streets.movement_lane
        self._out = {m: [float(streets.share[m] * streets.flow[lanes[m]])] * cycle_s for m in movements}
        self._hop: dict[int, _Profile] = {}
        self._nodes = range(len(streets.lane_ptr) - 1)
        self._codes = {m: [RED] * cycle_s for m in movements}
        for i in self._nodes:
            self._show(i, plans)
            self._send(i)

    def follow(self, rounds: int) -> float:
        total = 0.0
        for _ in range(rounds):
            total = 0.0
            for i in self._nodes:
                lanes = range(self._streets.lane_ptr[i], self._streets.lane_ptr[i + 1])
                arrivals = {lane: self._arrivals(lane) for lane in lanes}
                for _ in range(2):
                    costs = [self._serve(lane, arrivals[lane]) for lane in lanes]
                self._send(i)
                total += sum(costs)
        return total

    def _show(self, i: int, plans: Plans) -> None:
        n = int(plans.entries[i])
        t = int(plans.offset_s[i])
        for e in range(n):
            a, b = int(plans.phase[i, e]), int(plans.phase[i, (e + 1) % n])
            for interval, seconds in self._intervals(i, a, b, int(plans.green_s[i, e])):
                for s in range(seconds):
                    for m in range(self._streets.movement_ptr[i], self._streets.movement_ptr[i + 1]):
                        self._codes[m][t % self._cycle_s] = self._code(i, a, b, m, interval, s)
                    t += 1

    def _intervals(self, i: int, a: int, b: int, green_s: int) -> list[tuple[Interval, int]]:
        streets = self._streets
        pair = int(streets.pair_ptr[i]) + a * self._phases(i) + b
        return [
            (Interval.GREEN, green_s),
            (Interval.YELLOW, int(streets.yellow_s[pair])),
            (Interval.ALL_RED, int(streets.red_s[pair])),
        ]

    def _code(  # noqa: PLR0917 - as the kernel
        self, i: int, a: int, b: int, m: int, interval: Interval, second: int
    ) -> int:
        streets, first = self._streets, int(self._streets.movement_ptr[i])
        count = int(streets.movement_ptr[i + 1]) - first
        green = int(streets.green_code[streets.code_ptr[i] + a * count + m - first])
        clear = int(streets.clear_ptr[i]) + (a * self._phases(i) + b) * count + m - first
        if interval is Interval.GREEN:
            return green
        if interval is Interval.ALL_RED:
            return int(streets.red_code[clear])
        code = int(streets.yellow_code[clear])
        if code != YELLOW:
            return code
        used_s = self._model.permissive_used_s if green == PERMISSIVE else self._model.yellow_used_s
        return PROTECTED if second < used_s else RED

    def _phases(self, i: int) -> int:
        return int(self._streets.phase_ptr[i + 1] - self._streets.phase_ptr[i])

    def _arrivals(self, lane: int) -> _Profile:
        streets = self._streets
        arrivals = [float(streets.entering[lane])] * self._cycle_s
        for at in range(streets.feed_ptr[lane], streets.feed_ptr[lane + 1]):
            hop = self._hop[int(streets.feed_hop[at])]
            arrivals = [a + float(streets.feed_share[at]) * h for a, h in zip(arrivals, hop, strict=True)]
        return arrivals

    def _rate(self, lane: int) -> _Profile:
        rate = [self._rate_at(lane, t) for t in range(self._cycle_s)]
        if all(rate):
            return rate
        opened = []
        for t in range(self._cycle_s):
            back = 0
            while back < self._cycle_s and rate[(t - back) % self._cycle_s] > 0:
                back += 1
            opened.append(back)
        return [r if since > self._model.start_lost_s else 0.0 for r, since in zip(rate, opened, strict=True)]

    def _rate_at(self, lane: int, t: int) -> float:
        streets = self._streets
        headway, is_open = 0.0, False
        for at in range(streets.lane_movement_ptr[lane], streets.lane_movement_ptr[lane + 1]):
            m = int(streets.lane_movement[at])
            share, code = float(streets.share[m]), self._codes[m][t]
            if share > 0:
                is_open = is_open or code != RED
                headway += share * self._headway(m, code, t)
        return 1.0 / headway if is_open else 0.0

    def _headway(self, m: int, code: int, t: int) -> float:
        streets, model = self._streets, self._model
        if code == RED:
            return model.wrong_turn_headway_s
        if code == PROTECTED:
            return float(streets.headway[m])
        foes = [int(f) for f in streets.yield_movement[streets.yield_ptr[m] : streets.yield_ptr[m + 1]]]
        busy = sum(self._out[f][t] for f in foes if self._codes[f][t] in {PROTECTED, PERMISSIVE})
        own = (
            model.on_red_headway_s if code == ON_RED else float(streets.headway[m]) + model.permissive_extra_s
        )
        return own / max(math.exp(-busy * model.gap_s), model.least_gap)

    def _serve(self, lane: int, arrivals: _Profile) -> float:
        streets, model, c = self._streets, self._model, self._cycle_s
        rate = self._rate(lane)
        demand, capacity = sum(arrivals), max(sum(rate), 1e-3)
        left = [0.0] * c
        cost = 0.0
        if demand > 1e-12:
            x = demand / capacity
            scale = min(1.0, 0.99 / x)
            queue, queues, stops = 0.0, [0.0] * c, 0.0
            for _ in range(3):
                stops = 0.0
                for t in range(c):
                    fresh = arrivals[t] * scale
                    left[t] = min(queue + fresh, rate[t])
                    queue += fresh - left[t]
                    queues[t] = queue
                    stops += min(queue, fresh)
            hours = model.period_s / 3600.0
            filtered = float(streets.filtering[lane])
            root = math.sqrt((x - 1) ** 2 + 4 * filtered * x / (capacity / c * 3600 * hours))
            overflow = demand / c * 900 * hours * (x - 1 + root)
            over = min(100.0, max(0.0, max(queues) + overflow - float(streets.storage[lane])))
            stopped = min(demand / c, stops / c / scale + overflow / c)
            cost = float(np.mean(queues)) / scale + overflow + model.stop_s * stopped + model.spill * over**2
        for at in range(streets.lane_movement_ptr[lane], streets.lane_movement_ptr[lane + 1]):
            m = int(streets.lane_movement[at])
            self._out[m] = [float(streets.share[m]) * gone for gone in left]
        return cost

    def _send(self, i: int) -> None:
        streets, c = self._streets, self._cycle_s
        for h in range(streets.hop_ptr[i], streets.hop_ptr[i + 1]):
            moved = streets.hop_movement[streets.hop_movement_ptr[h] : streets.hop_movement_ptr[h + 1]]
            source = [sum(self._out[int(m)][t] for m in moved) for t in range(c)]
            delay, smooth = int(streets.hop_delay_s[h]), float(streets.hop_smooth[h])
            last, arriving = sum(source) / c, [0.0] * c
            for _ in range(2):
                for t in range(c):
                    last = smooth * source[(t - delay) % c] + (1 - smooth) * last
                    arriving[t] = last
            self._hop[h] = arriving
