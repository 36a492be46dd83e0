"""What a camera's policy does to each picture before it leaves the machine."""

from citybrain.config import Camera
from citybrain.gate import Motion
from citybrain.messages import Box
from citybrain.sources import Image
from edge.detail import DetailLimit, limited
from edge.motionblur import MotionBlur


class Privacy:
    """The policy of one camera: `Camera.privacy`."""

    def __init__(self, camera: Camera) -> None:
        limit = DetailLimit(camera.nearest_adult)
        self._steps: tuple[DetailLimit | MotionBlur, ...] = {
            "detail": (limit,),
            "motion": (limit, MotionBlur()),
            "raw": (),
        }[camera.privacy]
        self.notice = f"pictures leave raw: {camera.privacy_reason}" if camera.privacy == "raw" else ""
        """What everybody must know; empty where pictures are made unreadable."""

    @property
    def share(self) -> float:
        """How much of the last picture was made unreadable, 0 to 1."""
        return max((step.share for step in self._steps), default=0.0)

    def hide(self, image: Image, motion: Motion, media_s: float, boxes: tuple[Box, ...] = ()) -> Image:
        """`image` (h, w, 3) as it may leave.

        motion: of the same picture, with its regions; media_s: its time on any clock; boxes: what a detector
        found in it, where there is one.
        """
        if self._steps:
            image = limited(image, boxes)
        for step in self._steps:
            image = step.hide(image, motion, media_s)
        return image
