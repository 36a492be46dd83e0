"""The converter against a plain evaluation of the same TensorFlow graph in numpy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from citybrain.errors import ConfigError
from vision.detector import open_session
from vision.models.convert import COCO_IDS, convert_ssdlite, precise_nodes
from vision.models.pictures import draw_pictures
from vision.models.quantise import quantise
from vision.models.tfjs import Graph, Node, read_graph

Array = NDArray[Any]
SIDE = 300


def attributes(stride: int) -> dict[str, Any]:
    return {
        "strides": {"list": {"i": ["1", str(stride), str(stride), "1"]}},
        "padding": {"s": list(b"SAME")},
        "data_format": {"s": list(b"NHWC")},
    }


def small_graph() -> Graph:
    """A backbone of every operation that is folded, with one predictor of one anchor a cell (25 by 25)."""
    random = np.random.default_rng(7)

    def values(*shape: int) -> Array:
        return random.normal(0, 0.4, shape).astype(np.float32)

    weights: dict[str, Array] = {
        "w1": values(3, 3, 3, 4), "s1": values(4), "w2": values(3, 3, 4, 1), "m2": values(4), "b2": values(4),
        "w3": values(1, 1, 4, 4), "b3": values(4), "w4": values(3, 3, 4, 1),
        "gamma": values(4), "beta": values(4), "mean": values(4), "variance": np.abs(values(4)) + 0.5,
        "wb": values(1, 1, 4, 4), "bb": values(4), "wc": values(1, 1, 4, 91), "bc": values(91),
        "axis": np.array(1, np.int32), "shape": np.array([1], np.int32),
    }  # fmt: skip
    low = random.uniform(0, 0.5, (625, 2))
    anchors = np.concatenate([low, low + random.uniform(0.1, 0.5, (625, 2))], axis=1)
    weights["Postprocessor/ExpandDims"] = anchors[None].astype(np.float32)
    nodes = [
        Node("Preprocessor/sub", "Sub", ("x", "y"), {}),
        Node("c1", "Conv2D", ("Preprocessor/sub", "w1"), attributes(4)),
        Node("a1", "Add", ("c1", "s1"), {}),
        Node("r1", "Relu6", ("a1",), {}),
        Node("c2", "DepthwiseConv2dNative", ("r1", "w2"), attributes(3)),
        Node("p2", "Mul", ("c2", "m2"), {}),
        Node("a2", "Add", ("p2", "b2"), {}),
        Node("c3", "Conv2D", ("a2", "w3"), attributes(1)),
        Node("leaf", "AddN", ("c3", "a2"), {}),
        Node("a3", "Add", ("b3", "leaf"), {}),
        Node("c4", "DepthwiseConv2dNative", ("a3", "w4"), attributes(1)),
        Node("n4", "FusedBatchNorm", ("c4", "gamma", "beta", "mean", "variance"), {"epsilon": {"f": 0.001}}),
        Node("r4", "Relu6", ("n4",), {}),
        Node("cb", "Conv2D", ("r4", "wb"), attributes(1)),
        Node("ab", "BiasAdd", ("cb", "bb"), {}),
        Node("rb", "Reshape", ("ab", "shape"), {}),
        Node("cc", "Conv2D", ("r4", "wc"), attributes(1)),
        Node("ac", "BiasAdd", ("cc", "bc"), {}),
        Node("rc", "Reshape", ("ac", "shape"), {}),
        Node("concat", "ConcatV2", ("rb", "axis"), {}),
        Node("Squeeze", "Squeeze", ("concat",), {}),
        Node("concat_1", "ConcatV2", ("rc", "axis"), {}),
    ]
    return Graph({node.name: node for node in nodes}, weights)


def convolved(x: Array, kernel: Array, stride: int, *, depthwise: bool) -> Array:
    """TensorFlow's SAME convolution of x (h, w, c), written out."""
    size = kernel.shape[0]
    side = -(-x.shape[0] // stride)
    total = max((side - 1) * stride + size - x.shape[0], 0)
    padded = np.pad(x, ((total // 2, total - total // 2),) * 2 + ((0, 0),))
    result: Array = np.zeros((side, side, kernel.shape[2] if depthwise else kernel.shape[3]))
    for i in range(size):
        for j in range(size):
            part = padded[i : i + side * stride : stride, j : j + side * stride : stride][:side, :side]
            result += part * kernel[i, j, :, 0] if depthwise else part @ kernel[i, j]
    return result


def relu6(x: Array) -> Array:
    return np.clip(x, 0, 6)


def evaluated(w: Any, picture: Array) -> tuple[Array, Array]:
    """Boxes and scores of `small_graph`, as TensorFlow computes them."""
    x = picture.astype(np.float64) * (2 / 255) - 1
    x = relu6(convolved(x, w["w1"], 4, depthwise=False) + w["s1"])
    x = convolved(x, w["w2"], 3, depthwise=True) * w["m2"] + w["b2"]
    x = convolved(x, w["w3"], 1, depthwise=False) + x + w["b3"]
    x = convolved(x, w["w4"], 1, depthwise=True)
    x = relu6((x - w["mean"]) / np.sqrt(w["variance"] + 0.001) * w["gamma"] + w["beta"])
    codes = (x @ w["wb"][0, 0] + w["bb"]).reshape(-1, 4)
    logits = (x @ w["wc"][0, 0] + w["bc"]).reshape(-1, 91)
    anchors = w["Postprocessor/ExpandDims"][0]
    size = anchors[:, 2:] - anchors[:, :2]
    centre = anchors[:, :2] + size / 2 + codes[:, :2] / 10 * size
    half = np.exp(codes[:, 2:] / 5) * size / 2
    return np.hstack([centre - half, centre + half]), 1 / (1 + np.exp(-logits))[:, list(COCO_IDS.values())]


def run(model: onnx.ModelProto, picture: Array) -> tuple[Array, Array]:
    session = open_session(model.SerializeToString(), "small", providers=["CPUExecutionProvider"])
    boxes, scores = session.run(["boxes", "scores"], {"image": picture[None]})
    return boxes[0], scores[0]


@pytest.fixture(scope="module")
def graph() -> Graph:
    return small_graph()


@pytest.fixture(scope="module")
def converted(graph: Graph) -> onnx.ModelProto:
    return convert_ssdlite(graph)


def test_the_converted_graph_computes_what_tensorflow_does(graph: Graph, converted: onnx.ModelProto) -> None:
    picture = draw_pictures(1, SIDE, seed=3)[0]
    boxes, scores = run(converted, picture)
    expected_boxes, expected_scores = evaluated(graph.weights, picture)
    assert np.allclose(boxes, expected_boxes, atol=1e-4)
    assert np.allclose(scores, expected_scores, atol=1e-4)


def test_all_that_is_constant_is_folded_into_convolutions(converted: onnx.ModelProto) -> None:
    kinds = [node.op_type for node in converted.graph.node]
    assert kinds.count("Conv") == 6
    assert "BatchNormalization" not in kinds


def test_the_quantised_graph_keeps_its_heads_and_agrees(converted: onnx.ModelProto) -> None:
    precise = precise_nodes(converted)
    assert len(precise) == 4
    seen: list[int] = []
    small = quantise(converted, draw_pictures(6, SIDE), keep_float=precise, progress=seen.append)
    assert seen == [1, 2, 3, 4, 5, 6]
    assert "QuantizeLinear" in {node.op_type for node in small.graph.node}
    picture = draw_pictures(1, SIDE, seed=3)[0]
    (boxes, scores), (small_boxes, small_scores) = run(converted, picture), run(small, picture)
    assert np.abs(scores - small_scores).max() < 0.15
    assert np.abs(boxes - small_boxes).mean() < 0.02


def test_a_graph_that_is_no_ssdlite_is_refused(graph: Graph) -> None:
    without = {name: node for name, node in graph.nodes.items() if name != "concat_1"}
    with pytest.raises(ConfigError, match="no node concat_1"):
        convert_ssdlite(Graph(without, graph.weights))
    odd = dict(graph.nodes) | {"r4": Node("r4", "Tanh", ("n4",), {})}
    with pytest.raises(ConfigError, match="operation Tanh at r4"):
        convert_ssdlite(Graph(odd, graph.weights))


def write_tfjs(folder: Path, *, cut: int = 0) -> Path:
    first, second = np.arange(6, dtype="<f4").reshape(2, 3), np.array([7], "<i4")
    data = first.tobytes() + second.tobytes()
    (folder / "shard1").write_bytes(data[:10])
    (folder / "shard2").write_bytes(data[10 : len(data) - cut])
    entries = [
        {"name": "first", "shape": [2, 3], "dtype": "float32"},
        {"name": "second", "shape": [1], "dtype": "int32"},
    ]
    node = {"name": "n", "op": "Conv2D", "input": ["first"], "attr": attributes(2)}
    document = {
        "modelTopology": {"node": [node]},
        "weightsManifest": [{"paths": ["shard1", "shard2"], "weights": entries}],
    }
    model = folder / "model.json"
    model.write_text(json.dumps(document))
    return model


def test_weights_are_read_across_shards(tmp_path: Path) -> None:
    graph = read_graph(write_tfjs(tmp_path))
    assert graph.weights["first"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert graph.weights["second"].tolist() == [7]
    node = graph.nodes["n"]
    assert (node.integers("strides"), node.text("padding")) == ([1, 2, 2, 1], "SAME")


def test_a_shard_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a complete TensorFlow"):
        read_graph(write_tfjs(tmp_path, cut=2))
    with pytest.raises(ConfigError, match="not a complete TensorFlow"):
        read_graph(tmp_path / "none.json")
