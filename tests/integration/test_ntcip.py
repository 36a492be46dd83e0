"""The NTCIP 1202 driver against a real SNMP agent, with a ring-and-barrier controller over simulated time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citybrain.config import Settings, Signal
from citybrain.errors import ConfigError, Unavailable
from citybrain.messages import ControlMode, SignalCommand
from edge.control import Control, SignalControl, Verdict
from edge.drivers.cabinets import open_cabinet
from edge.drivers.driver import Look
from edge.drivers.ntcip1202 import NtcipCabinet
from edge.drivers.snmp import Snmp
from edge.drivers.snmp_access import Access, Community, User
from edge.wiring import read_wiring
from tests.fixtures.eight_phases import wiring_file
from tests.fixtures.monitor import Monitor
from tests.fixtures.nema import NemaController, Timing
from tests.fixtures.snmp_agent import SnmpAgent

PUBLIC = Community("public")
USERS = (
    User("area", "auth passphrase", "privacy passphrase"),
    User("strong", "auth passphrase", "privacy passphrase", "sha512", "aes256"),
)
AT = datetime(2026, 1, 1, tzinfo=UTC)
TICK_S = 0.1


class Field:
    """The controller's street: time passes when the driver waits, and a monitor sees every lamp."""

    def __init__(self, agent: SnmpAgent, monitor: Monitor) -> None:
        self._agent, self._monitor = agent, monitor
        self._ticks = 0
        self.is_stopped = False

    def now(self) -> float:
        return self._ticks * TICK_S

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK_S)):
            with self._agent.lock:
                self._agent.controller.tick(TICK_S)
                self._ticks += 1
                self._look()

    def _look(self) -> None:
        c = self._agent.controller
        if c.flashing:
            return
        shown = ["G" if p in c.greens() else "y" if p in c.yellows() else "r" for p in range(1, 9)]
        self._monitor.see("".join(shown) + ("G" if 2 in c.walks() else "r"), TICK_S)


class Post:
    """Agent's loop without a broker: the real control, driver and SNMP."""

    def __init__(self, agent: SnmpAgent, folder: Path, access: Access = PUBLIC, pattern: int = 0) -> None:
        self.agent = agent
        wiring = read_wiring(wiring_file(folder), "x")
        self.field = Field(agent, Monitor(wiring.config))
        self.cabinet = NtcipCabinet(
            wiring, lambda: Snmp("127.0.0.1", agent.port, access), pattern, self.field
        )
        config, look = self.cabinet.connect()
        self.control = SignalControl(config, 6.0, look.indications, look.clock_s)
        self.seq = 0

    def command(self, phase: int) -> Verdict:
        self.seq += 1
        return self.control.judge(
            SignalCommand(
                at=AT, device="traffic/t", boot=1, seq=self.seq, intersection="x", phase=phase,
                expires_at=AT + timedelta(seconds=3),
            ),
            AT,
        )  # fmt: skip

    def tick(self) -> tuple[Look, Control]:
        look = self.cabinet.look(1.0)
        self.control.refusal = look.refusal
        now = self.control.step(look.clock_s, look.indications)
        if now.mode is ControlMode.COMMANDED:
            self.cabinet.show(now.shown.indications, now.shown.next_phase)
        else:
            self.cabinet.release()
        return look, now

    def until(self, shown: Callable[[Look, Control], bool], most: int = 120, hold: int | None = None) -> int:
        for second in range(most):
            if hold is not None:
                self.command(hold)
            look, now = self.tick()
            if shown(look, now):
                return second
        pytest.fail(f"not in {most} s; last {look.indications}")


@pytest.fixture
def agent() -> Iterator[SnmpAgent]:
    timing = {p: Timing() for p in range(1, 9)} | {2: Timing(walk_s=7.0, ped_clear_s=10.0)}
    with SnmpAgent(NemaController(timing), users=USERS) as agent:
        yield agent


@pytest.fixture
def post(agent: SnmpAgent, tmp_path: Path) -> Iterator[Post]:
    post = Post(agent, tmp_path)
    yield post
    post.cabinet.close()


def shows(groups: str) -> Callable[[Look, Control], bool]:
    """Green lamps of exactly these phases, as digits."""
    return lambda look, _: {str(i + 1) for i, c in enumerate(look.indications[:8]) if c == "G"} == set(groups)


def test_the_controllers_own_plan_goes_on_and_is_told_while_nobody_commands(post: Post) -> None:
    seen = set()
    for _ in range(120):
        look, now = post.tick()
        assert now.mode is ControlMode.LOCAL
        assert now.shown.indications == look.indications
        seen.add(look.indications)
    assert {"rGrrrGrrr", "ryrrryrrr", "rrrrrrrrr", "rrrGrrrGr"} <= seen


@pytest.mark.parametrize(
    "access", [PUBLIC, Community("public", "2c"), *USERS], ids=["1", "2c", "3", "3 strong"]
)
def test_a_commanded_phase_is_called_served_and_held_for_as_long_as_it_is_wanted(
    agent: SnmpAgent, tmp_path: Path, access: Access
) -> None:
    post = Post(agent, tmp_path, access)
    post.until(shows("26"))
    post.until(shows("48"), hold=5)
    for _ in range(40):  # longer than the controller's own maximum
        post.command(5)
        look, now = post.tick()
        assert shows("48")(look, now)
    post.until(shows("15"), hold=0)
    # A side never goes back: the lefts, then the throughs, with the crossing walking beside them.
    post.until(lambda look, _: look.indications == "rGrrrGrrG", hold=1)
    assert post.tick()[1].mode is ControlMode.COMMANDED
    post.cabinet.close()


def test_people_who_walk_are_given_their_clearance_when_their_phase_is_forced_off(post: Post) -> None:
    post.until(shows("48"), hold=5)  # a walk begins with its green: it must come from elsewhere
    post.until(lambda look, _: look.indications == "rGrrrGrrG", hold=1)
    post.until(lambda _, now: now.shown.next_phase == 4, hold=4)
    post.until(shows("37"), hold=4)  # the monitor counts each second of walk, clearance, yellow and red


def test_a_green_counts_from_when_it_is_really_shown(post: Post) -> None:
    post.until(shows("26"))
    post.agent.controller.timing[4] = Timing(red_s=9.0)
    post.until(shows("48"), hold=5)
    post.until(lambda _, now: now.shown.next_phase == 1, hold=1)
    post.until(shows("26"), hold=1)
    verdict = post.command(5)
    assert not verdict.accepted
    assert "minimum green left" in verdict.reason


def test_when_contact_is_lost_the_controller_goes_back_to_its_own_plan_at_once(post: Post) -> None:
    post.until(shows("48"), hold=5)
    lost = post.until(lambda _, now: now.lost)
    assert lost <= 8
    assert post.agent.controller.orders.hold == 0
    post.until(shows("26"), most=60)


def test_a_dead_agents_orders_end_with_the_controllers_backup_timer(post: Post) -> None:
    post.until(shows("48"), hold=5)
    assert post.agent.controller.orders.hold
    post.field.wait(5.2)
    assert post.agent.controller.orders.hold == post.agent.controller.orders.omit == 0
    post.field.wait(60)  # its monitor sees the own plan go on


def test_a_controller_that_flashes_takes_no_orders_and_is_told_as_flashing(post: Post) -> None:
    post.until(shows("26"), hold=1)
    post.agent.controller.pattern = 255
    post.agent.controller.backup_s = 0
    post.cabinet.flash()
    post.field.wait(1.0)
    look = post.cabinet.look(1.0)
    post.control.refusal = look.refusal
    now = post.control.step(look.clock_s, look.indications)
    assert now.mode is ControlMode.FLASH
    assert set(look.indications) == {"o"}
    verdict = post.command(1)
    assert not verdict.accepted
    assert "flashes" in verdict.reason


def test_somebody_at_the_cabinet_is_obeyed_before_us(post: Post) -> None:
    post.agent.controller.manual = True
    post.tick()
    assert "by hand" in post.command(1).reason


def test_a_pattern_for_the_time_without_commands_is_kept_alive(agent: SnmpAgent, tmp_path: Path) -> None:
    post = Post(agent, tmp_path, pattern=3)
    for _ in range(20):
        post.tick()
    assert agent.controller.pattern == 3
    post.cabinet.close()


def test_a_controller_with_a_shorter_yellow_than_planned_by_is_refused(
    agent: SnmpAgent, tmp_path: Path
) -> None:
    agent.controller.timing[4] = Timing(yellow_s=3.0)
    with pytest.raises(ConfigError, match=r"phase 4 has 3.0 s of yellow; movement 3 needs 4.0"):
        Post(agent, tmp_path)


def test_a_controller_that_would_keep_a_dead_agents_orders_is_refused(
    agent: SnmpAgent, tmp_path: Path
) -> None:
    agent.objects.is_backup_time_settable = False
    with pytest.raises(ConfigError, match="unitBackupTime of 0 s"):
        Post(agent, tmp_path)
    agent.controller.backup_s = 10
    Post(agent, tmp_path).cabinet.close()


@pytest.mark.parametrize("access", [
    Community("wrong", "2c"),
    User("nobody", "auth passphrase", "privacy passphrase"),
    User("area", "wrong passphrase", "privacy passphrase"),
    User("area", "auth passphrase", "wrong passphrase"),
    User("area", "auth passphrase", "privacy passphrase", privacy="aes256"),
])  # fmt: skip
def test_a_controller_that_knows_no_such_community_user_or_key_is_unavailable(
    agent: SnmpAgent, tmp_path: Path, access: Access
) -> None:
    wiring = read_wiring(wiring_file(tmp_path), "x")
    cabinet = NtcipCabinet(wiring, lambda: Snmp("127.0.0.1", agent.port, access))
    with pytest.raises(Unavailable, match="no SNMP device answers"):
        cabinet.connect()
    cabinet.close()


def test_the_settings_of_a_signal_open_version_3(agent: SnmpAgent, tmp_path: Path) -> None:
    signal = Signal(
        driver="ntcip1202", address=f"127.0.0.1:{agent.port}", wiring=str(wiring_file(tmp_path)),
        snmp_version="3", snmp_user="strong", snmp_auth="sha512", snmp_auth_key="auth passphrase",
        snmp_privacy="aes256", snmp_privacy_key="privacy passphrase",
    )  # fmt: skip
    cabinet = open_cabinet(Settings(signals={"x": signal}), "x")
    config, look = cabinet.connect()
    assert (config.intersection, len(look.indications)) == ("x", 9)
    cabinet.close()
