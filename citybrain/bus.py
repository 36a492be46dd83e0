"""The MQTT client of every agent and service: connect, stay connected, publish, subscribe.

MQTT 3.1.1, so that any broker will do. Handlers run on the client's own thread and must be short; one that
fails is logged and loses that message only. The broker forgets nothing that matters: `on_connected` hooks
run after every connect, also after a broker's restart, and announce retained messages anew.
"""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv311, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from citybrain import tls
from citybrain.config import Broker
from citybrain.errors import Unavailable

Handler = Callable[[str, bytes, bool], None]
"""topic, payload, whether it is a retained message from before the subscription"""

log = structlog.get_logger()

MAX_QUEUED_MESSAGES = 2_000
MAX_INFLIGHT_MESSAGES = 200
MAX_ROUTES = 20_000


class Bus:
    """One connection to the broker.

    Use as a context manager, or call `start` and `stop`. `will` is (topic, payload), sent retained at QoS 1
    by the broker when this client vanishes.
    """

    def __init__(self, broker: Broker, client_id: str, will: tuple[str, bytes] | None = None) -> None:
        parts = urlsplit(broker.url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        self._keepalive_s = broker.keepalive_s
        self._subscriptions: list[tuple[str, Handler, int]] = []
        self._routes: dict[str, list[Handler]] = {}
        self._hooks: list[Callable[[], None]] = []
        self._connected = threading.Event()
        self._refused = ""
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv311, clean_session=True
        )
        self._client.max_queued_messages_set(MAX_QUEUED_MESSAGES)
        self._client.max_inflight_messages_set(MAX_INFLIGHT_MESSAGES)
        self._client.reconnect_delay_set(min_delay=1, max_delay=8)
        if parts.username:
            self._client.username_pw_set(parts.username, parts.password)
        self._tls = tls.context(broker) if parts.scheme == "mqtts" else None
        if self._tls:
            self._client.tls_set_context(self._tls)
        if will:
            self._client.will_set(will[0], will[1], qos=1, retain=True)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message
        self._client.on_socket_open = _no_delay

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    def start(self, timeout_s: float | None = 10.0) -> Self:
        """Connect and keep connected in a thread of its own.

        With `timeout_s` wait for the first connection and raise Unavailable if there is none; with None
        return at once and go on trying.
        """
        self._client.connect_async(self._host, self._port, keepalive=self._keepalive_s)
        self._client.loop_start()
        if timeout_s is not None and not self._connected.wait(timeout_s):
            self.stop()
            refused = self._refused or (self._tls and tls.explain(self._host, self._port, self._tls))
            why = f": {refused}" if refused else ""
            raise Unavailable(
                f"no MQTT broker answers at {self._host}:{self._port}{why}; start one or set broker.url"
            )
        return self

    def stop(self) -> None:
        """Disconnect cleanly (no last will is sent) and end the thread."""
        self._client.disconnect()
        self._client.loop_stop()
        self._connected.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def on_connected(self, hook: Callable[[], None]) -> None:
        """Run `hook` after every (re)connect, and now if connected; it publishes what must be retained."""
        self._hooks.append(hook)
        if self.connected:
            hook()

    def subscribe(self, filter_: str, handler: Handler, qos: int = 1) -> None:
        """Call `handler` for each message that matches; lasts over reconnects. Shared filters are allowed."""
        self._subscriptions.append((filter_, handler, qos))
        self._routes = {}
        if self.connected:
            self._client.subscribe(filter_, qos)

    def unsubscribe(self, filter_: str) -> None:
        """Stop calling handlers for this filter."""
        self._subscriptions = [entry for entry in self._subscriptions if entry[0] != filter_]
        self._routes = {}
        if self.connected:
            self._client.unsubscribe(filter_)

    def publish(self, topic: str, payload: bytes, qos: int = 1, *, retain: bool = False) -> bool:
        """Hand a message to the broker; False where it could not even be queued (then it is lost here)."""
        info = self._client.publish(topic, payload, qos, retain)
        return info.rc in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_NO_CONN}

    def publish_now(self, topic: str, payload: bytes, qos: int = 0) -> bool:
        """Publish only if connected: for what is worthless later (frames, commands)."""
        return self.connected and self.publish(topic, payload, qos)

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, code: ReasonCode, _props: Properties | None
    ) -> None:
        if code.is_failure:
            self._refused = str(code)
            log.warning("broker_refused", reason=str(code), host=self._host, port=self._port)
            return
        for filter_, _, qos in self._subscriptions:
            client.subscribe(filter_, qos)
        self._connected.set()
        for hook in self._hooks:
            try:
                hook()
            except Exception:
                log.exception("connect_hook_failed")

    def _on_disconnect(
        self,
        _client: Client,
        _data: Any,
        _flags: DisconnectFlags,
        code: ReasonCode,
        _props: Properties | None,
    ) -> None:
        self._connected.clear()
        if code.is_failure:
            log.warning("broker_lost", reason=str(code), host=self._host, port=self._port)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        # An exception that left here would end the client's thread for good.
        try:
            topic = message.topic
        except UnicodeDecodeError:
            log.warning("topic_not_utf8", payload_bytes=len(message.payload))
            return
        for handler in self._routes.get(topic) or self._route(topic):
            try:
                handler(topic, bytes(message.payload), message.retain)
            except Exception:
                log.exception("message_handler_failed", topic=topic)

    def _route(self, topic: str) -> list[Handler]:
        """The handlers of a topic, remembered: matching filters anew costs more than most handlers do."""
        handlers = [
            handler
            for filter_, handler, _ in self._subscriptions
            if topic_matches_sub(_unshared(filter_), topic)
        ]
        if len(self._routes) >= MAX_ROUTES:
            self._routes = {}
        self._routes[topic] = handlers
        return handlers


def _unshared(filter_: str) -> str:
    return filter_.split("/", 2)[2] if filter_.startswith("$share/") else filter_


def _no_delay(_client: Client, _data: Any, sock: Any) -> None:
    # Nagle's algorithm costs 13 ms instead of 0.25 ms at 2 KB.
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
