"""Whether a group keeps up with a camera: the share of its frames that were dropped lately."""

from dataclasses import dataclass

MEMORY_FRAMES = 30.0
HIGH = 0.3
LOW = 0.02
"""Back to the full look only well below what ended it, or it would come and go."""


@dataclass(slots=True)
class Load:
    """Of one camera; `is_high` while looks should cost less."""

    share: float = 0.0
    is_high: bool = False

    def note(self, dropped: int) -> None:
        """One frame was taken up, after `dropped` others that were not."""
        for lost in [1.0] * min(dropped, round(MEMORY_FRAMES)) + [0.0]:
            self.share += (lost - self.share) / MEMORY_FRAMES
        if self.share > HIGH:
            self.is_high = True
        elif self.share < LOW:
            self.is_high = False
