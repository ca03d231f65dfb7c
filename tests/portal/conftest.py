"""What tests of pages share."""

from typing import Any

import pytest

from tests.portal.browsing import Reader


@pytest.fixture
def reader(stage: Any, clock: Any) -> Reader:
    """Somebody with a browser, in a fresh stage, at noon on 2026-10-15."""
    return Reader(stage.stores, clock())
