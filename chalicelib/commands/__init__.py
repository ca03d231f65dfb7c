"""The commands of `python -m chalicelib.cli`, a module for each group."""
