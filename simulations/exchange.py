"""Where the street's cabinets and cameras answer their agents: one TCP port, one line of JSON a message.

Everything happens on the simulation's own thread, between two steps; an agent that does not read is cut off.
"""

import selectors
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from citybrain.errors import ConfigError, ContractError
from edge.drivers.wire import (
    MAX_LINE_BYTES,
    ROAD_USERS,
    FromStreet,
    Hello,
    Listing,
    Refused,
    Role,
    Tick,
    Vehicle,
    Welcome,
    from_agent,
    line,
)
from simulations.cabinet import Cabinet
from simulations.network import SignalNetwork
from simulations.simulator import Simulator
from traffic.network import VIEW_M

log = structlog.get_logger()

MAX_WAITING_BYTES = 8_000_000
_INDEX = {road_user: index for index, road_user in enumerate(ROAD_USERS)}


@dataclass(slots=True, eq=False)
class _Agent:
    """One connection."""

    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)
    waiting: bytearray = field(default_factory=bytearray)
    role: Role | None = None
    intersection: str = ""
    tags: dict[str, int] = field(default_factory=dict)
    next_tag: int = 1


class Exchange:
    """The server. `serve` until the next step is due, then `tick`.

    Raises:
        ConfigError: the port is taken.
    """

    def __init__(
        self,
        address: tuple[str, int],
        simulator: Simulator,
        network: SignalNetwork,
        cabinets: Mapping[str, Cabinet],
    ) -> None:
        self._simulator = simulator
        self._network = network
        self._cabinets = cabinets
        self._agents: list[_Agent] = []
        self._selector = selectors.DefaultSelector()
        try:
            self._server = socket.create_server(address, backlog=128)
        except OSError as error:
            raise ConfigError(
                f"street.port {address[1]} on {address[0]} cannot be used: {error.strerror}; choose another"
            ) from error
        self._server.setblocking(False)
        self._selector.register(self._server, selectors.EVENT_READ)

    @property
    def agents(self) -> int:
        """Agents that are connected."""
        return len(self._agents)

    @property
    def port(self) -> int:
        return int(self._server.getsockname()[1])

    def serve(self, until: float) -> None:
        """Answer agents until the monotonic clock shows `until`; once at least."""
        while True:
            ready = self._selector.select(max(0.0, until - time.monotonic()))
            for key, mask in ready:
                if key.data is None:
                    self._accept()
                elif mask & selectors.EVENT_WRITE:
                    self._flush(key.data)
                else:
                    self._receive(key.data)
            if time.monotonic() >= until:
                return

    def tick(self) -> None:
        """Tell every agent what the street looks like now."""
        for agent in list(self._agents):
            if agent.role is not None:
                self._send(agent, self._tick(agent))

    def close(self) -> None:
        for agent in list(self._agents):
            self._drop(agent)
        self._selector.close()
        self._server.close()

    def _tick(self, agent: _Agent) -> Tick:
        lanes = self._vehicles(agent) if agent.role is Role.LANES else {}
        shown = self._cabinets[agent.intersection].indications
        return Tick(self._simulator.clock_s, shown, self._simulator.run, lanes)

    def _vehicles(self, agent: _Agent) -> dict[str, list[Vehicle]]:
        lanes: dict[str, list[Vehicle]] = {}
        tags: dict[str, int] = {}
        for lane, sightings in self._simulator.sightings(agent.intersection).items():
            lanes[lane] = []
            for sighting in sightings:
                tag = agent.tags.get(sighting.vehicle)
                if tag is None:
                    tag = agent.next_tag
                    agent.next_tag += 1
                tags[sighting.vehicle] = tag
                lanes[lane].append(
                    Vehicle(
                        tag,
                        round(sighting.distance_m, 2),
                        round(sighting.speed_mps, 2),
                        round(sighting.length_m, 2),
                        _INDEX[sighting.road_user],
                    )
                )
        agent.tags = tags
        return lanes

    def _accept(self) -> None:
        try:
            connection, _ = self._server.accept()
        except OSError:
            return  # it went away before it was answered
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        agent = _Agent(connection)
        self._agents.append(agent)
        self._selector.register(connection, selectors.EVENT_READ, agent)

    def _receive(self, agent: _Agent) -> None:
        try:
            data = agent.socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or len(agent.received) > MAX_LINE_BYTES:
            self._drop(agent)
            return
        agent.received += data
        while agent in self._agents and (end := agent.received.find(b"\n")) >= 0:
            said = bytes(agent.received[:end])
            del agent.received[: end + 1]
            self._answer(agent, said)

    def _answer(self, agent: _Agent, said: bytes) -> None:
        try:
            message = from_agent(said)
        except ContractError as error:
            self._refuse(agent, str(error))
            return
        if isinstance(message, Hello):
            self._greet(agent, message)
        elif agent.role is not Role.SIGNAL:
            self._refuse(agent, "only the agent of a signal may show something")
        elif reason := self._cabinets[agent.intersection].show(message.indications):
            self._refuse(agent, reason)

    def _greet(self, agent: _Agent, hello: Hello) -> None:
        if hello.role is Role.LIST:
            self._send(agent, Listing(sorted(self._cabinets)))
            return
        cabinet = self._cabinets.get(hello.intersection)
        if cabinet is None:
            known = ", ".join(sorted(self._cabinets))
            self._refuse(agent, f"no intersection {hello.intersection[:80]!r}; there are {known}")
            return
        if hello.role is Role.SIGNAL and not cabinet.is_own:
            self._refuse(agent, f"the signal {hello.intersection} is driven by another agent")
            return
        agent.role, agent.intersection = hello.role, hello.intersection
        views = self._views(cabinet) if hello.role is Role.LANES else {}
        shown = cabinet.adopt() if hello.role is Role.SIGNAL else cabinet.indications
        self._send(
            agent,
            Welcome(cabinet.config, self._simulator.clock_s, shown, self._simulator.run, views),
        )

    def _views(self, cabinet: Cabinet) -> dict[str, float]:
        return {
            lane.lane: min(VIEW_M, max(s.offset_m + s.length_m for s in self._network.views[lane.lane]))
            for lane in cabinet.config.lanes
        }

    def _refuse(self, agent: _Agent, reason: str) -> None:
        log.warning("agent_refused", intersection=agent.intersection, reason=reason)
        self._send(agent, Refused(reason))
        self._drop(agent)

    def _send(self, agent: _Agent, message: FromStreet) -> None:
        agent.waiting += line(message)
        self._flush(agent)

    def _flush(self, agent: _Agent) -> None:
        try:
            sent = agent.socket.send(agent.waiting)
            del agent.waiting[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(agent)
            return
        if len(agent.waiting) > MAX_WAITING_BYTES:
            log.warning("agent_does_not_read", intersection=agent.intersection)
            self._drop(agent)
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if agent.waiting else 0)
        self._selector.modify(agent.socket, events, agent)

    def _drop(self, agent: _Agent) -> None:
        if agent not in self._agents:
            return
        self._agents.remove(agent)
        self._selector.unregister(agent.socket)
        agent.socket.close()
        if agent.role is Role.SIGNAL:
            self._cabinets[agent.intersection].let_go()
