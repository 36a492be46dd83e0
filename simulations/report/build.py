"""Writes the report of a comparison: one self-contained page a scenario, and its figures beside it."""

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path

import jinja2

from simulations.compare import Comparison
from simulations.report.approach_figures import approach_picture, over_time_picture
from simulations.report.coordination_figures import arrivals_picture, pcd_picture
from simulations.report.corridor_figures import time_space_pictures
from simulations.report.kpi_figures import change_picture, emission_picture, kpi_picture
from simulations.report.kpis import KPIS, change, spread
from simulations.report.map_figures import map_picture
from simulations.report.method import method_of
from simulations.report.split_figures import failures_picture, splits_picture, yellow_red_picture
from simulations.report.study import Study, read_studies
from simulations.report.style import Picture, clock, named, signed
from simulations.report.tables import (
    Table,
    approach_table,
    band_table,
    kpi_table,
    link_table,
    present,
    signal_table,
    wait_table,
)
from simulations.report.verdict import told, verdict_of

PAGE = "report.html"
FIGURES = "figures"
NOT_RECORDED = "No run of this comparison was recorded, so there is nothing to show here."
NO_CORRIDOR = "No two signals of this network follow each other along a street: there is no corridor to show."
_TILES = ("delay_s", "trip_time_s", "stops", "p95_delay_s", "co2_g_per_km")


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the page; `missing` says what could not be shown, and why."""

    id: str
    short: str
    title: str
    texts: tuple[str, ...] = ()
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tile:
    name: str
    value: str
    unit: str
    delta: str
    tone: str


def write_pages(comparison: Comparison, recordings: Path, out: Path) -> list[Path]:
    """See `simulations.report.write_report`."""
    studies = read_studies(comparison, recordings)
    pages = []
    for study in studies:
        folder = out if len(studies) == 1 else out / re.sub(r"[^A-Za-z0-9_.-]", "-", study.scenario.name)
        pages.append(_write(study, folder))
    return pages


def _write(study: Study, folder: Path) -> Path:
    figures = folder / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    parts = parts_of(study)
    for part in parts:
        for picture in part.pictures:
            (figures / f"{picture.name}.png").write_bytes(picture.png)
    page = folder / PAGE
    page.write_text(render(study, parts), encoding="utf-8")
    return page


def render(study: Study, parts: list[Part]) -> str:
    """The page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("simulations.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    # A number and its per cent sign stay on one line.
    environment.filters["kept"] = lambda text: text.replace(" %", "\N{NO-BREAK SPACE}%")
    environment.filters["b64"] = lambda data: base64.b64encode(data).decode()
    begin, seconds = study.scenario.begin_s, study.runs[0].simulated_s
    return environment.get_template("page.html.j2").render(
        title=f"{study.scenario.name}: signal control study",
        study=study,
        signals=len(study.tags) or len(study.net.programs),
        span=f"{clock(begin)} to {clock(begin + seconds)}, {study.runs[0].vehicles:,} vehicles",
        verdict=verdict_of(study),
        tiles=_tiles(study),
        parts=parts,
        method=method_of(study),
    )


def parts_of(study: Study) -> list[Part]:
    """The sections, from the figures that decide to the details."""
    unrecorded = () if study.evidence else (NOT_RECORDED,)
    no_corridor = (NO_CORRIDOR,) if study.evidence and study.corridor is None else unrecorded
    return [
        Part(
            "figures",
            "Key figures",
            "Key figures before and after",
            pictures=_there(change_picture(study), kpi_picture(study)),
            tables=[kpi_table(study)],
        ),
        Part(
            "map", "Map", "Where time is lost", pictures=_there(map_picture(study)), missing=unrecorded,
            tables=[signal_table(study)] if study.evidence else [],
        ),
        Part(
            "approaches",
            "Approaches",
            "Delay and queue",
            pictures=_there(over_time_picture(study), approach_picture(study)),
            tables=present([wait_table(study), approach_table(study) if study.evidence else None]),
            missing=unrecorded,
        ),
        Part(
            "corridor",
            "Corridor",
            "Corridor and green wave",
            texts=_corridor_texts(study),
            pictures=_there(*time_space_pictures(study), arrivals_picture(study)),
            tables=present([band_table(study), link_table(study)]),
            missing=no_corridor,
        ),
        Part(
            "signals",
            "Signals",
            "Signal performance",
            pictures=_there(
                pcd_picture(study), splits_picture(study), failures_picture(study), yellow_red_picture(study)
            ),
            missing=unrecorded,
        ),
        Part(
            "emissions", "Emissions", "Emissions", texts=_emission_texts(study),
            pictures=_there(emission_picture(study)),
        ),
    ]  # fmt: skip


def _there(*pictures: Picture | None) -> list[Picture]:
    return [picture for picture in pictures if picture is not None]


def _tiles(study: Study) -> list[Tile]:
    tiles = []
    for kpi in KPIS:
        if kpi.field not in _TILES:
            continue
        mean = spread(study.runs_of(study.lead), kpi.field).mean
        found = (
            change(study.runs, study.lead, study.before, kpi.field) if study.lead != study.before else None
        )
        tone = ""
        if found is not None:
            tone = (
                "unsure"
                if found.is_significant is False
                else "good"
                if found.percent * kpi.better > 0
                else "bad"
            )
        delta = f"{signed(found.percent)} % vs {named(study.before)}" if found is not None else ""
        tiles.append(Tile(kpi.name, f"{mean:,.{kpi.digits}f}", kpi.unit, delta, tone))
    return tiles


def _corridor_texts(study: Study) -> tuple[str, ...]:
    corridor = study.corridor
    if corridor is None:
        return ()
    length = sum(leg.length_m for leg in corridor.outbound[1:])
    chain = ", ".join(study.tags[signal] for signal in corridor.signals)
    one_way = (
        "" if corridor.inbound else " It has no way back along the same signals: one direction is shown."
    )
    along = f" along {corridor.name}" if corridor.name else ""
    return (f"{len(corridor.signals)} signals{along}: {chain}, over {length:,.0f} m.{one_way}",)


def _emission_texts(study: Study) -> tuple[str, ...]:
    if study.lead == study.before:
        return ()
    found = change(study.runs, study.lead, study.before, "co2_g_per_km")
    if found is None:
        return ()
    lead, before = named(study.lead), named(study.before)
    return (f"CO₂ per kilometre driven with {lead} control, against {before}: {told(found)}.",)
