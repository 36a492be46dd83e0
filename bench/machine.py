"""What a benchmark ran on, printed beside its figures and written with them."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from citybrain import __version__


def machine(*packages: str) -> dict[str, Any]:
    """Processor, cores, load, system, and the versions of Python, City Brain and `packages`."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_1min": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "citybrain": __version__,
        **{package: version(package) for package in packages},
    }
