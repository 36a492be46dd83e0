"""The service: one web server with the API, the live stream and the map."""

import asyncio
import signal
import socket
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from citybrain.config import Settings
from citybrain.errors import CityBrainError, ConfigError
from command.app import create_app
from command.centre import Centre
from command.database import check_dsn
from command.trust import first

__all__ = ["create_app", "main"]

log = structlog.get_logger()

GRACE_S = 5
BACKLOG = 512


class Server(uvicorn.Server):
    """Uvicorn that ends the endless streams before it waits for connections to close."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_S,
                lifespan="on",
            )
        )
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        centre = getattr(self._app.state, "centre", None)
        if isinstance(centre, Centre):
            centre.end_streams()
        await super().shutdown(sockets)


def main(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Raises:
        ConfigError: the address is taken or not this machine's, or database.dsn cannot be understood.
    """
    check_dsn(settings.database.dsn)
    listener = listen(settings.command.host, settings.command.port)
    host, port = listener.getsockname()[:2]
    log.info("command_serves", url=f"http://{host}:{port}")
    server = Server(create_app(settings))
    _first_accounts(settings)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    # Uvicorn raises the signals that it caught again when it is done: then this process has already stopped
    # cleanly, and says so by its exit code.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        asyncio.run(server.serve(sockets=[listener]))
    finally:
        listener.close()
    log.info("command_stopped")


def _first_accounts(settings: Settings) -> None:
    """Accounts, at the first start of all; `citybrain account` makes them where the database is away now."""
    try:
        lines = first.told(first.create(settings))
    except CityBrainError as error:
        log.warning("accounts_wait", reason=str(error))
        return
    for line in lines:
        print(line, flush=True)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address; ConfigError where that is not possible."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ConfigError(
            f"cannot serve at {host}:{port}: {(error.strerror or str(error)).lower()};"
            " stop the program that uses it or set command.host and command.port"
        ) from error
    return listener
