"""Where a region hears requests for priority and says what becomes of them."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from citybrain.messages import (
    EventKind,
    PriorityCancel,
    PriorityPosition,
    PriorityProgress,
    PriorityRequest,
    PriorityState,
    PriorityStatus,
    Severity,
    TrafficEvent,
)
from traffic.claims import Claim
from traffic.priority import DONE, Priorities

TELL_S = 2.0
"""Wall seconds between two words about a request of which nothing has changed but the time."""
Heard = PriorityRequest | PriorityPosition | PriorityCancel


class Desk:
    """The priorities of one region, called `device`, which plans the intersections that `owns` names."""

    def __init__(self, device: str, owns: Callable[[str], bool], speed: float) -> None:
        self._device, self._owns = device, owns
        self._priorities = Priorities(speed=speed)
        self._told: dict[str, PriorityStatus] = {}
        self._begun: dict[str, datetime] = {}

    @property
    def open(self) -> int:
        """Requests that have not ended."""
        return self._priorities.open

    def hear(self, message: Heard) -> bool:
        """Take it in; False for a request too many."""
        if isinstance(message, PriorityRequest):
            return self._priorities.request(message)
        if isinstance(message, PriorityPosition):
            self._priorities.position(message)
        else:
            self._priorities.cancel(message)
        return True

    def claims(self, intersection: str, now: datetime) -> list[Claim]:
        """As `Priorities.claims`."""
        return self._priorities.claims(intersection, now)

    def statuses(self, now: datetime) -> Iterator[PriorityStatus]:
        """What is to be told now: what has changed, and again every `TELL_S` while it lasts."""
        self._priorities.tick(now)
        progress = self._priorities.progress(now)
        self._told = {id_: told for id_, told in self._told.items() if id_ in progress}
        self._begun = {id_: begun for id_, begun in self._begun.items() if id_ in progress}
        for id_, (state, legs) in progress.items():
            own = [leg for leg in legs if self._owns(leg.intersection)]
            if own and self._is_news(id_, state, own, now):
                status = PriorityStatus(at=now, request=id_, device=self._device, state=state, legs=own)
                self._told[id_] = status
                yield status

    def event(self, status: PriorityStatus, boot: int, seq: Callable[[], int]) -> TrafficEvent | None:
        """For the record: the begin and the end of a request; where the vehicle was is not recorded."""
        is_new = status.request not in self._begun
        begun = self._begun.setdefault(status.request, status.at)
        has_ended = status.state in DONE
        if not is_new and not has_ended:
            return None
        passed = sum(leg.state is PriorityState.PASSED for leg in status.legs)
        return TrafficEvent(
            at=status.at,
            device=self._device,
            boot=boot,
            seq=seq(),
            event=status.request,
            kind=EventKind.PRIORITY,
            severity=Severity.INFO,
            start_at=begun,
            end_at=status.at if has_ended else None,
            detail=f"priority {status.state.value}",
            evidence={"intersections": float(len(status.legs)), "passed": float(passed)},
        )

    def _is_news(self, id_: str, state: PriorityState, legs: list[PriorityProgress], now: datetime) -> bool:
        told = self._told.get(id_)
        if told is None:
            return True
        if told.state is not state or [leg.state for leg in told.legs] != [leg.state for leg in legs]:
            return True
        return state not in DONE and now - told.at >= timedelta(seconds=TELL_S)
