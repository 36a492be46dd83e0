"""Converts the TF.js SSDLite-MobileNetV2 graph to one ONNX file.

Of the 90 COCO classes only the road users are kept: the channels of the others are cut out of the class
heads, which changes nothing of what is kept. Boxes are decoded in the graph; non-maximum suppression is
left to the caller.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from citybrain.errors import ConfigError
from citybrain.messages import RoadUser
from vision.models.layers import INPUT_SIZE, Conv, Layer, Picture, Relu6, Sum, Walk
from vision.models.tfjs import Array, Graph

OPSET = 17
BOX_HEAD = "Squeeze"
CLASS_HEAD = "concat_1"
ANCHORS = "Postprocessor/ExpandDims"
# Index of each class in the 91 that the model scores (0 is background), by COCO's numbering from 1.
COCO_IDS = {
    RoadUser.PERSON: 1,
    RoadUser.BICYCLE: 2,
    RoadUser.CAR: 3,
    RoadUser.MOTORCYCLE: 4,
    RoadUser.BUS: 6,
    RoadUser.TRUCK: 8,
}
CLASSES = tuple(COCO_IDS)
COCO_SCORES = 91
# Of the box coder: centres are predicted in tenths of the anchor, sizes in fifths of its logarithm
# (TensorFlow object detection API, faster_rcnn_box_coder).
CENTRE_SCALE, SIZE_SCALE = 0.1, 0.2


def _road_users_only(conv: Layer) -> Conv:
    """A class head without the channels of the classes that are not road users."""
    if not isinstance(conv, Conv) or conv.channels % COCO_SCORES:
        raise ConfigError(f"model: the class heads do not score {COCO_SCORES} classes")
    anchors = conv.channels // COCO_SCORES
    keep = np.concatenate([np.array(list(COCO_IDS.values())) + COCO_SCORES * a for a in range(anchors)])
    return replace(conv, weights=conv.weights[keep], bias=conv.bias[keep])


class Writer:
    """Collects ONNX nodes and initialisers."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initialisers: list[Any] = []
        self._names: dict[int, str] = {}

    def op(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """Adds an operation with one output, called like it."""
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, value: Array) -> str:
        self.initialisers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def layer(self, layer: Layer) -> str:
        """The tensor (n, channels, side, side) that `layer` computes."""
        if id(layer) not in self._names:
            self._names[id(layer)] = self._write(layer)
        return self._names[id(layer)]

    def _write(self, layer: Layer) -> str:
        match layer:
            case Picture():
                return self._picture()
            case Conv():
                source, name = self.layer(layer.source), f"conv{len(self.nodes)}"
                weights = self.constant(f"{name}_weights", layer.weights)
                bias = self.constant(f"{name}_bias", layer.bias)
                return self.op(
                    "Conv",
                    [source, weights, bias],
                    name,
                    kernel_shape=list(layer.weights.shape[2:]),
                    strides=[layer.stride] * 2,
                    pads=list(layer.pads),
                    group=layer.groups,
                )
            case Relu6():
                source = self.layer(layer.source)
                return self.op("Clip", [source, "zero", "six"], f"relu{len(self.nodes)}")
            case Sum():
                name = self.layer(layer.terms[0])
                for term in layer.terms[1:]:
                    name = self.op("Add", [name, self.layer(term)], f"sum{len(self.nodes)}")
                return name

    def _picture(self) -> str:
        """RGB bytes to -1..1, channels first."""
        self.op("Transpose", ["image"], "planes", perm=[0, 3, 1, 2])
        self.op("Cast", ["planes"], "levels", to=TensorProto.FLOAT)
        self.constant("level", np.array(2 / 255, np.float32))
        self.constant("middle", np.array(1, np.float32))
        self.op("Mul", ["levels", "level"], "brightness")
        return self.op("Sub", ["brightness", "middle"], "normalised")

    def heads(self, layers: list[Layer], width: int, name: str) -> str:
        """The heads' outputs as one (n, anchors, width)."""
        shape = self.constant(f"{name}_shape", np.array([0, -1, width], np.int64))
        parts = []
        for number, layer in enumerate(layers):
            last = self.op("Transpose", [self.layer(layer)], f"{name}_grid{number}", perm=[0, 2, 3, 1])
            parts.append(self.op("Reshape", [last, shape], f"{name}_list{number}"))
        return self.op("Concat", parts, name, axis=1)

    def boxes(self, codes: str, anchors: Array) -> None:
        """Boxes y1, x1, y2, x2 as shares of the picture, from codes (dy, dx, dh, dw) and anchors."""
        size = anchors[:, 2:] - anchors[:, :2]
        self.constant("anchor_centres", anchors[:, :2] + size / 2)
        self.constant("anchor_sizes", size)
        self.constant("centre_steps", size * np.float32(CENTRE_SCALE))
        self.constant("size_scale", np.array(SIZE_SCALE, np.float32))
        self.constant("half", np.array(0.5, np.float32))
        self.constant("halves", np.array([2, 2], np.int64))
        self.nodes.append(helper.make_node("Split", [codes, "halves"], ["shifts", "growths"], axis=2))
        self.op("Mul", ["shifts", "centre_steps"], "moves")
        self.op("Add", ["moves", "anchor_centres"], "centres")
        self.op("Mul", ["growths", "size_scale"], "logarithms")
        self.op("Exp", ["logarithms"], "factors")
        self.op("Mul", ["factors", "anchor_sizes"], "sizes")
        self.op("Mul", ["sizes", "half"], "half_sizes")
        self.op("Sub", ["centres", "half_sizes"], "low")
        self.op("Add", ["centres", "half_sizes"], "high")
        self.op("Concat", ["low", "high"], "boxes", axis=2)


def convert_ssdlite(graph: Graph) -> onnx.ModelProto:
    """The detector as ONNX.

    Input `image`: (n, 300, 300, 3) uint8, RGB. Outputs `boxes`: (n, 1917, 4) float32 y1, x1, y2, x2 as
    shares of the picture; `scores`: (n, 1917, 6) float32 0..1 in the order of `CLASSES`.

    Raises:
        ConfigError: the graph is not the expected SSDLite-MobileNetV2.
    """
    walk, writer = Walk(graph), Writer()
    writer.constant("zero", np.array(0, np.float32))
    writer.constant("six", np.array(6, np.float32))
    codes = writer.heads(walk.heads(BOX_HEAD), 4, "codes")
    classes: list[Layer] = [_road_users_only(head) for head in walk.heads(CLASS_HEAD)]
    logits = writer.heads(classes, len(CLASSES), "logits")
    writer.boxes(codes, graph.weights[ANCHORS][0].astype(np.float32))
    writer.op("Sigmoid", [logits], "scores")
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", INPUT_SIZE, INPUT_SIZE, 3])
    count = graph.weights[ANCHORS].shape[1]
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", count, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", count, len(CLASSES)]),
    ]
    body = helper.make_graph(writer.nodes, "ssdlite_mobilenet_v2", [image], outputs, writer.initialisers)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def precise_nodes(model: onnx.ModelProto) -> list[str]:
    """The nodes that must stay float: the last convolution of each head, and the decoding of boxes.

    They are few products, and eight bits for a centre would be steps of a 256th of the picture.
    """
    made_by = {output: node for node in model.graph.node for output in node.output}
    sources = [node.input[0] for node in model.graph.node if node.op_type == "Transpose"]
    heads = [made_by[name].name for name in sources if name in made_by]
    return [*heads, "centres", "high"]
