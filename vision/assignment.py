"""Who serves which camera: rendezvous hashing, so that all groups agree without talking.

Source: Thaler, Ravishankar, Using name-based mappings to increase hit rates (1998). When a group comes or
goes, only its own share of the cameras moves.
"""

import hashlib
from collections.abc import Iterable, Sequence


def owner(camera: str, groups: Sequence[str]) -> str:
    """The group that serves `camera`; `groups` are those alive, in any order, at least one."""
    return max(
        groups, key=lambda group: hashlib.blake2b(f"{group}|{camera}".encode(), digest_size=8).digest()
    )


def owned(group: str, cameras: Iterable[str], groups: Sequence[str]) -> set[str]:
    """The cameras that `group` serves."""
    return {camera for camera in cameras if groups and owner(camera, groups) == group}
