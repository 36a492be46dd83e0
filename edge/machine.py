"""How the machine under an agent is: figures for its health, cheap enough for every heartbeat."""

import contextlib
from pathlib import Path

import psutil


class Machine:
    """Reads the figures; shares of CPU are since the last reading."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = psutil.Process()
        self._process.cpu_percent()
        psutil.cpu_percent()

    def figures(self) -> dict[str, float]:
        """By name, units in the names; what this machine cannot say is left out."""
        figures = {
            "cpu": round(self._process.cpu_percent() / 100, 3),
            "machine_cpu": round(psutil.cpu_percent() / 100, 3),
            "memory_bytes": float(self._process.memory_info().rss),
            "machine_memory_free_bytes": float(psutil.virtual_memory().available),
        }
        with contextlib.suppress(OSError):
            figures["disk_free_bytes"] = float(psutil.disk_usage(str(_there(self._folder))).free)
        hottest = _hottest_cel()
        return figures if hottest is None else figures | {"temperature_cel": hottest}


def _hottest_cel() -> float | None:
    """Of all sensors of the machine; some have none, and some systems do not let us ask."""
    try:
        found = psutil.sensors_temperatures()
    except (AttributeError, OSError):
        return None
    return max((each.current for group in found.values() for each in group if each.current), default=None)


def _there(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
