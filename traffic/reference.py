"""The planner of `traffic/horizon.py` once more, in plain Python, to be read and to be tested against.

Slow and short: no spare slots, no pruning before a plan is worked out, sorting instead of insertion.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from traffic.beam import HALF, LEAST, PLANS, TICK
from traffic.horizon import TIGHT, Demand, Shown
from traffic.model import GAP_S
from traffic.network import ON_RED, PERMISSIVE, PROTECTED, RED, Network
from traffic.rights import MOST_HEADWAY_S
from traffic.weights import Weights


@dataclass(frozen=True, slots=True)
class Plan:
    """One sequence of phases up to some second; tuples are by lane.

    `value` is in ticks; of equals who changed before is ahead, by half a tick.
    """

    phase: int
    target: int
    green: int
    left: int
    wish: int
    cost: float
    value: float
    served: tuple[int, ...]
    credit: tuple[float, ...]
    unseen: tuple[float, ...]
    entered: tuple[float, ...]


def _thin(ranked: list[list[Plan]]) -> None:
    """Drop the worst plans until so many as are kept are left, never the best of a phase."""
    while sum(map(len, ranked)) > max(PLANS, LEAST * len(ranked)):
        droppable = [own for own in ranked if len(own) > 1]
        if not droppable:
            return
        max(droppable, key=lambda own: own[-1].value).pop()


class Reference:
    """The planner for intersection `i`; same arguments and meaning as `horizon.plan`."""

    def __init__(self, net: Network, i: int, demand: Demand, weights: Weights) -> None:
        self.net, self.i, self.demand, self.weights = net, i, demand, weights
        self.first_lane, self.first = int(net.lane_ptr[i]), int(net.movement_ptr[i])
        self.lanes = range(int(net.lane_ptr[i + 1]) - self.first_lane)
        self.phases = range(int(net.phase_ptr[i + 1] - net.phase_ptr[i]))
        self.exits = range(int(net.exit_ptr[i + 1] - net.exit_ptr[i]))
        self.is_tight = any(demand.room[e, 0] < TIGHT for e in self.exits)

    def plan(self, shown: Shown, horizon: int, width: int) -> tuple[int, float]:
        start = Plan(
            shown.phase, shown.target, shown.green_s, shown.left_s, -1, 0.0, 0.0,
            tuple(0 for _ in self.lanes),
            tuple(float(value) for value in self.demand.credit),
            tuple(float(value) for value in self.demand.unseen),
            tuple(0.0 for _ in self.exits),
        )  # fmt: skip
        plans = [start]
        for t in range(horizon):
            children = [child for plan in plans for child in self._children(plan, t)]
            ranked = [
                sorted((c for c in children if c.target == q), key=lambda c: c.value)[:width]
                for q in self.phases
            ]
            _thin(ranked)
            plans = [plan for own in ranked for plan in own]
        best = min(plans, key=lambda plan: plan.value)
        return best.wish, math.floor(best.value) * TICK

    def _children(self, plan: Plan, t: int) -> list[Plan]:
        minimum = self.net.min_green[self.net.phase_ptr[self.i] + plan.phase]
        maximum = self.net.max_green[self.net.phase_ptr[self.i] + plan.phase]
        if plan.left > 0 or plan.green < minimum:
            return [self._child(plan, plan.target, t)]
        others_wait = any(
            not self._opens(plan.phase, k) and self.demand.arrived[k, t] - plan.served[k] >= HALF
            for k in self.lanes
        )
        must_go = plan.green >= maximum and others_wait and len(self.phases) > 1
        return [
            self._child(plan, q, t)
            for q in self.phases
            if not (must_go and q == plan.target) and self._change(plan.phase, q) >= 0
        ]

    def _change(self, phase: int, q: int) -> int:
        """Length of the change; FORBIDDEN where q may not follow."""
        return int(self.net.change_s[self.net.pair_ptr[self.i] + phase * len(self.phases) + q])

    def _child(self, plan: Plan, q: int, t: int) -> Plan:
        begins = plan.left == 0 and q != plan.phase
        pair = plan.phase * len(self.phases) + q
        length = self._change(plan.phase, q)
        change = length if begins else plan.left
        walks = change > length - int(self.net.walk_s[self.net.pair_ptr[self.i] + pair])
        clears = change > 0
        shows = plan.phase if clears else q
        cost = plan.cost + (self.weights.change_cost if begins else 0.0)
        rest = 0.0
        served, credit, unseen, entered = [], [], [], list(plan.entered)
        for k in self.lanes:
            kept = self.net.kept[self.net.kept_ptr[self.i] + pair * len(self.lanes) + k]
            moves = self._opens(shows, k) and (not clears or walks or bool(kept))
            gone, saved, hidden = self._serve(plan, shows, k, t, moves)
            if gone > plan.served[k]:
                leaves = self._leaves(shows, k)
                cost += sum(share * float(self.demand.crowd[e]) for e, share in enumerate(leaves))
                entered = [a + b for a, b in zip(entered, leaves, strict=True)]
            queue = float(self.demand.arrived[k, t]) - gone
            cost += hidden
            if queue > 0:
                cost += self._waiting(k, t, queue)
                rest += float(self.demand.weight[k]) * queue * self._wait(q, k, queue, change)
            served.append(gone)
            credit.append(saved)
            unseen.append(hidden)
        kept_row = self.net.kept_ptr[self.i] + pair * len(self.lanes)
        for n in range(len(self.demand.claims.lane)):
            k = int(self.demand.claims.lane[n])
            goes_on = not clears or bool(self.net.kept[kept_row + k])
            late, ahead = self._claim(n, served, credit, t, shows, goes_on, q, change if clears else 0)
            cost += late
            rest += ahead
        green = 0 if clears else (plan.green + 1 if q == plan.phase else 1)
        return Plan(
            q if change <= 1 else plan.phase, q, green, max(change - 1, 0),
            q if plan.wish < 0 else plan.wish, cost, round((cost + rest) / TICK) + (0.5 if begins else 0.0),
            tuple(served), tuple(credit), tuple(unseen), tuple(entered),
        )  # fmt: skip

    def _claim(  # noqa: PLR0917 - as the kernel
        self,
        n: int,
        served: list[int],
        credit: list[float],
        t: int,
        shows: int,
        goes_on: bool,
        q: int,
        change: int,
    ) -> tuple[float, float]:
        """What a vehicle with priority costs this second, and what it will still cost."""
        claims = self.demand.claims
        place, second, lead = int(claims.place[n]), int(claims.second[n]), int(claims.lead[n])
        weight, movement = float(claims.weight[n]), int(claims.movement[n]) + self.first
        gone = served[claims.lane[n]]
        if gone >= place:
            return 0.0, 0.0
        is_green = self._code(shows, movement) in {PROTECTED, PERMISSIVE} and goes_on
        nobody_waits = gone >= min(place - 1, int(self.demand.arrived[claims.lane[n], t]))
        late = 1.0
        if t < second and is_green and nobody_waits:
            waits = [self.demand.arrived[k, t] > served[k] for k in self.lanes]
            late = min(self._foes(shows, movement, waits), 1.0)
        wait = self.weights.protected_headway * (place - 1 - gone)
        if place - 1 > gone:
            wait += self._before(int(claims.lane[n]), q, gone == 0, credit[claims.lane[n]])
        if self._code(q, movement) not in {PROTECTED, PERMISSIVE}:
            wait += self.weights.red_wait
        elif change > 0:
            wait += change - 1
        ahead = max(0.0, t + wait + lead - second) if wait > 0 else 0.0
        return weight * late if t >= second - lead else 0.0, weight * ahead

    def _before(self, k: int, q: int, is_head: bool, credit: float) -> float:
        """What the next of a lane takes in phase q beyond a protected headway, roughly."""
        if all(self._code(q, movement) == RED for movement in self._movements(k)):
            return self.weights.red_wait
        shares = self.demand.head_share if is_head else self.demand.share
        headways = {
            PROTECTED: self.weights.protected_headway,
            PERMISSIVE: self.weights.permissive_headway,
            ON_RED: self.weights.on_red_headway,
            RED: self.weights.wrong_turn_headway,
        }
        first = 0.0
        for movement in self._movements(k):
            first += float(shares[movement - self.first]) * headways[self._code(q, movement)]
        return min(first, MOST_HEADWAY_S) * (1.0 - credit) - self.weights.protected_headway

    def _serve(self, plan: Plan, shows: int, k: int, t: int, moves: bool) -> tuple[int, float, float]:
        gone, saved, hidden = plan.served[k], plan.credit[k], plan.unseen[k]
        if not moves:
            return gone, 0.0, hidden
        headway = self._headway(plan, shows, k, t)
        if math.isinf(headway):
            return gone, 0.0, hidden
        saved += 1.0 / headway
        if saved < 1.0:
            return gone, saved, hidden
        if self.demand.arrived[k, t] - gone >= HALF:
            gone += 1
            saved -= 1.0
        return gone, min(saved, 1.0), 0.0

    def _leaves(self, shows: int, k: int) -> list[float]:
        """How likely a vehicle served on lane k leaves by each exit."""
        green = [m for m in self._movements(k) if self._code(shows, m) != RED]
        total = 1e-9 + sum(float(self.demand.share[m - self.first]) for m in green)
        found = [0.0 for _ in self.exits]
        for m in green:
            if self.net.movement_exit[m] >= 0:
                found[self.net.movement_exit[m]] += float(self.demand.share[m - self.first]) / total
        return found

    def _waiting(self, k: int, t: int, queue: float) -> float:
        """What a lane's queue costs this second."""
        fresh = float(self.demand.arrived[k, t] - self.demand.arrived[k, t - 1]) if t > 0 else 0.0
        return float(self.demand.weight[k]) * queue + self.weights.stop_cost * min(queue, fresh)

    def _wait(self, q: int, k: int, queue: float, change: int) -> float:
        """How long each vehicle of what is queued will still wait, roughly."""
        wait = self.weights.protected_headway * 0.5 * (queue + 1)
        if not self._opens(q, k):
            return wait + self.weights.red_wait
        return wait + (change - 1) if change > 0 else wait

    def _headway(self, plan: Plan, shows: int, k: int, t: int) -> float:
        claimed = self._claimed(k, plan.served[k] + 1)
        if claimed is not None:
            return self._claimed_headway(plan, shows, claimed, t)
        shares = self.demand.head_share if plan.served[k] == 0 else self.demand.share
        fixed = 0.0
        gaps = []
        for movement in self._movements(k):
            code, share = self._code(shows, movement), float(shares[movement - self.first])
            if code == PROTECTED:
                fixed += share * self.weights.protected_headway
            elif code == RED:
                fixed += share * self.weights.wrong_turn_headway
            else:
                own = self.weights.on_red_headway if code == ON_RED else self.weights.permissive_headway
                gaps.append(
                    share * own / max(1.0 - self._busy(plan, shows, movement, t), self.weights.least_gap)
                )
        for gap in gaps:
            fixed += gap
        if self.is_tight:
            for e, share in enumerate(self._leaves(shows, k)):
                if share > 0 and plan.entered[e] + 1.0 > self.demand.room[e, t]:
                    fixed += share * self.weights.full_headway
        return fixed

    def _claimed(self, k: int, place: int) -> int | None:
        """The movement of who has priority at this place of the lane; the last where two claim it."""
        claims = self.demand.claims
        found = None
        for n in range(len(claims.lane)):
            if claims.lane[n] == k and claims.place[n] == place:
                found = self.first + int(claims.movement[n])
        return found

    def _claimed_headway(self, plan: Plan, shows: int, movement: int, t: int) -> float:
        code = self._code(shows, movement)
        if code == RED:
            return math.inf
        if code == PROTECTED:
            return self.weights.protected_headway
        own = self.weights.on_red_headway if code == ON_RED else self.weights.permissive_headway
        return own / max(1.0 - self._busy(plan, shows, movement, t), self.weights.least_gap)

    def _busy(self, plan: Plan, shows: int, movement: int, t: int) -> float:
        """How likely a foe is in the way now or soon."""
        active = [
            min(1.0, max(0.0, float(self.demand.arrived[k, t + GAP_S]) - plan.served[k])) for k in self.lanes
        ]
        return self._foes(shows, movement, active)

    def _foes(self, shows: int, movement: int, active: Sequence[float]) -> float:
        """By lane, the shares of its foes that are green and have traffic."""
        if self._code(shows, movement) not in {PERMISSIVE, ON_RED}:
            return 0.0
        by_lane = [0.0 for _ in self.lanes]
        for foe in self.net.yield_movement[self.net.yield_ptr[movement] : self.net.yield_ptr[movement + 1]]:
            if self._code(shows, foe) in {PROTECTED, PERMISSIVE}:
                by_lane[self.net.movement_lane[foe] - self.first_lane] += float(
                    self.demand.share[foe - self.first]
                )
        return sum(share * busy for share, busy in zip(by_lane, active, strict=True))

    def _movements(self, k: int) -> list[int]:
        begin, end = self.net.lane_movement_ptr[self.first_lane + k : self.first_lane + k + 2]
        return [int(movement) for movement in self.net.lane_movement[begin:end]]

    def _code(self, p: int, movement: int) -> int:
        row = self.net.indication_ptr[self.net.phase_ptr[self.i] + p]
        return int(self.net.indication[row + movement - self.first])

    def _opens(self, p: int, k: int) -> bool:
        anything = any(self._code(p, movement) != RED for movement in self._movements(k))
        return anything and not self.demand.blocked[k]
