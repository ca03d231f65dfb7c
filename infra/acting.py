"""Acting as one of a stage's own processes: its environment, and services that were never asked before."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from chalicelib import bootstrap
from chalicelib.storage import aws


@contextmanager
def acting_as(environment: Mapping[str, str]) -> Iterator[None]:
    """This process with these variables, for a moment."""
    before = dict(os.environ)
    os.environ.update(environment)
    bootstrap.stores.cache_clear()
    aws.forget()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        bootstrap.stores.cache_clear()
        aws.forget()
