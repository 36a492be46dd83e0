"""A group that does not keep up looks less, then rests its least important cameras, and says so."""

from itertools import pairwise

from vision.load import EFFORTS, Effort, Load

CAMERAS = {"gate": 9, "mast": 5, "yard": 1, "park": 1}


def press(load: Load, seconds: float, start_s: float, *, taken: int, dropped: int) -> float:
    """As a group does, once a second."""
    at_s = start_s
    while at_s < start_s + seconds:
        at_s += 1
        load.note(taken, dropped)
        load.judge(at_s, CAMERAS)
    return at_s


def test_first_the_looks_become_cheaper_then_the_least_important_cameras_rest() -> None:
    load, efforts, at_s = Load(), [], 0.0
    while load.effort != EFFORTS[-1]:
        at_s = press(load, 1, at_s, taken=20, dropped=20)
        efforts.append(load.effort)
        assert not load.resting
    assert [effort for effort in EFFORTS if effort in efforts] == sorted(set(efforts), key=efforts.index)
    press(load, 60, at_s, taken=20, dropped=30)
    assert load.resting == {"yard", "park", "mast"}, "one camera is always looked at"
    assert any("mast" in fault for fault in load.faults)


def test_when_the_press_is_over_cameras_wake_first_and_the_best_look_comes_back() -> None:
    load = Load()
    at_s = press(load, 60, 0.0, taken=20, dropped=30)
    assert load.resting
    first_woken, effort = None, load.effort
    while load.effort != Effort(windows=True, every=1):
        before = load.resting
        at_s = press(load, 1, at_s, taken=20, dropped=0)
        if load.resting != before and first_woken is None:
            first_woken, effort_then = before - load.resting, load.effort
            assert effort_then == effort
        assert at_s < 3600
    assert first_woken
    assert not load.resting
    assert not load.faults


def test_what_was_tried_in_vain_is_tried_again_later_and_later() -> None:
    load, at_s, tries = Load(), 0.0, []
    for second in range(1200):
        before = load.effort
        fits = load.effort.every >= 2
        load.note(20, 0 if fits else 20)
        load.judge(at_s + second, CAMERAS)
        if EFFORTS.index(load.effort) < EFFORTS.index(before):
            tries.append(second)
    pauses = [late - early for early, late in pairwise(tries)]
    assert pauses == sorted(pauses)
    assert len(tries) < 8


def test_a_single_dropped_frame_changes_nothing() -> None:
    load = Load()
    for second in range(200):
        load.note(20, dropped=second % 4 == 0)
        load.judge(float(second), CAMERAS)
        assert not load.is_high


def test_a_camera_that_went_to_another_group_rests_no_more() -> None:
    load = Load()
    press(load, 60, 0.0, taken=20, dropped=30)
    assert load.resting
    load.judge(61.0, {"gate": 9})
    assert not load.resting
