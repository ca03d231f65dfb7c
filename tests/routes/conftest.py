"""What tests of routes share."""

from tests.routes.api import api

__all__ = ["api"]
