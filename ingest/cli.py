"""`citybrain db` and `citybrain ingest`, whose verbs stand in modules of their own."""

from ingest.database_cli import db
from ingest.deadletters_cli import ingest

__all__ = ["db", "ingest"]
