"""Follows road users from frame to frame: who is who, how fast, of what class.

Two-stage association as in ByteTrack (Zhang et al., 2022): sure detections first, then weak ones for the
tracks that are left. Instead of overlap alone, which fails for whatever moves by more than its own length
between frames, a detection is weighed by its distance to the predicted place in units of the prediction's
own uncertainty. Numbers in, numbers out; not thread-safe.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from vision.carry import Step
from vision.detections import ROAD_USERS, Detections, area, iou, shared_area
from vision.flow import Flow
from vision.kalman import BoxFilter, size_of, to_centre, to_corners
from vision.looks import SIDE, Frame, looks_of

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

WEAK_CONFIDENCE = 0.12
"""Below it a detection says nothing, not even of a known track."""
GATE = 11.8
"""Squared normalised distance; 3 in 1000 true partners are further away (chi-square, 2 degrees)."""
NEAR_IOU = 0.3
NEAR_GATES = 4.0
"""Overlap at which a detection may belong to a track from that much further: half-hidden boxes jump."""
MAX_LOG_SIZE = 0.8
MAX_LEAP = 2.2
"""Box sizes that somebody may move between the first two sights, whatever the frame rate."""
LEAP_DEVIATION = 0.2
MAX_LEAP_UNLIKE = 0.5
"""1 less the correlation of looks; the same vehicle in the next frame rarely has more."""
LOOK_WEIGHT = 6.0
MAX_GAP_S = 1.2
MAX_STANDING_GAP_S = 10.0
"""Who stands still, and is hidden, will be found where it was."""
STANDING = 0.25
"""Box sizes per second."""
MAX_LEAVING_GAP_S = 0.3
"""Who touches the edge of the picture and is not seen again has left; the next one there is another."""
MAX_STEP_S = 2.0
"""Longer silence means that nothing moved (the motion gate sends nothing then), not that all drove on."""
MIN_MISSED_FRAMES = 2.1
"""At one frame a second a gap is counted in frames."""
CONFIRM_HITS = 3
CONFIRM_S = 0.1
SAME_BOX_IOU = 0.4
INSIDE = 0.75
EDGE_SHARE = 0.01
CUT_SHARE = 0.1
"""A box that ends this close to a side of the picture, as a share of its width, is taken as cut by it."""
MAX_AREA_RATIO = 3.0
CROWD = 3
"""A box around this many others is no vehicle."""
IMPOSSIBLE = 1e6
MAX_CARRY_OFF = 0.8
"""Box sizes from the predicted place at which carried points are somebody else's."""
MAX_CARRY_S = 0.6
"""How long a box is carried on without a detector that sees it."""
SLOW_STEP_S = 0.09
"""Where frames follow each other faster, the detector's own sights say more than carried points."""
PER_TRACK = (
    "_track", "_hits", "_missed_s", "_unseen_s", "_confidence", "_votes", "_box", "_first_box", "_first_s",
    "_first_cut", "_look",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Confirmed tracks, row by row.

    found: boxes as seen now (predicted where not `seen`), class by vote; velocity: (n, 2) px/s;
    first_box: (n, 4) and first_s: (n,) of the first sight; entered: (n,) whether that was at an edge of the
    picture; seen: (n,) whether detected in this frame; cut, first_cut: (n,) whether the left or right edge
    hides a part of the box now, and hid one at first.
    """

    found: Detections
    velocity: Floats
    first_box: NDArray[np.float32]
    first_s: Floats
    entered: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    cut: NDArray[np.bool_]
    first_cut: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.found)


class Tracker:
    """All tracks of one camera with pictures of `width` by `height`.

    Track numbers start at `first_track` and are never used again.
    """

    def __init__(self, width: int, height: int, min_confidence: float = 0.35, first_track: int = 1) -> None:
        self._width, self._height = width, height
        self._min_confidence = min_confidence
        self._filter = BoxFilter()
        self._flow = Flow()
        self._last_s: float | None = None
        self._step_s = 0.0
        self._next = first_track
        self._track = np.empty(0, np.int32)
        self._hits = np.empty(0, np.int32)
        self._missed_s = np.empty(0)
        self._unseen_s = np.empty(0)
        self._confidence = np.empty(0, np.float32)
        self._votes = np.empty((0, len(ROAD_USERS)))
        self._box = np.empty((0, 4), np.float32)
        self._first_box = np.empty((0, 4), np.float32)
        self._first_s = np.empty(0)
        self._first_cut = np.empty(0, np.bool_)
        self._look = _no_looks(0)
        self._seen_looks = _no_looks(0)

    @property
    def last_track(self) -> int:
        """The highest number given so far."""
        return self._next - 1

    @property
    def boxes(self) -> NDArray[np.float32]:
        """The boxes (n, 4) of all tracks, sure or not, as last seen."""
        return self._box

    def update(
        self, found: Detections, at_s: float, frame: Frame | None = None, steps: Sequence[Step] = ()
    ) -> Tracks:
        """Take the detections of a frame at `at_s` (seconds on any steady clock, not falling).

        With the `frame` itself, (h, w, 3) uint8, what the boxes look like helps to tell who is who. The
        result has the confirmed tracks that were seen in this frame.
        """
        found = without_crowds(found, self._min_confidence)
        found = found.select(found.confidence >= WEAK_CONFIDENCE)
        self._seen_looks = _no_looks(len(found)) if frame is None else looks_of(frame, found.boxes)
        if not steps or steps[0].dt_s < SLOW_STEP_S:
            steps = ()
        before, known = self._box.copy(), self._missed_s == 0
        self._predict(at_s)
        measured = to_centre(found.boxes)
        sure = np.flatnonzero(found.confidence >= self._min_confidence)
        weak = np.flatnonzero(found.confidence < self._min_confidence)
        first = self._match(np.arange(len(self._track)), sure, found, measured, GATE)
        # A weak detection is no reason to look far, nor to believe in a track seen only once.
        rest = np.setdiff1d(np.flatnonzero((self._hits >= 2) | bool(steps)), first[0])
        second = self._match(rest, weak, found, measured, GATE / 2)
        # What is left of the sure ones may be somebody seen once, who is faster than anybody here before.
        once = np.setdiff1d(
            np.flatnonzero((self._hits == 1) & (self._missed_s <= 1.5 * self._step_s)), first[0]
        )
        third = self._leap(once, np.setdiff1d(sure, first[1]), measured)
        tracks, rows = (np.concatenate(parts) for parts in zip(first, second, third, strict=True))
        once_at = to_centre(self._box[third[0]])[:, :2]
        self._correct(tracks, rows, found, measured)
        if len(third[0]):
            self._learn_leap(third[0], measured[third[1], :2] - once_at)
        self._carry(np.setdiff1d(np.flatnonzero(known), tracks), before, steps)
        self._begin(np.setdiff1d(sure, rows), found, measured, at_s, steps)
        self._end()
        return self._report(at_s, self._missed_s == 0)

    def predict(self, at_s: float) -> Tracks:
        """Where the confirmed tracks are at `at_s` without looking."""
        dt_s = 0.0 if self._last_s is None else min(max(at_s - self._last_s, 0.0), MAX_STEP_S)
        moved = self._filter.state + self._filter.rate * dt_s
        return self._report(at_s, self._missed_s == 0, to_corners(moved))

    def carry(self, steps: Sequence[Step], at_s: float) -> Tracks:
        """Follow who was seen a moment ago to the picture at `at_s`, at which no detector looked.

        Only tracks that a detector saw more than once: it carries nobody into being.
        """
        before = self._box.copy()
        known = self._missed_s == 0
        self._predict(at_s)
        self._carry(np.flatnonzero(known), before, steps)
        self._end()
        return self._report(at_s, self._missed_s == 0)

    def _carry(self, rows: Rows, before: NDArray[np.float32], steps: Sequence[Step]) -> None:
        rows = rows[self._unseen_s[rows] <= MAX_CARRY_S]
        if steps and len(rows):
            predicted = self._filter.state[rows]
            boxes, sure = steps[0].carry(before[rows], predicted[:, :2] - to_centre(before[rows])[:, :2])
            centre = to_centre(boxes)
            off = np.hypot(*(centre[:, :2] - predicted[:, :2]).T) / size_of(centre)[:, 0]
            sure &= (off < MAX_CARRY_OFF) | (self._hits[rows] == 1)
            rows = rows[sure]
            self._filter.correct(rows, centre[sure])
            self._box[rows] = boxes[sure]
            self._missed_s[rows] = 0.0

    def _predict(self, at_s: float) -> None:
        dt_s = 0.0 if self._last_s is None else min(max(at_s - self._last_s, 1e-3), MAX_STEP_S)
        self._last_s, self._step_s = at_s, dt_s
        self._filter.predict(dt_s)
        self._missed_s += dt_s
        self._unseen_s += dt_s

    def _match(
        self, tracks: Rows, rows: Rows, found: Detections, measured: Floats, gate: float
    ) -> tuple[Rows, Rows]:
        """Pairs of tracks and detections, each at most once, of least total cost."""
        if not len(tracks) or not len(rows):
            return tracks[:0], rows[:0]
        cost = self._cost(tracks, rows, found, measured, gate)
        left, right = linear_sum_assignment(cost)
        paired = cost[left, right] < IMPOSSIBLE
        return tracks[left[paired]], rows[right[paired]]

    def _leap(self, tracks: Rows, rows: Rows, measured: Floats) -> tuple[Rows, Rows]:
        """Pairs that only distance and size speak for."""
        if not len(tracks) or not len(rows):
            return tracks[:0], rows[:0]
        state, seen = self._filter.state[tracks], measured[rows]
        off = np.hypot(*(seen[None, :, :2] - state[:, None, :2]).transpose(2, 0, 1)) / size_of(state)
        log_size = np.abs(np.log(seen[None, :, 2:] / state[:, None, 2:])).max(axis=2)
        unlike = self._unlike(tracks, rows)
        possible = (off < MAX_LEAP) & (log_size < MAX_LOG_SIZE / 2) & (unlike < MAX_LEAP_UNLIKE)
        cost = np.where(possible, off + log_size + 2 * unlike, IMPOSSIBLE)
        left, right = linear_sum_assignment(cost)
        paired = cost[left, right] < IMPOSSIBLE
        return tracks[left[paired]], rows[right[paired]]

    def _learn_leap(self, tracks: Rows, moved: Floats) -> None:
        """Two sights give a velocity, whatever was expected."""
        size = size_of(self._filter.state[tracks])
        step_s = max(self._step_s, 1e-3)
        self._filter.set_velocity(tracks, moved / step_s, LEAP_DEVIATION * size / step_s)

    def _unlike(self, tracks: Rows, rows: Rows) -> Floats:
        """1 less the correlation of looks, 0 to 2; 0 where looks are not known."""
        if not self._seen_looks.any() or not self._look.any():
            return np.zeros((len(tracks), len(rows)))
        return np.asarray(1 - self._look[tracks] @ self._seen_looks[rows].T, np.float64)

    def _cost(self, tracks: Rows, rows: Rows, found: Detections, measured: Floats, gate: float) -> Floats:
        """Negative log-likelihood of each pair up to constants, with the overlap as a tie-breaker."""
        state = self._filter.state[tracks]
        variance = self._filter.expected_variance()[tracks, None, :2]
        seen = measured[rows]
        off = seen[None, :, :2] - state[:, None, :2]
        distance = (off**2 / variance).sum(axis=2)
        log_size = np.abs(np.log(seen[None, :, 2:] / state[:, None, 2:])).max(axis=2)
        overlap = iou(to_corners(state), found.boxes[rows]).astype(np.float64)
        size = size_of(state)
        doubt = np.log(variance / size[:, None, :] ** 2).sum(axis=2)
        cost = np.minimum(distance, 2 * gate) + doubt + 4 * (1 - overlap) + 4 * log_size
        cost += LOOK_WEIGHT * self._unlike(tracks, rows)
        possible = ((distance < gate) & (log_size < MAX_LOG_SIZE)) | (
            (overlap > NEAR_IOU) & (distance < NEAR_GATES * gate)
        )
        return np.where(possible, cost, IMPOSSIBLE)

    def _correct(self, tracks: Rows, rows: Rows, found: Detections, measured: Floats) -> None:
        self._filter.correct(tracks, measured[rows])
        self._hits[tracks] += 1
        self._missed_s[tracks] = 0.0
        self._unseen_s[tracks] = 0.0
        self._confidence[tracks] = found.confidence[rows]
        self._box[tracks] = found.boxes[rows]
        self._look[tracks] = self._seen_looks[rows]
        self._votes[tracks, found.road_user[rows]] += found.confidence[rows]
        known = tracks[self._hits[tracks] >= CONFIRM_HITS]
        state = self._filter.state[known]
        self._flow.learn(state[:, :2], self._filter.rate[known, :2], size_of(state))

    def _begin(
        self, rows: Rows, found: Detections, measured: Floats, at_s: float, steps: Sequence[Step]
    ) -> None:
        seen = self._missed_s == 0
        rows = rows[~_covered(found.boxes[rows], self._box[seen])]
        rows = rows[np.argsort(-found.confidence[rows], kind="stable")]
        doubles = np.triu(_doubles(found.boxes[rows], found.boxes[rows]).T, 1).any(axis=0)
        rows = rows[~doubles]
        count = len(rows)
        size = size_of(measured[rows])
        velocity, deviation = self._flow.guess(measured[rows, :2], size)
        first_box, first_s = found.boxes[rows].copy(), np.full(count, at_s)
        going = np.ones(count, np.bool_)
        for number, step in enumerate(steps if count else ()):
            boxes, sure = step.reverse().carry(first_box, -velocity * step.dt_s)
            way = to_centre(boxes)[:, :2] - to_centre(first_box)[:, :2]
            going &= (
                sure & (np.hypot(*way.T) < MAX_LEAP * size[:, 0]) & ~_beyond(boxes, self._width, self._height)
            )
            velocity[going] = -way[going] / step.dt_s
            if number == 0:
                deviation[going] = LEAP_DEVIATION * size[going] / step.dt_s
                birth = velocity.copy()
            first_box[going] = boxes[going]
            first_s[going] -= step.dt_s
        velocity = birth if steps and count else velocity
        self._filter.append(measured[rows], velocity, deviation)
        votes = np.zeros((count, len(ROAD_USERS)))
        votes[np.arange(count), found.road_user[rows]] = found.confidence[rows]
        numbers = np.arange(self._next, self._next + count, dtype=np.int32)
        self._next += count
        self._track = np.concatenate([self._track, numbers])
        self._hits = np.concatenate([self._hits, np.ones(count, np.int32)])
        self._missed_s = np.concatenate([self._missed_s, np.zeros(count)])
        self._unseen_s = np.concatenate([self._unseen_s, np.zeros(count)])
        self._confidence = np.concatenate([self._confidence, found.confidence[rows]])
        self._votes = np.concatenate([self._votes, votes])
        self._box = np.concatenate([self._box, found.boxes[rows]])
        self._first_box = np.concatenate([self._first_box, first_box])
        self._first_s = np.concatenate([self._first_s, first_s])
        # A whole box that is carried back over the edge is whole still, and its foot where the wheels are.
        cut = _at_side(found.boxes[rows], self._width, self._height)
        self._first_cut = np.concatenate([self._first_cut, cut])
        self._look = np.concatenate([self._look, self._seen_looks[rows]])

    def _end(self) -> None:
        """Forget who was away too long; who was seen only once is forgotten at once, or soon."""
        speed = np.hypot(self._filter.rate[:, 0], self._filter.rate[:, 1]) / size_of(self._filter.state)[:, 0]
        patience = np.where(speed < STANDING, MAX_STANDING_GAP_S, MAX_GAP_S)
        patience = np.where(self._hits < CONFIRM_HITS, MAX_GAP_S / 3, patience)
        leaving = at_edge(self._box, self._width, self._height)
        patience = np.where(leaving, np.minimum(patience, MAX_LEAVING_GAP_S), patience)
        patience = np.maximum(patience, MIN_MISSED_FRAMES * self._step_s)
        alive = (self._missed_s == 0) | (self._missed_s <= patience)
        if alive.all():
            return
        self._filter.keep(alive)
        for name in PER_TRACK:
            setattr(self, name, getattr(self, name)[alive])

    def _report(
        self, at_s: float, seen: NDArray[np.bool_], boxes: NDArray[np.float32] | None = None
    ) -> Tracks:
        confirmed = (self._hits >= CONFIRM_HITS) | ((self._hits >= 2) & (at_s - self._first_s >= CONFIRM_S))
        rows = np.flatnonzero(confirmed & seen)
        user = self._votes[rows].argmax(axis=1).astype(np.uint8)
        shown = self._box if boxes is None else boxes
        return Tracks(
            found=Detections(shown[rows], self._confidence[rows], user, self._track[rows]),
            velocity=self._filter.rate[rows, :2],
            first_box=self._first_box[rows],
            first_s=self._first_s[rows],
            entered=at_edge(self._first_box[rows], self._width, self._height),
            seen=(self._missed_s[rows] == 0) & (boxes is None),
            cut=_at_side(shown[rows], self._width, self._height),
            first_cut=self._first_cut[rows],
        )


def _no_looks(count: int) -> NDArray[np.float32]:
    return np.zeros((count, SIDE * SIDE * 3), np.float32)


def _beyond(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.bool_]:
    """Whether the centre of each box (n, 4) is outside of the picture."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.asarray(((centre < 0) | (centre > [width, height])).any(axis=1), np.bool_)


def _at_side(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.bool_]:
    """Whether the left or right edge of the picture cuts each box (n, 4)."""
    margin = np.maximum(EDGE_SHARE * min(width, height), CUT_SHARE * (boxes[:, 2] - boxes[:, 0]))
    return np.asarray((boxes[:, 0] <= margin) | (boxes[:, 2] >= width - margin), np.bool_)


def at_edge(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.bool_]:
    """Whether each box (n, 4) ends at an edge of the picture; then it shows only part of its vehicle."""
    margin = EDGE_SHARE * min(width, height)
    low, high = boxes[:, :2] <= margin, boxes[:, 2:] >= np.array([width, height]) - margin
    return np.asarray((low | high).any(axis=1), np.bool_)


def _covered(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each box is a second sight of one of `others`: overlapping it, or mostly inside one that is
    not much larger.
    """
    return np.asarray(_doubles(boxes, others).any(axis=1), np.bool_)


def _doubles(boxes: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.bool_]:
    inside = shared_area(boxes, others) > INSIDE * area(boxes)[:, None]
    alike = area(others)[None, :] < MAX_AREA_RATIO * area(boxes)[:, None]
    return np.asarray((inside & alike) | (iou(boxes, others) > SAME_BOX_IOU), np.bool_)


def without_crowds(found: Detections, min_confidence: float = 0.35) -> Detections:
    """The detections without boxes around several others: a queue seen as one vehicle."""
    sure = found.select(found.confidence >= min_confidence)
    holds = shared_area(found.boxes, sure.boxes) > INSIDE * area(sure.boxes)[None, :]
    smaller = area(sure.boxes)[None, :] * MAX_AREA_RATIO < area(found.boxes)[:, None]
    return found.select((holds & smaller).sum(axis=1) < CROWD)
