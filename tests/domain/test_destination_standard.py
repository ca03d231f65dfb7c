"""Destinations against the URL Standard's own test cases (tests/data/README.md says where from).

No case may be read otherwise than browsers read it: what is accepted is accepted as it is written there, and
leads where it says. Refusing more is allowed, and its kinds are listed.
"""

import json
import re
from pathlib import Path

import pytest

from chalicelib.domain import destination
from chalicelib.domain.errors import Invalid
from chalicelib.domain.link import Link
from chalicelib.domain.program import Program
from tests.domain.builders import BEGINNING, a_program

CASES = json.loads((Path(__file__).parents[1] / "data" / "urltestdata.json").read_text())
ABSOLUTE = [case for case in CASES if case.get("base") is None or case["input"].lower().startswith("http")]
PLAIN_HOST = re.compile(r"[a-z0-9._-]+")


def of_case(case: dict) -> str:
    return ascii(case["input"])[:60]


def checked(text: str, domains: tuple[str, ...]) -> str | None:
    try:
        return destination.check_url(text, domains, "destination")
    except Invalid:
        return None


def is_ours(case: dict) -> bool:
    """Whether a program may have it as a destination: http(s), a plain host, no credentials, nothing odd."""
    href = case.get("href", "")
    plain = re.match(r"https?://([^/?#@]*)(?:[/?#]|$)", href)
    return bool(
        plain
        and PLAIN_HOST.fullmatch(case["hostname"])
        and not re.search(r"[\x00-\x1f\x7f\\\ud800-\udfff]", case["input"])
        and not re.search(r"[^\x21-\x7e]|\\", href)
    )


@pytest.mark.parametrize("case", ABSOLUTE, ids=of_case)
def test_what_browsers_refuse_is_refused_and_what_they_follow_is_read_as_they_do(case: dict) -> None:
    hosts = (case["hostname"],) if case.get("hostname") else ("shop.example",)
    found = checked(case["input"], hosts)
    if case.get("failure"):
        assert found is None
    elif found is not None:
        assert found == case["href"]
    elif case.get("base") is None:
        assert not is_ours(case)


@pytest.mark.parametrize("case", CASES, ids=of_case)
def test_nothing_leads_to_a_host_that_is_not_allowed(case: dict) -> None:
    if case.get("hostname") != "allowed.example":
        assert checked(case["input"], ("allowed.example",)) is None


def on(base: str) -> tuple[Program, Link]:
    host = re.sub(r"^https?://([^/:?#]*).*$", r"\1", base)
    program = a_program(domains=(host,), default_url=base)
    return program, Link("lnk_1", "summer", "acme", "anna", BEGINNING, destination=base)


WITH_BASE = [case for case in CASES if re.match(r"https?://[a-z0-9.]+(?:/|$)", case.get("base") or "")]


@pytest.mark.parametrize("case", WITH_BASE, ids=of_case)
def test_a_path_that_browsers_take_elsewhere_is_refused(case: dict) -> None:
    program, link = on(case["base"])
    found = destination.deep_link(program, link, None, case["input"])
    if found is not None:
        origin = re.match(r"https?://[^/]*", case["base"])
        assert origin
        assert found.startswith(f"{origin[0]}/")
        assert case.get("origin", origin[0]) == origin[0]
