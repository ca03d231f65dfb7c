"""Reviewing the tracking set-up, as its route answers."""

from typing import Any

from tests.routes.api import TERMS, Api


def test_every_method_of_a_new_program_has_delivered_nothing_yet(api: Api) -> None:
    api.program(methods=["pixel", "api"])
    api.post("/v1/programs/acme/terms", TERMS)
    answer = api.get("/v1/programs/acme/tracking").json
    assert (answer["program"], answer["hints"], answer["unsigned_bp"]) == ("acme", [], None)
    assert answer["methods"][1] == {
        "method": "pixel",
        "allowed": True,
        "signed": False,
        "window_days": 28,
        "last_received_at": None,
        "today": {},
        "last_30_days": {},
        "marks": {},
        "currencies": {},
        "hints": ["nothing_yet"],
    }
    assert [(one["method"], one["signed"], one["window_days"]) for one in answer["methods"]] == [
        ("api", True, 30),
        ("pixel", False, 28),
    ]


def test_what_came_is_told_with_its_time(api: Api, clock: Any) -> None:
    api.program(methods=["pixel"])
    api.stores.counts.note_delivery("acme", "pixel", clock())
    (pixel,) = api.get("/v1/programs/acme/tracking").json["methods"]
    assert pixel["last_received_at"] == "2026-10-15T12:00:00.000Z"


def test_it_is_the_merchants_own_business(api: Api) -> None:
    api.program()
    api.program("other")
    api.get("/v1/programs/acme/tracking", api.key("merchant", program="acme"))
    foreign = api.get("/v1/programs/acme/tracking", api.key("merchant", program="other"))
    foreign.refused(404, "program_unknown", "program")
    api.get("/v1/programs/none/tracking").refused(404, "program_unknown", "program")
    assert api.get("/v1/programs/acme/tracking", key="").status == 401
