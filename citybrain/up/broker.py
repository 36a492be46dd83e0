"""The embedded MQTT broker: Mosquitto if it is on the PATH, else rumqttd from the wheel `iotcore`."""

import logging
import os
import shutil
import sys
from pathlib import Path

from citybrain.codec import MAX_FRAME_BYTES

MOSQUITTO_CONF = """\
listener {port} {host}
allow_anonymous true
persistence true
persistence_location {folder}/
max_queued_messages 0
max_queued_bytes 268435456
max_inflight_messages 500
max_packet_size {max_packet}
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
{account}
"""


def broker_name() -> str:
    """Which broker `broker_command` would start."""
    return "mosquitto" if shutil.which("mosquitto") else "iotcore (rumqttd)"


def broker_command(host: str, port: int, folder: Path) -> list[str]:
    """The command line of a broker on loopback that keeps its files under `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    mosquitto = shutil.which("mosquitto")
    if mosquitto is None:
        return [sys.executable, "-m", "citybrain.up.broker", host, str(port)]
    conf = folder / "mosquitto.conf"
    # Anonymous, because it listens on loopback only; `broker init` writes the production file.
    conf.write_text(
        MOSQUITTO_CONF.format(
            host=host,
            port=port,
            folder=folder,
            max_packet=2 * MAX_FRAME_BYTES,
            # Started by root it would change to an account that cannot write below root's home.
            account="user root" if os.geteuid() == 0 else "",
        ),
        encoding="utf-8",
    )
    return [mosquitto, "-c", str(conf)]


def serve(host: str, port: int) -> None:
    """Run rumqttd in this process until it is ended."""
    from iotcore import IotCoreBroker

    logging.basicConfig(level=logging.WARNING)
    # rumqttd wraps the routing of every packet in an error span and would write several lines each.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    IotCoreBroker(
        listen=host, port=port, max_payload_size=2 * MAX_FRAME_BYTES, max_inflight_count=500
    ).run_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
