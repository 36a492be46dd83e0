"""Additional files without their outputs: a study writes nothing beside a user's data."""

import functools
import hashlib
import xml.etree.ElementTree as ET
from pathlib import Path
from tempfile import TemporaryDirectory

from simulations.sumoxml import read_root

NOWHERE = "/dev/null"
"""SUMO understands this on every system."""
_INPUTS = {("rerouter", "file"), ("calibrator", "file"), ("variableSpeedSign", "file"), ("include", "href")}
_OUTPUTS = {"file", "output", "dest", "trajectoryOutput"}


def quiet_files(files: tuple[Path, ...]) -> tuple[Path, ...]:
    """These additional files, each replaced by a copy with its outputs switched off where it writes any.

    Detectors stay: actuated programs read them. A copy lives as long as this process.

    Raises:
        ConfigError: a file cannot be read as XML.
    """
    return tuple(_quiet(file) for file in files)


def _quiet(file: Path) -> Path:
    root = read_root(file)
    loud = [element for element in root.iter() if _silence(element)]
    return copied(file, root) if loud else file


def copied(file: Path, root: ET.Element, purpose: str = "") -> Path:
    """Write what became of a file's root element; what it names stays where it was. It lives as above."""
    for element in root.iter():
        for key in element.attrib.keys() & {key for tag, key in _INPUTS if tag == element.tag}:
            element.set(key, str(file.resolve().parent / element.attrib[key]))
    # Distinct for files of one name in several folders, and the same again for the same file.
    digest = hashlib.blake2b(f"{file.resolve()} {purpose}".encode(), digest_size=6).hexdigest()
    copy = Path(_folder().name) / f"{digest}-{file.name.removesuffix('.gz')}"
    ET.ElementTree(root).write(copy, encoding="utf-8", xml_declaration=True)
    return copy


def _silence(element: ET.Element) -> bool:
    """Switch the element's outputs off; whether it had any."""
    was_loud = False
    for key, value in element.attrib.items():
        if (element.tag, key) not in _INPUTS and key in _OUTPUTS and value not in {"NUL", NOWHERE}:
            element.set(key, NOWHERE)
            was_loud = True
    if element.tag == "param" and element.get("key") == "file":
        element.set("value", NOWHERE)
        was_loud = True
    return was_loud


@functools.cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="citybrain-additional-")
