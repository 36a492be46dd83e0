"""The reference pages that are made from the code: every command's help, every setting with its bounds."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from citybrain import config
from citybrain.cli import root

NOTE = "<!-- Made by `python -m citybrain.reference docs`; do not edit. -->\n"

PREFACE = """\
One TOML file: `--config FILE`, else the one that `CITYBRAIN_CONFIG` names, else `./citybrain.toml`.
The environment overrides it: `CITYBRAIN__STREET__SPEED=4` is `speed = 4` under `[street]`.
"""


def commands_page() -> str:
    """All commands with their help, as Markdown."""
    parts = ["# Commands\n", NOTE]
    for path, command in _walk(root, "citybrain"):
        with click.Context(command, info_name=path, terminal_width=90, max_content_width=90) as ctx:
            parts.append(f"## {path}\n\n```text\n{command.get_help(ctx)}\n```\n")
    return "\n".join(parts)


def settings_page() -> str:
    """All settings by section, as Markdown."""
    parts = [
        "# Settings\n",
        NOTE,
        PREFACE,
    ]
    told = _docstrings()
    for section in msgspec.structs.fields(config.Settings):
        type_: Any = config.NAMED.get(section.name, section.type)
        title = f"{section.name}.NAME" if section.name in config.NAMED else section.name
        parts.append(f"## [{title}]\n\n| setting | default | what |\n|---|---|---|")
        for field in msgspec.structs.fields(type_):
            default = "required" if field.required else f"`{_default(field)}`"
            text = told.get((type_.__name__, field.name), "")
            parts.append(f"| `{field.name}` | {default} | {text} {_bounds(field.type)} |")
        parts.append("")
    return "\n".join(parts)


def _walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _walk(inner, f"{path} {name}")


def _docstrings() -> dict[tuple[str, str], str]:
    """The string under each field of each section; Python keeps it only in the source."""
    told: dict[tuple[str, str], str] = {}
    for node in ast.parse(inspect.getsource(config)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for field, text in zip(node.body, node.body[1:], strict=False):
            if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
                continue
            if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                told[node.name, field.target.id] = str(text.value.value)
    return told


def _default(field: msgspec.structs.FieldInfo) -> str:
    is_made = field.default_factory is not msgspec.NODEFAULT
    return msgspec.json.encode(field.default_factory() if is_made else field.default).decode()


def _bounds(type_: Any) -> str:
    schema = msgspec.json.schema(type_)
    words = {
        "minimum": "at least {}",
        "exclusiveMinimum": "above {}",
        "maximum": "at most {}",
        "pattern": "matches `{}`",
    }
    found = [text.format(schema[key]) for key, text in words.items() if key in schema]
    return f"({', '.join(found).replace('|', chr(92) + '|')})" if found else ""


def write(folder: Path) -> None:
    """Write both pages into `folder`."""
    (folder / "commands.md").write_text(commands_page(), encoding="utf-8")
    (folder / "settings.md").write_text(settings_page(), encoding="utf-8")


if __name__ == "__main__":
    import sys

    write(Path(sys.argv[1]))
