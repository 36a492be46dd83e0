"""Scores of tracks: by hand, and against the reference implementation."""

import os
from pathlib import Path

import numpy as np
import pytest

from citybrain.errors import ConfigError
from vision.evaluation.following import follow
from vision.evaluation.mot import read_boxes, score

ROOT = Path(__file__).resolve().parents[3]
MOT = Path(os.environ.get("CITYBRAIN_MOT", ROOT.parent / "shared" / "data" / "mot17_04"))
needs_mot = pytest.mark.skipif(not MOT.is_dir(), reason="no shared tracks on this machine")


def row(frame: int, track: int, x: float, confidence: float = 1.0, kind: int = 1) -> str:
    return f"{frame},{track},{x},100,40,80,{confidence},{kind},1"


def written(folder: Path, name: str, rows: list[str]) -> Path:
    path = folder / name
    path.write_text("\n".join(rows))
    return path


def wandering(seed: int, noise: float = 0.0, lose: float = 0.0, swap: bool = False) -> list[str]:
    """Six that walk to and fro, for 80 frames."""
    rng = np.random.default_rng(seed)
    rows = []
    for frame in range(1, 81):
        for track in range(1, 7):
            x = 100 * track + 80 * np.sin(frame / 12 + track) + noise * rng.normal()
            if rng.random() >= lose:
                rows.append(row(frame, 1 + (track + (frame > 40)) % 6 if swap else track, x))
    return rows


def test_who_follows_perfectly_scores_one(tmp_path: Path) -> None:
    truth = read_boxes(written(tmp_path, "gt.txt", wandering(1)))
    scores = score(truth, truth)
    assert (scores.mota, scores.idf1, scores.switches) == (1.0, 1.0, 0)
    assert scores.hota == pytest.approx(1.0)


def test_a_switch_a_miss_and_a_false_box_are_each_counted(tmp_path: Path) -> None:
    truth = read_boxes(written(tmp_path, "gt.txt", [row(frame, 1, 10 * frame) for frame in range(1, 11)]))
    found = [row(frame, 1 if frame < 6 else 2, 10 * frame) for frame in range(1, 10)]
    scores = score(truth, read_boxes(written(tmp_path, "found.txt", [*found, row(4, 3, 900)])))
    assert (scores.switches, scores.misses, scores.false_positives) == (1, 1, 1)
    assert scores.mota == pytest.approx(1 - 3 / 10)
    assert scores.idf1 == pytest.approx(2 * 5 / (10 + 10))


def test_finding_a_distractor_is_neither_right_nor_wrong(tmp_path: Path) -> None:
    rows = [row(frame, 1, 10.0) for frame in range(1, 5)]
    truth = read_boxes(written(tmp_path, "gt.txt", [*rows, *(row(f, 2, 500, 0, 8) for f in range(1, 5))]))
    found = read_boxes(written(tmp_path, "found.txt", [*rows, *(row(f, 2, 502) for f in range(1, 5))]))
    assert score(truth, found).mota == 1.0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_scores_are_those_of_the_reference(tmp_path: Path, seed: int) -> None:
    reference = pytest.importorskip("trackers.eval")
    truth = written(tmp_path, "gt.txt", wandering(seed))
    found = written(tmp_path, "found.txt", wandering(seed, noise=8.0, lose=0.2, swap=seed == 3))
    expected = reference.evaluate_mot_sequence(truth, found, ["CLEAR", "HOTA", "Identity"])
    scores = score(read_boxes(truth), read_boxes(found))
    assert scores.mota == pytest.approx(expected.CLEAR.MOTA)
    assert scores.idf1 == pytest.approx(expected.Identity.IDF1)
    assert scores.hota == pytest.approx(expected.HOTA.HOTA)
    assert scores.switches == expected.CLEAR.IDSW


@needs_mot
def test_public_detections_are_followed_no_worse_than_by_oc_sort() -> None:
    # OC-SORT of `trackers` reaches MOTA 30.2, HOTA 30.3, IDF1 40.0 on them.
    tracks, _ = follow(read_boxes(MOT / "det.txt"), 30.0)
    scores = score(read_boxes(MOT / "gt.txt"), tracks)
    assert scores.mota > 0.326
    assert scores.hota > 0.324
    assert scores.idf1 > 0.427


@pytest.mark.parametrize("content", ["", "1,2,3", "a,b,c,d,e,f,g"])
def test_what_is_no_file_of_tracks_is_refused_by_name(tmp_path: Path, content: str) -> None:
    with pytest.raises(ConfigError, match=r"bad\.txt"):
        read_boxes(written(tmp_path, "bad.txt", [content]))
