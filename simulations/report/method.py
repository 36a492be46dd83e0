"""How a study was made: what a reader needs to judge it and to run it again."""

import platform
from importlib.metadata import version

from simulations.report.study import Study
from simulations.report.style import named


def method_of(study: Study) -> list[tuple[str, str]]:
    """Names and texts, for the last section of the page."""
    comparison, scenario = study.comparison, study.scenario
    rows = [
        ("Scenario", f"{scenario.name}: {scenario.source}"),
        ("Licence", scenario.licence),
        ("Controllers", ", ".join(map(named, study.controllers))),
        ("Seeds", ", ".join(map(str, comparison.seeds))),
        ("Observation", f"{comparison.observe}; {_spoilt(study)}"),
        ("Signal rules", _rules(study)),
        (
            "Delay",
            (
                "time loss plus departure delay over every scheduled vehicle, unfinished and never departed "
                "included (SUMO trip information)"
            ),
        ),
        ("Confidence", "95 %, Student's t over seeds; changes from differences paired by seed"),
        ("Details", _details(study)),
    ]
    if study.evidence:
        measures = (
            f"arrivals on green, platoon ratio, split failures and crossings on yellow and red by atspm "
            f"{version('atspm')}, from event logs in the Indiana enumeration (INDOT and Purdue University, "
            "2020), which lie with the recordings"
        )
        rows.append(("Measures", measures))
    if any(run.decisions for run in study.runs):
        rows.append(("Decision time", _decisions(study)))
    made = f"Python {platform.python_version()}, made {comparison.created_at}"
    rows.append(("Versions", f"City Brain {comparison.citybrain}, SUMO {comparison.sumo}, {made}"))
    return rows


def _decisions(study: Study) -> str:
    ours = [run for run in study.runs if run.decisions]
    median = sum(run.decision_p50_ms for run in ours) / len(ours)
    worst = max(run.decision_p99_ms for run in ours)
    return (
        f"{named(ours[0].controller)}: median {median:.2f} ms, 99th percentile at most {worst:.2f} ms an "
        f"intersection and second, over {sum(run.decisions for run in ours):,} decisions"
    )


def _spoilt(study: Study) -> str:
    comparison = study.comparison
    said = []
    if comparison.missed is not None:
        said.append(f"{100 * comparison.missed:.0f} % of vehicles missed")
    if comparison.blind:
        said.append(f"blind on {', '.join(comparison.blind)}")
    if comparison.late_s:
        said.append(f"messages {comparison.late_s:.0f} s late")
    if comparison.silent:
        said.append("everything silent")
    return "spoilt on purpose: " + ", ".join(said) if said else "with the usual errors of that kind"


def _rules(study: Study) -> str:
    protocol = study.scenario.protocol(study.comparison.protocol)
    yellow = "by approach speed" if protocol.yellow_s is None else f"{protocol.yellow_s:.0f} s"
    return (
        f"{protocol.name}: minimum green {protocol.min_green_s:.0f} s, yellow {yellow}, all-red "
        f"{protocol.all_red_s:.0f} s"
    )


def _details(study: Study) -> str:
    if not study.evidence:
        return "none recorded"
    runs = ", ".join(f"{named(c)} (seed {e.recording.about.seed})" for c, e in study.evidence.items())
    return f"approaches, signals, corridor and map are of one recorded run each: {runs}"
