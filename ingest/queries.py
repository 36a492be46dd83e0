"""The named queries of `ingest/sql/queries`: `-- name: x`, what it is for, the statement."""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString

_HEAD = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load(group: str) -> dict[str, LiteralString]:
    """The queries of one file by name, comments left out."""
    text = files("ingest").joinpath(f"sql/queries/{group}.sql").read_text(encoding="utf-8")
    _, *parts = _HEAD.split(text)
    return {name: _bare(body) for name, body in zip(parts[::2], parts[1::2], strict=True)}


def _bare(body: str) -> str:
    lines = [line for line in body.splitlines() if not line.startswith("--")]
    return "\n".join(lines).strip().rstrip(";")
