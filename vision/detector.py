"""A detector: one frame in, the road users in it out, on one thread of one ONNX Runtime session."""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from citybrain.errors import ConfigError
from vision.decoders import FAMILIES, Decoding, prepare, road_user_index
from vision.detections import Detections, tidy
from vision.models import registry
from vision.models.manifest import Manifest

Frame = NDArray[np.uint8]

MIN_CONFIDENCE = 0.3
MAX_IOU = 0.5
TARGET_SIZE_INPUT = "orig_target_sizes"
"""The second input of DEIM and DEIMv2: the size that its boxes are scaled to, width first."""


class Detector:
    """A loaded model; not thread-safe, one for each thread or Ray actor."""

    def __init__(self, manifest: Manifest, session: Any) -> None:
        self.manifest = manifest
        self._session = session
        self._family = FAMILIES[manifest.decoder]
        self._road_user = road_user_index(manifest.classes)
        self._constants = self._constant_inputs()

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def provider(self) -> str:
        """Where it runs, as ONNX Runtime calls it."""
        return str(self._session.get_providers()[0])

    def detect(self, frame: Frame, *, min_confidence: float = MIN_CONFIDENCE) -> Detections:
        """The road users in `frame`: (h, w, 3) uint8 BGR, sorted by falling confidence.

        Raises:
            ConfigError: the model's outputs are not those of its decoder, or it cannot run.
        """
        picture, view = prepare(frame, self.manifest.input)
        outputs = self._run(picture)
        decoding = Decoding(self.manifest.input, view, self._road_user, min_confidence)
        return tidy(self._family.decode(outputs, decoding), view.width, view.height, max_iou=MAX_IOU)

    def _run(self, picture: NDArray[Any]) -> Sequence[NDArray[Any]]:
        try:
            outputs: Sequence[NDArray[Any]] = self._session.run(
                None, {self.manifest.input.name: picture, **self._constants}
            )
        except Exception as error:
            raise ConfigError(f"model: {self.name} cannot run: {_first_line(error)}") from error
        return outputs

    def _constant_inputs(self) -> dict[str, NDArray[np.int64]]:
        spec = self.manifest.input
        names = {entry.name for entry in self._session.get_inputs()}
        if spec.name not in names:
            raise ConfigError(f"model: {self.name} has no input {spec.name!r}, it has {', '.join(names)}")
        unknown = names - {spec.name, TARGET_SIZE_INPUT}
        if unknown:
            raise ConfigError(f"model: {self.name} wants further inputs: {', '.join(sorted(unknown))}")
        size = np.array([[spec.width, spec.height]], np.int64)
        return {TARGET_SIZE_INPUT: size} if TARGET_SIZE_INPUT in names else {}


def load_detector(
    name: str | None = None, *, threads: int = 1, providers: Sequence[str] | None = None
) -> Detector:
    """The installed model `name`, by default the default detector, ready to run.

    `providers` are ONNX Runtime's; by default CUDA where it is built in and works, then the CPU.

    Raises:
        ConfigError: the model is not installed, corrupt, or not one that ONNX Runtime can run.
    """
    known, content = registry.verified(name or registry.DEFAULT_MODEL)
    return Detector(known, open_session(content, known.name, threads=threads, providers=providers))


def open_session(
    content: bytes, name: str, *, threads: int = 1, providers: Sequence[str] | None = None
) -> Any:
    """An ONNX Runtime session that keeps to `threads` threads and does not spin while it waits.

    Raises:
        ConfigError: `content` is not a model that ONNX Runtime can run.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(content, options, providers=list(providers or _providers()))
    except Exception as error:
        raise ConfigError(
            f"model: {name} is not a model that ONNX Runtime can run: {_first_line(error)}"
        ) from error


def _providers() -> list[str]:
    """CUDA before the CPU where this ONNX Runtime has it."""
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    available = ort.get_available_providers()
    if wanted[0] in available:
        with contextlib.suppress(Exception):
            ort.preload_dlls()
    return [provider for provider in wanted if provider in available]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
