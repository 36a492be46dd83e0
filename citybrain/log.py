"""Logging: one event name a line, fields instead of prose, to standard error."""

import logging
import os
import sys
from collections.abc import Callable

import structlog


def configure(service: str) -> None:
    """Set logging up for a process named `service`; `CITYBRAIN_LOG` is its level, default info.

    On a terminal lines are for people; otherwise each is one JSON object.
    """
    level = logging.getLevelNamesMapping().get(os.environ.get("CITYBRAIN_LOG", "info").upper(), logging.INFO)
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(pad_event_to=0)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)


def to_sink(write: Callable[[str], None]) -> None:
    """Hand each line to `write` instead; for `up`, whose terminal is for people."""

    class Sink:
        def msg(self, message: str) -> None:
            write(message)

        debug = info = warning = error = critical = exception = msg

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: Sink(),
        cache_logger_on_first_use=False,
    )
