"""A detector for one camera's agent: pictures on standard input, boxes on standard output, nothing kept."""

from typing import BinaryIO

import msgspec
import structlog

from citybrain.errors import ContractError
from citybrain.pipes import next_picture
from vision.boxes import boxes_of
from vision.detector import load_detector
from vision.jpeg import decode_jpeg

log = structlog.get_logger()

MIN_CONFIDENCE = 0.2
"""Far below what is counted: whoever may be somebody is told."""


def look(pictures: BinaryIO, answers: BinaryIO, model: str) -> None:
    """Answer each picture with its boxes, a JSON array a line, until there are no more."""
    detector = load_detector(model or None)
    while (jpeg := next_picture(pictures)) is not None:
        try:
            picture = decode_jpeg(jpeg)
        except ContractError as error:
            log.warning("picture_unreadable", reason=str(error))
            answers.write(b"[]\n")
        else:
            height, width = picture.shape[:2]
            found = detector.detect(picture, min_confidence=MIN_CONFIDENCE)
            answers.write(msgspec.json.encode(boxes_of(found, width, height)) + b"\n")
        answers.flush()
