"""The message contract: round trips, bounds, versions, frames."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain import codec, messages
from citybrain.codec import decode, encode, pack_frame, unpack_frame
from citybrain.errors import ContractError
from citybrain.messages import (
    FrameMeta,
    LaneMeasurement,
    LaneReading,
    RoadUser,
    SignalState,
    TurningCount,
    VehicleObservation,
)

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def reading(**changes: object) -> LaneReading:
    fields: dict[str, object] = {
        "lane": "-228#2_0",
        "vehicles": 3,
        "queued": 2,
        "queue_m": 13.5,
        "mean_speed_mps": 4.2,
        "occupancy": 0.2,
        "crossed": 1,
        "stops": 1,
        "delay_s": 2.5,
        "observed": (VehicleObservation(distance_m=3.0, speed_mps=0.0, road_user=RoadUser.BUS),),
    }
    return LaneReading(**(fields | changes))  # type: ignore[arg-type]


def measurement(*lanes: LaneReading) -> LaneMeasurement:
    return LaneMeasurement(
        at=AT,
        device="lanes/c1",
        boot=7,
        seq=1,
        intersection="c1",
        period_s=1.0,
        clock_s=60.0,
        lanes=list(lanes),
    )


@given(
    st.lists(
        st.builds(
            reading,
            vehicles=st.integers(0, 1_000_000),
            queue_m=st.floats(0, 100_000),
            mean_speed_mps=st.none() | st.floats(0, 100),
            occupancy=st.floats(0, 1),
        ),
        max_size=5,
    )
)
def test_what_is_encoded_is_decoded_to_the_same_value(lanes: list[LaneReading]) -> None:
    message = measurement(*lanes)
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("seq", 0, "$.seq"),
        ("boot", -1, "$.boot"),
        ("device", "burglar/1", "$.device"),
        ("intersection", "../etc", "$.intersection"),
        ("at", "2026-11-22T08:00:00", "$.at"),
        ("quality", 1.5, "$.quality"),
        ("lanes", [{"lane": "a"}], "$.lanes[0]"),
    ],
)
def test_a_field_out_of_bounds_is_named(field: str, value: object, path: str) -> None:
    wrong = json.loads(encode(measurement(reading()))) | {field: value}
    with pytest.raises(ContractError) as caught:
        decode(json.dumps(wrong).encode())
    assert caught.value.field == path


def test_an_unknown_field_type_or_version_is_refused() -> None:
    right = json.loads(encode(measurement(reading())))
    for change in ({"plate": "AB 123"}, {"type": "lane_measurement/99"}, {"type": "gossip/1"}):
        with pytest.raises(ContractError):
            decode(json.dumps(right | change).encode())


@given(st.binary(max_size=300))
def test_no_bytes_make_the_decoder_do_anything_but_refuse(payload: bytes) -> None:
    for read in (decode, unpack_frame):
        with pytest.raises(ContractError):
            read(payload)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(ContractError):
        decode(b'{"type":"turning_count/1","counts":' + b"[" * 100_000)


def test_an_oversized_message_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(ContractError, match="bytes"):
        decode(b" " * (codec.MAX_MESSAGE_BYTES + 1))


def test_only_six_classes_of_road_user_can_be_counted() -> None:
    count = TurningCount(
        at=AT, device="vision/0", boot=1, seq=1, camera="demo", movement="line:toward",
        start_at=AT, end_at=AT, counts={RoadUser.CAR: 3},
    )  # fmt: skip
    wrong = json.loads(encode(count)) | {"counts": {"face": 1}}
    with pytest.raises(ContractError):
        decode(json.dumps(wrong).encode())
    assert decode(encode(count)) == count


def test_no_message_has_a_field_for_identity() -> None:
    names = {
        field.name
        for type_ in (*messages.MESSAGE_TYPES, LaneReading, VehicleObservation, messages.Box)
        for field in msgspec.structs.fields(type_)  # type: ignore[arg-type]
    }
    assert not {
        name for name in names if any(word in name for word in ("face", "plate", "embedding", "person"))
    }


def test_indications_take_only_known_signal_characters() -> None:
    with pytest.raises(ContractError, match="regex"):
        decode(
            encode(
                SignalState(
                    at=AT, device="signal/1", boot=1, seq=1, intersection="1", clock_s=1.0, indications="GGx",
                    phase=0, next_phase=0, interval=messages.Interval.GREEN, elapsed_s=0.0,
                    min_remaining_s=0.0, mode=messages.ControlMode.LOCAL,
                )
            )
        )  # fmt: skip


@given(st.binary(max_size=2000))
def test_a_frame_survives_the_wire(body: bytes) -> None:
    meta = FrameMeta(at=AT, camera="demo", boot=1, frame=9, width=640, height=360)
    jpeg = b"\xff\xd8" + body
    assert unpack_frame(pack_frame(meta, jpeg)) == (meta, jpeg)


def test_a_frame_that_is_no_jpeg_names_the_picture() -> None:
    meta = FrameMeta(at=AT, camera="demo", boot=1, frame=9, width=640, height=360)
    with pytest.raises(ContractError) as caught:
        unpack_frame(pack_frame(meta, b"GIF89a"))
    assert caught.value.field == "$.jpeg"
