"""A TCP proxy on loopback whose connections can be cut and slowed."""

import contextlib
import random
import select
import socket
import threading
import time

CHUNK = 65_536


class Proxy:
    """Listens on a port of its own and passes everything on to `port`, unless it is told otherwise."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self._target = port
        self._chance = chance
        self._delay_s = 0.0
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def cut(self) -> int:
        """Reset every connection in the middle of whatever it carries; returns their number."""
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair)
        return len(pairs)

    def slow(self, delay_s: float) -> None:
        """Let up to `delay_s` pass before each chunk; 0: no more."""
        self._delay_s = delay_s

    def stop(self) -> None:
        self._stop.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                client.close()
                continue
            pair = (client, server)
            for end in pair:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.add(pair)
            threading.Thread(target=self._carry, args=(pair,), name="proxy-pair", daemon=True).start()

    def _carry(self, pair: tuple[socket.socket, socket.socket]) -> None:
        other = {pair[0]: pair[1], pair[1]: pair[0]}
        # Whoever cuts closes the sockets under this thread.
        with contextlib.suppress(OSError, ValueError):
            while True:
                readable, _, _ = select.select(pair, [], [], 1.0)
                for end in readable:
                    data = end.recv(CHUNK)
                    if not data:
                        return self._end(pair)
                    if self._delay_s:
                        time.sleep(self._chance.random() * self._delay_s)
                    other[end].sendall(data)
        return self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
