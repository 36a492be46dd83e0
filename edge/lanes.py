"""The agent of a camera with on-board analytics: lane measurements once a second, events as they happen."""

import threading

import structlog

from citybrain.config import Settings
from citybrain.errors import Unavailable
from citybrain.messages import Health, IntersectionConfig, LaneMeasurement, LaneReading, TrafficEvent
from edge.drivers.driver import LaneCamera
from edge.incidents import Incident, Incidents
from edge.observe import LaneObserver
from edge.outbox import UNNUMBERED, Outbox, now
from edge.postman import Postman

log = structlog.get_logger()

SILENT_S = 10.0
RETRY_S = (1.0, 2.0, 5.0, 10.0)


class LaneAgent:
    """One intersection's lane observer; `run` until told to stop, in a thread of its own."""

    def __init__(self, settings: Settings, postman: Postman, camera: LaneCamera, intersection: str) -> None:
        self.device = f"lanes/{intersection}"
        self._intersection = intersection
        self._camera = camera
        self._seed = settings.street.seed
        self._outbox = Outbox(settings, postman, self.device)
        self._incidents = Incidents()
        self._log = log.bind(device=self.device)

    def run(self, stop: threading.Event) -> None:
        """Watch until `stop`; a camera that is away is tried again and again."""
        self._outbox.start()
        attempt = 0
        while not stop.is_set():
            try:
                config, views_m = self._camera.connect()
                attempt = 0
                self._outbox.report(Health.OK, position=config.position)
                self._log.info("lanes_found", lanes=len(config.lanes))
                self._watch(stop, config, LaneObserver(config, views_m, self._seed))
            except Unavailable as error:
                self._outbox.report(Health.DEGRADED, str(error))
                if attempt == 0:
                    self._log.warning("lanes_lost", reason=str(error))
            except Exception as error:
                self._outbox.report(Health.FAILED, f"{type(error).__name__}: {error}")
                self._log.exception("lanes_failed")
            self._camera.close()
            stop.wait(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1
        self._outbox.close()

    def _watch(self, stop: threading.Event, config: IntersectionConfig, observer: LaneObserver) -> None:
        try:
            while not stop.is_set():
                look = self._camera.look(SILENT_S)
                if look is None:
                    raise Unavailable(f"the camera has shown nothing new for {SILENT_S:.0f} s")
                period_s, readings, conditions = observer.observe(look)
                self._send(look.clock_s, period_s, readings)
                for incident in self._incidents.update(conditions, look.clock_s, now()):
                    self._tell(config, incident)
                self._report(readings)
        finally:
            for incident in self._incidents.end_all():
                self._tell(config, incident)

    def _send(self, clock_s: float, period_s: float, readings: list[LaneReading]) -> None:
        self._outbox.send(
            "measurement",
            LaneMeasurement(
                at=now(),
                device=self.device,
                boot=self._outbox.boot,
                seq=UNNUMBERED,
                intersection=self._intersection,
                period_s=period_s,
                clock_s=clock_s,
                lanes=readings,
            ),
        )

    def _tell(self, config: IntersectionConfig, incident: Incident) -> None:
        condition = incident.condition
        end = next((lane.path[-1] for lane in config.lanes if lane.lane == condition.lane), config.position)
        self._outbox.send(
            "event",
            TrafficEvent(
                at=now(),
                device=self.device,
                boot=self._outbox.boot,
                seq=UNNUMBERED,
                event=incident.event,
                kind=condition.kind,
                severity=incident.severity,
                start_at=incident.start_at,
                end_at=incident.end_at,
                intersection=self._intersection,
                lane=condition.lane,
                position=end,
                detail=condition.detail,
                evidence=dict(condition.evidence),
            ),
        )

    def _report(self, readings: list[LaneReading]) -> None:
        figures = {
            "vehicles": float(sum(reading.vehicles for reading in readings)),
            "queued": float(sum(reading.queued for reading in readings)),
            "events": float(self._incidents.count),
        }
        self._outbox.report(Health.OK, figures=figures)
