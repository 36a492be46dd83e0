"""What the workers subscribe to, and what of it they want."""

from functools import lru_cache

from citybrain import topics
from ingest.gate import RETAINED_KINDS, SHARED_KINDS

GROUP = "ingest"


def shared_filters(site: str) -> list[str]:
    """What workers share: each message goes to one of them."""
    # A group a filter: rumqttd deals a group's messages out over its filters and drops what fits none.
    return [topics.matching(site, what=what, group=f"{GROUP}-{what}") for what in SHARED_KINDS]


def retained_filters(site: str) -> list[str]:
    """What is retained, which brokers give to no group: for one worker."""
    # MQTT has no filter for `part<n>`; what else comes on a network's topics `is_wanted` sorts out.
    filters = [topics.matching(site, what=what) for what in RETAINED_KINDS]
    return [*filters, topics.matching(site, kind="network")]


@lru_cache(maxsize=65_536)
def is_wanted(topic: str) -> bool:
    """Whether a topic is one of ours, not just within a filter of ours."""
    what = topic.rpartition("/")[2]
    return what in SHARED_KINDS or what in RETAINED_KINDS or what.startswith("part")


def is_shared(topic: str) -> bool:
    """Whether its sender sends it again until it is acknowledged."""
    return topic.rpartition("/")[2] in SHARED_KINDS
