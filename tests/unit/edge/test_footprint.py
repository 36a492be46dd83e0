"""An edge agent stays small: what it must not import is not even loaded by way of something else."""

import pkgutil
import subprocess
import sys

import edge
from bench.footprint import FORBIDDEN


def test_no_module_of_the_edge_loads_a_cluster_a_database_driver_or_a_web_framework() -> None:
    modules = [found.name for found in pkgutil.walk_packages(edge.__path__, "edge.")]
    assert "edge.drivers.ntcip1202" in modules
    code = f"import importlib, sys; [importlib.import_module(m) for m in {modules!r}]; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(FORBIDDEN).isdisjoint(done.stdout.split())
