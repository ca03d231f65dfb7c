"""What tests of the documents share with those of the routes and pages."""

from tests.portal.conftest import reader, shop
from tests.routes.api import api

__all__ = ["api", "reader", "shop"]
