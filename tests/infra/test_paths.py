import pytest

import app
from infra.paths import faults


def test_api_gateway_takes_every_path_of_the_app() -> None:
    assert faults(app.app.routes) == []


@pytest.mark.parametrize(
    "path", ["/{code}+", "/a~b", "/qr/{code}.png", "/a//b", "/trailing/", "/a b", "/{a}{b}", "/{a/b}"]
)
def test_a_part_that_is_no_literal_and_no_variable_is_a_fault(path: str) -> None:
    assert len(faults(["/fine/{code}", path])) >= 1


def test_two_names_at_one_place_are_a_fault() -> None:
    assert faults(["/v1/links/{code}", "/v1/links/{link}/stats"]) == [
        "/v1/links/{link}/stats: {link} stands beside {code}"
    ]


def test_two_names_below_different_variables_are_the_same_place() -> None:
    assert len(faults(["/{program}/{partner}", "/{program}/{link}"])) == 1


def test_one_name_at_two_places_and_two_names_at_two_places_are_fine() -> None:
    assert faults(["/", "/v1/a/{x}", "/v1/b/{y}", "/v1/a/{x}/{y}", "/tag.js", "/qr/{file}"]) == []


@pytest.mark.parametrize("path", ["/{code}"])
def test_head_is_declared_where_links_are_followed(path: str) -> None:
    assert {"GET", "HEAD"} <= set(app.app.routes[path])


def test_public_routes_take_any_content_type() -> None:
    public = ["/{code}", "/p.gif", "/v1/collect", "/postback/{program}"]
    for path in public:
        for entry in app.app.routes[path].values():
            assert entry.content_types == ["*/*"], path
