"""Devices of a chaos run: the edge's own spool, postman and outbox, and a log of what they were given.

Started by `bench.chaos` as `python -m bench.chaos.agent NAME FIRST NUMBER RATE`. Each line to standard
output outlives a kill: `G` generated, `D` durable on disk, `A` acknowledged up to here, `W` letters waiting.
"""

import os
import sys
import threading
import time
import zlib
from datetime import UTC, datetime

from citybrain import config, log
from citybrain.messages import Health, SensorObservation
from citybrain.paths import data_dir
from citybrain.stopping import stop_on_signals
from edge.outbox import UNNUMBERED, Outbox
from edge.postman import Postman, Publish
from edge.spool import Ack, Letter, Spool

WAITING_S = 0.5
QUIET = "quiet"
"""A file in the data folder: where it is, nothing is generated any more, only delivered."""


def value_of(device: str, boot: int, seq: int) -> float:
    """What a message says: a function of its name, so that a mix-up shows."""
    return float(zlib.crc32(f"{device} {boot} {seq}".encode()))


def tell(*words: object) -> None:
    """One line, written at once and whole."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class Witness(Postman):
    """Tells when a letter lies on disk: that is when the edge promises to deliver it."""

    def post(self, letter: Letter, publish: Publish) -> None:
        tell("G", letter.device, letter.boot, letter.seq, letter.at_s)

        def noted(topic: str, payload: bytes) -> bool:
            if not self.is_failing:
                tell("D", letter.device, letter.boot, letter.seq)
            return publish(topic, payload)

        super().post(letter, noted)

    def acknowledge(self, ack: Ack) -> None:
        tell("A", ack.device, ack.boot, ack.seq)
        super().acknowledge(ack)


class Numbered(Outbox):
    """An outbox whose messages say their own number."""

    def __init__(self, settings: config.Settings, postman: Postman, device: str) -> None:
        super().__init__(settings, postman, device)
        self._next = 0

    def generate(self) -> None:
        self._next += 1
        self.send(
            "observation",
            SensorObservation(
                at=datetime.now(UTC),
                device=self.device,
                boot=self.boot,
                seq=UNNUMBERED,
                datastream="chaos",
                value=value_of(self.device, self.boot, self._next),
                unit="1",
            ),
        )


def main(name: str, first: int, number: int, rate: float) -> None:
    """Devices `sensor/c<first>` and on, each generating `rate` messages a second until `QUIET` is there."""
    log.configure(name)
    settings = config.load()
    stop = stop_on_signals()
    spool = Spool(
        data_dir() / "spool" / f"{name}.sqlite", settings.edge.spool_max_bytes, settings.edge.spool_max_age_s
    )
    postman = Witness(spool).start()
    devices = [Numbered(settings, postman, f"sensor/c{n}") for n in range(first, first + number)]
    for device in devices:
        device.start()
    waiting = threading.Thread(target=_tell_waiting, args=(postman, devices, stop), daemon=True)
    waiting.start()
    quiet = data_dir() / QUIET
    due = time.monotonic()
    while not stop.wait(max(0.0, due - time.monotonic())):
        due += 1 / (rate * number)
        if not quiet.exists():
            devices[0].generate()
            devices.append(devices.pop(0))
        for device in devices[:1]:
            device.report(Health.OK)
    for device in devices:
        device.close()
    postman.stop()


def _tell_waiting(postman: Postman, devices: list[Numbered], stop: threading.Event) -> None:
    while not stop.wait(WAITING_S):
        # A letter that failed to be written waits in memory: the disk must have been well for a while.
        tell("W", sum(postman.waiting(device.device) for device in devices) + int(postman.is_failing))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
