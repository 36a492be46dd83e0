"""Makes an int8 model of a float one: static, QDQ, unsigned activations, signed per-channel weights."""

import contextlib
import copy
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

OPERATIONS = ("Conv", "Add", "Clip")


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds the calibrator one picture at a time and reports each."""

    def __init__(self, name: str, pictures: Sequence[NDArray[Any]], progress: Callable[[int], None]) -> None:
        self._name = name
        self._pictures: Iterator[tuple[int, NDArray[Any]]] = iter(enumerate(pictures, 1))
        self._progress = progress

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        number, picture = next(self._pictures, (0, None))
        if picture is None:
            return None
        self._progress(number)
        return {self._name: picture[None]}


def quantise(
    model: onnx.ModelProto,
    pictures: Sequence[NDArray[Any]],
    *,
    keep_float: Sequence[str] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> onnx.ModelProto:
    """`model` in int8, its activations' ranges measured on `pictures` (inputs without the batch axis).

    Nodes named in `keep_float` stay as they are. `progress` is told the number of each picture.
    """
    reader = _Reader(model.graph.input[0].name, pictures, progress)
    with tempfile.TemporaryDirectory(prefix="citybrain-quantise-") as folder, _without_advice():
        target = Path(folder) / "int8.onnx"
        quantize_static(
            copy.deepcopy(model),  # it moves the weights of its argument to a file
            target,
            reader,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(OPERATIONS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=list(keep_float),
            calibrate_method=CalibrationMethod.MinMax,
        )
        return onnx.load(target)


@contextlib.contextmanager
def _without_advice() -> Iterator[None]:
    """Drops the quantiser's advice to fold constants first: the converter has done so."""

    def keep(record: logging.LogRecord) -> bool:
        return "pre-processing before quantization" not in record.getMessage()

    root = logging.getLogger()
    root.addFilter(keep)
    try:
        yield
    finally:
        root.removeFilter(keep)
