"""A device or service that answers HTTP, asked at a steady rate."""

import http.client
import urllib.error
import urllib.request

from citybrain.errors import ContractError, Unavailable
from edge.feeds.feed import Batch
from edge.feeds.rhythm import Rhythm
from edge.readings import MAX_BYTES, read
from edge.sensorfile import Http, SensorFile

TIMEOUT_S = 10.0


class HttpFeed:
    """One address (`edge.feeds.feed.Feed`)."""

    def __init__(self, source: Http, file: SensorFile) -> None:
        self._source = source
        self._file = file
        self._rhythm = Rhythm(source.every_s)

    def open(self) -> None:
        """Nothing is kept open between two questions."""
        self._rhythm.start()

    def read(self, timeout_s: float) -> Batch | None:
        if not self._rhythm.wait(timeout_s):
            return None
        payload = self._ask()
        try:
            return Batch(read(self._source.format, payload, self._file.datastreams, self._file.time))
        except ContractError as error:
            return Batch([], malformed=str(error))

    def close(self) -> None:
        """Nothing is open."""

    def _ask(self) -> bytes:
        where = self._source.url.partition("?")[0]
        try:
            request = urllib.request.Request(self._source.url, headers=self._source.headers)  # noqa: S310 - http(s) only, by the file's check
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                payload: bytes = answer.read(MAX_BYTES + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unavailable(f"{where} does not answer: {error}") from error
        return payload
