"""Anchors: the audit's last entry, noted now and then in a file outside the database.

Who may do everything to the database can write a whole new chain; it would not meet its anchors.
"""

from pathlib import Path

import msgspec

from citybrain.config import Settings
from citybrain.paths import data_dir
from command.trust.audit import Anchor


class Note(msgspec.Struct, frozen=True):
    """One line of the file."""

    seq: int
    hash: str
    at: str


def path_of(settings: Settings, chain: str) -> Path:
    """The file of this chain."""
    folder = settings.trust.anchor_folder
    return (Path(folder).expanduser() if folder else data_dir() / "anchors") / f"{chain}.jsonl"


def read(path: Path) -> list[Anchor]:
    """All anchors; none where there is no file. A line that cannot be read is left out."""
    found = []
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        try:
            note = msgspec.json.decode(line, type=Note)
            found.append(Anchor(note.seq, bytes.fromhex(note.hash)))
        except (msgspec.MsgspecError, ValueError):
            continue  # a write that was cut off
    return found


def note(path: Path, anchor: Anchor, at: str) -> None:
    """Add one anchor to the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(msgspec.json.encode(Note(anchor.seq, anchor.hash.hex(), at)) + b"\n")
