"""What a city consists of: the processes of `citybrain up`, in the order of their start."""

import os
import signal
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import psycopg

from citybrain import config
from citybrain.errors import ConfigError
from citybrain.rayenv import SETTLED, cluster_address, ensure_token
from citybrain.up import broker, postgres
from citybrain.up.child import Spec
from citybrain.up.ports import answers, free_port, is_free

HOST = "127.0.0.1"
RAY_OBJECT_STORE_BYTES = 150_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What `up` starts itself; what it does not start is somebody else's and only used."""

    broker: bool
    database: bool
    ray: bool
    street: bool


def plan_of(settings: config.Settings, *, street: bool = True) -> Plan:
    """A setting that was left as it is stands for the embedded server."""
    return Plan(
        broker=settings.broker == config.Broker(),
        database=settings.database == config.Database(),
        ray=not cluster_address(settings),
        street=street,
    )


def with_demonstration(settings: config.Settings, plan: Plan) -> config.Settings:
    """Beside a simulated street the cases are a demonstration too, unless the configuration decides."""
    if settings.cases.demonstration != "auto":
        return settings
    cases = msgspec.structs.replace(settings.cases, demonstration="on" if plan.street else "off")
    return msgspec.structs.replace(settings, cases=cases)


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "citybrain", *arguments]


def check_port(port: int, who: str, option: str) -> None:
    """Raise ConfigError if another program listens there."""
    if not is_free(HOST, port):
        raise ConfigError(
            f"port {port} on {HOST}, needed by {who}, is taken: end what listens there, or give {option}"
        )


def broker_spec(settings: config.Settings, folder: Path) -> Spec:
    port = urlsplit(settings.broker.url).port or 1883
    return Spec(
        name="broker",
        command=broker.broker_command(HOST, port, folder),
        ready=lambda: answers(HOST, port),
        describe=f"{broker.broker_name()} at {settings.broker.url}",
        wave=0,
    )


def postgres_spec(settings: config.Settings, folder: Path) -> Spec:
    parts = urlsplit(settings.database.dsn)
    found = postgres.install(folder)
    server = settings.database.dsn.removesuffix(parts.path) + "/postgres"
    database = parts.path.lstrip("/")

    def ready() -> bool:
        with psycopg.connect(server, autocommit=True, connect_timeout=2) as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", (database,)).fetchone()
            if known is None:
                connection.execute(
                    psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(database))
                )
        return True

    return Spec(
        name="postgres",
        command=postgres.server_command(found, HOST, parts.port or 5432),
        ready=ready,
        options=found.popen_options(),
        stop_signal=signal.SIGINT,  # "fast": roll back, write out, end
        describe=f"PostgreSQL 18 at {HOST}:{parts.port}",
        wave=0,
    )


def ray_environ(folder: Path) -> dict[str, str]:
    """How every process of this city talks to its Ray: with a token that only this user can read."""
    token = folder / "ray-token"
    ensure_token(token)
    return {**SETTLED, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}


def ray_spec(environ: dict[str, str]) -> tuple[Spec, str]:
    """Ray's head on loopback and its address."""
    port = free_port()
    address = f"{HOST}:{port}"
    command = [
        str(Path(sys.executable).with_name("ray")), "start", "--head", "--block",
        f"--node-ip-address={HOST}", f"--port={port}", "--min-worker-port=0", "--max-worker-port=0",
        "--include-dashboard=false", "--disable-usage-stats",
        # Actors ask for shares of a CPU; the count bounds how many, not how much they compute.
        f"--num-cpus={max(4, os.cpu_count() or 1)}",
        f"--object-store-memory={RAY_OBJECT_STORE_BYTES}",
        # Short, because the path of a Unix socket below it may have 107 bytes at most.
        f"--temp-dir=/tmp/citybrain-ray-{os.getuid()}",
    ]  # fmt: skip
    spec = Spec(
        name="ray",
        command=command,
        ready=lambda: answers(HOST, port),
        environ=environ,
        describe=f"Ray at {address}",
        wave=0,
        patience_s=120,
    )
    return spec, address


def service_spec(name: str, environ: dict[str, str], ready: Callable[[], bool], describe: str) -> Spec:
    return Spec(
        name=name,
        command=python("run", name),
        ready=ready,
        environ=environ,
        describe=describe,
        patience_s=120,
        wave=1 if name == "ingest" else 2,
    )


def agent_spec(
    name: str, arguments: list[str], environ: dict[str, str], ready: Callable[[], bool], describe: str
) -> Spec:
    return Spec(
        name=name, command=python("edge", *arguments), ready=ready, environ=environ, describe=describe
    )


def child_environ(config_file: Path, ray: dict[str, str], address: str) -> dict[str, str]:
    """Environment of our own processes: the written file is their configuration."""
    # numba and BLAS threads of five processes would fight for two cores.
    calm = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    return {**calm, **ray, "RAY_ADDRESS": address, config.ENV_FILE: str(config_file)}


def web_answers(url: str) -> bool:
    """Whether the command centre serves its page."""
    with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:  # noqa: S310  (our own loopback URL)
        return bool(answer.status == 200)


def with_options(
    settings: config.Settings,
    *,
    scenario: str | None,
    speed: float | None,
    port: int | None,
    street_port: int | None,
    broker_url: str | None,
    dsn: str | None,
    ray_address: str | None,
    cameras: dict[str, str],
) -> config.Settings:
    """The settings with what the command line said."""
    replace = msgspec.structs.replace
    street = settings.street
    if scenario is not None:
        street = replace(street, scenario=scenario)
    if speed is not None:
        street = replace(street, speed=speed)
    if street_port is not None:
        street = replace(street, port=street_port)
    return replace(
        settings,
        street=street,
        command=replace(settings.command, port=port) if port else settings.command,
        broker=replace(settings.broker, url=broker_url) if broker_url else settings.broker,
        database=config.Database(dsn=dsn) if dsn else settings.database,
        ray=config.Ray(address=ray_address) if ray_address else settings.ray,
        cameras={
            **settings.cameras,
            **{name: config.Camera(source=source) for name, source in cameras.items()},
        },
    )
