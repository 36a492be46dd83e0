"""`citybrain up`: the whole city on one machine, started, watched and stopped."""
