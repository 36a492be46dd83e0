"""How the service keeps its groups alive."""

from collections.abc import Sequence

from vision.service import STALLED_S, START_LIMIT_S, Fleet


class Gone(Exception):
    pass


class FakeActor:
    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self._log = name, log
        self.dead = self.slow = False
        self.idle = 0.0
        self.groups: list[str] = []

    def _check(self) -> None:
        if self.dead:
            raise Gone("killed")

    def started(self) -> bool:
        self._check()
        return not self.slow

    def idle_s(self) -> float:
        self._check()
        return self.idle

    def assign(self, groups: Sequence[str]) -> None:
        self._check()
        self.groups = list(groups)

    def stop(self) -> None:
        self._log.append(f"stop {self.name}")

    def kill(self) -> None:
        self._log.append(f"kill {self.name}")


class Yard:
    def __init__(self, groups: int = 2) -> None:
        self.actors: dict[str, FakeActor] = {}
        self.log: list[str] = []
        self.born = 0
        self.fleet = Fleet([f"g{k}" for k in range(groups)], self._spawn, Gone)

    def _spawn(self, name: str, _groups: Sequence[str]) -> FakeActor:
        self.born += 1
        self.actors[name] = FakeActor(name, self.log)
        return self.actors[name]


def test_all_groups_start_and_know_each_other() -> None:
    yard = Yard()
    yard.fleet.look(0.0)
    assert yard.fleet.faults == ["g0: starting", "g1: starting"]
    yard.fleet.look(1.0)
    assert yard.fleet.faults == []
    assert [actor.groups for actor in yard.actors.values()] == [["g0", "g1"]] * 2


def test_a_dead_group_leaves_its_cameras_to_the_others_and_is_replaced_at_once() -> None:
    yard = Yard()
    for now_s in (0.0, 1.0):
        yard.fleet.look(now_s)
    yard.actors["g0"].dead = True
    yard.fleet.look(2.0)
    assert yard.actors["g1"].groups == ["g1"]
    yard.fleet.look(2.5)
    yard.fleet.look(3.0)
    assert yard.fleet.serving == ["g0", "g1"]
    assert yard.actors["g1"].groups == ["g0", "g1"]
    assert yard.fleet.restarts == 1


def test_a_group_that_keeps_dying_is_tried_ever_more_rarely() -> None:
    yard = Yard(1)
    for tick in range(600):
        yard.fleet.look(tick / 2)
        yard.actors["g0"].dead = True
    assert 8 < yard.born < 20


def test_a_group_that_hangs_is_replaced() -> None:
    yard = Yard(1)
    for now_s in (0.0, 1.0):
        yard.fleet.look(now_s)
    yard.actors["g0"].idle = STALLED_S + 1
    yard.fleet.look(2.0)
    assert yard.log == ["kill g0"]
    assert "done nothing" in yard.fleet.faults[0]


def test_a_group_that_never_starts_is_said_and_tried_again() -> None:
    yard = Yard(1)
    yard.fleet.look(0.0)
    yard.actors["g0"].slow = True
    yard.fleet.look(START_LIMIT_S + 1)
    assert "did not start" in yard.fleet.faults[0]


def test_stopping_stops_every_actor() -> None:
    yard = Yard()
    yard.fleet.look(0.0)
    yard.fleet.stop()
    assert yard.log == ["stop g0", "stop g1"]
