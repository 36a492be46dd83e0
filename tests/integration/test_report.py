"""The report of a real, short comparison: its figures are the comparison's, its measures can be counted."""

import base64
import csv
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from html import unescape
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pytest

from simulations.compare import Comparison, Plan, compare, recording_name
from simulations.control import Run
from simulations.enumeration import Event
from simulations.recorder import ABOUT, EVENTS, About, Recorder
from simulations.recording import Recording, read_recording
from simulations.report import write_report
from simulations.report.build import NOT_RECORDED
from simulations.report.kpis import change, spread
from simulations.report.measures import FOLDER, read_phases
from simulations.scenarios import find_scenario

ROOT = Path(__file__).parents[2]
SCENARIO, SECONDS = "cologne3", 600.0
CORRIDOR = ("360086", "360082")
"""Part of the scenario's own, the other way round."""
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study") / "recordings"


@pytest.fixture(scope="module")
def comparison(recordings: Path) -> Comparison:
    scenario = find_scenario(SCENARIO)
    plan = Plan(
        {SCENARIO: scenario}, ("fixed", "greedy"), (1, 2),
        duration_s=SECONDS, recordings=recordings, corridor=CORRIDOR,
    )  # fmt: skip
    found = compare(plan, 2)
    assert not found.failures
    return found


@pytest.fixture(scope="module")
def page(comparison: Comparison, recordings: Path) -> Path:
    (page,) = write_report(comparison, recordings, recordings.parent)
    return page


@pytest.fixture(scope="module")
def recording(page: Path, recordings: Path) -> Recording:
    """Of greedy control, with its measures."""
    assert page.is_file()
    return read_recording(recordings / recording_name(SCENARIO, "greedy", 1))


def test_the_report_gives_the_figures_of_the_comparison(page: Path, comparison: Comparison) -> None:
    text = unescape(re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8"))).replace(
        "\N{NO-BREAK SPACE}", " "
    )
    for summary in comparison.summaries:
        for field, digits in (("delay_s", 1), ("trip_time_s", 1), ("stops", 2), ("co2_g_per_km", 0)):
            assert f" {summary.figures[field].mean:,.{digits}f} " in text
    lead, before = sorted(comparison.summaries, key=lambda s: s.figures["delay_s"].mean)
    assert lead.versus_fixed is not None
    percent = 100 * lead.versus_fixed.difference_s.mean / before.figures["delay_s"].mean
    assert f"{lead.controller.capitalize()} control cuts delay by {abs(percent):.0f} %" in text
    assert f"{abs(percent):.1f} % less" in text


def test_intervals_in_the_report_are_those_of_the_comparison(comparison: Comparison) -> None:
    for summary in comparison.summaries:
        runs = [run for run in comparison.runs if run.controller == summary.controller]
        for field in ("delay_s", "trip_time_s", "stops"):
            own, theirs = spread(runs, field), summary.figures[field]
            assert (own.mean, own.low, own.high) == pytest.approx((theirs.mean, theirs.low, theirs.high))
    (greedy,) = (s for s in comparison.summaries if s.controller == "greedy")
    (fixed,) = (s for s in comparison.summaries if s.controller == "fixed")
    found = change(comparison.runs, "greedy", "fixed", "delay_s")
    assert found is not None
    assert greedy.versus_fixed is not None
    base, theirs = fixed.figures["delay_s"].mean / 100, greedy.versus_fixed.difference_s
    assert found.low == pytest.approx((theirs.low or 0) / base)
    assert found.high == pytest.approx((theirs.high or 0) / base)


def test_the_corridor_of_the_report_is_the_one_that_was_asked_for(recording: Recording, page: Path) -> None:
    assert recording.about.corridor is not None
    assert recording.about.corridor.signals == CORRIDOR
    assert "2 signals" in page.read_text(encoding="utf-8")


def test_the_report_finds_its_scenario_where_it_was_found_before(
    comparison: Comparison, tmp_path: Path
) -> None:
    file = tmp_path / "moved.scenario.toml"
    file.write_text(
        f'config = "sumo-rl:RESCO/{SCENARIO}/{SCENARIO}.sumocfg"\nlicence = "of the moved file"\n',
        encoding="utf-8",
    )
    moved = replace(comparison, sources={SCENARIO: str(file)})
    (page,) = write_report(moved, tmp_path / "nothing", tmp_path)
    assert "of the moved file" in page.read_text(encoding="utf-8")


def test_phases_are_numbered_alike_for_every_controller(tmp_path: Path) -> None:
    scenario = find_scenario("ingolstadt7")
    found = []
    for controller, extends in (("fixed", False), ("adaptive", True)):
        recorder = Recorder(tmp_path / controller, events_only=True)
        recorder.begin(Run(scenario, controller), scenario.network("resco", extends=extends), None)
        recorder.end()
        found.append(msgspec.json.decode((tmp_path / controller / ABOUT).read_bytes(), type=About).layouts)
    assert found[0] == found[1]


def test_the_page_asks_nobody_for_anything(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "://" not in text
    assert set(re.findall(r'src="([a-z]+):', text)) == {"data"}
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', text))
    assert "url(" not in text
    assert "<script" not in text


def test_every_figure_is_on_the_page_and_beside_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    figures = sorted((page.parent / "figures").glob("*.png"))
    assert {figure.stem for figure in figures} == {
        "approaches", "arrivals-on-green", "change", "emissions", "kpis", "map", "over-time", "pcd",
        "split-failures", "splits", "time-space-fixed", "time-space-greedy", "yellow-red",
    }  # fmt: skip
    for figure in figures:
        data = figure.read_bytes()
        assert data.startswith(PNG)
        assert base64.b64encode(data).decode() in text


def test_what_was_not_recorded_is_said_and_not_drawn(
    comparison: Comparison, tmp_path: Path, page: Path
) -> None:
    (bare,) = write_report(comparison, tmp_path / "nothing", tmp_path / "out")
    text = bare.read_text(encoding="utf-8")
    assert NOT_RECORDED in text
    assert NOT_RECORDED not in page.read_text(encoding="utf-8")
    drawn = {figure.stem for figure in (tmp_path / "out" / "figures").glob("*.png")}
    assert drawn == {"change", "kpis", "emissions"}


def test_one_seed_is_not_called_significant(comparison: Comparison, tmp_path: Path) -> None:
    single = replace(comparison, seeds=(1,), runs=tuple(run for run in comparison.runs if run.seed == 1))
    (bare,) = write_report(single, tmp_path / "nothing", tmp_path)
    text = bare.read_text(encoding="utf-8")
    assert "says nothing about chance" in text
    assert "1 seed only" in text
    assert "significant" not in text


def test_arrivals_on_green_by_atspm_are_those_that_can_be_counted(recording: Recording) -> None:
    phases = read_phases(recording.folder, recording.about.seconds)
    assert len(phases) > 8
    for phase in phases:
        arrivals = recording.arrivals(phase.device, phase.phase)
        greens = recording.greens(phase.device, phase.phase)
        on_green = sum(int(((arrivals >= begin) & (arrivals < end)).sum()) for begin, end in greens)
        assert phase.on_green == on_green
        # atspm leaves out bins in which nobody arrives on green.
        assert phase.arrivals == len(arrivals) or on_green == 0
        green_s = float((greens[:, 1] - greens[:, 0]).sum())
        assert phase.green_s == pytest.approx(green_s, abs=0.01)


def test_actuations_by_atspm_are_the_log_s_detector_calls(recording: Recording) -> None:
    with (recording.folder / FOLDER / "actuations.csv").open() as file:
        theirs: Counter[tuple[str, int]] = Counter()
        for row in csv.DictReader(file):
            theirs[row["DeviceId"], int(row["Detector"])] += int(row["Total"])
    own: Counter[tuple[str, int]] = Counter()
    for (device, event, channel), times in recording.events.items():
        if event == Event.DETECTOR_ON:
            layout = recording.layouts[device]
            travel_s = next(d.travel_s for d in layout.detectors if d.channel == channel)
            carried = travel_s if layout.detectors[channel - 1].function == "Advance" else 0.0
            own[device, channel] = int((times + carried < recording.end_s).sum())
    assert +theirs == +own


def test_split_failures_by_atspm_are_cycles_of_the_log(recording: Recording) -> None:
    for phase in read_phases(recording.folder, recording.about.seconds):
        greens = recording.times(phase.device, Event.PHASE_BEGIN_GREEN, phase.phase)
        assert 0 <= phase.split_failures <= phase.cycles <= len(greens)


def test_nobody_runs_a_red_light(recording: Recording) -> None:
    for device, layout in recording.layouts.items():
        for detector in layout.detectors:
            if detector.function != "Yellow_Red":
                continue
            crossings = recording.times(device, Event.DETECTOR_ON, detector.channel)
            allowed = np.concatenate(
                [recording.greens(device, detector.phase), recording.yellows(device, detector.phase)]
            )
            for at in crossings:
                assert ((allowed[:, 0] <= at) & (at <= allowed[:, 1])).any(), (device, detector, at)


def test_our_advance_detectors_see_what_sumo_s_loops_see(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fixtures.sumo_loops", "cologne1", "600", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    found = read_recording(tmp_path)
    entries: dict[tuple[str, int], list[float]] = defaultdict(list)
    for name, loop, at in csv.reader((tmp_path / "loops.csv").open()):
        entries[name, int(loop)].append(float(at))
    assert sum(map(len, entries.values())) > 100
    apart = []
    for (device, channel), theirs in entries.items():
        own = found.times(device, Event.DETECTOR_ON, channel)
        # A loop has a length: two vehicles close behind each other are one call of ours.
        assert 0.85 * len(theirs) - 1 <= len(own) <= len(theirs) + 1
        apart += [float(np.abs(np.array(theirs) - on).min()) for on in own]
    assert np.percentile(apart, 95) <= 0.1


def test_a_log_is_exported_as_csv_and_parquet(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "citybrain", "sim", "export-events", "--scenario", "cologne1"]
    options = ["--controller", "greedy", "--duration", "120", "--out", str(tmp_path), "--parquet"]
    subprocess.run([*command, *options], cwd=ROOT, check=True, capture_output=True)
    with duckdb.connect() as connection:
        counts = [
            connection.sql(f"SELECT count(*), sum(EventId * Parameter) FROM '{path}'").fetchone()
            for path in (tmp_path / EVENTS, (tmp_path / EVENTS).with_suffix(".parquet"))
        ]
    assert counts[0] == counts[1]
    assert (tmp_path / "detectors.parquet").is_file()
