"""Configuration: one TOML file, overridden by `CITYBRAIN__SECTION__KEY`, all faults told at once."""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from citybrain.errors import ConfigError
from citybrain.fields import Id

FILE_NAME = "citybrain.toml"
ENV_FILE = "CITYBRAIN_CONFIG"
ENV_PREFIX = "CITYBRAIN__"

Port = Annotated[int, Meta(ge=1, le=65535)]
PositiveSeconds = Annotated[float, Meta(gt=0, le=86_400)]
KeptDays = Annotated[int, Meta(ge=9, le=36_500)]
Stream = Literal[
    "lane_measurement", "turning_count", "signal_state", "signal_command", "command_ack",
    "sensor_observation", "traffic_event_history", "agent_status_history", "dead_letter",
    "rollup_1min", "rollup_15min", "rollup_1h", "rollup_1day",
]  # fmt: skip
"""What ingest stores, as far as it can be kept for a time of its own."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the file."""

    def fault(self) -> tuple[str, str] | None:
        """What is wrong with the fields together: the key and the reason."""
        return None


class Site(Section, frozen=True):
    name: Id = "city"
    """First level of every topic."""


class Broker(Section, frozen=True, kw_only=True):
    url: Annotated[str, Meta(pattern=r"^mqtts?://[^/\s]+$")] = "mqtt://127.0.0.1:1883"
    """mqtt:// or mqtts://, [user:password@]host[:port]."""
    ca_file: str = ""
    """For mqtts: who signed the broker's certificate; empty: the authorities that this machine trusts."""
    cert_file: str = ""
    """For mqtts: our own certificate; `{device}` stands for `kind-id` where a process speaks for several."""
    key_file: str = ""
    """For mqtts: its key; `{device}` as above."""
    keepalive_s: Annotated[int, Meta(ge=5, le=600)] = 15

    def for_device(self, device: str) -> "Broker":
        """The same with the certificate of `device` (`kind/id`)."""
        own = device.replace("/", "-")
        return msgspec.structs.replace(
            self,
            cert_file=self.cert_file.replace("{device}", own),
            key_file=self.key_file.replace("{device}", own),
        )


class Database(Section, frozen=True, kw_only=True):
    dsn: str = "postgresql://citybrain@127.0.0.1:5433/citybrain"
    """Any PostgreSQL 15 or newer, with or without TimescaleDB."""
    max_bytes: Annotated[int, Meta(ge=0)] = 0
    """What the database may take; 0: its whole disk. Near it, ingest leaves the bulk in the spools."""


class Ray(Section, frozen=True, kw_only=True):
    address: str = ""
    """host:port of a running cluster; empty: RAY_ADDRESS, else one started on this machine."""


class Street(Section, frozen=True, kw_only=True):
    scenario: Annotated[str, Meta(min_length=1)] = "cologne8"
    """A known scenario, or the path of a .sumocfg."""
    speed: Annotated[float, Meta(gt=0, le=100)] = 1.0
    """Street seconds per wall second; 1 on a real street."""
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 1
    host: str = "127.0.0.1"
    port: Port = 8813
    """Where the simulated cabinets listen for their controllers' agents."""


class Edge(Section, frozen=True, kw_only=True):
    spool_max_bytes: Annotated[int, Meta(ge=1_000_000)] = 256_000_000
    spool_max_age_s: Annotated[float, Meta(gt=0)] = 7 * 86_400.0
    """Both for all streams together; of these, at most:"""
    measurements_max_bytes: Annotated[int, Meta(ge=500_000)] = 192_000_000
    """Measurements and observations on the disk; the first that are given up."""
    measurements_max_age_s: Annotated[float, Meta(gt=0)] = 7 * 86_400.0
    states_max_bytes: Annotated[int, Meta(ge=500_000)] = 64_000_000
    """Signal states on the disk; commands' answers, events and configurations are kept longest."""
    states_max_age_s: Annotated[float, Meta(gt=0)] = 7 * 86_400.0
    contact_lost_s: PositiveSeconds = 6.0
    """Street seconds without a valid command after which the local plan takes over."""
    watchdog_s: Annotated[float, Meta(ge=0.5, le=60)] = 3.0
    """Seconds without a sign of life from a signal's agent after which its watchdog acts."""


class Signal(Section, frozen=True, kw_only=True):
    driver: Annotated[str, Meta(pattern=r"^(sumo|ntcip1202|relay)$")] = "sumo"
    """sumo: the simulated street; ntcip1202: a controller over SNMP; relay: lamp outputs on a relay card."""
    address: str = ""
    """host:port of the controller or relay card, or a serial device of the card."""
    wiring: str = ""
    """JSON file: the intersection and what its signal groups or outputs are."""
    community: str = "public"
    """SNMP community that may read and set; versions 1 and 2c."""
    snmp_version: Annotated[str, Meta(pattern=r"^(1|2c|3)$")] = "1"
    """3: signed and encrypted (authPriv), with the user and both keys below."""
    snmp_user: Annotated[str, Meta(max_length=32)] = ""
    snmp_auth: Annotated[str, Meta(pattern=r"^sha(224|256|384|512)?$")] = "sha256"
    snmp_auth_key: str = ""
    """Passphrase, 8 characters or more; better by environment than in the file."""
    snmp_privacy: Annotated[str, Meta(pattern=r"^aes(128|192|256)$")] = "aes128"
    snmp_privacy_key: str = ""
    """Passphrase, 8 characters or more, and another one."""
    pattern: Annotated[int, Meta(ge=0, le=255)] = 0
    """NTCIP systemPatternControl while nobody commands; 0: the controller's own time of day."""
    fallback: Annotated[str, Meta(pattern=r"^(plan|flash)$")] = "plan"
    """What the watchdog brings about: the controller's own plan, or flash; a relay card can only flash."""

    def fault(self) -> tuple[str, str] | None:
        """Version 3 needs a user and both keys (RFC 3414: 8 characters at least)."""
        if self.snmp_version != "3":
            return None
        if not self.snmp_user:
            return "snmp_user", "is required where snmp_version is 3"
        short = [key for key in ("snmp_auth_key", "snmp_privacy_key") if len(getattr(self, key)) < 8]
        return (short[0], "needs 8 characters or more where snmp_version is 3") if short else None


class Camera(Section, frozen=True, kw_only=True):
    source: Annotated[str, Meta(min_length=1)]
    """A video file, an image folder, an rtsp:// or http:// URL, or a device number."""
    fps: Annotated[float, Meta(gt=0, le=60)] = 5.0
    """Frames a second that are published at most."""
    width: Annotated[int, Meta(ge=64, le=3840)] = 640
    """Wider frames are scaled down to it."""
    jpeg_quality: Annotated[int, Meta(ge=20, le=100)] = 80
    max_bytes_per_s: Annotated[int, Meta(ge=0)] = 0
    """Bytes a second that are sent at most: quality goes down, then frames are left out; 0: no limit."""
    privacy: Annotated[str, Meta(pattern=r"^(detail|motion|raw)$")] = "detail"
    """Before egress. detail: too coarse to know anybody; motion: hides what moves too; raw: as it is."""
    privacy_reason: Annotated[str, Meta(max_length=200)] = ""
    """Why pictures may leave raw; said in the camera's status and recorded."""
    nearest_adult: Annotated[float, Meta(gt=0, le=1)] = 0.25
    """Height of an adult where somebody can be nearest to the camera, as a share of the picture's."""
    detector: bool = False
    """Look for road users here too (needs the vision packages): pictures without any are left out."""
    line: tuple[float, float, float, float] | None = None
    """Counting line x1, y1, x2, y2 as shares of the picture; none: across the middle."""
    calibration: str = ""
    """The file with this camera's ground points, lanes, lines and zones."""
    position: tuple[float, float] | None = None
    """Longitude and latitude; none: beside the first intersection of the map."""
    loop: bool = True
    """Start a file again at its end."""
    priority: Annotated[int, Meta(ge=1, le=9)] = 5
    """Where a camera group cannot look at all its cameras, those of the lowest number rest first."""

    def fault(self) -> tuple[str, str] | None:
        """A raw picture needs a reason."""
        if self.privacy == "raw" and not self.privacy_reason.strip():
            return "privacy_reason", "is required where privacy is raw"
        return None


class Ingest(Section, frozen=True, kw_only=True):
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    batch_messages: Annotated[int, Meta(ge=1, le=10_000)] = 500
    batch_s: Annotated[float, Meta(gt=0, le=10)] = 0.1
    future_s: PositiveSeconds = 300.0
    """A message whose time is further ahead than this is refused."""
    past_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    """A message that is older than this is refused; 0: as long as records are kept."""
    device_rate_per_s: Annotated[float, Meta(ge=0, le=100_000)] = 500.0
    """Messages a second of one device that a worker takes; more has to wait in its spool; 0: no limit."""
    device_burst_s: Annotated[float, Meta(ge=1, le=600)] = 10.0
    """Seconds of that rate which may come at once."""
    quarantine_refusals: Annotated[int, Meta(ge=0, le=1_000_000)] = 100
    """Refused messages of one device within a minute that put it into quarantine; 0: never."""
    quarantine_replays: Annotated[int, Meta(ge=0, le=1_000_000)] = 5_000
    """Messages of one device within a minute that were stored before; 0: never."""
    retention_days: KeptDays = 400
    """Records, minute rollups and dead letters; longer than any spool keeps a message."""
    retain_days: dict[Stream, KeptDays] = {}
    """The same for single streams; the coarser rollups are kept for ever unless they are named here."""
    compress_days: Annotated[int, Meta(ge=1, le=36_500)] = 8
    """Older records go to the columnstore, where the server has one."""
    compress_after_days: dict[Stream, Annotated[int, Meta(ge=1, le=36_500)]] = {}
    """The same for single streams."""


class Vision(Section, frozen=True, kw_only=True):
    model: str = ""
    """A model of `citybrain models list`; empty: the default detector."""
    groups: Annotated[int, Meta(ge=1, le=256)] = 1
    """Camera-group actors on Ray."""
    min_confidence: Annotated[float, Meta(ge=0.05, le=0.95)] = 0.35
    windows: bool = True
    """Look through windows around what moves too; false: at whole pictures only, at a third of the cost."""
    picture_fps: Annotated[float, Meta(gt=0, le=30)] = 2.0
    """Blurred pictures with boxes that are published per camera."""
    period_s: PositiveSeconds = 5.0
    """Reporting period of counts."""


class Traffic(Section, frozen=True, kw_only=True):
    regions: Annotated[int, Meta(ge=1, le=8)] = 1
    command_ttl_s: PositiveSeconds = 3.0
    """Street seconds after which a command is worthless; never less than one second on the wall."""


class Command(Section, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: Port = 8080


class Trust(Section, frozen=True, kw_only=True):
    kiosk: bool = False
    """Whoever reaches the server is an operator without signing in; only where command.host is loopback."""
    public_url: Annotated[str, Meta(pattern=r"^(https?://[^/\s]+)?$")] = ""
    """How browsers reach the server behind a proxy, https://city.example; empty: as they ask."""
    session_idle_minutes: Annotated[int, Meta(ge=1, le=1440)] = 120
    """A session that was not used for so long is over."""
    session_hours: Annotated[int, Meta(ge=1, le=168)] = 12
    """A session is over after this, used or not."""
    key_file: str = ""
    """Seals TOTP and webhook secrets; empty: trust.key in the data folder, made at the first start."""
    anchor_folder: str = ""
    """Where the audit's last entries are noted outside the database; empty: anchors/ in the data folder."""
    requests_per_minute: Annotated[int, Meta(ge=60, le=1_000_000)] = 6000
    """Of one session, token or address; more is answered 429."""
    sign_ins_per_minute: Annotated[int, Meta(ge=1, le=10_000)] = 20
    """Attempts of one address, whatever account; more is answered 429."""


class Oidc(Section, frozen=True, kw_only=True):
    issuer: Annotated[str, Meta(pattern=r"^(https?://[^\s?#]+)?$")] = ""
    """The identity provider; http:// only on loopback. Empty: local accounts only."""
    client_id: str = ""
    client_secret: str = ""
    scope: str = "openid profile"
    name_claim: str = "preferred_username"
    roles_claim: str = "roles"
    """A list of our role names; whoever has none of them is refused."""
    districts_claim: str = "districts"
    """A list of districts; missing or empty: the whole city."""


class Alarms(Section, frozen=True, kw_only=True):
    bundle_minutes: Annotated[float, Meta(gt=0, le=1440)] = 10.0
    """An event of the same kind and place so soon after the last one joins its alarm."""
    escalate_minutes: Annotated[float, Meta(gt=0, le=1440)] = 5.0
    """An alarm that nobody acknowledges is escalated after this, and again, three times at most."""
    flood_per_minute: Annotated[int, Meta(ge=1, le=10_000)] = 20
    """With more new alarms than this, further events join one alarm of their kind for the whole city."""


class Cases(Section, frozen=True, kw_only=True):
    zone: Annotated[str, Meta(min_length=1, max_length=64)] = "UTC"
    """Time zone of the working hours and days, such as Asia/Shanghai."""
    hours: tuple[Annotated[str, Meta(pattern=r"^\d\d:\d\d-\d\d:\d\d$")], ...] = ("08:30-12:00", "13:30-17:30")
    """Working hours, lunch left out."""
    holidays: tuple[Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")], ...] = ()
    """Days that are not worked, such as 2026-10-01."""
    worked_days: tuple[Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")], ...] = ()
    """Days at a weekend that are worked in exchange."""
    duplicate_m: Annotated[float, Meta(ge=0, le=1000)] = 50.0
    """A report of the same class so near to an open case, and"""
    duplicate_hours: Annotated[float, Meta(ge=0, le=720)] = 24.0
    """so soon after it, is proposed as its duplicate."""
    position_fresh_s: Annotated[float, Meta(ge=10, le=86_400)] = 300.0
    """A worker's position that is older is not trusted."""
    answer_minutes: Annotated[float, Meta(gt=0, le=1440)] = 5.0
    """A task that nobody answers for so long goes to the next; one that must be accepted is told of."""
    check_in_minutes: Annotated[float, Meta(gt=0, le=1440)] = 30.0
    """Whoever accepted a task says so often that all is well, or the dispatchers are told."""
    escalate_minutes: Annotated[float, Meta(gt=0, le=14_400)] = 60.0
    """An overdue case is escalated at once, and after this again, three times at most."""
    reopen_days: Annotated[int, Meta(ge=0, le=365)] = 10
    """So long after closing its reporter may reopen a case."""
    public_per_minute: Annotated[int, Meta(ge=1, le=10_000)] = 30
    """Reports and other acts without an account, of one address; more is answered 429."""
    open311_tokens: bool = False
    """Answer a new Open311 request with a token, and tell its id once the case is filed."""
    demonstration: Literal["auto", "on", "off"] = "auto"
    """on: a marked grid, workers and cases, where there is no grid; auto: beside a simulated street."""


class SensorRule(Section, frozen=True, kw_only=True):
    datastream: Id
    """What is watched, of any sensor."""
    case_class: Annotated[str, Meta(pattern=r"^[ce][0-9]{5}$")]
    """The class of the case that it becomes."""
    above: float | None = None
    """Beyond it where all values of the time are higher."""
    below: float | None = None
    """Or lower than this."""
    minutes: Annotated[float, Meta(gt=0, le=1440)] = 5.0
    """For so long."""
    position: tuple[float, float] | None = None
    """Longitude and latitude of the case; none: as the sensor says."""


class Webhooks(Section, frozen=True, kw_only=True):
    allow_networks: tuple[str, ...] = ()
    """Private networks that may be called all the same, such as 10.1.0.0/16; there http:// is allowed too."""
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    attempts: Annotated[int, Meta(ge=1, le=20)] = 8
    """Tries of one delivery; the pause doubles from 10 s."""


class Retention(Section, frozen=True, kw_only=True):
    alarms_days: Annotated[int, Meta(ge=1, le=36_500)] = 400
    """Closed alarms. Records of the street: ingest.retention_days."""
    deliveries_days: Annotated[int, Meta(ge=1, le=36_500)] = 30
    """What was sent to webhooks."""
    sign_ins_days: Annotated[int, Meta(ge=1, le=36_500)] = 30
    """Sessions, tokens and links after their end. The audit itself is kept."""
    cases_days: Annotated[int, Meta(ge=31, le=36_500)] = 1825
    """Cases after their end, with their history."""
    attachments_days: Annotated[int, Meta(ge=1, le=36_500)] = 365
    """Photos and voice notes, unless their case is open."""
    positions_days: Annotated[int, Meta(ge=1, le=366)] = 30
    """Where workers were on duty, roll-calls, and green waves."""
    messages_days: Annotated[int, Meta(ge=1, le=36_500)] = 90
    """Messages to workers, and what their phones were answered."""
    contacts_days: Annotated[int, Meta(ge=1, le=36_500)] = 30
    """How to reach the reporters of a case, after its end."""


class District(Section, frozen=True, kw_only=True):
    area: Annotated[list[tuple[float, float]], Meta(min_length=3)]
    """Corners of the district: longitude, latitude."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole configuration."""

    site: Site = Site()
    broker: Broker = Broker()
    database: Database = Database()
    ray: Ray = Ray()
    street: Street = Street()
    edge: Edge = Edge()
    ingest: Ingest = Ingest()
    vision: Vision = Vision()
    traffic: Traffic = Traffic()
    command: Command = Command()
    trust: Trust = Trust()
    oidc: Oidc = Oidc()
    alarms: Alarms = Alarms()
    cases: Cases = Cases()
    webhooks: Webhooks = Webhooks()
    retention: Retention = Retention()
    cameras: dict[Id, Camera] = {}
    signals: dict[Id, Signal] = {}
    districts: dict[Id, District] = {}
    sensor_rules: dict[Id, SensorRule] = {}


NAMED: dict[str, type[Section]] = {
    "cameras": Camera,
    "signals": Signal,
    "districts": District,
    "sensor_rules": SensorRule,
}
"""Sections of which there are any number, each under a name of its own."""


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings from `path` (default: `CITYBRAIN_CONFIG`, else ./citybrain.toml if there) and `environ`.

    Raises:
        ConfigError: every fault at once, one a line: key, value, what is allowed, where it stands.
    """
    environ = os.environ if environ is None else environ
    text, origin = _read(path, environ)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is not TOML: {error}") from error
    places = {(name,): origin for name in NAMED} | _places(text, origin)
    for name, value in sorted(environ.items()):
        if name.startswith(ENV_PREFIX):
            keys = tuple(part.lower() for part in name.removeprefix(ENV_PREFIX).split("__"))
            _put(tables, keys, _parse_env(value))
            places[keys] = f"environment {name}"
    return _convert(tables, places)


def validate(settings: Settings) -> None:
    """Raise ConfigError for settings that were changed in memory and are out of bounds."""
    _convert(_without_none(msgspec.to_builtins(settings)), {})


def _without_none(tables: Any) -> Any:
    if not isinstance(tables, dict):
        return tables
    return {key: _without_none(value) for key, value in tables.items() if value is not None}


def to_toml(settings: Settings) -> str:
    """The settings as a file that `load` reads back to the same value."""
    lines: list[str] = []
    tables = msgspec.to_builtins(settings)
    several = {key: tables.pop(key) for key in NAMED}
    named = tables | {
        f"{key}.{name}": table for key, entries in several.items() for name, table in entries.items()
    }
    for name, table in named.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {_toml(value)}" for key, value in table.items() if value is not None]
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + "}"
    # JSON's strings, numbers, booleans and arrays of numbers are TOML as they stand.
    return msgspec.json.encode(value).decode()


def _read(path: Path | None, environ: Mapping[str, str]) -> tuple[str, str]:
    chosen = path or (Path(environ[ENV_FILE]) if environ.get(ENV_FILE) else None)
    if chosen is None:
        chosen = Path(FILE_NAME)
        if not chosen.exists():
            return "", FILE_NAME
    try:
        return chosen.read_text(encoding="utf-8"), str(chosen)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration {chosen}: {error}") from error


def _places(text: str, origin: str) -> dict[tuple[str, ...], str]:
    """Where each key stands, found by its table header and name; good enough to send a person there."""
    places: dict[tuple[str, ...], str] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
            places[table] = f"{origin} line {number}"
        elif key := re.match(r"\s*([\w\"'-]+)\s*=", line):
            places[(*table, key[1].strip("\"'"))] = f"{origin} line {number}"
    return places


def _put(tables: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    for key in keys[:-1]:
        inner = tables.setdefault(key, {})
        if not isinstance(inner, dict):
            return
        tables = inner
    tables[keys[-1]] = value


def _parse_env(value: str) -> Any:
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _convert(tables: dict[str, Any], places: Mapping[tuple[str, ...], str]) -> Settings:
    faults: list[str] = []
    sections: dict[str, Any] = {}
    known = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    for name, table in tables.items():
        if name not in known:
            where = places.get((name,), "")
            faults.append(_fault(where, name, None, f"no such section; there are {', '.join(known)}"))
        elif not isinstance(table, dict):
            faults.append(_fault(places.get((name,), ""), name, table, "expected a table"))
        elif type_ := NAMED.get(name):
            sections[name] = {
                id_: _section(type_, t, (name, id_), places, faults) for id_, t in table.items()
            }
            for id_ in table:
                _value(Id, id_, (name, id_), places, faults)
        else:
            sections[name] = _section(known[name], table, (name,), places, faults)
    if faults:
        raise ConfigError("\n".join(faults))
    return Settings(**sections)


def _section(
    type_: Any, table: Any, keys: tuple[str, ...], places: Mapping[tuple[str, ...], str], faults: list[str]
) -> Any:
    if not isinstance(table, dict):
        faults.append(_fault(places.get(keys, ""), ".".join(keys), table, "expected a table"))
        return None
    fields = {field.name: field for field in msgspec.structs.fields(type_)}
    values: dict[str, Any] = {}
    known = len(faults)
    for key, value in table.items():
        if key in fields:
            values[key] = _value(fields[key].type, value, (*keys, key), places, faults)
        else:
            reason = f"no such setting; there are {', '.join(fields)}"
            faults.append(_fault(places.get((*keys, key), ""), ".".join((*keys, key)), value, reason))
    missing = [field.name for field in fields.values() if field.required and field.name not in table]
    faults += [_fault(places.get(keys, ""), ".".join((*keys, key)), None, "is required") for key in missing]
    if missing or any(key not in fields for key in table):
        return None
    section = type_(**values)
    if len(faults) == known and (found := section.fault()):
        key, reason = found
        faults.append(_fault(places.get(keys, ""), ".".join((*keys, key)), None, reason))
    return section


def _value(
    type_: Any,
    value: Any,
    keys: tuple[str, ...],
    places: Mapping[tuple[str, ...], str],
    faults: list[str],
) -> Any:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        faults.append(_fault(places.get(keys, ""), ".".join(keys), value, str(error)))
        return None


def _fault(where: str, key: str, value: Any, reason: str) -> str:
    shown = "" if value is None else f" = {value!r}"
    return f"{where + ': ' if where else ''}{key}{shown}: {reason}"
