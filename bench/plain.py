"""The collector that one would write first, for comparison: paho, JSON, one INSERT and one commit a message.

No ledger, no dead letters, no rollups, no "latest": it does less than ingest. Started by `bench.ingest`.
"""

import json
from typing import Any
from urllib.parse import urlsplit

import psycopg
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from citybrain import config

HEAD = ("at", "device", "boot", "seq", "intersection", "period_s", "quality")
NAMES = ("vehicles", "queued", "queue_m", "mean_speed_mps", "occupancy", "crossed", "stops", "delay_s")
INSERT = (
    f"insert into plain ({', '.join((*HEAD, 'lane', *NAMES))}) "
    f"values ({', '.join(['%s'] * (len(HEAD) + 1 + len(NAMES)))})"
)


def main() -> None:
    settings = config.load()
    with psycopg.connect(settings.database.dsn) as connection:
        connection.execute("create table plain (like lane_measurement including all)")
        connection.commit()

        def store(_client: Client, _data: Any, message: MQTTMessage) -> None:
            told = json.loads(message.payload)
            head = [
                told[name] for name in ("at", "device", "boot", "seq", "intersection", "period_s", "quality")
            ]
            rows = [[*head, lane["lane"], *[lane[name] for name in NAMES]] for lane in told["lanes"]]
            with connection.cursor() as cursor:
                cursor.executemany(INSERT.encode(), rows)
            connection.commit()

        client = Client(CallbackAPIVersion.VERSION2, client_id="bench-plain-collector")
        client.on_message = store
        parts = urlsplit(settings.broker.url)
        client.connect(parts.hostname or "127.0.0.1", parts.port or 1883)
        client.subscribe("plain/+", qos=1)
        client.loop_forever()


if __name__ == "__main__":
    main()
