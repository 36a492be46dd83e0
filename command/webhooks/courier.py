"""Delivers: each webhook's call signed, once a success, tried again with growing pauses, and a log of it."""

import asyncio
import hashlib
import hmac
import time
from datetime import timedelta

import httpx
import structlog

from citybrain.config import Settings
from citybrain.errors import ConfigError
from command.database import Database, Row, act
from command.trust.seal import unseal
from command.webhooks.target import Refused, Target, networks, resolve

log = structlog.get_logger()

FIRST_PAUSE_S = 10.0
LONGEST_PAUSE_S = 3600.0
AT_ONCE = 10
SIGNATURE = "X-CityBrain-Signature"


def signature(secret: str, at_s: int, body: bytes) -> str:
    """What the receiver computes too: HMAC-SHA-256 over time, a dot and the body."""
    digest = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={digest}"


def pause(attempts: int) -> timedelta:
    """Until the next try after so many: 10 s, 20 s, 40 s, ... an hour at most."""
    return timedelta(seconds=min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempts - 1)))


class Courier:
    """Sends what is due. For one event loop."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._database = database
        self._settings = settings.webhooks
        self._key_file = settings.trust.key_file
        self._allowed = networks(settings.webhooks.allow_networks)

    async def deliver(self) -> int:
        """Send what is due now; how many were tried."""
        lease = timedelta(seconds=self._settings.timeout_s * 3 + 10)
        async with self._database.transaction() as connection:
            due = await act(connection, "webhook_claim", {"rows": AT_ONCE, "lease": lease})
        await asyncio.gather(*(self._send(row) for row in due))
        return len(due)

    async def _send(self, row: Row) -> None:
        status: int | None = None
        error = ""
        try:
            target = await resolve(row["url"], self._allowed)
            status = await self._call(target, row)
            if not 200 <= status < 300:
                error = f"answered {status}"
        except Refused as refused:
            error = str(refused)
        except ConfigError as fault:
            error = "its secret cannot be read"
            log.warning("webhook_secret_unreadable", reason=str(fault))
        except httpx.HTTPError as failure:
            error = f"did not answer ({type(failure).__name__})"
        attempts = row["attempts"] + 1
        is_last = attempts >= self._settings.attempts
        values = {
            "id": row["id"], "status": status, "error": error, "done": not error,
            "pause": None if is_last else pause(attempts),
        }  # fmt: skip
        async with self._database.transaction() as connection:
            await act(connection, "webhook_settle", values)

    async def _call(self, target: Target, row: Row) -> int:
        body = str(row["body"]).encode()
        headers = {
            "host": target.netloc,
            "content-type": "application/json",
            "user-agent": "CityBrain-Webhook",
            SIGNATURE: signature(unseal(self._key_file, bytes(row["secret_sealed"])), int(time.time()), body),
        }
        async with (
            asyncio.timeout(self._settings.timeout_s * 2),
            httpx.AsyncClient(
                timeout=self._settings.timeout_s, trust_env=False, follow_redirects=False
            ) as client,
            client.stream(
                "POST", target.pinned, content=body, headers=headers, extensions={"sni_hostname": target.host}
            ) as answer,
        ):
            return answer.status_code  # what it says besides is never read
