"""Fixed-time design: the best common cycle, splits, offsets and phase sequences for a network's demand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from citybrain.errors import ConfigError
from citybrain.messages import IntersectionConfig
from traffic.coordination import (
    best_offset,
    best_sequence,
    copied,
    empty_plans,
    fit,
    settle,
    sweep,
)
from traffic.network import Ints
from traffic.platoons import Model, Plans, State, new_state, run
from traffic.sequences import doubled, orders, phase_sets
from traffic.streets import Demand, Streets, build_streets

CYCLES_S = (40, 50, 60, 70, 80, 90, 100, 110, 120)
_RANKED_AT_S = (60, 90)
"""Cycles at which sets of phases are compared."""
_SETS, _SEQUENCES = 3, 12
"""Kept for each intersection."""
_ROUNDS = 4
_FREE_RATE = 10.0
"""Vehicles a second of a lane whose signal has no place in the plan yet."""

Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class SignalPlan:
    """One intersection's part: phases in the order they are shown, their greens, and when the first begins.

    `offset_s` from a whole multiple of the cycle on the common clock.
    """

    order: tuple[int, ...]
    green_s: tuple[int, ...]
    offset_s: int


@dataclass(frozen=True, slots=True)
class Design:
    """A plan for all signals, and what the model expects of it.

    `delay_s`: per vehicle and signal, with the cost of stops. `saturation`: the highest of any lane, by
    intersection.
    """

    cycle_s: int
    signals: Mapping[str, SignalPlan]
    delay_s: float
    saturation: Mapping[str, float]


def design(
    configs: Sequence[IntersectionConfig],
    demand: Demand,
    *,
    cycles_s: Sequence[int] = CYCLES_S,
    best: int = 3,
    effort: int = 3,
    seed: int = 1,
    progress: Progress | None = None,
) -> list[Design]:
    """The best plans, one for each of the `best` cycles, best first; the same for the same seed.

    effort: how many times each chosen cycle's plan is shaken and improved again. progress gets the share
    done.

    Raises:
        ConfigError: no cycle has room for the minimum greens of some intersection.
    """
    streets = build_streets(configs, demand)
    designer = _Designer(configs, streets, Model(period_s=demand.period_s), seed)
    tell = progress or (lambda _: None)
    rough = []
    for place, cycle_s in enumerate(cycles_s):
        found = designer.rough(cycle_s)
        if found is not None:
            rough.append((found[0], cycle_s, found[1]))
        tell(0.4 * (place + 1) / len(cycles_s))
    if not rough:
        raise ConfigError(
            f"no cycle of {min(cycles_s)} to {max(cycles_s)} s has room for the minimum greens of all signals"
        )
    rough.sort(key=lambda entry: entry[0])
    done = []
    for place, (_, cycle_s, plans) in enumerate(rough[:best]):
        done.append(designer.fine(cycle_s, plans, effort))
        tell(0.4 + 0.6 * (place + 1) / min(best, len(rough)))
    return sorted(done, key=lambda found: found.delay_s)


def expected(configs: Sequence[IntersectionConfig], demand: Demand, plan: Design) -> Design:
    """The same plan with what the model expects of it under this demand."""
    streets = build_streets(configs, demand)
    plans = empty_plans(len(configs))
    for i, config in enumerate(configs):
        own = plan.signals[config.intersection]
        plans.entries[i], plans.offset_s[i] = len(own.order), own.offset_s
        plans.phase[i, : len(own.order)], plans.green_s[i, : len(own.order)] = own.order, own.green_s
    return _Designer(configs, streets, Model(period_s=demand.period_s), 1).result(plan.cycle_s, plans)


class _Designer:
    def __init__(
        self, configs: Sequence[IntersectionConfig], streets: Streets, model: Model, seed: int
    ) -> None:
        self._configs = configs
        self._streets = streets
        self._model = model
        self._random = np.random.default_rng(seed)
        self._order = placing_order(streets)
        self._cache: dict[int, tuple[State, State]] = {}
        self._sequences = [self._ranked(i) for i in range(len(configs))]

    def rough(self, cycle_s: int) -> tuple[float, Plans] | None:
        """A first plan for this cycle and its cost; None where it is too short for some intersection."""
        state, spare = self._states(cycle_s)
        plans = empty_plans(len(self._configs))
        for i in range(len(self._configs)):
            if not self._start(i, plans, state, spare):
                return None
        self._place(plans, state)
        return self._improved(plans, cycle_s, sweeps=2)

    def fine(self, cycle_s: int, plans: Plans, effort: int) -> Design:
        """Sequences too, then shaken and improved again."""
        state, spare = self._states(cycle_s)
        best, kept = np.inf, plans
        for attempt in range(effort + 1):
            trial = copied(kept)
            if attempt > 0:
                self._shake(trial, cycle_s)
            run(self._streets, self._model, trial, state, _ROUNDS)
            if attempt in {0, effort}:
                for i in self._order:
                    settle(self._streets, self._model, i, trial, state, spare)
                    best_sequence(self._streets, self._model, i, self._sequences[i], trial, state, spare)
                    settle(self._streets, self._model, i, trial, state, spare)
            cost, trial = self._improved(trial, cycle_s, sweeps=4)
            if cost < best:
                best, kept = cost, trial
        return self.result(cycle_s, kept)

    def result(self, cycle_s: int, plans: Plans) -> Design:
        streets = self._streets
        state, _ = self._states(cycle_s)
        cost = run(streets, self._model, plans, state, _ROUNDS + 4)
        signals, saturation = {}, {}
        for i, config in enumerate(self._configs):
            n = plans.entries[i]
            signals[config.intersection] = SignalPlan(
                tuple(map(int, plans.phase[i, :n])),
                tuple(map(int, plans.green_s[i, :n])),
                int(plans.offset_s[i]) % cycle_s,
            )
            own = state.saturation[streets.lane_ptr[i] : streets.lane_ptr[i + 1]]
            saturation[config.intersection] = round(float(own.max(initial=0.0)), 3)
        return Design(cycle_s, signals, float(cost / max(streets.flow.sum(), 1e-9)), saturation)

    def _states(self, cycle_s: int) -> tuple[State, State]:
        return new_state(self._streets, cycle_s), new_state(self._streets, cycle_s)

    def _improved(self, plans: Plans, cycle_s: int, sweeps: int) -> tuple[float, Plans]:
        """Sweep until nothing is gained; the best plans by the whole network's cost."""
        streets, model = self._streets, self._model
        state, spare = self._states(cycle_s)
        best, kept = run(streets, model, plans, state, _ROUNDS), copied(plans)
        for number in range(sweeps):
            order = self._random.permutation(self._order).astype(np.int32)
            sweep(streets, model, order, plans, state, spare, True)
            cost = run(streets, model, plans, state, _ROUNDS)
            gain = best - cost
            if cost < best:
                best, kept = cost, copied(plans)
            if number > 0 and gain < 0.002 * best:
                break
        return best, kept

    def _ranked(self, i: int) -> Ints:
        """Sequences worth trying at intersection i, rows filled up with -1."""
        costs: list[tuple[float, tuple[int, ...]]] = []
        plans = empty_plans(len(self._configs))
        states = [self._states_for(cycle_s) for cycle_s in _RANKED_AT_S]
        sets = phase_sets(self._configs[i])
        if len(sets) > 1:
            for phases in sets:
                cost = min(self._fitted(i, phases, plans, *pair) for pair in states)
                costs.append((cost, phases))
            sets = [phases for _, phases in sorted(costs)[:_SETS]]
        found = [sequence for phases in sets for sequence in orders(phases)][:_SEQUENCES]
        found += [twice for twice in map(doubled, found[:2]) if twice is not None]
        rows = np.full((len(found), max(map(len, found))), -1, np.int32)
        for row, sequence in zip(rows, found, strict=True):
            row[: len(sequence)] = sequence
        return rows

    def _states_for(self, cycle_s: int) -> tuple[State, State]:
        cached = self._cache.get(cycle_s)
        if cached is None:
            cached = self._cache[cycle_s] = self._states(cycle_s)
        return cached

    def _fitted(self, i: int, phases: Sequence[int], plans: Plans, state: State, spare: State) -> float:
        sequence = np.array(phases, np.int32)
        return float(fit(self._streets, self._model, i, sequence, plans, state, spare))

    def _start(self, i: int, plans: Plans, state: State, spare: State) -> bool:
        """The sequence that costs least under even arrivals; False where none fits into the cycle."""
        best, kept = np.inf, None
        for row in self._sequences[i]:
            sequence = tuple(int(phase) for phase in row if phase >= 0)
            cost = self._fitted(i, sequence, plans, state, spare)
            if cost < best * 0.999:
                best, kept = cost, (sequence, plans.green_s[i].copy())
        if kept is None:
            return False
        plans.entries[i] = len(kept[0])
        plans.phase[i, : len(kept[0])] = kept[0]
        plans.green_s[i] = kept[1]
        return True

    def _place(self, plans: Plans, state: State) -> None:
        """Give offsets one intersection after the other, each beside those that its traffic comes from."""
        streets, model = self._streets, self._model
        spare = new_state(streets, state.codes.shape[1])
        run(streets, model, plans, state, 1)
        state.hop[:] = state.hop.mean(axis=1, keepdims=True)
        state.rate[:] = _FREE_RATE
        for i in self._order:
            settle(streets, model, i, plans, state, spare)
            best_offset(streets, model, i, plans, state, spare, 2)
            settle(streets, model, i, plans, state, spare)

    def _shake(self, plans: Plans, cycle_s: int) -> None:
        """Move the offsets of a random connected part together, and of a few intersections alone."""
        count = len(self._configs)
        part = _grown(self._streets, int(self._random.integers(count)), max(1, count // 4))
        plans.offset_s[part] = (plans.offset_s[part] + self._random.integers(cycle_s)) % cycle_s
        alone_ = self._random.random(count) < 0.1
        plans.offset_s[alone_] = self._random.integers(cycle_s, size=int(alone_.sum()))


def placing_order(streets: Streets) -> Ints:
    """Intersections from the busiest along the busiest links (Prim's tree of greatest flow), part by part."""
    count = len(streets.lane_ptr) - 1
    between = _flows_between(streets)
    load = np.add.reduceat(np.append(streets.flow, 0.0), streets.lane_ptr[:-1]) if count else np.zeros(0)
    order: list[int] = []
    strength = np.full(count, -1.0)
    left = set(range(count))
    while left:
        i = max(left, key=lambda node: (strength[node], load[node]))
        left.discard(i)
        order.append(i)
        for j, flow in between.get(i, {}).items():
            strength[j] = max(strength[j], flow)
    return np.array(order, np.int32)


def _flows_between(streets: Streets) -> dict[int, dict[int, float]]:
    """Vehicles a second between neighbouring intersections, both ways together."""
    count = len(streets.lane_ptr) - 1
    home = np.repeat(np.arange(count), np.diff(streets.lane_ptr))
    between: dict[int, dict[int, float]] = {}
    for i in range(count):
        for h in range(streets.hop_ptr[i], streets.hop_ptr[i + 1]):
            moved = streets.hop_movement[streets.hop_movement_ptr[h] : streets.hop_movement_ptr[h + 1]]
            flow = float((streets.flow[streets.movement_lane[moved]] * streets.share[moved]).sum())
            for at in range(streets.hop_lane_ptr[h], streets.hop_lane_ptr[h + 1]):
                j = int(home[streets.hop_lane[at]])
                for one, other in ((i, j), (j, i)):
                    row = between.setdefault(one, {})
                    row[other] = row.get(other, 0.0) + flow * float(streets.hop_share[at])
    return between


def _grown(streets: Streets, start: int, size: int) -> list[int]:
    """A connected part of about this size around an intersection."""
    between = _flows_between(streets)
    part, todo = [start], [start]
    while todo and len(part) < size:
        for j in between.get(todo.pop(0), {}):
            if j not in part and len(part) < size:
                part.append(j)
                todo.append(j)
    return part
