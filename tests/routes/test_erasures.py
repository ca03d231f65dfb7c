"""Erasing people over the API."""

from typing import Any

import pytest

from chalicelib.domain.job import JobKind
from chalicelib.services import erasures, jobs
from tests.routes.api import TERMS, Api

JANE = {"program": "acme", "customer_id": "jane.doe@example.com"}


@pytest.fixture(autouse=True)
def _acme(api: Api) -> None:
    api.program()
    api.post("/v1/programs/acme/terms", TERMS)
    sale = {"event": "sale", "order_id": "1", "amount": 100, "currency": "EUR"}
    assert api.post("/v1/conversions", JANE | sale).status == 201


def carry_out(api: Api, erasure: str, now: Any) -> None:
    jobs.carry_out(api.stores, erasure, {JobKind.ERASURE: erasures.carry_out}, now)


def test_an_erasure_is_asked_for_and_looked_at(api: Api, clock: Any) -> None:
    asked = api.post("/v1/erasures", JANE)
    assert (asked.status, asked.json["state"], asked.json["erased"]) == (202, "waiting", None)
    carry_out(api, asked.json["id"], clock())
    done = api.get(f"/v1/erasures/{asked.json['id']}").json
    assert (done["state"], done["erased"]) == ("done", {"devices": 0, "clicks": 0, "orders": 1})
    assert b"jane" not in asked.raw
    (logged,) = api.get("/v1/audit?program=acme&limit=1").json["data"]
    assert (logged["what"], "jane" in str(logged)) == ("erasure", False)


def test_an_erasure_is_its_merchants_own(api: Api) -> None:
    api.program("other")
    stranger = api.key("merchant", program="other")
    asked = api.post("/v1/erasures", JANE).json["id"]
    api.get(f"/v1/erasures/{asked}", stranger).refused(404, "erasure_unknown", "erasure")
    for path in ("/v1/erasures", "/v1/subjects"):
        api.post(path, JANE, stranger).refused(404, "program_unknown", "program")
    api.get("/v1/erasures/job_nobodys").refused(404, "erasure_unknown", "erasure")


def test_a_subject_is_told_what_is_known_of_it(api: Api) -> None:
    told = api.post("/v1/subjects", JANE)
    assert [order["order_id"] for order in told.json["orders"]] == ["1"]
    assert b"jane" not in told.raw
    nobody = api.post("/v1/subjects", JANE | {"customer_id": "nobody"}).json
    assert (nobody["devices"], nobody["clicks"], nobody["orders"]) == ([], [], [])
    api.post("/v1/subjects", JANE | {"customer_id": " "}).refused(422, "customer_id_invalid", "customer_id")


def test_a_partner_is_erased_by_whoever_brought_it_in(api: Api) -> None:
    owner = api.key("merchant", program="acme")
    api.program("other")
    other = api.key("merchant", program="other")
    api.partner("mia", owner)
    api.send("POST", "/v1/partners/mia/erase", key=other).refused(404, "partner_unknown", "partner")
    api.send("POST", "/v1/partners/nobody/erase", key=owner).refused(404, "partner_unknown", "partner")
    erased = api.send("POST", "/v1/partners/mia/erase", key=owner)
    assert erased.json == {"id": "mia", "name": "erased", "email": "erased@invalid", "open": []}
    assert b"mia@example.com" not in api.get("/v1/partners/mia").raw
    assert api.send("POST", "/v1/partners/mia/erase").status == 200
