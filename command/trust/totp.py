"""Time-based one-time passwords (RFC 6238): secret, code, and the picture that a phone reads."""

from datetime import datetime

import pyotp
import segno

ISSUER = "City Brain"
DRIFT_STEPS = 1


def new_secret() -> str:
    """160 random bits in base 32."""
    return pyotp.random_base32()


def uri(secret: str, name: str, site: str) -> str:
    """What an authenticator app takes in."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=f"{ISSUER} {site}")


def picture(text: str) -> str:
    """A QR code as SVG with its own white ground, so that it reads on dark pages too."""
    return str(segno.make(text, error="m").svg_inline(scale=5, border=4, light="#fff", dark="#000"))


def step_of(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """The time step that `code` belongs to, one step of drift allowed; None where it is wrong or used.

    A code is good once: a step that is not after `last_step` is refused.
    """
    totp = pyotp.TOTP(secret)
    present = totp.timecode(now)
    for step in range(present - DRIFT_STEPS, present + DRIFT_STEPS + 1):
        if pyotp.utils.strings_equal(code, totp.generate_otp(step)):
            return step if last_step is None or step > last_step else None
    return None
