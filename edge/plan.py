"""The controller's own fixed-time plan: what is shown when nobody commands.

It keeps no state but the phase that is shown and for how long, so that it takes over from any command in
the middle of a green, and hands back at any moment, without a jump. A plan with a cycle and an offset
(`IntersectionConfig.local_plan`) follows the clock: after one change it is in step again.
"""

from citybrain.errors import ConfigError
from citybrain.messages import IntersectionConfig, LocalPlan, PlanStage
from citybrain.rings import planned
from citybrain.rules import Rules


def check_plan(config: IntersectionConfig) -> None:
    """Refuse a coordinated plan that does not fit its signal.

    Raises:
        ConfigError: an unknown phase, a green below its minimum, or stages that overlap or leave the cycle.
    """
    plan = config.local_plan
    where = f"signal {config.intersection}: local_plan"
    end_s = 0.0
    for stage in plan.stages if plan else ():
        if stage.phase >= len(config.phases):
            raise ConfigError(f"{where} names phase {stage.phase}; there are {len(config.phases)}")
        if stage.green_s < config.phases[stage.phase].min_green_s:
            raise ConfigError(f"{where} gives phase {stage.phase} less than its minimum green")
        if stage.start_s < end_s:
            raise ConfigError(f"{where} starts phase {stage.phase} before the one before it has ended")
        end_s = stage.start_s + stage.green_s
    if plan and end_s > plan.cycle_s:
        raise ConfigError(f"{where} is longer than its cycle of {plan.cycle_s:.0f} s")


def split_s(config: IntersectionConfig, phase: int) -> float:
    """Green of `phase` in the plan, within its minimum and maximum, in seconds."""
    wanted = config.phases[phase]
    return max(wanted.min_green_s, min(wanted.local_green_s, wanted.max_green_s))


def wanted_phase(
    config: IntersectionConfig, rules: Rules, phase: int, green_s: float, clock_s: float = 0.0
) -> int:
    """The phase that the plan wants after `phase` has been green for `green_s` seconds: it or the next.

    Phases without a split of their own are left out, and left at once.
    clock_s: the clock that all signals share; only a plan with a cycle looks at it.
    """
    if config.local_plan is not None:
        return rules.toward(phase, _stage(config, config.local_plan, phase, clock_s).phase)
    if green_s < split_s(config, phase):
        return phase
    plan = planned(config)
    return rules.toward(phase, next((then for then in plan if then > phase), plan[0]))


def remaining_s(config: IntersectionConfig, phase: int, green_s: float, clock_s: float = 0.0) -> float:
    """Seconds of green that the plan still gives to `phase`."""
    plan = config.local_plan
    if plan is None:
        return max(0.0, split_s(config, phase) - green_s)
    stage = _stage(config, plan, phase, clock_s)
    if stage.phase != phase:
        return max(0.0, config.phases[phase].min_green_s - green_s)
    return _left_s(plan, stage, clock_s)


def _stage(config: IntersectionConfig, plan: LocalPlan, phase: int, clock_s: float) -> PlanStage:
    """What should be green now, or next.

    The current stage, if `phase` is the one or can still become it for its minimum green; else the next one:
    where that is `phase` too, it is held until its time comes.
    """
    position_s = (clock_s - plan.offset_s) % plan.cycle_s
    for stage in plan.stages:
        left_s = stage.start_s + stage.green_s - position_s
        if position_s >= stage.start_s and left_s > 0:
            if stage.phase == phase:
                return stage
            changed_s = config.phases[stage.phase].min_green_s + _change_s(config)
            if left_s >= changed_s:
                return stage
    return min(plan.stages, key=lambda stage: (stage.start_s - position_s) % plan.cycle_s or plan.cycle_s)


def _change_s(config: IntersectionConfig) -> float:
    """The longest change between two phases."""
    return max(movement.yellow_s for movement in config.movements) + config.all_red_s


def _left_s(plan: LocalPlan, stage: PlanStage, clock_s: float) -> float:
    position_s = (clock_s - plan.offset_s) % plan.cycle_s
    left_s = stage.start_s + stage.green_s - position_s
    return left_s if left_s > 0 else left_s + plan.cycle_s
