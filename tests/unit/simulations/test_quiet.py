import gzip
from pathlib import Path

import pytest

from citybrain.errors import ConfigError
from simulations.quiet import NOWHERE, quiet_files
from simulations.sumoxml import read_root

LOUD = """<additional>
    <e1Detector id="d" lane="a_0" pos="3" file="counts.xml"/>
    <timedEvent type="SaveTLSStates" source="x" dest="states.xml"/>
    <rerouter id="r" edges="a" file="closed.xml"/>
    <tlLogic id="t" type="actuated" programID="1"><param key="file" value="loops.xml"/></tlLogic>
</additional>"""


def test_a_file_without_outputs_is_used_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "stops.add.xml"
    path.write_text('<additional><busStop id="s" lane="a_0"/></additional>')
    assert quiet_files((path,)) == (path,)


@pytest.mark.parametrize("name", ["loops.add.xml", "loops.add.xml.gz"])
def test_outputs_go_nowhere_while_detectors_and_inputs_stay(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(LOUD.encode()) if name.endswith(".gz") else LOUD.encode())
    (copy,) = quiet_files((path,))
    assert copy.parent != tmp_path
    root = read_root(copy)
    outputs = [root.find("e1Detector").get("file"), root.find("timedEvent").get("dest")]  # type: ignore[union-attr]
    assert outputs == [NOWHERE, NOWHERE]
    assert root.find("tlLogic/param").get("value") == NOWHERE  # type: ignore[union-attr]
    assert root.find("rerouter").get("file") == str(tmp_path / "closed.xml")  # type: ignore[union-attr]


def test_files_of_one_name_in_two_folders_stay_two(tmp_path: Path) -> None:
    paths = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "loops.add.xml")
        paths[-1].write_text(LOUD.replace('id="d"', f'id="{folder}"'))
    one, other = quiet_files(tuple(paths))
    assert one != other
    assert 'id="a"' in one.read_text()
    assert 'id="b"' in other.read_text()


def test_a_file_that_is_no_xml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "stops.add.xml"
    path.write_text("stops")
    with pytest.raises(ConfigError, match=r"stops\.add\.xml"):
        quiet_files((path,))
