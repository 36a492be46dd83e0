"""The report of a corridor study: figures and one self-contained page."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulations.compare import Comparison


def write_report(comparison: "Comparison", recordings: Path, out: Path) -> list[Path]:
    """Write `report.html` and `figures/*.png` into `out`; return the pages.

    With several scenarios each gets a folder of its name. `recordings` holds the folders that `Recorder`
    wrote, named by `recording_name`; what was not recorded is said to be missing.

    Raises:
        ConfigError: a recording cannot be read, or a scenario had no run.
        Unavailable: the signal performance measures could not be computed.
    """
    # Drawing is imported when it is wanted: the program that runs atspm lives in this package too.
    from simulations.report.build import write_pages

    return write_pages(comparison, recordings, out)
