"""The answer that opens a report: which controller, how much better, how sure, and what to keep in mind."""

from dataclasses import dataclass

from simulations.report.kpis import Change, change, spread
from simulations.report.study import OURS, Study
from simulations.report.style import named, signed

UNFINISHED = 0.05
"""A share of vehicles under way at the end above which a report says so."""
STARVED_S = 180.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`headline` in one sentence, `sentences` that carry it, `caveats` that qualify it."""

    headline: str
    sentences: tuple[str, ...]
    caveats: tuple[str, ...]


def verdict_of(study: Study) -> Verdict:
    """From the comparison's figures alone."""
    return Verdict(_headline(study), tuple(_sentences(study)), tuple(_caveats(study)))


def _headline(study: Study) -> str:
    lead, before = named(study.lead), named(study.before)
    if len(study.controllers) == 1:
        return f"Only {lead} control ran: there is nothing to compare it with."
    found = change(study.runs, study.lead, study.before, "delay_s") if study.before != study.lead else None
    if found is None:
        return f"{_opening(lead)} control loses the least time: no other controller does better."
    return f"{_opening(lead)} control cuts delay by {abs(found.percent):.0f} % against {before} control."


def _opening(name: str) -> str:
    return name[0].upper() + name[1:]


def _sentences(study: Study) -> list[str]:
    delay = spread(study.runs_of(study.lead), "delay_s")
    within = f" (95 % confidence {delay.low:.1f} to {delay.high:.1f} s)" if delay.low is not None else ""
    found = [f"With {named(study.lead)} control a vehicle loses {delay.mean:.1f} s on its trip{within}."]
    for baseline in dict.fromkeys((study.before, study.rival)):
        versus = change(study.runs, study.lead, baseline, "delay_s") if baseline else None
        if baseline is None or baseline == study.lead or versus is None:
            continue
        mean = spread(study.runs_of(baseline), "delay_s").mean
        role = "the best baseline, " if baseline == study.rival else ""
        found.append(f"Against {role}{named(baseline)} ({mean:.1f} s), that is {told(versus)}.")
    return found


def told(versus: Change) -> str:
    """A change in words, with how sure it is."""
    word = "less" if versus.percent < 0 else "more"
    text = f"{abs(versus.percent):.1f} % {word}"
    if versus.low is None or versus.high is None:
        return f"{text}, from one seed, which says nothing about chance"
    low, high = sorted((abs(versus.low), abs(versus.high)))
    if versus.is_significant:
        return f"{text} (95 % confidence {low:.1f} to {high:.1f} %, {versus.seeds} seeds: significant)"
    return (
        f"{text}, but the 95 % confidence interval, {signed(versus.low, 1)} to {signed(versus.high, 1)} %, "
        "includes zero: "
        "not significant"
    )


def _caveats(study: Study) -> list[str]:
    found = []
    if len(study.comparison.seeds) < 3:
        count = len(study.comparison.seeds)
        found.append(f"{count} seed{'s' if count > 1 else ''} only: run three or more before you decide.")
    named_ = [c for c in dict.fromkeys((study.lead, study.before, study.rival)) if c is not None]
    for controller in named_:
        found += _of_controller(study, controller)
    crashes = {c: sum(run.collisions for run in study.runs_of(c)) for c in named_}
    if any(crashes.values()):
        counts = ", ".join(f"{count} with {named(c)} control" for c, count in crashes.items())
        found.append(f"SUMO counted collisions in these runs: {counts}.")
    found += [
        f"{failure.controller}, seed {failure.seed}, came to nothing: {failure.reason}"
        for failure in study.comparison.failures
        if failure.scenario == study.scenario.name
    ]
    if OURS in study.controllers and study.lead != OURS:
        found.append(f"City Brain's own controller, {OURS}, is not the best here.")
    comparison = study.comparison
    if comparison.missed or comparison.blind or comparison.late_s or comparison.silent:
        found.append("Sensing was spoilt on purpose in this comparison; see the method.")
    if "non-commercial" in study.scenario.licence.lower():
        found.append("The scenario's licence is non-commercial; see the method.")
    return found


def _of_controller(study: Study, controller: str) -> list[str]:
    runs = study.runs_of(controller)
    count = len(runs)
    scheduled = sum(run.vehicles for run in runs) / count
    unfinished = sum(run.unfinished for run in runs) / count
    never = sum(run.never_departed for run in runs) / count
    name, found = _opening(named(controller)), []
    if scheduled and unfinished / scheduled > UNFINISHED:
        found.append(
            f"{name}: {unfinished:.0f} of {scheduled:.0f} vehicles were under way when the run ended; their "
            "delay so far is counted, what they had still to lose is not."
        )
    if never >= 0.5:
        found.append(
            f"{name}: {never:.0f} of {scheduled:.0f} vehicles never found room to enter; their wait is "
            "counted as delay."
        )
    waits = [run.starved for run in runs if run.starved is not None and run.starved.p95_s > STARVED_S]
    if waits:
        worst = max(waits, key=lambda wait: wait.p95_s)
        found.append(
            f"{name}: on {_place(study, worst.intersection, worst.approach)} one in twenty vehicles stood "
            f"for more than {worst.p95_s:.0f} s."
        )
    return found


def _place(study: Study, intersection: str, edge: str) -> str:
    """An approach by the names that the report uses."""
    layout = study.layouts.get(intersection)
    found = next((a.label for a in layout.approaches if a.edge == edge), edge) if layout else edge
    return f"the approach {found} of {study.tags.get(intersection, intersection)}"
