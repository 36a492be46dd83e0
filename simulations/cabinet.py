"""A signal's cabinet: shows what its agent says, and its own program when that one is silent."""

from enum import Enum, auto

import structlog

from citybrain.conflicts import conflicts
from citybrain.messages import IntersectionConfig
from simulations.simulator import Simulator

log = structlog.get_logger()

SILENT_S = 5.0
"""Street seconds without a word from the agent after which the cabinet helps itself."""
CLEAR_YELLOW_S = 4.0
CLEAR_RED_S = 2.0


class _By(Enum):
    AGENT = auto()
    CLEARING = auto()
    OWN = auto()


class Cabinet:
    """Between the simulation and the agent of one signal; `tick` once a step."""

    def __init__(self, simulator: Simulator, config: IntersectionConfig, silent_s: float = SILENT_S) -> None:
        self.config = config
        self._simulator = simulator
        self._id = config.intersection
        self._by = _By.OWN
        self._wanted = ""
        self._silent_s = silent_s
        self._heard_s = 0.0
        self._cleared_s = 0.0
        self._clearing = ""

    @property
    def is_own(self) -> bool:
        """Whether nobody drives it but itself."""
        return self._by is not _By.AGENT

    @property
    def indications(self) -> str:
        return self._simulator.indications(self._id)

    def adopt(self) -> str:
        """An agent takes over from what is shown now, which stays until its first word; that is returned."""
        if self._by is not _By.AGENT:
            log.info("cabinet_obeys", intersection=self._id)
        self._by = _By.AGENT
        self._wanted = self.indications
        self._heard_s = self._simulator.clock_s
        self._simulator.show(self._id, self._wanted)
        return self._wanted

    def show(self, indications: str) -> str:
        """What the agent wants; the reason where the conflict monitor refuses it, else empty."""
        if len(indications) != len(self.config.movements):
            return f"{len(indications)} indications for {len(self.config.movements)} movements"
        if pairs := conflicts(self.config, indications):
            log.error("conflict_refused", intersection=self._id, movements=pairs[0])
            return f"conflicting greens for the movements {pairs[0][0]} and {pairs[0][1]}"
        if self._by is not _By.AGENT:
            # What it wants goes on from what it last asked for, not from what has been shown since.
            return f"silent for more than {self._silent_s:.0f} s: begin again from what is shown"
        self._wanted = indications
        self._heard_s = self._simulator.clock_s
        self._simulator.show(self._id, indications)
        return ""

    def let_go(self) -> None:
        """The agent has gone."""
        if self._by is _By.AGENT:
            log.warning("cabinet_falls_back", intersection=self._id)
            self._by = _By.CLEARING
            self._cleared_s = self._simulator.clock_s
            self._clearing = "".join("y" if light in "Ggy" else "r" for light in self.indications)

    def tick(self) -> None:
        """Once before each step."""
        now_s = self._simulator.clock_s
        if self._by is _By.AGENT and now_s - self._heard_s > self._silent_s:
            self.let_go()
        if self._by is _By.CLEARING:
            passed_s = now_s - self._cleared_s
            if passed_s >= CLEAR_YELLOW_S + CLEAR_RED_S:
                self._by = _By.OWN
                self._simulator.release(self._id)
            else:
                red = "r" * len(self._clearing)
                self._simulator.show(self._id, self._clearing if passed_s < CLEAR_YELLOW_S else red)

    def begin_anew(self) -> None:
        """The simulation was loaded again and shows the network's own program."""
        if self._by is _By.AGENT:
            self._simulator.show(self._id, self._wanted)
