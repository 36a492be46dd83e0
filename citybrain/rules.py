"""What a signal may do, stated once: `traffic` plans within these rules, and the edge enforces them.

Conflicting movements are never green together; minimum and maximum green; yellow by approach speed; red
clearance; pedestrian walk and clearance; maximum red; and ring-and-barrier order where there is one. Whoever
wants a phase proposes, and `dispose` says what will be. Times in seconds, phases and movements by index.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from citybrain.conflicts import GREEN, mutual_foes
from citybrain.messages import IntersectionConfig, Interval
from citybrain.rings import following, planned

LEAST_RED_S = 1.0
"""Red, at least, of a movement that clears and goes on in the next phase: yellow never turns green."""
MAX_RED_S = 180.0
WALK_S = 7.0
"""Walk, at least, before a pedestrian clearance begins (MUTCD 11th ed., section 4I.06)."""
WALKING_MPS = 1.067
"""Pedestrian clearance speed: 3.5 ft/s (MUTCD 11th ed., section 4I.06)."""
YELLOW_BOUNDS_S = (3.0, 5.0)
PEDESTRIAN = "pedestrian"
"""The turn of a movement that is a crossing."""
NEAR_S = 1e-6


def yellow_s(speed_mps: float) -> float:
    """Yellow change interval, 3 to 5 s (ITE kinematic equation: 1 s reaction, 3.05 m/s2, level road)."""
    shortest, longest = YELLOW_BOUNDS_S
    return min(longest, max(shortest, round(1.0 + speed_mps / (2 * 3.05), 1)))


@dataclass(frozen=True, slots=True)
class Change:
    """How `old` becomes `new`: `clearing` movements lose their green, all others that are green go on.

    First crossings clear for `walk_s` while vehicles keep their green, then vehicles have `yellow_s`, then
    `all_red_s` follows. Nothing clears in no time.
    """

    old: str
    new: str
    clearing: frozenset[int]
    walk_s: float
    yellow_s: float
    all_red_s: float

    @property
    def total_s(self) -> float:
        return self.walk_s + self.yellow_s + self.all_red_s

    @property
    def steps(self) -> int:
        """Its length on a signal that is stepped once a second: each interval lasts whole seconds."""
        return self.steps_from(Interval.GREEN)

    def steps_from(self, interval: Interval) -> int:
        """Whole seconds from the beginning of `interval` to the new green, stepped once a second."""
        order = (Interval.GREEN, Interval.YELLOW, Interval.ALL_RED)
        rest = order[order.index(interval) :]
        return sum(math.ceil(self.length_s(one) - NEAR_S) for one in rest)

    def length_s(self, interval: Interval) -> float:
        """Of one interval; GREEN is that in which only crossings clear."""
        if interval is Interval.GREEN:
            return self.walk_s
        return self.yellow_s if interval is Interval.YELLOW else self.all_red_s


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one signal.

    By phase: `phases` (indications), `min_green_s`, `max_green_s`, `order` (which may come next). By
    movement: `foes`, `yellow_s` (0 for a crossing), `walk_clearance_s` (0 for all others), `max_red_s`.
    """

    phases: tuple[str, ...]
    min_green_s: tuple[float, ...]
    max_green_s: tuple[float, ...]
    order: tuple[frozenset[int], ...]
    foes: tuple[frozenset[int], ...]
    yellow_s: tuple[float, ...]
    walk_clearance_s: tuple[float, ...]
    max_red_s: tuple[float, ...]
    all_red_s: float

    def losing(self, old: str, target: int) -> list[int]:
        """Movements that lose their green, or their protection against a foe that starts.

        Who entered protected has not yet left when a foe's first vehicle comes, so that protection ends with
        yellow and all-red as well, before the same movement goes on permissive.
        """
        pairs = list(enumerate(zip(old, self.phases[target], strict=True)))
        starting = {m for m, (a, b) in pairs if a not in GREEN and b in GREEN}
        return [
            m
            for m, (a, b) in pairs
            if a in GREEN and (b not in GREEN or (a == "G" != b and not starting.isdisjoint(self.foes[m])))
        ]

    def change(self, old: str, target: int) -> Change:
        """From the indications `old` to phase `target`; foreign indications end without delay."""
        new = self.phases[target]
        losing = self.losing(old, target)
        walk = max((self.walk_clearance_s[m] for m in losing), default=0.0)
        yellow = max((self.yellow_s[m] for m in losing), default=0.0)
        # Vehicles keep their green while people still cross beside them, as far as the yellow allows.
        first = max(0.0, walk - yellow) if old in self.phases else 0.0
        goes_on = any(new[m] in GREEN for m in losing)
        red = max(self.all_red_s, LEAST_RED_S) if goes_on else self.all_red_s
        return Change(
            old, new, frozenset(losing), first,
            yellow if first else max(walk, yellow),
            red if walk or yellow else 0.0,
        )  # fmt: skip

    def change_s(self, phase: int, target: int) -> float:
        """From the end of green of `phase` to the start of green of `target`, whether allowed or not."""
        return self.change(self.phases[phase], target).total_s

    def clearing(self, phase: int, target: int) -> list[tuple[Interval, int, str]]:
        """What a program shows between two phases: interval, whole seconds, indications at its beginning.

        GREEN is the interval in which only crossings clear; one without length is left out.
        """
        change = self.change(self.phases[phase], target)
        return [
            (interval, seconds, self.shown(change, interval, 0.0))
            for interval in (Interval.GREEN, Interval.YELLOW, Interval.ALL_RED)
            if (seconds := math.ceil(change.length_s(interval) - NEAR_S)) > 0
        ]

    def shown(self, change: Change, interval: Interval, elapsed_s: float) -> str:
        """Indications during a change, `elapsed_s` after the interval began."""
        return "".join(
            self._shown(m, change, interval, elapsed_s)
            if m in change.clearing
            else (old if old == new or (old in GREEN and new in GREEN) else "r")
            for m, (old, new) in enumerate(zip(change.old, change.new, strict=True))
        )

    def _shown(self, m: int, change: Change, interval: Interval, elapsed_s: float) -> str:
        if interval is Interval.ALL_RED or self.walk_clearance_s[m] > 0:
            return "r"
        if interval is Interval.GREEN:
            return change.old[m]
        return "y" if elapsed_s < self.yellow_s[m] - NEAR_S else "r"

    def toward(self, phase: int, goal: int) -> int:
        """The phase that comes next on the shortest allowed way from `phase` to `goal`; `phase` if none."""
        came: dict[int, int] = {phase: phase}
        todo = deque([phase])
        while todo and goal not in came:
            at = todo.popleft()
            for then in sorted(self.order[at]):
                if then not in came:
                    came[then] = at
                    todo.append(then)
        if goal not in came:
            return phase
        while came[goal] != phase:
            goal = came[goal]
        return goal

    def serving(self, movement: int) -> int | None:
        """The phase that serves a movement best: protected before permissive, then the first."""
        phases = [p for p, shown in enumerate(self.phases) if shown[movement] in GREEN]
        return next((p for p in phases if self.phases[p][movement] == "G"), phases[0] if phases else None)


def rules_of(config: IntersectionConfig, max_red_s: float = math.inf) -> Rules:
    """The rules in a configuration, which `citybrain.inspection` has found sound.

    Crossings are recalled: people are not seen by cameras over lanes, so a crossing is served at the latest
    `crossing_recall_s` after it was (never sooner than the controller's own cycle would). Vehicles wait
    `max_red_s` at most, raised to one and a half local cycles where that is longer.
    """
    cycle_s = sum(phase.local_green_s for phase in config.phases)
    walks = [movement.turn == PEDESTRIAN for movement in config.movements]
    longest_s = max(max_red_s, 1.5 * cycle_s)
    recall_s = max(config.crossing_recall_s, cycle_s)
    return Rules(
        phases=tuple(phase.indications for phase in config.phases),
        min_green_s=tuple(
            max(phase.min_green_s, WALK_S) if _walks(phase.indications, walks) else phase.min_green_s
            for phase in config.phases
        ),
        max_green_s=tuple(phase.max_green_s for phase in config.phases),
        order=_without_traps(config, following(config)),
        foes=tuple(mutual_foes(config)),
        yellow_s=tuple(
            0.0 if walk else movement.yellow_s
            for walk, movement in zip(walks, config.movements, strict=True)
        ),
        walk_clearance_s=tuple(
            max(movement.yellow_s, movement.length_m / WALKING_MPS, LEAST_RED_S) if walk else 0.0
            for walk, movement in zip(walks, config.movements, strict=True)
        ),
        max_red_s=tuple(min(recall_s, longest_s) if walk else longest_s for walk in walks),
        all_red_s=config.all_red_s,
    )  # fmt: skip


def _without_traps(config: IntersectionConfig, order: Sequence[frozenset[int]]) -> tuple[frozenset[int], ...]:
    """The order without yellow traps, save those of the controller's own plan.

    A driver who waits to turn left inside the intersection takes the end of his permissive green for that of
    the oncoming traffic too (MUTCD 11th ed., section 4F.10); and where it is not, he stands in its way.
    """
    if config.has_yellow_traps:
        return tuple(order)
    plan = planned(config)
    own = set(pairwise([*plan, plan[0]]))
    return tuple(
        frozenset(b for b in after if (a, b) in own or not _is_trap(config, a, b))
        for a, after in enumerate(order)
    )


def _is_trap(config: IntersectionConfig, a: int, b: int) -> bool:
    now, then = config.phases[a].indications, config.phases[b].indications
    return any(
        now[m] == "g" and then[m] not in GREEN and now[foe] in GREEN and then[foe] in GREEN
        for m, movement in enumerate(config.movements)
        for foe in movement.yields_to
    )


def _walks(indications: str, walks: Sequence[bool]) -> bool:
    return any(walk and shown in GREEN for walk, shown in zip(walks, indications, strict=True))


class Standing(NamedTuple):
    """What a signal does now.

    `green_s` of the phase so far, `red_s` by movement, `waiting`: movements at which somebody is known to
    wait. While `is_changing`, `target` is on its way.
    """

    phase: int
    target: int
    is_changing: bool
    green_s: float
    red_s: Sequence[float]
    waiting: frozenset[int] = frozenset()


class Disposed(NamedTuple):
    """The phase that will be shown or gone to, and why it is not the proposed one (empty where it is)."""

    phase: int
    refusal: str = ""


def dispose(rules: Rules, proposed: int, now: Standing) -> Disposed:
    """What becomes of a proposal: itself, or what the rules want instead, with the reason."""
    if not 0 <= proposed < len(rules.phases):
        unknown = f"phase {proposed} is unknown: there are {len(rules.phases)}"
        return Disposed(dispose(rules, now.target, now).phase, unknown)
    if now.is_changing:
        late = f"the change to phase {now.target} is under way"
        return Disposed(now.target, late if proposed != now.target else "")
    left_s = green_left_s(rules, now)
    leaves = proposed in rules.order[now.phase]
    due, reason = _due(rules, now, stays=not leaves)
    if due is not None and proposed != due:
        return Disposed(now.phase if left_s > 0 else due, reason)
    if proposed == now.phase:
        return Disposed(proposed)
    if left_s > 0:
        return Disposed(now.phase, f"phase {now.phase} has {left_s:.1f} s of its minimum green left")
    if not leaves:
        return Disposed(now.phase, f"phase {proposed} may not follow phase {now.phase} by the rings")
    return Disposed(proposed)


def green_left_s(rules: Rules, now: Standing) -> float:
    """Seconds until the minimum green is over."""
    left_s = rules.min_green_s[now.phase] - now.green_s
    return left_s if left_s > NEAR_S else 0.0


def _due(rules: Rules, now: Standing, *, stays: bool) -> tuple[int | None, str]:
    """The phase that must come next, whatever is proposed, and why."""
    over_s = [red_s - most_s for red_s, most_s in zip(now.red_s, rules.max_red_s, strict=True)]
    for movement in sorted(range(len(over_s)), key=over_s.__getitem__, reverse=True):
        if over_s[movement] < 0:
            break
        goal = rules.serving(movement)
        if goal is not None and goal != now.phase:
            due = rules.toward(now.phase, goal)
            return due, f"phase {goal} has reached its maximum red and comes first"
    elsewhere = [m for m in sorted(now.waiting) if rules.phases[now.phase][m] not in GREEN]
    if stays and elsewhere and now.green_s >= rules.max_green_s[now.phase] - NEAR_S:
        goals = [(now.red_s[m], goal) for m in elsewhere if (goal := rules.serving(m)) is not None]
        if goals:
            due = rules.toward(now.phase, max(goals, key=lambda pair: pair[0])[1])
            return due, f"phase {now.phase} has reached its maximum green and somebody waits"
    return None, ""
