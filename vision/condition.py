"""Tells whether a camera still sees what it should: blind (dark or covered), frozen (the same picture again
and again), or moved.
"""

import zlib
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from citybrain.messages import EventKind
from vision.standpoint import Standpoint

MIN_CONTRAST = 25.0
"""Between the darkest and the brightest hundredth of the picture, of 255; a street by night has far more."""
BLIND_AFTER_S = 3.0
FROZEN_AFTER_S = 10.0
MOVED_AFTER_S = 5.0
MIN_REPEATS = 3
SAMPLE = (64, 36)


@dataclass(frozen=True, slots=True)
class Change:
    """A condition began (`since_s`) or, with `until_s`, is over."""

    kind: EventKind
    since_s: float
    until_s: float | None = None


@dataclass(slots=True)
class _Spell:
    kind: EventKind
    after_s: float
    since_s: float | None = None
    is_told: bool = False

    def note(self, holds: bool, since_s: float, at_s: float, enough: bool = True) -> list[Change]:
        if holds:
            self.since_s = since_s if self.since_s is None else self.since_s
            if not self.is_told and enough and at_s - self.since_s >= self.after_s:
                self.is_told = True
                return [Change(self.kind, self.since_s)]
            return []
        since, told = self.since_s, self.is_told
        self.since_s, self.is_told = None, False
        return [Change(self.kind, since, at_s)] if told and since is not None else []


@dataclass(slots=True)
class Condition:
    """Of one camera; feed it every frame."""

    _blind: _Spell = field(default_factory=lambda: _Spell(EventKind.CAMERA_BLIND, BLIND_AFTER_S))
    _frozen: _Spell = field(default_factory=lambda: _Spell(EventKind.CAMERA_FROZEN, FROZEN_AFTER_S))
    _moved: _Spell = field(default_factory=lambda: _Spell(EventKind.CAMERA_MOVED, MOVED_AFTER_S))
    _standpoint: Standpoint = field(default_factory=Standpoint)
    _digest: int = -1
    _same_since_s: float = 0.0
    _repeats: int = 0

    def look(self, jpeg: bytes, picture: NDArray[np.uint8], at_s: float) -> list[Change]:
        """What began or ended with this frame: its bytes as sent, (h, w, 3) uint8, seconds."""
        # Two pictures of a living sensor are never the same to the last bit.
        digest = zlib.crc32(jpeg)
        if digest == self._digest:
            self._repeats += 1
        else:
            self._digest, self._same_since_s, self._repeats = digest, at_s, 0
        frozen = self._frozen.note(
            self._repeats > 0, self._same_since_s, at_s, enough=self._repeats >= MIN_REPEATS
        )
        is_blind = _contrast(picture) < MIN_CONTRAST
        # Who is covered shows another place too; that is said once, as blind.
        elsewhere = self._standpoint.look(picture, at_s) and not is_blind
        moved = self._moved.note(elsewhere, at_s, at_s)
        return frozen + self._blind.note(is_blind, at_s, at_s) + moved

    @property
    def is_well(self) -> bool:
        return not self.unwell

    @property
    def unwell(self) -> str:
        """What is wrong, in a word; nothing while all is well."""
        told = {"blind": self._blind, "frozen": self._frozen, "moved": self._moved}
        return " and ".join(word for word, spell in told.items() if spell.is_told)


def _contrast(picture: NDArray[np.uint8]) -> float:
    grey = cv2.cvtColor(cv2.resize(picture, SAMPLE, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    low, high = np.percentile(grey, (1, 99))
    return float(high - low)
