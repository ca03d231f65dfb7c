"""A simulated month, whose figures the document tells: what is caught, what is missed, and who is hurt."""

from pathlib import Path

import pytest

from bench.fraud_month import ATTACKS, Line, judge, play, table

DOCUMENT = Path(__file__).parents[3] / "docs" / "fraud.md"


@pytest.fixture(scope="module")
def lines() -> dict[str | None, Line]:
    return judge(play())


def test_the_document_tells_what_comes_out(lines: dict[str | None, Line]) -> None:
    assert table(lines) in DOCUMENT.read_text()


@pytest.mark.parametrize("kind", ATTACKS)
def test_the_bold_of_every_kind_are_seen(lines: dict[str | None, Line], kind: str) -> None:
    assert lines[kind].remarked >= 2


def test_no_honest_partner_is_stopped_and_hardly_a_sale_waits(lines: dict[str | None, Line]) -> None:
    honest = lines[None]
    assert honest.caught == 0
    assert honest.stopped * 200 < honest.sales
