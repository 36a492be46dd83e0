"""Signal performance measures of recordings, computed by the package `atspm` in a process of its own.

`atspm` brings pyarrow, which must not be beside libsumo: `measure` starts this module as a program.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from citybrain.errors import Unavailable
from simulations.events import time_stamp
from simulations.layout import ADVANCE
from simulations.recorder import DETECTORS, EVENTS, About
from simulations.recording import read_recording

FOLDER = "measures"
BIN_MIN = 15
RED_S = 5
OCCUPIED = 0.80
"""Split failure: the stop line is occupied for at least this share of the green and of the first 5 s of red
(Purdue: GOR and ROR5)."""
AGGREGATIONS: list[dict[str, Any]] = [
    {"name": "actuations", "params": {"fill_in_missing": True}},
    {"name": "arrival_on_green", "params": {"latency_offset_seconds": 0}},
    {"name": "platoon_ratio", "params": {}},
    {
        "name": "split_failures",
        "params": {
            "red_time": RED_S,
            "red_occupancy_threshold": OCCUPIED,
            "green_occupancy_threshold": OCCUPIED,
            "by_approach": True,
            "by_cycle": True,
        },
    },
    {"name": "yellow_red", "params": {"latency_offset_seconds": 0}},
    {"name": "terminations", "params": {}},
]


@dataclass(frozen=True, slots=True)
class PhaseMeasures:
    """One phase of one signal over the whole run.

    `arrivals` at the advance detectors, carried on to the stop line at the speed limit; `on_green` of them.
    `green_s` seconds of green; `platoon_ratio` is the share of arrivals on green over the share of time that
    is green (HCM 6th ed., equation 19-5), and `arrival_type` its class 1 to 6. None without arrivals.
    `cycles` with a full record, `split_failures` of them.
    """

    device: str
    phase: int
    arrivals: int
    on_green: int
    green_s: float
    green_ratio: float
    platoon_ratio: float | None
    arrival_type: int | None
    cycles: int
    split_failures: int

    @property
    def aog(self) -> float | None:
        """Share of arrivals on green."""
        return self.on_green / self.arrivals if self.arrivals else None


def measure(folders: Sequence[Path]) -> None:
    """Write the measures of each recording into its folder `measures`, as CSV.

    Raises:
        Unavailable: the program failed; its last error is told.
    """
    command = [sys.executable, "-m", "simulations.report.measures", *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "Error" in line] or ["no word"]
        raise Unavailable(f"the signal performance measures could not be computed: {said[-1]}")


def read_phases(folder: Path, seconds: float) -> list[PhaseMeasures]:
    """The measures that `measure` left for a recording of so many seconds, by device and phase."""
    found = folder / FOLDER
    query = """
        WITH aog AS (
            SELECT DeviceId, Phase, sum(Total_Actuations)::INT AS Arrivals,
                   sum(round(Percent_AOG * Total_Actuations))::INT AS OnGreen
            FROM read_csv($aog, types = {'DeviceId': 'VARCHAR'}) GROUP BY ALL
        ), green AS (
            SELECT DeviceId, Phase, sum(Green_Seconds) AS GreenS
            FROM read_csv($platoon, types = {'DeviceId': 'VARCHAR'}) GROUP BY ALL
        ), failed AS (
            SELECT DeviceId, Phase, count(*)::INT AS Cycles, sum(Split_Failure)::INT AS Failures
            FROM read_csv($failures, types = {'DeviceId': 'VARCHAR'}) GROUP BY ALL
        )
        SELECT DeviceId, Phase, coalesce(Arrivals, 0), coalesce(OnGreen, 0), coalesce(GreenS, 0.0),
               coalesce(Cycles, 0), coalesce(Failures, 0)
        FROM aog FULL JOIN green USING (DeviceId, Phase) FULL JOIN failed USING (DeviceId, Phase)
        ORDER BY DeviceId, Phase
    """
    files = {
        "aog": str(found / "arrival_on_green.csv"),
        "platoon": str(found / "platoon_ratio.csv"),
        "failures": str(found / "split_failures.csv"),
    }
    with duckdb.connect() as connection:
        rows = connection.execute(query, files).fetchall()
    return [_phase(row, seconds) for row in rows]


def read_red_offsets(folder: Path) -> dict[float, float]:
    """Vehicles over the stop line by seconds from the begin of red, rounded to half a second; all phases."""
    path = str(folder / FOLDER / "yellow_red.csv")
    query = (
        "SELECT Red_Offset, sum(Count) FROM read_csv($file) WHERE Red_Offset BETWEEN -6 AND 6 GROUP BY ALL"
    )
    with duckdb.connect() as connection:
        return {float(at): float(count) for at, count in connection.execute(query, {"file": path}).fetchall()}


def _phase(row: tuple[str, int, int, int, float, int, int], seconds: float) -> PhaseMeasures:
    device, phase, arrivals, on_green, green_s, cycles, failures = row
    ratio = green_s / seconds if seconds else 0.0
    platoon = on_green / arrivals / ratio if arrivals and ratio > 0 else None
    return PhaseMeasures(
        device,
        phase,
        arrivals,
        on_green,
        green_s,
        ratio,
        platoon,
        None if platoon is None else arrival_type(platoon),
        cycles,
        failures,
    )


def arrival_type(platoon_ratio: float) -> int:
    """HCM 6th ed., exhibit 19-13: 3 is random, above is better."""
    return 1 + sum(platoon_ratio > bound for bound in (0.50, 0.85, 1.15, 1.50, 2.00))


def aggregate(folder: Path) -> None:
    """Run `atspm` over one recording; in a process without libsumo only."""
    from atspm import SignalDataProcessor

    out = folder / FOLDER
    out.mkdir(exist_ok=True)
    projected = out / "projected.parquet"
    _project(folder, read_recording(folder).about, projected)
    config = out / "config.parquet"
    query = (
        "SELECT DeviceId, Phase, Parameter, Function FROM read_csv($file, types = {'DeviceId': 'VARCHAR'})"
    )
    with duckdb.connect() as connection:
        table = connection.sql(query, params={"file": str(folder / DETECTORS)})
        table.write_parquet(str(config))
    with SignalDataProcessor(
        raw_data=str(projected),
        detector_config=str(config),
        bin_size=BIN_MIN,
        verbose=0,
        remove_incomplete=False,
        aggregations=[{**a, "params": dict(a["params"])} for a in AGGREGATIONS],
    ) as processor:
        processor.load()
        processor.aggregate()
        for aggregation in AGGREGATIONS:
            name = aggregation["name"]
            processor.conn.table(name).write_csv(str(out / f"{name}.csv"))
    projected.unlink()
    config.unlink()


def _project(folder: Path, about: About, to: Path) -> None:
    """The log with the calls of advance detectors carried on to the stop line.

    `atspm` knows one latency for all detectors; ours have each their own travel time. Whoever would arrive
    after the log's end has no signal to arrive at. A green that is on at the end is ended there: `atspm`
    would let it run to the end of its quarter of an hour.
    """
    query = """
        WITH log AS (
            SELECT TimeStamp::TIMESTAMP AS Seen, DeviceId, EventId, Parameter
            FROM read_csv($events, types = {'DeviceId': 'VARCHAR'})
        ), carried AS (
            SELECT Seen + to_milliseconds((1000 * coalesce(TravelS, 0))::BIGINT) AS TimeStamp,
                   log.DeviceId, EventId, log.Parameter
            FROM log LEFT JOIN read_csv($detectors, types = {'DeviceId': 'VARCHAR'}) AS d
            ON EventId IN (81, 82) AND d.DeviceId = log.DeviceId AND d.Parameter = log.Parameter
               AND d.Function = $advance
        ), open AS (
            SELECT $end::TIMESTAMP - INTERVAL 1 MILLISECOND, DeviceId, 8, Parameter
            FROM log WHERE EventId IN (1, 8)
            GROUP BY DeviceId, Parameter HAVING last(EventId ORDER BY Seen, EventId) = 1
        )
        FROM carried WHERE TimeStamp < $end::TIMESTAMP UNION ALL FROM open
    """
    given = {
        "events": str(folder / EVENTS),
        "detectors": str(folder / DETECTORS),
        "advance": ADVANCE,
        "end": time_stamp(about.begin_s + about.seconds),
    }
    with duckdb.connect() as connection:
        connection.sql(query, params=given).write_parquet(str(to))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        aggregate(Path(argument))
