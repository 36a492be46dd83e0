"""Reads a frozen TensorFlow.js graph model: its nodes, and its weights out of their shards."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citybrain.errors import ConfigError

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: `inputs` are names of other nodes, `attributes` as TensorFlow wrote them."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def integers(self, attribute: str) -> list[int]:
        """A list attribute such as strides."""
        return [int(value) for value in self.attributes[attribute]["list"]["i"]]

    def text(self, attribute: str) -> str:
        """A string attribute, which TensorFlow.js writes as a list of byte values."""
        return bytes(self.attributes[attribute]["s"]).decode()

    def number(self, attribute: str) -> float:
        return float(self.attributes[attribute]["f"])


@dataclass(frozen=True, slots=True)
class Graph:
    nodes: Mapping[str, Node]
    weights: Mapping[str, Array]


def read_graph(model: Path) -> Graph:
    """The graph of `model` (a model.json with its weight shards beside it).

    Raises:
        ConfigError: a file is missing, or is not a TensorFlow.js graph model.
    """
    try:
        document = json.loads(model.read_text())
        nodes = [_node(node) for node in document["modelTopology"]["node"]]
        weights: dict[str, Array] = {}
        for group in document["weightsManifest"]:
            data = b"".join((model.parent / shard).read_bytes() for shard in group["paths"])
            weights |= _weights(group["weights"], data)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{model} is not a complete TensorFlow.js graph model: {error}") from error
    return Graph({node.name: node for node in nodes}, weights)


def _node(node: Mapping[str, Any]) -> Node:
    return Node(node["name"], node["op"], tuple(node.get("input", ())), node.get("attr", {}))


def _weights(entries: list[dict[str, Any]], data: bytes) -> dict[str, Array]:
    """The arrays that lie one behind another in `data`, in the order of `entries`."""
    arrays: dict[str, Array] = {}
    offset = 0
    for entry in entries:
        dtype = np.dtype(entry["dtype"]).newbyteorder("<")
        count = int(np.prod(entry["shape"], dtype=np.int64))
        arrays[entry["name"]] = np.frombuffer(data, dtype, count, offset).reshape(entry["shape"])
        offset += count * dtype.itemsize
    if offset != len(data):
        raise ValueError(f"the weights are {len(data)} bytes, the manifest names {offset}")
    return arrays
