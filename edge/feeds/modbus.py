"""Modbus-TCP: registers of one device, read at a steady rate; neighbours in one request."""

import struct
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from citybrain.errors import Unavailable
from edge.feeds.feed import Batch
from edge.feeds.rhythm import Rhythm
from edge.readings import Missing, Value, found
from edge.sensorfile import Datastream, Modbus

TIMEOUT_S = 3.0
MOST_REGISTERS = 120
"""In one request; the protocol allows 125."""
FORMATS = {
    "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q", "float32": "f",
    "float64": "d",
}  # fmt: skip


class Span(NamedTuple):
    """Registers that are read at once."""

    table: str
    start: int
    length: int


class ModbusFeed:
    """One device (`edge.feeds.feed.Feed`)."""

    def __init__(self, source: Modbus, streams: Sequence[Datastream]) -> None:
        self._source = source
        self._streams = streams
        self._spans = spans(streams)
        self._where = f"{source.host}:{source.port}"
        self._client: Any = None
        self._rhythm = Rhythm(source.every_s)

    def open(self) -> None:
        from pymodbus.client import ModbusTcpClient

        self.close()
        self._client = ModbusTcpClient(
            self._source.host, port=self._source.port, timeout=TIMEOUT_S, retries=1
        )
        if not self._client.connect():
            raise Unavailable(f"no Modbus device answers at {self._where}")
        self._rhythm.start()

    def read(self, timeout_s: float) -> Batch | None:
        if not self._rhythm.wait(timeout_s):
            return None
        cells: dict[tuple[str, int], int | str] = {}
        for span in self._spans:
            cells |= self._cells(span)
        return Batch([self._value(stream, cells) for stream in self._streams])

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

    def _cells(self, span: Span) -> dict[tuple[str, int], int | str]:
        """Each register's content, or why it has none."""
        from pymodbus.exceptions import ModbusException

        read = {
            "holding": self._client.read_holding_registers,
            "input": self._client.read_input_registers,
            "coil": self._client.read_coils,
            "discrete": self._client.read_discrete_inputs,
        }[span.table]
        try:
            answer = read(span.start, count=span.length, device_id=self._source.device)
        except (ModbusException, OSError) as error:
            raise Unavailable(f"the Modbus device at {self._where} is gone: {error}") from error
        places = [(span.table, span.start + offset) for offset in range(span.length)]
        if answer.isError():
            return dict.fromkeys(places, f"is refused by the device (exception {answer.exception_code})")
        content = answer.bits if span.table in {"coil", "discrete"} else answer.registers
        return dict(zip(places, map(int, content), strict=False))

    def _value(self, stream: Datastream, cells: dict[tuple[str, int], int | str]) -> Value | Missing:
        assert stream.register is not None
        words = [cells.get((stream.table, stream.register + i)) for i in range(width(stream))]
        numbers = [word for word in words if isinstance(word, int)]
        if len(numbers) < len(words):
            return Missing(stream, str(next(word for word in words if not isinstance(word, int))))
        if stream.table in {"coil", "discrete"}:
            return found(stream, numbers[0])
        ordered = numbers if self._source.words == "big" else numbers[::-1]
        packed = struct.pack(f">{len(ordered)}H", *ordered)
        return found(stream, struct.unpack(f">{FORMATS[stream.type]}", packed)[0])


def width(stream: Datastream) -> int:
    """Registers that a datastream takes."""
    return 1 if stream.table in {"coil", "discrete"} else struct.calcsize(FORMATS[stream.type]) // 2


def spans(streams: Iterable[Datastream]) -> list[Span]:
    """As few requests as neighbours allow; a device may refuse registers that nobody named."""
    needed = sorted(
        {(s.table, s.register + i) for s in streams if s.register is not None for i in range(width(s))}
    )
    spans = []
    for table, places in groupby(needed, key=lambda place: place[0]):
        registers = [register for _, register in places]
        start = registers[0]
        for last, register in zip(registers, [*registers[1:], None], strict=True):
            if register is None or register != last + 1 or register - start >= MOST_REGISTERS:
                spans.append(Span(table, start, last + 1 - start))
                start = register if register is not None else 0
    return spans
