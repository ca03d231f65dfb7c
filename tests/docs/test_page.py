"""The page that CONTRIBUTING.md adds to the console is shown."""

from pathlib import Path
from typing import Any

import pytest

from chalicelib.portal import paging, rendering
from chalicelib.routes.application import Application
from tests.docs.blocks import snippet
from tests.portal.browsing import Reader


def test_the_page_is_shown(
    reader: Reader, shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "console").mkdir()
    (tmp_path / "console" / "roster.html").write_text(snippet("CONTRIBUTING.md", "html"))
    loader = rendering._environment().loader
    monkeypatch.setattr(loader, "searchpath", [*loader.searchpath, str(tmp_path)])
    monkeypatch.setattr(paging, "ROWS", 1)
    names = {"__name__": "roster"}
    exec(snippet("CONTRIBUTING.md", "python", "roster"), names)
    app = Application("roster")
    app.register_blueprint(names["bp"])
    visitor = reader.of(app)
    first = visitor.get(f"/console/{shop.program.id}/roster")
    assert first.status == 200, first.words
    assert "anna" in first.words
    assert "Next page" in first.words
