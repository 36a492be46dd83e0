"""A group that does not keep up looks at whole pictures only, until it does again."""

from vision.load import Load


def test_a_group_that_drops_half_of_the_frames_spares_until_none_is_dropped() -> None:
    load = Load()
    for _ in range(20):
        load.note(dropped=1)
    assert load.is_high
    for _ in range(20):
        load.note(dropped=0)
    assert load.is_high, "it does not come and go"
    for _ in range(120):
        load.note(dropped=0)
    assert not load.is_high


def test_a_single_dropped_frame_changes_nothing() -> None:
    load = Load()
    for number in range(200):
        load.note(dropped=number % 50 == 0)
        assert not load.is_high
