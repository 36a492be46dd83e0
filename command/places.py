"""Where the things of the live city lie."""

from datetime import UTC, datetime

from citybrain.fields import LonLat
from command.live import Live
from command.models import AgentView, CameraNow, EventView, LaneNow, PictureView, SignalNow, View


def position_of(live: Live, item: View) -> LonLat | None:
    """Where an item of the live city lies, if that is known."""
    match item:
        case LaneNow():
            return intersection_position(live, item.intersection)
        case PictureView():
            return camera_position(live, item.camera)
        case EventView():
            own = item.position or intersection_position(live, item.intersection)
            return own or camera_position(live, item.camera)
        case SignalNow() | CameraNow() | AgentView():
            return item.position
    return None


def intersection_position(live: Live, name: str | None) -> LonLat | None:
    config = live.configs.get(name) if name else None
    return config.position if config else None


def camera_position(live: Live, name: str | None) -> LonLat | None:
    if not name or name not in live.cameras.known():
        return None
    return live.camera(name, datetime.now(UTC)).position
