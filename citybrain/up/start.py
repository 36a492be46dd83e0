"""`citybrain up`, step by step: check, prepare, start, watch, stop."""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from citybrain import config, log, sources
from citybrain.cli import resolve
from citybrain.errors import CityBrainError, ConfigError
from citybrain.paths import data_dir
from citybrain.rayenv import cluster_address
from citybrain.stopping import call_on_signals
from citybrain.up import city, state
from citybrain.up.child import Spec
from citybrain.up.ports import answers
from citybrain.up.roster import Roster
from citybrain.up.supervisor import Supervisor

LOG_BYTES = 20_000_000


class Log:
    """One log file for all processes; the file before it is kept as `.1`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        self._file = path.open("ab")

    def write(self, name: str, line: str) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._lock:
            self._file.write(f"{stamp} {name:<12} {line}\n".encode())
            self._file.flush()
            if self._file.tell() > LOG_BYTES:
                self._file.close()
                self.path.replace(self.path.with_suffix(".log.1"))
                self._file = self.path.open("ab")


def check(settings: config.Settings, plan: city.Plan) -> None:
    """Refuse, in one sentence, what cannot work: scenario, camera sources, taken ports, a city already up."""
    running = state.read()
    if running and state.is_alive(running.pid, running.created_s):
        raise ConfigError(
            f"a city is already up (process {running.pid}, {running.url}): end it with Ctrl-C there"
        )
    if plan.street:
        _call("simulations.scenarios:find_scenario", settings.street.scenario)
    for name, camera in settings.cameras.items():
        try:
            _check_source(camera.source)
        except CityBrainError as error:
            raise ConfigError(f"camera {name}: {error}") from error
    if running:
        state.end_leftovers(running)
    own = [(settings.command.port, "the command centre", "--port")]
    if plan.broker:
        own.append(
            (urlsplit(settings.broker.url).port or 1883, "the MQTT broker", "--mqtt-port, or --broker URL")
        )
    if plan.database:
        own.append((urlsplit(settings.database.dsn).port or 5432, "PostgreSQL", "--pg-port, or --dsn DSN"))
    if plan.street:
        own.append((settings.street.port, "the street", "--street-port"))
    for port, who, option in own:
        city.check_port(port, who, option)


def _check_source(source: str) -> None:
    """A file or folder must be readable now; a stream or device may come later, its agent tries again."""
    if "://" not in source and not source.isdigit():
        with sources.open_source(source) as opened:
            next(iter(opened))


def _call(place: str, *arguments: object) -> object:
    function = resolve(place)
    assert callable(function)
    return function(*arguments)


class City:
    """A city on this machine from start to end."""

    def __init__(self, settings: config.Settings, plan: city.Plan, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.plan = plan
        self.folder = data_dir()
        self.log = Log(self.folder / "logs" / "citybrain.log")
        self.url = f"http://{settings.command.host}:{settings.command.port}"
        self.config_file = self.folder / "run" / "citybrain.toml"
        self._say = say
        self._supervisor = Supervisor(self._tell, self.log.write)
        log.to_sink(lambda line: self.log.write("up", line))
        self._roster = Roster(settings, f"{settings.site.name}-up-{os.getpid()}")

    def run(self) -> None:
        """Start everything, say where the map is, keep it running until a signal, stop everything."""
        call_on_signals(self._supervisor.stop)
        began = time.monotonic()
        try:
            self._start()
            if not self._supervisor.stopping:
                took = time.monotonic() - began
                self._tell(f"\nThe live map is at {self.url}/ after {took:.0f} s.")
                self._invite()
                self._tell(f"Second terminal: citybrain status. Log: {self.log.path}. Ctrl-C ends it.\n")
                self._supervisor.watch(self._record)
        finally:
            self._tell("Stopping the city ...")
            self._roster.bus.stop()
            self._supervisor.shut_down()
            state.forget()
            self._tell("Stopped.")

    def _start(self) -> None:
        settings, supervisor = self.settings, self._supervisor
        self._prepare()
        self._write_config()
        ray_environ = city.ray_environ(self.folder / "run") if self.plan.ray else {}
        servers = []
        if self.plan.broker:
            servers.append(city.broker_spec(settings, self.folder / "broker"))
        if self.plan.database:
            servers.append(city.postgres_spec(settings, self.folder / "postgres"))
        address = cluster_address(settings)
        if self.plan.ray:
            ray, address = city.ray_spec(ray_environ)
            supervisor.introduce([ray])  # the slowest; the map does not wait for it
        self._record()
        supervisor.launch(servers)
        self._migrate()
        self._roster.bus.start()
        environ = city.child_environ(self.config_file, ray_environ, address)
        self._start_rooms(environ)

    def _start_rooms(self, environ: dict[str, str]) -> None:
        settings, supervisor, serving = self.settings, self._supervisor, self._roster.is_serving
        first = [
            city.service_spec("ingest", environ, lambda: serving("service/ingest"), "MQTT into the database"),
            city.service_spec(
                "command", environ, lambda: city.web_answers(self.url), f"live map at {self.url}/"
            ),
        ]
        if self.plan.street:
            speed = settings.street.speed
            what = f"{settings.street.scenario} at {speed:g} x real time"
            first.append(city.service_spec("street", environ, lambda: serving("service/street"), what))
        supervisor.launch(first)
        self._record()
        # From here on the map is live: what is slow or fails now is told, restarted, and stops nobody else.
        if self.plan.street:
            signals = city.agent_spec(
                "edge", ["street"], environ, self._signals_serve, "signal and lane agents"
            )
            supervisor.introduce([signals])
        supervisor.introduce([self._camera_spec(name, environ) for name in settings.cameras])
        on_ray = [
            city.service_spec(
                "traffic", environ, lambda: serving("service/traffic"), "signal timing, on Ray"
            ),
            city.service_spec("vision", environ, lambda: serving("service/vision"), "cameras, on Ray"),
        ]
        host, _, port = environ["RAY_ADDRESS"].rpartition(":")
        supervisor.introduce(on_ray, (lambda: answers(host, int(port))) if self.plan.ray else None)
        self._record()

    def _camera_spec(self, name: str, environ: dict[str, str]) -> Spec:
        source = self.settings.cameras[name].source
        return city.agent_spec(
            f"camera-{name}", ["camera", name], environ,
            lambda: self._roster.is_serving(f"camera/{name}"), source,
        )  # fmt: skip

    def _signals_serve(self) -> bool:
        signals = [status for status in self._roster.all() if status.device.startswith("signal/")]
        return bool(signals) and all(self._roster.is_serving(status.device) for status in signals)

    def _prepare(self) -> None:
        """The front end and the detector, where this machine does not have them yet."""
        web = resolve("command.build:WEB")
        if not _call("command.build:is_current", web):
            self._tell("  building the front end")
            _call("command.build:build", web, lambda line: self.log.write("web", line))
        if self.settings.cameras and not self.settings.vision.model:
            _call("vision.models.install:install_default", self._tell_step)

    def _tell_step(self, step: object) -> None:
        """Progress of the detector's installation, a line for each step."""
        name, done = getattr(step, "name", ""), getattr(step, "done", 0)
        if done == 0:
            self._tell(f"  {name}")

    def _write_config(self) -> None:
        self.config_file.parent.mkdir(parents=True, exist_ok=True)
        self.config_file.unlink(missing_ok=True)
        # For this user only: a DSN or URL may hold a password.
        opened = os.open(self.config_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as file:
            file.write(config.to_toml(self.settings))

    def _migrate(self) -> None:
        applied = _call("ingest.migrate:migrate", self.settings.database.dsn)
        if isinstance(applied, list) and applied:
            self._tell(f"  database migrated: {', '.join(str(name) for name in applied)}")
        made = _call("command.trust.first:create", self.settings)
        lines = _call("command.trust.first:told", made)
        assert isinstance(lines, list)
        for line in lines:
            self._say(str(line))  # for the terminal, never for the log

    def _invite(self) -> None:
        """A link that signs in once: for the terminal, never for the log."""
        try:
            link = _call("command.trust.first:link", self.settings)
        except CityBrainError as error:
            self._say(f"Sign in there; no link was made: {error}")
        else:
            self._say(f"Open it signed in as operator, once: {link}")

    def _tell(self, line: str) -> None:
        self._say(line)
        self.log.write("up", line.strip())

    def _record(self) -> None:
        """Write who runs, for `citybrain status`, when that has changed."""
        processes = [
            state.Running(child.spec.name, pid, created, child.restarts)
            for child in self._supervisor.children
            if child.running and (pid := child.pid) and (created := state.created_s(pid)) is not None
        ]
        own = state.created_s(os.getpid())
        assert own is not None
        now = state.UpState(os.getpid(), own, str(self.config_file), self.url, str(self.log.path), processes)
        if now != state.read():
            state.write(now)
