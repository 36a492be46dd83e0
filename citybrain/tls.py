"""TLS to the broker: the client's context, and in plain words why a broker would not take it."""

import socket
import ssl

from citybrain.config import Broker
from citybrain.errors import ConfigError

EXPLAIN_S = 3.0


def context(broker: Broker) -> ssl.SSLContext:
    """TLS 1.2 or newer, the broker's name checked, with our certificate where the settings name one.

    Raises:
        ConfigError: a file is away, unreadable, or no certificate or key.
    """
    try:
        made = ssl.create_default_context(cafile=broker.ca_file or None)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if broker.cert_file:
            made.load_cert_chain(broker.cert_file, broker.key_file or None)
    except OSError as error:
        names = ", ".join(name for name in (broker.ca_file, broker.cert_file, broker.key_file) if name)
        raise ConfigError(f"broker TLS files ({names}) cannot be used: {error}") from error
    return made


def explain(host: str, port: int, made: ssl.SSLContext) -> str:
    """Why the handshake fails; "" if it does not, or nobody is there.

    A client's certificate is judged after the client's own part of the handshake is done (TLS 1.3), so that
    an MQTT client sees a closed connection and no reason.
    """
    try:
        with (
            socket.create_connection((host, port), EXPLAIN_S) as plain,
            made.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            wrapped.recv(1)
    except ssl.SSLCertVerificationError as error:
        return f"the broker's certificate is refused here: {error.verify_message}"
    except ssl.SSLError as error:
        return f"our certificate is refused there: {(error.reason or str(error)).lower().replace('_', ' ')}"
    except OSError:
        return ""
    return ""
