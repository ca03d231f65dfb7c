"""The tag's script, as it is served."""

import gzip
from typing import Any

import pytest

from tests.capturing import calling


@pytest.fixture
def caller(stage: Any, clock: Any) -> Any:
    return calling()


def test_the_script_is_cacheable_and_knows_when_it_is_fresh(caller: Any) -> None:
    answer = caller.get("/tag.js")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "max-age=3600" in answer.headers["Cache-Control"]
    again = caller.get("/tag.js", headers={"if-none-match": f'"other", W/{answer.headers["ETag"]}'})
    assert (again.status_code, again.body) == (304, b"")
    assert caller.get("/tag.js", headers={"if-none-match": '"other"'}).status_code == 200


def test_the_script_weighs_at_most_4_kilobytes_gzipped(caller: Any) -> None:
    assert len(gzip.compress(caller.get("/tag.js").body, 9, mtime=0)) <= 4096
