"""The layers of a frozen TensorFlow graph, with all that is constant folded into its convolutions.

The graph is walked from its heads back to the picture. On the way multiplications, additions and batch
norms by constants go into the convolution before them, so that what is left is convolutions, ReLU6 and sums.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from citybrain.errors import ConfigError
from vision.models.tfjs import Array, Graph, Node

INPUT_SIZE = 300
PICTURE = "Preprocessor/sub"


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    channels: int = 3
    side: int = INPUT_SIZE


@dataclass(frozen=True, slots=True, eq=False)
class Conv:
    """A convolution; `weights`: (out, in / groups, k, k), `bias`: (out,)."""

    source: "Layer"
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    stride: int
    groups: int

    @property
    def channels(self) -> int:
        return int(self.weights.shape[0])

    @property
    def side(self) -> int:
        return -(-self.source.side // self.stride)

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """TensorFlow's SAME padding, which puts the odd pixel at the end."""
        kernel = self.weights.shape[2]
        total = max((self.side - 1) * self.stride + kernel - self.source.side, 0)
        return total // 2, total // 2, total - total // 2, total - total // 2


@dataclass(frozen=True, slots=True, eq=False)
class Relu6:
    source: "Layer"

    @property
    def channels(self) -> int:
        return self.source.channels

    @property
    def side(self) -> int:
        return self.source.side


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    terms: tuple["Layer", ...]

    @property
    def channels(self) -> int:
        return self.terms[0].channels

    @property
    def side(self) -> int:
        return self.terms[0].side


Layer = Picture | Conv | Relu6 | Sum


class Walk:
    """Turns nodes of a TensorFlow graph into layers, each once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._layers: dict[str, Layer] = {}

    def layer(self, name: str) -> Layer:
        """The layer that computes node `name`.

        Raises:
            ConfigError: the graph holds an operation that such a detector does not have.
        """
        if name not in self._layers:
            self._layers[name] = self._convert(self._node(name))
        return self._layers[name]

    def heads(self, name: str) -> list[Layer]:
        """The layers whose reshaped outputs are concatenated at `name`, finest grid first."""
        node = self._node(name)
        if node.op == "Squeeze":
            return self.heads(node.inputs[0])
        if node.op != "ConcatV2":
            raise ConfigError(f"model: {name} is {node.op}, expected ConcatV2 of the predictors")
        return [self.layer(self._node(part).inputs[0]) for part in node.inputs[:-1]]

    def _node(self, name: str) -> Node:
        if name not in self._graph.nodes:
            raise ConfigError(f"model: the graph has no node {name}, it is not the expected detector")
        return self._graph.nodes[name]

    def _convert(self, node: Node) -> Layer:
        if node.name == PICTURE:
            return Picture()
        match node.op:
            case "Conv2D" | "DepthwiseConv2dNative":
                return self._conv(node)
            case "Relu6":
                return Relu6(self.layer(node.inputs[0]))
            case "Mul":
                return _scaled(self._conv_before(node), self._constant(node))
            case "Add" | "BiasAdd" if node.inputs[1] in self._graph.weights:
                return _shifted(self.layer(node.inputs[0]), self._constant(node))
            case "Add" if node.inputs[0] in self._graph.weights:
                return _shifted(self.layer(node.inputs[1]), self._graph.weights[node.inputs[0]])
            case "Add" | "AddN":
                return Sum(tuple(self.layer(name) for name in node.inputs))
            case "FusedBatchNorm":
                return self._normalised(node)
        raise ConfigError(f"model: operation {node.op} at {node.name} is not one of an SSDLite-MobileNetV2")

    def _constant(self, node: Node) -> Array:
        return self._graph.weights[node.inputs[1]]

    def _conv_before(self, node: Node) -> Conv:
        layer = self.layer(node.inputs[0])
        if not isinstance(layer, Conv):
            raise ConfigError(f"model: {node.name} does not follow a convolution")
        return layer

    def _conv(self, node: Node) -> Conv:
        source = self.layer(node.inputs[0])
        kernel = self._constant(node)
        if node.text("padding") != "SAME" or node.text("data_format") != "NHWC":
            raise ConfigError(f"model: {node.name} has a padding or layout that is not supported")
        depthwise = node.op == "DepthwiseConv2dNative"
        # TensorFlow: (k, k, in, out), depthwise (k, k, in, 1); ONNX: (out, in / groups, k, k).
        weights = kernel.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1)).astype(np.float32)
        bias = np.zeros(weights.shape[0], np.float32)
        groups = source.channels if depthwise else 1
        return Conv(source, weights, bias, node.integers("strides")[1], groups)

    def _normalised(self, node: Node) -> Conv:
        gamma, beta, mean, variance = (self._graph.weights[name] for name in node.inputs[1:5])
        factor = gamma / np.sqrt(variance + node.number("epsilon"))
        scaled = _scaled(self._conv_before(node), factor)
        return replace(scaled, bias=(scaled.bias + beta - mean * factor).astype(np.float32))


def _scaled(conv: Conv, factor: Array) -> Conv:
    weights = (conv.weights * factor[:, None, None, None]).astype(np.float32)
    return replace(conv, weights=weights, bias=(conv.bias * factor).astype(np.float32))


def _shifted(layer: Layer, offset: Array) -> Layer:
    """`layer + offset`; in a sum the offset goes to the first convolution."""
    match layer:
        case Conv():
            return replace(layer, bias=(layer.bias + offset).astype(np.float32))
        case Sum(terms):
            index = next((i for i, term in enumerate(terms) if isinstance(term, Conv)), None)
            if index is not None:
                return Sum((*terms[:index], _shifted(terms[index], offset), *terms[index + 1 :]))
    raise ConfigError("model: a constant is added where no convolution can take it up")
