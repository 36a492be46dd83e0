"""What the routes of one app share, and the tasks that keep it alive."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import structlog

from citybrain.config import Settings
from citybrain.errors import ConfigError, Unavailable
from citybrain.fields import LonLat
from citybrain.messages import Health
from citybrain.presence import HEARTBEAT_S, Presence
from command.access import Accesses
from command.alarms.keeper import AlarmKeeper
from command.alarms.models import AlarmView
from command.calibrations import say_all
from command.cases import sensors
from command.cases.demo import Demonstration, ensure_classes
from command.cases.desk import Desk
from command.cases.inbox import MessageView
from command.cases.keeper import CaseKeeper
from command.cases.models import CasePin
from command.cases.waves import Waves
from command.database import Database, Row
from command.districts import Districts
from command.feed import Feed
from command.figures import Figures
from command.live import Live
from command.looks import Looks
from command.models import Kpis, View
from command.orders.keeper import OrderKeeper
from command.pictures import PictureBoard
from command.places import camera_position, intersection_position, position_of
from command.retention import file_receipts, purge
from command.stream import RESET, Hub
from command.trust import accounts, anchors
from command.trust.audit import Anchor
from command.trust.oidc import Provider
from command.trust.passes import Passes
from command.trust.rates import Rates
from command.trust.seal import seal, unseal
from command.trust.signin import SignIn
from command.webhooks.courier import Courier
from command.window import LatencyWindow

log = structlog.get_logger()

WEB_DIST = Path(__file__).parent / "web" / "dist"
COALESCE_S = 0.01
INTERVALS_S = {
    "signals": 0.25, "lanes": 0.5, "events": 0.25, "agents": 1.0, "cameras": 1.0, "pictures": 0.25,
}  # fmt: skip
"""At most one batch of a channel in this time."""
KPIS_EVERY_S = 2.0
DELIVERY_EVERY_S = 5.0
SEED_AGAIN_S = 20.0
ALARMS_EVERY_S = 1.0
WATCH_EVERY_S = 5.0
CASES_EVERY_S = 2.0
WAVES_EVERY_S = 3.0
ORDERS_EVERY_S = 3.0
DEMONSTRATION_EVERY_S = 2.0
SENSORS_EVERY_S = 5.0


class Centre:
    """The state of one app. Make it on the event loop that serves it."""

    def __init__(self, settings: Settings, dist: Path = WEB_DIST) -> None:
        self.settings = settings
        self.dist = dist
        self.live = Live({name: camera.position for name, camera in settings.cameras.items()})
        self.pictures = PictureBoard()
        self.hub = Hub(start_ms=time.time_ns() // 1_000_000)
        self.database = Database(settings.database.dsn)
        self.feed = Feed(settings, self.live, self.pictures, self._wake)
        self.figures = Figures(self.live, self.hub, self.feed)
        self.latency = LatencyWindow()
        self.presence = Presence(settings, "service/command")
        self._dirty = {channel: asyncio.Event() for channel in INTERVALS_S}
        self.districts = Districts(settings.districts)
        self.passes = Passes(settings, self.database)
        self.sign_in = SignIn(settings, self.database)
        self.sign_in_rates = Rates(settings.trust.sign_ins_per_minute)
        self.provider = Provider(settings.oidc) if settings.oidc.issuer else None
        self.accesses = Accesses(self.database)
        self.looks = Looks(self.database)
        self.alarms = AlarmKeeper(settings, self.database, self.districts, self._place)
        self.courier = Courier(settings, self.database)
        self.cases = Desk(
            settings, self.database, self.districts, self.live, self._publish_cases, self._tell_account
        )
        self.case_keeper = CaseKeeper(self.cases)
        self.waves = Waves(self.cases, self.presence.bus, settings.site.name)
        self.orders = OrderKeeper(self.database, self.presence.bus, settings.site.name)
        self.demonstration = Demonstration(self.cases)
        self.public_rates = Rates(settings.cases.public_per_minute)
        self._anchored = Anchor(0, b"")
        self._layout = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen to the broker, whether it is there yet or not, and start telling clients."""
        await self.database.open()
        self.live.cameras.turn_day(datetime.now(UTC))
        self.presence.bus.start(timeout_s=None)
        self.feed.start()
        jobs = [self._tell(channel, interval_s) for channel, interval_s in INTERVALS_S.items()]
        jobs += [self._every(KPIS_EVERY_S, self._tell_kpis), self._every(1.0, self._sweep)]
        jobs += [self._every(HEARTBEAT_S, self._report), self._every(DELIVERY_EVERY_S, self._weigh)]
        jobs += [
            self._every(ALARMS_EVERY_S, self._gather_alarms),
            self._every(WATCH_EVERY_S, self._watch_alarms),
        ]
        jobs += [self._every(CASES_EVERY_S, self.case_keeper.watch)]
        jobs += [self._every(WAVES_EVERY_S, self.waves.repeat), self._once(self._first_classes)]
        jobs.append(self._every(ORDERS_EVERY_S, self.orders.repeat))
        if self.settings.cases.demonstration == "on":
            jobs.append(self._every(DEMONSTRATION_EVERY_S, self.demonstration.play))
        if self.settings.sensor_rules:
            jobs.append(self._every(SENSORS_EVERY_S, self._watch_sensors))
        jobs += [self._every(1.0, self._deliver), self._every(60.0, self._anchor)]
        jobs += [self._every(3600.0, self._retain), self._every(30.0, self._file_receipts)]
        jobs.append(self._seed())
        jobs.append(self._say_calibrations())
        self._tasks = [asyncio.create_task(job) for job in jobs]

    def end_streams(self) -> None:
        """Let every open stream end, so that the server can stop."""
        self.hub.close()
        self.pictures.close()

    async def stop(self) -> None:
        self.end_streams()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.feed.stop()
        await asyncio.to_thread(self.presence.leave)
        await self.database.close()

    def kpis(self) -> Kpis:
        """The figures of this moment."""
        now = datetime.now(UTC)
        traffic = self.live.traffic(now)
        map_p50_s, map_p99_s = self.latency.quantiles(now.timestamp())
        stored = self.live.figure("stored_per_s", now)
        return Kpis(
            at=now,
            vehicles=self.live.vehicles(now),
            mean_delay_s=traffic.mean_delay_s,
            stops_per_vehicle=traffic.stops_per_vehicle,
            throughput_veh_h=traffic.throughput_veh_h,
            stored_per_s=sum(stored) if stored else None,
            latency_stored_p50_s=max(self.live.figure("latency_stored_p50_s", now), default=None),
            latency_stored_p99_s=max(self.live.figure("latency_stored_p99_s", now), default=None),
            latency_map_p50_s=map_p50_s,
            latency_map_p99_s=map_p99_s,
            intersections=len(self.live.configs.keys() | self.live.states.keys()),
            commanded=self.live.commanded(),
            silent_agents=self.live.silent(now),
        )

    def seal(self, text: str) -> bytes:
        return seal(self.settings.trust.key_file, text)

    def unseal(self, sealed: bytes) -> str:
        """ConfigError where it was sealed with another key."""
        return unseal(self.settings.trust.key_file, sealed)

    def unseal_or_none(self, sealed: str) -> str | None:
        """What a browser brought back; None where it is not ours."""
        try:
            return self.unseal(sealed.encode())
        except (ConfigError, ValueError):
            return None

    async def account_row(self, id_: UUID) -> Row | None:
        async with self.database.transaction() as connection:
            return await accounts.by_id(connection, id_)

    def _wake(self) -> None:
        for channel in self.live.pending():
            self._dirty[channel].set()

    async def _tell(self, channel: str, interval_s: float) -> None:
        dirty = self._dirty[channel]
        while True:
            await dirty.wait()
            await asyncio.sleep(COALESCE_S)  # what happens at one instant travels together
            dirty.clear()
            items = self.live.drain(channel, datetime.now(UTC))
            if items:
                self.publish(channel, items)
            await asyncio.sleep(interval_s - COALESCE_S)

    def publish(self, channel: str, items: Sequence[View]) -> None:
        """To whoever sees the whole city, and to each district its own."""
        self.hub.publish(channel, {"items": items})
        places = [self._districts_of(item) for item in items]
        for district in sorted(self.districts.names):
            own = [item for item, within in zip(items, places, strict=True) if district in within]
            if own:
                self.hub.publish(channel, {"items": own}, district)

    def _districts_of(self, item: View) -> frozenset[str]:
        if isinstance(item, AlarmView | CasePin):
            return frozenset(item.districts)
        return self.districts.of(position_of(self.live, item))

    def _publish_cases(self, pins: list[CasePin]) -> None:
        """To the map as every channel, and to each department its own."""
        if pins:
            self.publish("cases", pins)
        for department in sorted({pin.department for pin in pins if pin.department}):
            own = [pin for pin in pins if pin.department == department]
            self.hub.publish("cases", {"items": own}, f"department:{department}")

    def _tell_account(self, account: UUID, message: MessageView) -> None:
        self.hub.publish("inbox", message, str(account))

    def _place(self, intersection: str | None, camera: str | None) -> LonLat | None:
        """Where an event lies that does not say so itself."""
        return intersection_position(self.live, intersection) or camera_position(self.live, camera)

    async def _gather_alarms(self) -> None:
        if changed := await self.alarms.gather():
            self.publish("alarms", changed)

    async def _watch_alarms(self) -> None:
        if changed := await self.alarms.watch():
            self.publish("alarms", changed)

    async def _retain(self) -> None:
        await purge(self.database, self.settings)

    async def _file_receipts(self) -> None:
        await file_receipts(self.database)

    async def _deliver(self) -> None:
        while await self.courier.deliver():
            pass

    async def _anchor(self) -> None:
        (head,) = await self.database.fetch("audit_head")
        last = Anchor(head["seq"], bytes(head["hash"]))
        if last != self._anchored:
            path = anchors.path_of(self.settings, head["chain"])
            await asyncio.to_thread(anchors.note, path, last, datetime.now(UTC).isoformat())
            self._anchored = last

    async def _watch_sensors(self) -> None:
        await sensors.watch(self.cases)

    async def _first_classes(self) -> None:
        await ensure_classes(self.cases)

    async def _once(self, job: Callable[[], Awaitable[None]]) -> None:
        """Until it could be done."""
        while True:
            try:
                await job()
            except Unavailable as error:
                log.debug("job_waits", reason=str(error))
                await asyncio.sleep(SEED_AGAIN_S)
            else:
                return

    async def _every(self, interval_s: float, job: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await job()
            except Unavailable as error:
                log.debug("job_waits", reason=str(error))
            except Exception:
                log.exception("job_failed")
            await asyncio.sleep(interval_s)

    async def _tell_kpis(self) -> None:
        self.hub.publish("kpis", self.kpis())

    async def _sweep(self) -> None:
        now = datetime.now(UTC)
        self.live.sweep(now)
        self._wake()
        if self._layout != self.live.layout:
            self._layout = self.live.layout
            self.hub.publish(RESET, {})

    async def _report(self) -> None:
        database = await self.database.check()
        figures = {
            "stream_clients": float(self.hub.clients),
            "messages": float(self.feed.messages),
            "malformed": float(self.feed.malformed),
        }
        if database == "ok":
            self.presence.report(Health.OK, figures=figures)
        else:
            self.presence.report(Health.DEGRADED, database, figures=figures)

    async def _weigh(self) -> None:
        self.figures.delivery = await self.database.fetch("delivery_balance")
        self.figures.refused = (await self.database.fetch("dead_letters"))[0]["refused"]

    async def _say_calibrations(self) -> None:
        """Once a start: the broker keeps them, unless it lost its disk."""
        while True:
            try:
                await say_all(self.database, self.presence.bus, self.settings.site.name)
            except Unavailable as error:
                log.debug("calibrations_wait", reason=str(error))
                await asyncio.sleep(SEED_AGAIN_S)
            else:
                return

    async def _seed(self) -> None:
        """Fetch today's counts from before this start, and again once the last of them are stored."""
        seeded = 0
        while seeded < 2:
            since = self.live.cameras.since
            assert since is not None
            midnight = since.replace(hour=0, minute=0, second=0, microsecond=0)
            try:
                rows = await self.database.fetch("count_before", {"from": midnight, "to": since})
            except Unavailable as error:
                log.debug("counts_of_today_wait", reason=str(error))
            else:
                self.live.cameras.seed(
                    (row["camera"], row["movement"], row["road_user"], row["count"]) for row in rows
                )
                self._wake()
                seeded += 1
            await asyncio.sleep(SEED_AGAIN_S)
