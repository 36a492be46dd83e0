"""`python -m citybrain` is the command `citybrain`."""

from citybrain.cli import main

main()
