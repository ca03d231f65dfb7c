"""A cursor goes on with the list, route, filters and tenant that it was given out for, and nothing else."""

import base64

import pytest

from tests.routes.api import Api


@pytest.fixture
def cursor(api: Api) -> str:
    for number in range(3):
        api.program(f"p{number}")
        api.partner(f"a{number}")
    return str(api.get("/v1/programs?limit=1").json["next_cursor"])


def test_it_goes_on_whatever_the_limit_is_now(api: Api, cursor: str) -> None:
    page = api.get(f"/v1/programs?limit=200&cursor={cursor}").json
    assert [row["id"] for row in page["data"]] == ["p1", "p2"]


@pytest.mark.parametrize("limit", ["0", "-1", "201", "1.5", "ten", "", "9" * 30, "1_0", "²"])
def test_limit_is_from_1_to_200(api: Api, limit: str) -> None:
    api.get(f"/v1/programs?limit={limit}").refused(422, "limit_invalid", "limit")


@pytest.mark.parametrize("forged", ["x", "e30", "e30=", "bnVsbA", "W10", "a" * 4000, "%F0%9F%98%80", ""])
def test_a_forged_one_is_refused(api: Api, forged: str) -> None:
    api.get(f"/v1/programs?cursor={forged}").refused(422, "cursor_invalid", "cursor")


def test_a_changed_one_is_refused(api: Api, cursor: str) -> None:
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for position in (0, 15, 16, len(raw) - 1):
        changed = bytearray(raw)
        changed[position] ^= 1
        text = base64.urlsafe_b64encode(changed).decode().rstrip("=")
        api.get(f"/v1/programs?cursor={text}").refused(422, "cursor_invalid", "cursor")


def test_it_opens_no_other_list(api: Api, cursor: str) -> None:
    api.get(f"/v1/partners?cursor={cursor}").refused(422, "cursor_invalid", "cursor")


def test_it_opens_nothing_for_another_tenant_or_filter(api: Api, cursor: str) -> None:
    for name in ("a0", "a1"):
        api.enroll("p0", name)
        api.enroll("p1", name)
    given = api.get("/v1/programs/p0/enrollments?limit=1").json["next_cursor"]
    api.get(f"/v1/programs/p1/enrollments?cursor={given}").refused(422, "cursor_invalid", "cursor")
    key = api.key("merchant", program="p0")
    api.get(f"/v1/programs/p0/enrollments?cursor={given}", key).refused(422, "cursor_invalid", "cursor")
