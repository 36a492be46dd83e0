"""The same rights as rules for EMQX (`acl.conf`), for cities that run a cluster of brokers."""

from collections.abc import Iterable

from citybrain.identity.rights import Rights

HEAD = """\
%% Made by `citybrain broker acl --for emqx`; for etc/acl.conf of EMQX 5, with
%% `authorization.no_match = deny`, `mqtt.peer_cert_as_username = cn`
%% and `mqtt.peer_cert_as_clientid = cn` on the devices' TLS listener."""


def rules(rights: Iterable[tuple[str, Rights]]) -> str:
    """The file's text: the first rule that fits counts, the last one refuses.

    A shared subscription is judged by the filter inside it, so that it needs no rule of its own.
    """
    lines = [HEAD]
    for name, (publish, subscribe) in rights:
        lines += _rule(name, "publish", publish) + _rule(name, "subscribe", subscribe)
    return "\n".join([*lines, "{deny, all}.", ""])


def _rule(name: str, action: str, filters: tuple[str, ...]) -> list[str]:
    shown = ", ".join(f'"{filter_}"' for filter_ in filters)
    return [f'{{allow, {{username, "{name}"}}, {action}, [{shown}]}}.'] if filters else []
