"""`GET /v1/stats`: the figures, and whose."""

from typing import Any

import pytest

from chalicelib.domain.counts import Cell
from tests.routes.api import Api


@pytest.fixture(autouse=True)
def _counted(api: Api, clock: Any) -> None:
    api.program("acme")
    api.program("other")
    cells = {
        Cell("acme", "clicks", "2026-10-14", "anna", "a", "partner", verdict="human"): {"clicks": 3},
        Cell("acme", "clicks", "2026-10-15", "ben", "b", "partner", verdict="human"): {"clicks": 2},
        Cell("acme", "clicks", "2026-10-15", "ben", "b", "partner", verdict="bot"): {"clicks": 7},
        Cell("acme", "money", "2026-10-15", "anna", "a", "partner", currency="EUR"): {
            "conversions": 1,
            "revenue": 2000,
            "commission": 200,
        },
        Cell("acme", "money", "2026-10-15", "ben", "b", "partner", currency="USD"): {
            "conversions": 1,
            "revenue": 500,
            "commission": 50,
        },
    }
    assert api.stores.counts.add_from_shard("clicks", "s", "", "1", cells, clock())


def test_totals_are_in_the_programs_currency_and_others_beside_it(api: Api) -> None:
    answer = api.get("/v1/stats?program=acme").json
    assert answer["currency"] == "EUR"
    assert answer["totals"] == {
        "clicks": 5,
        "conversions": 2,
        "revenue": 2000,
        "commission": 200,
        "other_currencies": {"USD": {"revenue": 500, "commission": 50}},
    }
    assert answer["rows"] == []


def test_rows_carry_the_name_of_what_they_count(api: Api) -> None:
    rows = api.get("/v1/stats?program=acme&by=verdict").json["rows"]
    assert {row["verdict"]: row["clicks"] for row in rows} == {"bot": 7, "human": 5}
    rows = api.get("/v1/stats?program=acme&by=day&from=2026-10-15&to=2026-10-15").json["rows"]
    assert rows[0]["day"] == "2026-10-15"
    assert rows[0]["clicks"] == 2


def test_a_partner_gets_its_own_figures_alone(api: Api) -> None:
    api.partner("anna")
    anna = api.key("partner", program="acme", partner="anna")
    api.get("/v1/stats?program=acme", anna).refused(404, "program_unknown", "program")
    api.enroll("acme", "anna")
    assert api.get("/v1/stats?program=acme", anna).json["totals"]["clicks"] == 3
    api.get("/v1/stats?program=acme&partner=ben", anna).refused(404, "partner_unknown", "partner")


def test_another_program_is_not_found(api: Api) -> None:
    other = api.key("merchant", program="other")
    api.get("/v1/stats?program=acme", other).refused(404, "program_unknown", "program")
    assert api.get("/v1/stats", other).json["totals"]["clicks"] == 0


@pytest.mark.parametrize("query", ["by=colour", "from=x", "to=2026-02-30", "page=1"])
def test_what_makes_no_sense_is_refused(api: Api, query: str) -> None:
    assert api.get(f"/v1/stats?program=acme&{query}").status == 422
