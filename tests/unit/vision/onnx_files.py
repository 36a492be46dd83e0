"""Small ONNX detectors with known answers."""

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def fixed_ssd(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], side: int = 32, kind: int = TensorProto.UINT8
) -> bytes:
    """A detector that answers the same to every picture: boxes (n, 4) y1, x1, y2, x2, scores (n, classes)."""
    image = helper.make_tensor_value_info("image", kind, [1, side, side, 3])
    nodes = [
        helper.make_node("Cast", ["image"], ["levels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["levels"], ["brightest"], keepdims=0),
        helper.make_node("Mul", ["brightest", "none"], ["nothing"]),
        helper.make_node("Add", ["known_boxes", "nothing"], ["boxes"]),
        helper.make_node("Add", ["known_scores", "nothing"], ["scores"]),
    ]
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, *boxes.shape]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, *scores.shape]),
    ]
    known = [
        numpy_helper.from_array(np.zeros((), np.float32), "none"),
        numpy_helper.from_array(boxes[None].astype(np.float32), "known_boxes"),
        numpy_helper.from_array(scores[None].astype(np.float32), "known_scores"),
    ]
    graph = helper.make_graph(nodes, "fixed", [image], outputs, known)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def one_car() -> bytes:
    """Sees one car in the middle of every picture; classes person, dog, car."""
    return fixed_ssd(np.array([[0.25, 0.25, 0.5, 0.75]], np.float32), np.array([[0.1, 0.2, 0.9]], np.float32))
