"""The report of a corridor study: figures and one self-contained page."""
