"""The demonstration: a grid over the simulated street, workers who walk it, and cases in every stage.

Everything of it is marked: cases by `is_demonstration`, accounts by their names; nobody can sign in as one of
them. The cases went through the same deeds as all others, only at times that were.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import structlog

from citybrain.fields import LonLat
from citybrain.messages import RoadSegment
from command.cases import classes, codes, deeds, setup, tasks
from command.cases.classes import CaseClass
from command.cases.desk import Desk
from command.cases.intake import Report, take
from command.database import Row, act
from command.faults import ApiError
from command.principal import Principal, Role, record
from command.trust import accounts
from command.trust.accounts import Connection, principal_of
from command.trust.audit import SYSTEM

log = structlog.get_logger()

SUB_DISTRICT = "999900001"
"""No county has this code."""
WORKERS = 6
STEPS = ("collect", "file", "dispatch", "handle", "report_back", "verify", "evaluate")
PLAN = (
    *(["collect"] * 4), *(["file"] * 3), *(["dispatch"] * 4), *(["handle"] * 6), *(["report_back"] * 3),
    *(["verify"] * 3), *(["evaluate"] * 11),
)  # fmt: skip
"""In which stage each seeded case is left."""
TEXTS = {
    "c01": "It is broken and somebody will get hurt", "c02": "Cars swerve around it",
    "c03": "It smells already", "c04": "It hangs over the footway", "e01": "Nobody gets through",
    "e02": "It has been here since yesterday", "e05": "It gets worse with every hour",
}  # fmt: skip
WALKED_M = 150.0
"""So far somebody gets between two looks."""
MOVES_EVERY = timedelta(seconds=20)
DONE_SHARE = 0.02
"""Of the looks at somebody who is there: the work is done after a quarter of an hour on average."""
ANSWERS_AFTER, DONE_AFTER = timedelta(seconds=30), timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays."""

    citizen: Principal
    acceptor: Principal
    dispatcher: Principal
    departments: dict[str, Principal]
    field: dict[UUID, Principal]


class Demonstration:
    """Fills a system without a grid once, then lets its workers walk."""

    def __init__(self, desk: Desk, seed: int = 1) -> None:
        self._desk = desk
        self._rng = random.Random(seed)  # noqa: S311 - a play, no secret
        self._cast: Cast | None = None
        self._is_over = False
        self._moved_at = datetime.now(UTC)

    async def play(self) -> None:
        """Seed when the network is known; from then on move."""
        if self._is_over:
            return
        if self._cast is None:
            segments = list(self._desk.live.network.segments())
            if segments:
                await self._begin(segments)
            return
        if datetime.now(UTC) - self._moved_at > MOVES_EVERY:
            self._moved_at = datetime.now(UTC)
            await self._move(self._cast)

    async def _begin(self, segments: Sequence[RoadSegment]) -> None:
        async with self._desk.database.transaction() as connection:
            (known,) = await act(connection, "class_any")
            if known["has_grid"] and not await act(connection, "demo_grid", {"prefix": SUB_DISTRICT}):
                self._is_over = True  # a real grid: nothing is played here
                return
            if not known["has_grid"]:
                await _lay_grid(connection, segments)
            self._cast = await self._gather(connection, segments)
        if not known["has_grid"]:
            await self._seed(self._cast, segments)

    async def _gather(self, connection: Connection, segments: Sequence[RoadSegment]) -> Cast:
        """The players, made where they are not there yet."""
        skills = sorted({one.skill for one in classes.default()} - {""})
        owners = sorted({one.owner for one in classes.default()})
        field = [
            await _player(connection, f"worker {number}", Role.GRID_WORKER)
            for number in range(1, WORKERS + 1)
        ]
        departments = {
            owner: await _player(connection, f"department {owner}", Role.DEPARTMENT, owner)
            for owner in owners
        }
        handlers = [await _player(connection, f"handler {owner}", Role.HANDLER, owner) for owner in owners]
        for one in [*field, *handlers]:
            await setup.put_worker(connection, SYSTEM, one.id, skills if one in handlers else [])
            await act(connection, "worker_duty", {"account": one.id, "on": True})
            lon, lat = self._spot(segments)
            where = {"account": one.id, "lon": lon, "lat": lat, "accuracy_m": 10.0, "at": datetime.now(UTC)}
            await act(connection, "worker_place", where)
        communities = await act(connection, "demo_grid", {"prefix": SUB_DISTRICT})
        for number, row in enumerate(communities):
            worker = field[number % len(field)]
            await setup.bind(connection, SYSTEM, f"demo-{number + 1}", row["community"], worker.id)
        for name in (Role.HANDLER, Role.GRID_WORKER):
            # Whoever signs in by the account of the first start can be sent too.
            if found := await act(connection, "account_by_name", {"name": name.value}):
                await setup.put_worker(connection, SYSTEM, found[0]["id"], skills)
        return Cast(
            await _player(connection, "citizen", Role.CITIZEN),
            await _player(connection, "acceptor", Role.ACCEPTOR),
            await _player(connection, "dispatcher", Role.DISPATCHER),
            departments,
            {one.id: one for one in [*field, *handlers]},
        )

    async def _seed(self, cast: Cast, segments: Sequence[RoadSegment]) -> None:
        known = [one for one in classes.default() if one.is_public and not one.is_checked]
        for stage in self._rng.sample(PLAN, len(PLAN)):
            class_ = self._rng.choice(known)
            try:
                await self._live_through(cast, class_, self._spot(segments), STEPS.index(stage))
            except ApiError as error:
                log.info("demonstration_case_left", reason=error.message)
        log.info("demonstration_seeded", cases=len(PLAN))

    async def _live_through(self, cast: Cast, class_: CaseClass, spot: LonLat, steps: int) -> None:
        """One case from its report to the stage given, in steps that fill most of its time limit."""
        now = datetime.now(UTC)
        lasts = timedelta(seconds=min(class_.limit_s, 6 * 86_400) * self._rng.uniform(0.25, 0.95))
        begun = now - lasts
        if steps == len(STEPS) - 1:
            begun -= timedelta(days=self._rng.uniform(0.5, 7))
        times = [begun + lasts * (number / 9) for number in range(9)]
        text = TEXTS.get(class_.code[:3], class_.name)
        async with self._desk.acting(cast.citizen) as acting:
            acting.now = times[0]
            report = Report(
                id=uuid4(), class_=class_.code, position=spot, source="citizen",
                text=f"{class_.name}. {text}.", is_demonstration=True,
            )  # fmt: skip
            case: UUID = (await take(acting, report))["id"]
            await acting.act("demo_backdate", id=case, at=times[0])
        department = cast.departments[class_.owner]
        if steps >= 1:
            async with self._desk.acting(cast.acceptor) as acting:
                acting.now = times[1]
                await deeds.file(acting, case, class_.filing)
        if steps >= 2:
            async with self._desk.acting(cast.dispatcher) as acting:
                acting.now = times[2]
                await deeds.dispatch(acting, case, None, "")
        if steps >= 3:
            async with self._desk.acting(department) as acting:
                acting.now = times[3]
                await deeds.accept(acting, case, "")
            await self._work(cast, case, "handle", times[3] + lasts / 20, times[4] if steps >= 4 else None)
        if steps >= 5:
            await self._work(cast, case, "verify", times[5], times[6])
        if steps >= 6:
            async with self._desk.acting(cast.acceptor) as acting:
                acting.now = times[7]
                await deeds.close(acting, case, class_.closing)
            async with self._desk.acting(cast.citizen) as acting:
                acting.now = times[8]
                row = await deeds.reported_by(acting, case)
                await deeds.rate(acting, row, self._rng.choice([3, 4, 4, 5, 5]), "")

    async def _work(self, cast: Cast, case: UUID, kind: str, begun: datetime, ended: datetime | None) -> None:
        """Whoever was asked accepts and, where that is over, tells what came of it."""
        async with self._desk.database.transaction() as connection:
            asked = await act(connection, "task_of_case", {"case": case, "kind": kind})
        if not asked or asked[0]["worker"] not in cast.field:
            return
        worker, task = cast.field[asked[0]["worker"]], asked[0]["id"]
        async with self._desk.acting(worker) as acting:
            acting.now = begun
            await tasks.accept(acting, task)
        if ended is not None:
            async with self._desk.acting(worker) as acting:
                acting.now = ended
                await tasks.result(acting, task, "Done as the class asks (demonstration)", answer=True)

    async def _move(self, cast: Cast) -> None:
        """Walk to what is accepted, take what is offered, finish what was reached."""
        now = datetime.now(UTC)
        async with self._desk.database.transaction() as connection:
            players = await act(connection, "demo_players", {"accounts": list(cast.field)})
            for one in players:
                lon, lat = self._walked(one["position"], one["goal"])
                where = {"account": one["account"], "lon": lon, "lat": lat, "accuracy_m": 10.0, "at": now}
                await act(connection, "worker_place", where)
        for one in players:
            if one["task"] is None:
                continue
            try:
                await self._answer(cast.field[one["account"]], one, now)
            except ApiError as error:
                log.info("demonstration_task_left", reason=error.message)

    async def _answer(self, worker: Principal, one: Row, now: datetime) -> None:
        async with self._desk.acting(worker) as acting:
            if one["state"] == "offered" and now - one["offered_at"] > ANSWERS_AFTER:
                await tasks.accept(acting, one["task"])
            elif one["state"] == "accepted" and now - one["answered_at"] > DONE_AFTER:
                is_there = codes.distance_m(tuple(one["position"]), tuple(one["goal"])) < WALKED_M
                # Most work takes its time: a street where all is done at once is no believable one.
                if is_there and self._rng.random() < DONE_SHARE:
                    await tasks.result(acting, one["task"], "Done (demonstration)", answer=True)
                else:
                    await tasks.check_in(acting, one["task"], on_scene=is_there)

    def _walked(self, position: Sequence[float], goal: Sequence[float] | None) -> LonLat:
        here = (position[0], position[1])
        if goal is None:
            east, north = self._rng.uniform(-20, 20), self._rng.uniform(-20, 20)
            return here[0] + east / codes.METRES_PER_DEGREE, here[1] + north / codes.METRES_PER_DEGREE
        share = min(1.0, WALKED_M / max(1.0, codes.distance_m(here, (goal[0], goal[1]))))
        return here[0] + share * (goal[0] - here[0]), here[1] + share * (goal[1] - here[1])

    def _spot(self, segments: Sequence[RoadSegment]) -> LonLat:
        lon, lat = self._rng.choice(self._rng.choice(segments).path)
        return lon, lat


async def _lay_grid(connection: Connection, segments: Sequence[RoadSegment]) -> None:
    points = [point for segment in segments for point in segment.path]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    margin = 0.001
    area = (west - margin, south - margin, east + margin, north + margin)
    for community, part in codes.communities(SUB_DISTRICT, *area):
        await setup.put_cells(connection, SYSTEM, codes.cells(community, *part))


async def _player(connection: Connection, name: str, role: Role, department: str | None = None) -> Principal:
    """An account without a password: it acts here, and nobody signs in with it."""
    name = f"demo {name}"
    if found := await act(connection, "account_by_name", {"name": name}):
        return principal_of(found[0])
    row = await accounts.insert(connection, name, [role], department=department)
    assert row is not None
    await record(connection, SYSTEM, "account.added", f"account/{row['id']}", {"demonstration": True})
    return principal_of(row)


async def ensure_classes(desk: Desk) -> None:
    """Our own classes where there are none at all, so that a fresh system can take reports."""
    async with desk.database.transaction() as connection:
        (known,) = await act(connection, "class_any")
        if not known["any"]:
            await setup.put_classes(connection, SYSTEM, classes.default())
