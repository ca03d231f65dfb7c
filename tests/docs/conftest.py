"""What tests of the documents share with those of the routes."""

from tests.routes.api import api

__all__ = ["api"]
