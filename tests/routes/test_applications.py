"""Applications of new partners, as their routes answer."""

from typing import Any

import pytest

from chalicelib.services import applications
from chalicelib.storage.applications import Applications
from tests.routes.api import Answer, Api

AT = "/v1/programs/acme/applications"
EVE = {"name": "Eve", "email": "Eve@example.com", "site": "https://eve.example", "note": "tents"}


@pytest.fixture(autouse=True)
def _program(api: Api) -> None:
    api.program("acme")


def applied(api: Api, **changes: str) -> str:
    return str(api.post(AT, EVE | changes).json["id"])


def decided(api: Api, application: str, decision: str) -> Answer:
    return api.post(f"{AT}/{application}/{decision}", {})


def test_what_is_handed_in_waits_and_the_newer_one_of_an_address_counts(api: Api) -> None:
    first = api.post(AT, EVE)
    again = api.post(AT, EVE | {"email": "eve@example.com", "note": "boats"})
    assert (first.status, again.status) == (201, 201)
    assert first.json["id"] == again.json["id"]
    assert (again.json["decision"], again.json["partner"], again.json["note"]) == ("waiting", None, "boats")
    assert [one["note"] for one in api.get(AT).json["data"]] == ["boats"]


def test_an_approval_makes_an_enrolled_partner_once(api: Api) -> None:
    application = applied(api)
    first, again = decided(api, application, "approve"), decided(api, application, "approve")
    assert (first.status, first.json) == (200, again.json)
    enrolled = api.get("/v1/programs/acme/enrollments").json["data"]
    assert [one["partner"] for one in enrolled] == [first.json["partner"]]
    decided(api, application, "decline").refused(409, "application_decided")


def test_what_is_declined_stays_so_and_makes_nobody(api: Api) -> None:
    application = applied(api)
    assert decided(api, application, "decline").json["decision"] == "declined"
    assert decided(api, application, "decline").status == 200
    decided(api, application, "approve").refused(409, "application_decided")
    again = api.post(AT, EVE)
    assert (again.status, again.json["decision"]) == (200, "declined")
    assert api.get("/v1/partners").json["data"] == []


@pytest.mark.parametrize(("one", "other"), [("approve", "decline"), ("decline", "approve")])
def test_of_two_decisions_at_once_one_wins(
    api: Api, one: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rival decides between what the loser read and what it writes."""
    application = applied(api)
    real = Applications.decide

    def late(self: Applications, wanted: Any) -> bool:
        monkeypatch.setattr(Applications, "decide", real)
        assert decided(api, application, other).status == 200
        return real(self, wanted)

    monkeypatch.setattr(Applications, "decide", late)
    decided(api, application, one).refused(409, "application_decided")
    kept = api.get(f"{AT}/{application}").json
    assert kept["decision"] == f"{other}d"
    assert [p["id"] for p in api.get("/v1/partners").json["data"]] == [kept["partner"]][: other == "approve"]


def test_an_application_that_comes_again_while_it_is_decided_changes_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = applied(api)
    real = Applications.put_while_waiting

    def late(self: Applications, wanted: Any) -> bool:
        decided(api, application, "decline")
        return real(self, wanted)

    monkeypatch.setattr(Applications, "put_while_waiting", late)
    assert api.post(AT, EVE).json["decision"] == "declined"


def test_an_approval_that_broke_off_is_finished_by_the_next(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = applied(api)
    with monkeypatch.context() as broken:
        broken.setattr(applications.partners, "enroll", lambda *_: 1 / 0)
        assert decided(api, application, "approve").status == 500
    made = decided(api, application, "approve").json["partner"]
    assert [one["partner"] for one in api.get("/v1/programs/acme/enrollments").json["data"]] == [made]


def test_a_list_holds_those_with_the_decision_that_is_asked_for(api: Api) -> None:
    waiting = [applied(api, email=f"e{number}@example.com") for number in range(5)]
    for application in waiting[:2]:
        decided(api, application, "decline")
    found, cursor = [], ""
    while True:
        page = api.get(f"{AT}?decision=waiting&limit=2{cursor}").json
        found += [one["id"] for one in page["data"]]
        if not page["next_cursor"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(found) == sorted(waiting[2:])
    api.get(f"{AT}?decision=maybe").refused(422, "decision_unknown", "decision")


@pytest.mark.parametrize(
    ("change", "field"), [({"name": " "}, "name"), ({"email": "eve"}, "email"), ({"site": "x" * 101}, "site")]
)
def test_what_cannot_be_right_is_refused(api: Api, change: dict[str, str], field: str) -> None:
    api.post(AT, EVE | change).refused(422, f"{field}_invalid", field)


def test_a_partner_who_is_erased_leaves_no_application(api: Api) -> None:
    made = decided(api, applied(api), "approve").json
    assert api.post(f"/v1/partners/{made['partner']}/erase", {}).status == 200
    api.get(f"{AT}/{made['id']}").refused(404, "application_unknown", "application")


def test_another_merchant_meets_none_of_it(api: Api) -> None:
    application = applied(api)
    api.program("other")
    stranger = api.key("merchant", program="other")
    for path in ("", f"/{application}"):
        api.get(AT + path, key=stranger).refused(404, "program_unknown", "program")
    api.get(f"/v1/programs/other/applications/{application}").refused(
        404, "application_unknown", "application"
    )
