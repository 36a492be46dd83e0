"""The documentation is tested: what is not written down fails."""

import re
import tomllib
from pathlib import Path

from citybrain import reference

ROOT = Path(__file__).parents[2]


def test_the_reference_pages_are_those_of_the_code() -> None:
    for name, page in (
        ("commands.md", reference.commands_page()),
        ("settings.md", reference.settings_page()),
    ):
        written = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert written == page, f"run: python -m citybrain.reference docs  ({name} is old)"


def test_every_command_has_an_example_in_its_help() -> None:
    for section in reference.commands_page().split("\n## ")[1:]:
        name, _, text = section.partition("\n")
        is_group = "COMMAND [ARGS]" in text
        assert is_group or "Example" in text, f"{name} --help has no example"


def test_every_dependency_is_justified_in_one_line() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    wanted = [
        *project["dependencies"],
        *(d for group in project["optional-dependencies"].values() for d in group),
    ]
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9-]+", requirement)
        assert name is not None
        assert f"| {name[0]} |" in page, f"docs/dependencies.md says nothing of {name[0]}"
        assert "<" in requirement, f"{requirement} has no upper bound"


def test_links_between_documents_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
