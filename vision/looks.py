"""What a box looks like, in a few numbers, to tell neighbours apart from one frame to the next.

A look lives as long as its track, in the memory of one camera's tracker; it is far too coarse to know a
person, a face or a plate by, and nothing of it is stored or sent.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE = 8
MIN_NORM = 1e-3


def looks_of(frame: Frame, boxes: NDArray[np.float32]) -> Floats:
    """The looks (n, 192) of `boxes`: (n, 4) px in `frame`: (h, w, 3) uint8; each of mean 0 and length 1,
    so that the product of two is their correlation.
    """
    height, width = frame.shape[:2]
    looks = np.zeros((len(boxes), SIDE * SIDE * 3), np.float32)
    low = np.floor(np.clip(boxes[:, :2], 0, [width - 1, height - 1])).astype(int)
    high = np.ceil(np.clip(boxes[:, 2:], low + 1, [width, height])).astype(int)
    for row, (x1, y1, x2, y2) in enumerate(np.hstack([low, high]).tolist()):
        patch = cv2.resize(frame[y1:y2, x1:x2], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        looks[row] = patch.reshape(-1)
    looks -= looks.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(looks, axis=1, keepdims=True)
    return np.asarray(looks / np.maximum(norm, MIN_NORM), np.float32)
