"""Where a signal's own fixed-time program stands, also while something else runs the signal."""

from typing import Any


class ProgramClock:
    """The program that runs a traffic light when the simulation begins.

    `phase`: the green phase (number in `phases`) that it shows, or will show next while it changes;
    `elapsed_s` of that green. Call `step` once before each second. Exact for programs with fixed times.
    """

    def __init__(self, sumo: Any, tl: str, phases: list[str]) -> None:
        self._sumo, self._tl = sumo, tl
        self._program = sumo.trafficlight.getProgram(tl)
        logic = next(
            logic for logic in sumo.trafficlight.getAllProgramLogics(tl) if logic.programID == self._program
        )
        self._seconds = [phase.duration for phase in logic.phases]
        self._greens: list[int | None] = [_green_phase(phase.state, phases) for phase in logic.phases]
        self._at: int = sumo.trafficlight.getPhase(tl)
        self._left_s = sumo.trafficlight.getNextSwitch(tl) - sumo.simulation.getTime()
        self._clock_s = float(sumo.simulation.getTime())
        self.elapsed_s = self._seconds[self._at] - self._left_s

    @property
    def is_green(self) -> bool:
        return self._greens[self._at] is not None

    @property
    def phase(self) -> int:
        for ahead in range(len(self._greens)):
            found: int | None = self._greens[(self._at + ahead) % len(self._greens)]
            if found is not None:
                return found
        return 0

    def step(self, clock_s: float) -> None:
        """Let time pass to `clock_s`."""
        passed_s = clock_s - self._clock_s
        self._clock_s = clock_s
        self._left_s -= passed_s
        self.elapsed_s += passed_s
        while self._left_s <= 0:
            self._at = (self._at + 1) % len(self._seconds)
            self.elapsed_s = -self._left_s
            self._left_s += self._seconds[self._at]

    def resume(self) -> None:
        """Let the program run the light again, from where it would be had it never stopped."""
        self._sumo.trafficlight.setProgram(self._tl, self._program)
        self._sumo.trafficlight.setPhase(self._tl, self._at)
        self._sumo.trafficlight.setPhaseDuration(self._tl, self._left_s)


def _green_phase(state: str, phases: list[str]) -> int | None:
    """Its number among the phases, which show permissive what yields: `g` and `G` are the same here."""
    plain = state.replace("g", "G")
    if "y" in state:
        return None
    return next((p for p, shown in enumerate(phases) if shown.replace("g", "G") == plain), None)
