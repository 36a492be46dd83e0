"""A device that writes lines on a serial line, or on a TCP port that behaves like one."""

from typing import Any

from citybrain.errors import ContractError, Unavailable
from edge.feeds.feed import Batch
from edge.readings import read
from edge.sensorfile import SensorFile, Serial

MAX_LINE_BYTES = 20_000
LOOK_S = 1.0


class SerialFeed:
    """One line after the other (`edge.feeds.feed.Feed`)."""

    def __init__(self, source: Serial, file: SensorFile) -> None:
        self._source = source
        self._file = file
        self._port: Any = None
        self._buffer = bytearray()

    def open(self) -> None:
        import serial

        self.close()
        try:
            self._port = serial.serial_for_url(self._source.port, baudrate=self._source.baud, timeout=LOOK_S)
        except (OSError, ValueError) as error:
            raise Unavailable(f"the serial line {self._source.port} cannot be opened: {error}") from error

    def read(self, timeout_s: float) -> Batch | None:
        try:
            self._port.timeout = min(timeout_s, LOOK_S)
            self._buffer += self._port.read_until(b"\n", MAX_LINE_BYTES)
        except OSError as error:
            raise Unavailable(f"the serial line {self._source.port} is gone: {error}") from error
        if not self._buffer.endswith(b"\n") and len(self._buffer) < MAX_LINE_BYTES:
            return None
        line, self._buffer = bytes(self._buffer).strip(), bytearray()
        if not line:
            return None
        try:
            return Batch(read(self._source.format, line, self._file.datastreams, self._file.time))
        except ContractError as error:
            return Batch([], malformed=str(error))

    def close(self) -> None:
        if self._port is not None:
            self._port.close()
        self._port = None
        self._buffer.clear()
