"""The postman: everything reaches the disk before the broker, and the broker until it is acknowledged."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.codec import decode, encode
from citybrain.errors import Unavailable
from citybrain.messages import CommandAck, Stored
from edge import postman as module
from edge.postman import Postman
from edge.spool import Ack, Gap, Letter, Spool

DEVICE = "signal/a"


class Broker:
    """Takes letters while it is there."""

    def __init__(self) -> None:
        self.is_there = True
        self.taken: list[int] = []
        self.historical: set[int] = set()

    def publish(self, _topic: str, payload: bytes) -> bool:
        if not self.is_there:
            return False
        message = decode(payload)
        assert isinstance(message, Stored)
        self.taken.append(message.seq)
        if message.is_historical:
            self.historical.add(message.seq)
        return True


def letter(seq: int, *, age_s: float = 0.0) -> Letter:
    at_s = time.time() - age_s
    message = CommandAck(
        at=datetime.fromtimestamp(at_s, UTC),
        device=DEVICE,
        boot=7,
        seq=seq,
        intersection="a",
        command_device="traffic/t",
        command_boot=1,
        command_seq=1,
        phase=0,
        issued_at=datetime.fromtimestamp(at_s, UTC),
        accepted=True,
    )
    return Letter(DEVICE, 7, seq, "t", at_s, at_s, encode(message))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "s.sqlite", 10_000_000, 1e9)


@pytest.fixture
def carrier(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postman]:
    monkeypatch.setattr(module, "LOOK_S", 0.02)
    monkeypatch.setattr(module, "GATHER_S", 0.01)
    postman = Postman(spool).start()
    yield postman
    postman.stop()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_letter_is_published_once_it_is_on_disk_and_forgotten_once_acknowledged(
    carrier: Postman, spool: Spool
) -> None:
    broker = Broker()
    on_disk: list[int] = []

    def publish(topic: str, payload: bytes) -> bool:
        on_disk.append(spool.waiting(DEVICE))
        return broker.publish(topic, payload)

    carrier.enlist(DEVICE, publish)
    for seq in range(1, 6):
        carrier.post(letter(seq), publish)
    until(lambda: broker.taken == [1, 2, 3, 4, 5])
    assert min(on_disk) >= 1
    carrier.acknowledge(Ack(DEVICE, 7, 3))
    until(lambda: carrier.waiting(DEVICE) == 2)


def test_what_was_written_while_nobody_listened_goes_out_in_order_when_somebody_does(
    carrier: Postman,
) -> None:
    broker = Broker()
    broker.is_there = False
    carrier.enlist(DEVICE, broker.publish)
    for seq in range(1, 31):
        carrier.post(letter(seq), broker.publish)
    until(lambda: carrier.waiting(DEVICE) == 30)
    broker.is_there = True
    carrier.reconnected(DEVICE)
    until(lambda: len(broker.taken) >= module.PROBE)
    carrier.acknowledge(Ack(DEVICE, 7, module.PROBE))
    until(lambda: len(broker.taken) >= 30)
    assert broker.taken == list(range(1, 31))


def test_what_is_not_acknowledged_is_sent_again_and_ever_less_often(
    carrier: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESEND_S", 0.2)
    broker = Broker()
    carrier.enlist(DEVICE, broker.publish)
    carrier._rounds[DEVICE].pause_s = 0.2
    carrier.post(letter(1), broker.publish)
    until(lambda: len(broker.taken) >= 3)
    assert carrier._rounds[DEVICE].pause_s > 0.2
    carrier.acknowledge(Ack(DEVICE, 7, 1))
    until(lambda: carrier.waiting(DEVICE) == 0)
    assert set(broker.taken) == {1}


def test_live_letters_do_not_wait_for_the_backlog(carrier: Postman, spool: Spool) -> None:
    broker = Broker()
    spool.write([letter(seq)._replace(sent_s=0.0) for seq in range(1, 500)])
    carrier.enlist(DEVICE, broker.publish)
    carrier.post(letter(500), broker.publish)
    until(lambda: 500 in broker.taken)
    assert len(broker.taken) < 100


def test_letters_of_an_earlier_boot_are_marked_as_historical_when_they_are_old(
    carrier: Postman, spool: Spool
) -> None:
    broker = Broker()
    spool.write([letter(1, age_s=120)._replace(sent_s=0.0), letter(2)._replace(sent_s=0.0)])
    carrier.enlist(DEVICE, broker.publish)
    until(lambda: len(broker.taken) >= 2)
    assert broker.historical == {1}


def test_a_full_disk_stops_no_live_letter_and_loses_none(
    carrier: Postman, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Broker()
    carrier.enlist(DEVICE, broker.publish)
    with monkeypatch.context() as patch:

        def full(*_: object) -> None:
            raise Unavailable("the disk is full")

        patch.setattr(spool, "write", full)
        carrier.post(letter(1), broker.publish)
        carrier.post(letter(2), broker.publish)
        until(lambda: broker.taken == [1, 2] and carrier.is_failing)
        broker.is_there = False
        carrier.post(letter(3), broker.publish)
    until(lambda: carrier.waiting(DEVICE) == 3 and not carrier.is_failing)
    broker.is_there = True
    carrier.reconnected(DEVICE)
    until(lambda: broker.taken[-1] == 3)
    assert carrier.dropped == 0


def test_many_threads_may_post_at_once(carrier: Postman) -> None:
    broker = Broker()
    numbers = iter(range(1, 801))
    lock = threading.Lock()

    def post() -> None:
        for _ in range(100):
            with lock:
                carrier.post(letter(next(numbers)), broker.publish)

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: len(broker.taken) == 800)
    assert broker.taken == sorted(broker.taken)


def test_what_was_given_up_is_told_until_an_acknowledgement_covers_it(carrier: Postman, spool: Spool) -> None:
    broker, told = Broker(), list[Gap]()

    def announce(gap: Gap) -> bool:
        told.append(gap)
        return broker.is_there

    broker.is_there = False
    carrier.enlist(DEVICE, broker.publish, announce)
    for seq in (1, 2, 6):
        carrier.post(letter(seq), broker.publish)
    until(lambda: bool(told))
    broker.is_there = True
    carrier.reconnected(DEVICE)
    until(lambda: len(told) >= 2)
    assert set(told) == {Gap(DEVICE, 7, 3, 5, "never reached the disk")}
    carrier.acknowledge(Ack(DEVICE, 7, 6))
    until(lambda: carrier.waiting(DEVICE) == 0)
    assert spool.gaps(DEVICE, 10) == []


def test_letters_that_a_full_disk_refused_are_written_as_soon_as_it_takes_them(
    carrier: Postman, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = Broker()
    write = spool.write

    def refuse(*_: object) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(spool, "write", refuse)
    carrier.enlist(DEVICE, broker.publish)
    for seq in (1, 2, 3):
        carrier.post(letter(seq), broker.publish)
    until(lambda: broker.taken == [1, 2, 3] and carrier.is_failing)
    assert carrier.waiting(DEVICE) == 0
    monkeypatch.setattr(spool, "write", write)
    until(lambda: carrier.waiting(DEVICE) == 3 and not carrier.is_failing)
    assert spool.gaps(DEVICE, 10) == []
    assert carrier.lost == 0
