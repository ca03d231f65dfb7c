"""Making and changing links: codes, destinations, history, bulk."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, Invalid, LinkledgerError, NotFound
from chalicelib.domain.link import Link, LinkState
from chalicelib.domain.partner import Enrollment
from chalicelib.domain.program import Program
from chalicelib.services import links
from chalicelib.services.links import Wanted

NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)
LATER = datetime(2026, 10, 15, 13, tzinfo=UTC)


def a_program(**changes: Any) -> Program:
    parts: dict[str, Any] = {
        "id": "acme",
        "name": "Acme",
        "domains": ("shop.example",),
        "currency": "EUR",
        "default_url": "https://shop.example/",
        "created_at": NOW,
        "postback_token": "t",
    }
    return Program(**parts | changes)


def make(stage: Any, partner: str = "anna", **wanted: Any) -> Link:
    return links.create(stage.stores, a_program(), partner, now=NOW, **wanted)


def test_a_new_link_is_found_by_code_and_by_id(stage: Any) -> None:
    made = make(stage, campaign="spring", sub={"subid2": "blog"}, utm={"source": "anna"})
    assert stage.stores.links.find(made.code) == made
    assert stage.stores.links.find_by_id(made.id) == made
    assert (made.sub, made.utm) == ({"sub2": "blog"}, {"utm_source": "anna"})


def test_generated_codes_hold_nothing_that_is_misread(stage: Any) -> None:
    codes = {make(stage).code for _ in range(5)}
    assert len(codes) == 5
    assert all(len(code) == 8 and not set(code) & set("01ilo") for code in codes)


def test_a_vanity_code_is_kept_in_lower_case(stage: Any) -> None:
    assert make(stage, code="Summer-26").code == "summer-26"
    assert links.get(stage.stores, "SUMMER-26").code == "summer-26"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("summer", "code_taken"),
        ("SUMMER", "code_taken"),
        ("surnmer", "code_lookalike"),
        ("portal", "code_reserved"),
        ("p0rta1", "code_reserved"),
        ("v1", "code_reserved"),
        ("-x-", "code_invalid"),
        ("a", "code_invalid"),
        ("späti", "code_invalid"),
        ("ѕummer", "code_invalid"),
        ("x" * 65, "code_invalid"),
    ],
)
def test_a_code_that_cannot_be_had_says_why(stage: Any, code: str, expected: str) -> None:
    make(stage, code="summer")
    with pytest.raises(LinkledgerError) as caught:
        make(stage, partner="ben", code=code)
    assert caught.value.code == expected


@pytest.mark.parametrize(
    "destination",
    ["https://evil.example/", "javascript:alert(1)", "shop.example", "https://u:p@shop.example/"],
)
def test_a_destination_outside_the_program_is_refused(stage: Any, destination: str) -> None:
    with pytest.raises(Invalid):
        make(stage, destination=destination)


def test_a_destination_is_stored_as_browsers_read_it(stage: Any) -> None:
    assert make(stage, destination="HTTPS://SHOP.example:443/ü").destination == "https://shop.example/%C3%BC"


def test_an_edit_keeps_what_it_replaced(stage: Any) -> None:
    made = make(stage, destination="https://shop.example/a")
    changed = links.change(
        stage.stores, a_program(), made, Wanted(destination="https://shop.example/b", tags=["x"]), LATER
    )
    assert stage.stores.links.find(made.code) == changed
    assert [(at, old.destination) for at, old in stage.stores.links.history(made.code)] == [
        ("2026-10-15T13:00:00.000Z", "https://shop.example/a")
    ]


def test_two_edits_of_the_same_version_do_not_overwrite_each_other(stage: Any) -> None:
    made = make(stage)
    links.change(stage.stores, a_program(), made, Wanted(campaign="one"), LATER)
    with pytest.raises(Conflict):
        links.change(stage.stores, a_program(), made, Wanted(campaign="two"), LATER)


def test_a_deleted_link_is_gone_but_its_code_stays_taken(stage: Any) -> None:
    made = make(stage, code="autumn")
    links.delete(stage.stores, made, LATER)
    with pytest.raises(NotFound):
        links.get(stage.stores, "autumn")
    with pytest.raises(Conflict):
        make(stage, code="autumn")
    assert stage.stores.links.of_program("acme", 10) == ([], None)


def test_the_list_pages_in_order_and_by_partner(stage: Any) -> None:
    made = [make(stage, partner=partner) for partner in ("anna", "ben", "anna")]
    first, start = stage.stores.links.of_program("acme", 2)
    rest, end = stage.stores.links.of_program("acme", 2, start)
    assert {link.id for link in first + rest} == {link.id for link in made}
    assert end is None
    assert len(stage.stores.links.of_program("acme", 10, partner="anna")[0]) == 2


def enroll(stage: Any, partner: str) -> None:
    stage.stores.catalogue.add_enrollment_once(Enrollment("acme", partner, "x", NOW))


def test_bulk_rows_succeed_and_fail_each_on_its_own(stage: Any) -> None:
    enroll(stage, "anna")
    text = (
        "partner,code,destination,utm_source,sub1,expires_at\r\n"
        "anna,one,https://shop.example/1,news,blog,2027-01-01T00:00:00Z\r\n"
        "nobody,two,,,,\r\n"
        "anna,three,https://evil.example/,,,\r\n"
    )
    results = links.create_from_csv(stage.stores, a_program(), text, NOW)
    assert [(result.row, result.error.code if result.error else None) for result in results] == [
        (1, None),
        (2, "partner_not_enrolled"),
        (3, "url_not_allowed"),
    ]
    assert results[0].link is not None
    assert results[0].link.utm == {"utm_source": "news"}
    again = links.create_from_csv(stage.stores, a_program(), text, NOW)
    assert again[0].link == results[0].link


@pytest.mark.parametrize(
    "text",
    ["", "code\r\nx", "partner,partner\r\n", "partner,colour\r\nanna,red", 'partner\r\n"a"b"', "partner\0"],
)
def test_a_csv_that_cannot_be_read_is_refused_whole(stage: Any, text: str) -> None:
    with pytest.raises(Invalid) as caught:
        links.create_from_csv(stage.stores, a_program(), text, NOW)
    assert caught.value.code == "csv_invalid"


def test_a_paused_link_can_be_resumed(stage: Any) -> None:
    paused = links.change(stage.stores, a_program(), make(stage), Wanted(state=LinkState.PAUSED), NOW)
    assert links.change(stage.stores, a_program(), paused, Wanted(state=LinkState.ACTIVE), NOW).version == 3
