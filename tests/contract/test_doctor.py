"""The doctor from outside: over the API and as a command, against a running stack and a shop of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.outside import ROOT, Shop, Stack, wait_for
from tests.docs.blocks import snippet
from tests.shop import Server, a_server

PAGE = ROOT / "docs" / "doctor.md"
STAGES = ["setup", "click", "landing", "conversion", "retry", "refund"]


@pytest.fixture
def site() -> Iterator[Server]:
    """The merchant's own server."""
    with a_server() as server:
        yield server


def a_shop_at(a_shop: Callable[..., Shop], site: Server, **fields: Any) -> Shop:
    shop = a_shop(domains=["127.0.0.1"], default_url=site.url("/landing"), **fields)
    origin = f"http://127.0.0.1:{shop.stack.port}"
    site.at("/landing", body=f'<script async src="{origin}/tag.js" data-program="{shop.id}"></script>')
    return shop


def start(shop: Shop, **body: Any) -> dict[str, Any]:
    return dict(shop.stack.api("POST", f"/v1/programs/{shop.id}/doctor", body).expect(202).json)


def look(shop: Shop, checkup: str) -> dict[str, Any]:
    return dict(shop.stack.api("GET", f"/v1/programs/{shop.id}/doctor/{checkup}").expect(200).json)


def walked(shop: Shop, **body: Any) -> dict[str, Any]:
    checkup = start(shop, **body)["id"]
    wait_for(lambda: look(shop, checkup)["state"] != "waiting")
    return look(shop, checkup)


def marks(seen: dict[str, Any]) -> dict[str, str]:
    return {stage["stage"]: stage["state"] for stage in seen["stages"]}


def codes(seen: dict[str, Any]) -> list[str]:
    return [finding["code"] for stage in seen["stages"] for finding in stage["findings"]]


def books_of(shop: Shop) -> tuple[Any, ...]:
    """All that is counted, listed or booked of the program."""
    shop.stack.reconcile()
    return (
        shop.conversions(),
        shop.stats(),
        shop.stats(by="verdict"),
        shop.stack.api("GET", f"/v1/programs/{shop.id}/tracking").expect(200).json["methods"],
        shop.stack.api("GET", f"/v1/links?program={shop.id}").expect(200).json,
        shop.stack.api("GET", f"/v1/ledgers?program={shop.id}").expect(200).json,
    )


def command(shop: Shop, *more: str, key: str | None = None) -> subprocess.CompletedProcess[str]:
    base = f"http://127.0.0.1:{shop.stack.port}"
    environment = {name: value for name, value in os.environ.items() if name != "TABLE_PREFIX"}
    (line,) = re.findall(r"^LINKLEDGER_KEY=\S+ python (.+)$", PAGE.read_text(), re.MULTILINE)
    typed = line.replace("https://go.brand.com", base).replace("acme", shop.id).split()
    return subprocess.run(
        [sys.executable, *typed, *more],
        cwd=ROOT,
        env=environment | {"LINKLEDGER_KEY": shop.stack.admin_key if key is None else key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_walk_passes_every_stage_and_leaves_every_number_as_it_was(
    a_shop: Callable[..., Shop], site: Server
) -> None:
    shop = a_shop_at(a_shop, site)
    before = books_of(shop)
    seen = walked(shop)
    assert marks(seen) == dict.fromkeys(STAGES, "passed"), seen
    assert [fact["kind"] for fact in seen["facts"]] == ["click", "click"]
    (order,) = seen["orders"]
    assert (order["state"], order["commission"], order["adjustments"]) == ("reversed", 1000, ["refund"])
    assert books_of(shop) == before


def test_check_ups_are_listed_page_by_page(a_shop: Callable[..., Shop]) -> None:
    shop = a_shop()
    started = {start(shop, walk=False)["id"] for _ in range(3)}
    path, listed, cursor = f"/v1/programs/{shop.id}/doctor?limit=2", [], ""
    while cursor is not None:
        page = shop.stack.api("GET", path + (cursor and f"&cursor={cursor}")).expect(200).json
        listed += [one["id"] for one in page["data"]]
        cursor = page["next_cursor"]
    assert (len(listed), set(listed)) == (3, started)


def test_the_command_walks_over_http_and_tells_by_its_exit_code(
    a_shop: Callable[..., Shop], site: Server
) -> None:
    shop = a_shop_at(a_shop, site)
    before = books_of(shop)
    passed = command(shop)
    assert (passed.returncode, passed.stderr) == (0, ""), passed.stdout
    assert [line.split()[:2] for line in passed.stdout.splitlines()[:-1]] == [["ok", one] for one in STAGES]
    assert books_of(shop) == before
    site.replies["/landing"] = []
    site.at("/landing", status=500)
    broken = command(shop, "--json")
    assert broken.returncode == 1
    told = json.loads(broken.stdout)
    assert (told["state"], codes(told)) == ("failed", ["landing_unreachable"])
    assert marks(told)["refund"] == "passed"
    assert command(shop, key="llk_no").returncode == 2


def test_the_command_says_what_the_page_shows(a_shop: Callable[..., Shop], site: Server) -> None:
    shop = a_shop_at(a_shop, site)
    site.replies["/landing"][0].headers["Content-Security-Policy"] = "script-src 'self'"
    shown = snippet("docs/doctor.md", "", "csp_blocks_tag").replace("acme", shop.id)
    origin = f"http://127.0.0.1:{shop.stack.port}"
    said = re.sub(r"chk_\w+", "chk_e2c77oginb6uc", command(shop).stdout).replace(
        origin, "https://go.brand.com"
    )
    assert said == shown


def test_a_shop_that_drops_the_click_and_blocks_the_tag_is_told_how_to_mend_it(
    a_shop: Callable[..., Shop], site: Server
) -> None:
    shop = a_shop_at(a_shop, site)
    page = site.replies["/landing"].pop()
    site.at("/landing", status=301, Location="/welcome")
    page.headers["Content-Security-Policy"] = "default-src 'self'; script-src 'self'"
    site.replies["/welcome"] = [page]
    seen = walked(shop)
    assert codes(seen) == ["click_id_dropped", "csp_blocks_tag", "csp_blocks_collect"]
    assert marks(seen) == {**dict.fromkeys(STAGES, "passed"), "landing": "failed"}


def test_an_event_that_no_terms_pay_for_is_a_warning(a_shop: Callable[..., Shop], site: Server) -> None:
    shop = a_shop_at(a_shop, site)
    seen = walked(shop, event="lead")
    assert codes(seen) == ["event_without_commission", "held"]
    assert seen["state"] == "warned"


def test_what_a_person_does_with_a_test_link_is_seen_and_counts_nowhere(
    a_shop: Callable[..., Shop], site: Server
) -> None:
    """By hand: the link, the tag on the landing page, the pixel with the cookie, a postback, its refund."""
    shop = a_shop_at(a_shop, site)
    before = books_of(shop)
    checkup = start(shop, walk=False)
    visitor = shop.visitor()
    landed = visitor.follow("/" + checkup["url"].rpartition("/")[2]).expect(302)
    click = {"program": shop.id, "type": "click", "click_id": landed.click_id}
    told = shop.stack.http("POST", "/v1/collect", json.dumps(click).encode(), {"Content-Type": "text/plain"})
    assert told.expect(202).json["click_id"] == landed.click_id
    pixel = {"event": "sale", "order_id": "by pixel", "amount": "10.00", "currency": "EUR"}
    shop.pixel({"program": shop.id, **pixel}, Cookie=landed.header("Set-Cookie").split(";")[0])
    token = shop.stack.api("GET", f"/v1/programs/{shop.id}").json["postback_token"]
    postback = f"token={token}&event=sale&order_id=by-postback&currency=EUR&click_id={landed.click_id}"
    shop.stack.http("GET", f"/postback/{shop.id}?{postback}&amount=10.00").expect(200)
    shop.stack.http("GET", f"/postback/{shop.id}?{postback}&status=rejected").expect(200)
    order = shop.order(click_id=landed.click_id)
    recorded = shop.tell(order).expect(201).json
    assert (recorded["test"], recorded["outcome"]) == (True, "recorded")
    seen = look(shop, checkup["id"])
    assert [fact["kind"] for fact in seen["facts"]] == ["click", "landing"]
    assert {(one["method"], one["state"]) for one in seen["orders"]} == {
        ("pixel", "held"),
        ("postback", "rejected"),
        ("api", "pending"),
    }
    assert books_of(shop) == before


def test_a_test_that_is_over_holds_no_sale_back(
    a_shop: Callable[..., Shop], site: Server, stack: Stack
) -> None:
    shop = a_shop_at(a_shop, site)
    checkup = start(shop, walk=False)
    landed = shop.visitor().follow("/" + checkup["url"].rpartition("/")[2]).expect(302)
    stack.at("2026-11-10T13:00:00Z")
    shop.visitor().follow("/" + checkup["url"].rpartition("/")[2]).expect(404)
    told = shop.tell(shop.order(click_id=landed.click_id)).expect(201).json
    assert (told["test"], told["outcome"]) == (False, "unattributed")


def test_a_test_is_nobody_elses(a_shop: Callable[..., Shop], site: Server) -> None:
    shop, other = a_shop_at(a_shop, site), a_shop()
    checkup = start(shop, walk=False)
    landed = shop.visitor().follow("/" + checkup["url"].rpartition("/")[2]).expect(302)
    told = other.tell(other.order(click_id=landed.click_id)).expect(201).json
    assert told["test"] is False
    path = f"/v1/programs/{other.id}/doctor/{checkup['id']}"
    assert shop.stack.api("GET", path).refused(404) == "checkup_unknown"
    mine = shop.tell(shop.order(click_id=landed.click_id)).json["id"]
    body = {"scopes": ["merchant"], "program": other.id}
    key = shop.stack.api("POST", "/v1/keys", body).json["key"]
    refund = {"id": "r", "kind": "refund", "reason": ""}
    refused = shop.stack.api("POST", f"/v1/conversions/{mine}/adjustments", refund, key=key)
    assert refused.refused(404) == "conversion_unknown"


def smoke(shop: Shop, program: str) -> subprocess.CompletedProcess[str]:
    """What a deployment does at its end."""
    code = "import sys; from infra.smoking import try_program; try_program(*sys.argv[1:], print)"
    base = f"http://127.0.0.1:{shop.stack.port}"
    return subprocess.run(
        [sys.executable, "-c", code, base, program, shop.stack.admin_key],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_deployment_ends_with_a_program_that_was_tried(a_shop: Callable[..., Shop], site: Server) -> None:
    shop = a_shop_at(a_shop, site)
    tried = smoke(shop, shop.id)
    assert tried.returncode == 0, tried.stderr
    assert all(f" {stage}" in tried.stdout for stage in STAGES)
    failed = smoke(shop, "nobody")
    assert failed.returncode == 1
    assert "the tracking of nobody can't be tried" in failed.stderr
