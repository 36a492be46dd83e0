"""What an edge agent takes of a small machine: resident memory and cold start, of each kind of agent.

    python -m bench.footprint [--runs 3]

Starts the real commands against a real broker on loopback and waits until each has said, retained, that it is
well; reads its resident memory (as the kernel counts it) then and ten seconds later, and asks which modules
it has loaded: the cluster, the database driver and the web framework must not be among them. Cold start is
told as wall time and as CPU time, which a busy machine does not lengthen. Prints medians; writes
bench/results/footprint.json.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import click
import numpy as np
import psutil

from bench.results import write
from citybrain import topics
from citybrain.bus import Bus
from citybrain.codec import decode
from citybrain.config import Broker
from citybrain.messages import AgentStatus, Health
from citybrain.up import broker as embedded_broker
from citybrain.up.ports import free_port, wait_until_answers

RESULTS = Path(__file__).parent / "results" / "footprint.json"
FORBIDDEN = ("ray", "fastapi", "psycopg", "uvicorn", "numba", "onnxruntime", "libsumo")
WAIT_S = 120.0
SETTLE_S = 10.0


@contextmanager
def broker() -> Iterator[str]:
    """A real broker; its URL."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        command = embedded_broker.broker_command("127.0.0.1", port, Path(folder))
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            assert wait_until_answers("127.0.0.1", port, 60), "the broker did not start"
            yield f"mqtt://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


class Answer(BaseHTTPRequestHandler):
    """An HTTP sensor."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"temperature": 21.5, "pm25": 8}')

    def log_message(self, *_: object) -> None:
        """Quietly."""


def sensor_file(folder: Path, port: int) -> Path:
    path = folder / "roof.toml"
    path.write_text(
        f'[sensor]\nid = "roof"\n[source]\nkind = "http"\nurl = "http://127.0.0.1:{port}/"\nevery_s = 1\n'
        '[[datastreams]]\nname = "t"\nunit = "Cel"\npath = "temperature"\n'
        '[[datastreams]]\nname = "pm25"\nunit = "ug/m3"\npath = "pm25"\n'
    )
    return path


def video_file(folder: Path) -> Path:
    """Ten seconds of 1280 x 720 at 25 frames a second, in which something moves."""
    path = folder / "street.mp4"
    scene = np.random.default_rng(1).integers(80, 120, (720, 1280, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for index in range(250):
            picture = scene.copy()
            picture[300:450, 4 * index : 4 * index + 200] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def measure(command: list[str], device: str, url: str, folder: Path) -> dict[str, float]:
    """Start `citybrain edge ...` and read what it takes."""
    site = f"foot{time.time_ns() % 10**9}"
    well = threading.Event()

    def hear(_topic: str, payload: bytes, _retained: bool) -> None:
        status = decode(payload)
        if isinstance(status, AgentStatus) and status.health is Health.OK:
            well.set()

    environ = os.environ | {
        "CITYBRAIN__BROKER__URL": url,
        "CITYBRAIN__SITE__NAME": site,
        "CITYBRAIN_DATA_DIR": str(folder / "data"),
    }
    with Bus(Broker(url=url), f"{site}-ear") as bus:
        bus.subscribe(topics.for_device(site, device, "status"), hear)
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "citybrain", "edge", *command], env=environ, stderr=subprocess.DEVNULL
        )
        try:
            assert well.wait(WAIT_S), f"{device} is not well after {WAIT_S:.0f} s"
            start_s = time.perf_counter() - began
            agent = psutil.Process(process.pid)
            cpu_s = sum(agent.cpu_times()[:2])
            first = agent.memory_info().rss
            time.sleep(SETTLE_S)
            settled = agent.memory_info().rss
            share = (sum(agent.cpu_times()[:2]) - cpu_s) / SETTLE_S
        finally:
            process.terminate()
            process.wait(30)
    return {
        "start_s": round(start_s, 2),
        "start_cpu_s": round(cpu_s, 2),
        "memory_first_mb": round(first / 1e6, 1),
        "memory_mb": round(settled / 1e6, 1),
        "cpu": round(share, 3),
    }


def loaded(modules: str) -> list[str]:
    """Which of the forbidden packages are loaded once these modules are."""
    code = f"import sys, {modules}; print(*(m for m in {FORBIDDEN!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@click.command()
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True)
def main(runs: int) -> None:
    """Measure the agents of a sensor and of a camera."""
    machine = {
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }
    print(machine)
    results: dict[str, object] = dict(machine)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with broker() as url, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        agents = {
            "sensor": (["sensor", str(sensor_file(folder, server.server_port))], "sensor/roof"),
            "camera": (["camera", "gate", "--source", str(video_file(folder))], "camera/gate"),
        }
        for name, (command, device) in agents.items():
            taken = [measure(command, device, url, folder) for _ in range(runs)]
            median = {key: statistics.median(run[key] for run in taken) for key in taken[0]}
            results[name] = median
            print(f"{name:>7}: {median}")
    for name, modules in (
        ("sensor", "edge.cli, edge.sensor, edge.feeds.http"),
        ("camera", "edge.cli, edge.camera"),
    ):
        results[f"{name}_forbidden"] = found = loaded(modules)
        print(f"{name:>7}: forbidden modules loaded: {' '.join(found) or 'none'}")
    write(RESULTS, results)


if __name__ == "__main__":
    main()
