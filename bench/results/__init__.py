"""Where a benchmark's figures are kept."""

import json
from pathlib import Path


def write(path: Path, found: object) -> None:
    """Write the figures as JSON, and say where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"written: {path}")
