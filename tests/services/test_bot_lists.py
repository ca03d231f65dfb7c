"""A list of bots beside the code: used where there is one, and refused where it can't be read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.click import Verdict
from chalicelib.services import bot_lists
from infra.project import lay_out
from tests.visiting import NOW, Visitor, a_link, a_program, stored_clicks, the_stores

EXCLUDE, INCLUDE = "Firefox/|1||0|2|0|\nSafari/|1||0|2|0|\n", "Mozilla|1|1|\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the list is looked for, instead of beside the code."""
    monkeypatch.setattr(bot_lists, "FOLDER", str(tmp_path))
    bot_lists.current.cache_clear()
    yield tmp_path
    bot_lists.current.cache_clear()


@pytest.mark.parametrize(
    ("files", "kept", "has_cookie"),
    [
        ({}, (Verdict.HUMAN, "navigation"), True),
        (
            {bot_lists.EXCLUDE: EXCLUDE, bot_lists.INCLUDE: INCLUDE},
            (Verdict.BOT, "iab_excluded"),
            False,
        ),
        (
            {bot_lists.EXCLUDE: EXCLUDE, bot_lists.INCLUDE: "Opera|1|1|\n"},
            (Verdict.BOT, "iab_no_browser"),
            False,
        ),
        ({bot_lists.EXCLUDE: EXCLUDE}, (Verdict.HUMAN, "navigation"), True),
        ({bot_lists.EXCLUDE: "nonsense", bot_lists.INCLUDE: INCLUDE}, (Verdict.HUMAN, "navigation"), True),
    ],
    ids=["none", "excluded", "not included", "one file missing", "unreadable"],
)
def test_a_link_is_followed_whatever_the_list_says(
    stage: Any, clock: Any, folder: Path, files: dict[str, str], kept: tuple[Verdict, str], has_cookie: bool
) -> None:
    clock.set(NOW)
    for name, text in files.items():
        (folder / name).write_text(text)
    link = a_link(the_stores(), a_program(the_stores()))
    visit = Visitor().follow(link.code)
    (click,) = stored_clicks(the_stores())
    assert (visit.status, click.verdict, click.reason) == (302, *kept)
    assert ("ll_click" in visit.location) is has_cookie


def test_a_list_that_cannot_be_read_is_not_deployed(tmp_path: Path) -> None:
    lists = tmp_path / "source" / "chalicelib" / "lists"
    lists.mkdir(parents=True)
    (lists / bot_lists.EXCLUDE).write_text(EXCLUDE)
    (lists / bot_lists.INCLUDE).write_text("<html>please sign in</html>")
    with pytest.raises(ValueError, match="line 1 of the include file"):
        lay_out(tmp_path / "target", "dev", source=tmp_path / "source", cache=tmp_path)
