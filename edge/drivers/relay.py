"""A relay card that switches lamps: one line of text a tick, over a serial line or TCP.

An example of a driver whose agent times the lamps itself; docs/edge.md has the protocol, and how to put it in
front of other outputs. The card must fall to flash by itself when it hears no line for two seconds, and a
conflict monitor behind the lamps stays what it is: nothing here replaces it.
"""

import time
from typing import Any

from citybrain.conflicts import GREEN
from citybrain.errors import ConfigError, Unavailable
from citybrain.messages import IntersectionConfig
from edge.drivers.driver import Look
from edge.wiring import Wire, Wiring

TICK_S = 0.2
ANSWER_S = 1.0
BAUD = 115_200
MOST_OUTPUTS = 256


class RelayCabinet:
    """The lamps of one intersection (`edge.drivers.driver.Cabinet`).

    Raises:
        ConfigError: a movement without a red or green output, or outputs that two movements share unequally.
    """

    times_itself = False

    def __init__(self, wiring: Wiring, address: str) -> None:
        check_outputs(wiring)
        self._wiring = wiring
        self._card = RelayCard(address)
        self._shown = ""
        self._next_s = 0.0

    def connect(self) -> tuple[IntersectionConfig, Look]:
        self._card.open()
        self._card.ask("H")  # ends a flash; the lamps are all red until the first line
        self._shown = ""
        self._next_s = time.monotonic()
        return self._wiring.config, Look(self._next_s, "", {}, 1)

    def look(self, timeout_s: float) -> Look:  # noqa: ARG002 - the tick is our own
        wait_s = self._next_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        self._next_s = max(self._next_s, time.monotonic() - TICK_S) + TICK_S
        return Look(time.monotonic(), self._shown, {}, 1)

    def show(self, indications: str, phase: int) -> None:  # noqa: ARG002 - the card is told the lamps
        wanted = outputs(self._wiring, indications)
        lit = self._card.ask(f"L {wanted:x}")
        if lit != f"{wanted:x}":
            raise Unavailable(f"the relay card at {self._card.address} lights {lit} instead of {wanted:x}")
        self._shown = indications

    def release(self) -> None:
        """The card has no plan of its own."""

    def close(self) -> None:
        self._card.close()


class RelayCard:
    """The line to a card: a request, one answer."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._port: Any = None

    def open(self) -> None:
        """Connect; raises Unavailable."""
        import serial

        self.close()
        is_network = ":" in self.address and "://" not in self.address and not self.address.startswith("/")
        url = f"socket://{self.address}" if is_network else self.address
        try:
            self._port = serial.serial_for_url(url, baudrate=BAUD, timeout=ANSWER_S, write_timeout=ANSWER_S)
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise Unavailable(f"no relay card answers at {self.address}: {error}") from error

    def ask(self, text: str) -> str:
        """What the card answers to `text`; raises Unavailable where it refuses or is silent."""
        if self._port is None:
            raise Unavailable(f"not connected to the relay card at {self.address}")
        try:
            self._port.write(framed(text))
            answer = unframed(self._port.read_until(b"\n", 200))
        except (OSError, ValueError) as error:
            self.close()
            raise Unavailable(f"the relay card at {self.address} is gone: {error}") from error
        if not answer.startswith("A"):
            self.close()
            raise Unavailable(f"the relay card at {self.address} refuses: {answer[1:].strip()}")
        return answer[1:].strip()

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
        self._port = None


def framed(text: str) -> bytes:
    """`text`, `*`, its bytes' exclusive or in two hexadecimal digits, newline."""
    return f"{text}*{_check(text):02x}\n".encode("ascii")


def unframed(line: bytes) -> str:
    """The text of a line; raises ValueError where it is damaged."""
    text, star, check = line.decode("ascii", "replace").rstrip("\r\n").rpartition("*")
    if not star or check != f"{_check(text):02x}":
        raise ValueError("no answer" if not line else f"a damaged line {line[:40]!r}")
    return text


def _check(text: str) -> int:
    check = 0
    for byte in text.encode("utf-8"):
        check ^= byte
    return check


def outputs(wiring: Wiring, indications: str) -> int:
    """The outputs that are on for these indications: output 1 in the lowest bit."""
    mask = 0
    for wire, light in zip(wiring.wires, indications, strict=True):
        number = wire.green if light in GREEN else wire.yellow if light == "y" else wire.red
        mask |= 1 << (number - 1) if number else 0
    return mask


def check_outputs(wiring: Wiring) -> None:
    """Refuse a wiring in which one lamp could contradict another; raises ConfigError."""
    where = f"signal {wiring.config.intersection}"
    owner: dict[int, int] = {}
    for index, wire in enumerate(wiring.wires):
        numbers = (wire.red, wire.yellow, wire.green)
        if not wire.red or not wire.green or (not wire.yellow and not wiring.is_crossing(index)):
            raise ConfigError(f"{where}: movement {index} lacks an output; set red, yellow, green in wires")
        lit = [number for number in numbers if number]
        if len(set(lit)) < len(lit) or not all(0 < number <= MOST_OUTPUTS for number in lit):
            raise ConfigError(f"{where}: movement {index} has the outputs {numbers}; give different ones")
        for number in lit:
            first = owner.setdefault(number, index)
            if not _are_alike(wiring, first, index):
                raise ConfigError(
                    f"{where}: movements {first} and {index} share output {number} but are not always shown "
                    "the same; give each its own outputs"
                )


def _are_alike(wiring: Wiring, one: int, other: int) -> bool:
    first, second = (_lamps_of(wiring.wires[index]) for index in (one, other))
    movements = wiring.config.movements
    return (
        first == second
        and movements[one].yellow_s == movements[other].yellow_s
        and wiring.is_crossing(one) == wiring.is_crossing(other)
        and all(p.indications[one] == p.indications[other] for p in wiring.config.phases)
    )


def _lamps_of(wire: Wire) -> tuple[int, int, int]:
    return wire.red, wire.yellow, wire.green
