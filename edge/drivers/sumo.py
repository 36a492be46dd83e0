"""The simulated street as a device: its cabinets and cameras answer on a local TCP port."""

import socket
import time
from typing import TypeVar

from citybrain.config import Street
from citybrain.errors import ContractError, Unavailable
from citybrain.messages import IntersectionConfig
from edge.drivers.driver import Look, Seen
from edge.drivers.wire import (
    MAX_LINE_BYTES,
    ROAD_USERS,
    FromAgent,
    FromStreet,
    Hello,
    Listing,
    Refused,
    Role,
    Show,
    Tick,
    Welcome,
    from_street,
    line,
)

CONNECT_S = 5.0
_T = TypeVar("_T", bound=FromStreet)


class SumoCabinet:
    """The cabinet of one signal (`edge.drivers.driver.Cabinet`)."""

    times_itself = False

    def __init__(self, street: Street, intersection: str) -> None:
        self._line = _Line(street)
        self._intersection = intersection

    def connect(self) -> tuple[IntersectionConfig, Look]:
        welcome = self._line.open(Hello(Role.SIGNAL, self._intersection), Welcome)
        return welcome.config, Look(welcome.clock_s, welcome.indications, {}, welcome.run)

    def look(self, timeout_s: float) -> Look | None:
        return self._line.look(timeout_s)

    def show(self, indications: str, phase: int) -> None:  # noqa: ARG002 - the street is told the lamps
        self._line.send(Show(indications))

    def release(self) -> None:
        """The street's cabinet has no plan of its own while an agent drives it."""

    def close(self) -> None:
        self._line.close()


class SumoLanes:
    """The camera over one intersection's approaches (`edge.drivers.driver.LaneCamera`)."""

    def __init__(self, street: Street, intersection: str) -> None:
        self._line = _Line(street)
        self._intersection = intersection

    def connect(self) -> tuple[IntersectionConfig, dict[str, float]]:
        welcome = self._line.open(Hello(Role.LANES, self._intersection), Welcome)
        return welcome.config, welcome.views

    def look(self, timeout_s: float) -> Look | None:
        return self._line.look(timeout_s)

    def close(self) -> None:
        self._line.close()


def list_intersections(street: Street) -> list[str]:
    """The ids of the street's signals; raises Unavailable while it is not there."""
    connection = _Line(street)
    try:
        return connection.open(Hello(Role.LIST), Listing).intersections
    finally:
        connection.close()


class _Line:
    """One connection, line by line."""

    def __init__(self, street: Street) -> None:
        self._address = (street.host, street.port)
        self._where = f"{street.host}:{street.port}"
        self._socket: socket.socket | None = None
        self._buffer = bytearray()

    def open(self, hello: Hello, answer: type[_T]) -> _T:
        self.close()
        try:
            self._socket = socket.create_connection(self._address, timeout=CONNECT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise Unavailable(f"no street answers at {self._where}: {error}") from error
        self.send(hello)
        said = self._read(CONNECT_S)
        if isinstance(said, Refused):
            raise Unavailable(f"the street at {self._where} refuses: {said.reason}")
        if not isinstance(said, answer):
            raise Unavailable(f"the street at {self._where} does not answer")
        return said

    def look(self, timeout_s: float) -> Look | None:
        """The next tick, or None."""
        said = self._read(timeout_s)
        if isinstance(said, Refused):
            raise Unavailable(f"the street at {self._where} refuses: {said.reason}")
        if not isinstance(said, Tick):
            return None
        lanes = {
            lane: [Seen(v.tag, v.distance_m, v.speed_mps, v.length_m, ROAD_USERS[v.road_user]) for v in seen]
            for lane, seen in said.lanes.items()
        }
        return Look(said.clock_s, said.indications, lanes, said.run)

    def send(self, message: FromAgent) -> None:
        try:
            self._open_socket().sendall(line(message))
        except OSError as error:
            self.close()
            raise Unavailable(f"the street at {self._where} is gone: {error}") from error

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._buffer.clear()

    def _open_socket(self) -> socket.socket:
        if self._socket is None:
            raise Unavailable(f"not connected to the street at {self._where}")
        return self._socket

    def _read(self, timeout_s: float) -> FromStreet | None:
        deadline = time.monotonic() + timeout_s
        try:
            while (end := self._buffer.find(b"\n")) < 0:
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return None
                self._open_socket().settimeout(left_s)
                data = self._open_socket().recv(262_144)
                if not data or len(self._buffer) > MAX_LINE_BYTES:
                    raise ConnectionError("it closed the connection" if not data else "its line is too long")
                self._buffer += data
        except TimeoutError:
            return None
        except OSError as error:
            self.close()
            raise Unavailable(f"the street at {self._where} is gone: {error}") from error
        said = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            return from_street(said)
        except ContractError as error:
            self.close()
            raise Unavailable(f"the street at {self._where} speaks otherwise: {error}") from error
