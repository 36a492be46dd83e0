"""SUMO's XML files, plain or gzipped: read whole, or element by element."""

import gzip
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from citybrain.errors import ConfigError


def read_root(path: Path) -> ET.Element:
    """The root element of the file.

    Raises:
        ConfigError: it cannot be read or is no XML.
    """
    try:
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        return ET.fromstring(text)  # noqa: S314 - a file that the operator names
    except (OSError, ET.ParseError, EOFError) as error:
        raise ConfigError(f"{path} cannot be read as XML: {error}") from error


def elements(path: Path, tags: set[str]) -> Iterator[ET.Element]:
    """The elements with these tags, each complete, one after the other; nothing else is kept in memory.

    Raises:
        ConfigError: it cannot be read or is no XML.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            root: ET.Element | None = None
            for event, element in ET.iterparse(file, ("start", "end")):  # noqa: S314 - as above
                if root is None:
                    root = element
                elif event == "end" and element.tag in tags:
                    yield element
                    root.clear()
    except (OSError, ET.ParseError, EOFError) as error:
        raise ConfigError(f"{path} cannot be read as XML: {error}") from error


def seconds(text: str) -> float:
    """SUMO's times: seconds, or [days:]hours:minutes:seconds.

    Raises:
        ValueError: neither.
    """
    total = 0.0
    for part, factor in zip(reversed(text.split(":")), (1.0, 60.0, 3600.0, 86_400.0), strict=False):
        total += float(part) * factor
    return total
