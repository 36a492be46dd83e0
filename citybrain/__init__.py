"""What all rooms of City Brain share: messages, topics, configuration, clock, command line."""

__version__ = "0.1.0"
