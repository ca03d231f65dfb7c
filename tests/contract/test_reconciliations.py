"""A shop's orders against our records, from outside: sent, uploaded, dropped in the inbox, confirmed."""

from typing import Any
from urllib.request import Request, urlopen

from tests.contract.outside import Shop, Stack, wait_for


def came_to(shop: Shop, job: str) -> dict[str, Any]:
    path = f"/v1/jobs/{job}"
    wait_for(lambda: shop.stack.api("GET", path).expect(200).json["state"] in {"done", "failed"})
    found = shop.stack.api("GET", path).json
    assert found["state"] == "done", found
    return dict(found["result"])


def orders(rows: str) -> str:
    return "order_id,amount,currency,status,coupon\n" + rows


def test_an_export_confirms_and_its_confirmation_recovers(stack: Stack, shop: Shop) -> None:
    anna = shop.partner()
    shop.coupon(anna, f"C{shop.id}").expect(201)
    code = f"C{shop.id}"
    shop.pixel(shop.order(order_id="held", coupon=code) | {"amount": "20.00"})
    shop.sell(order_id="gone", coupon=code)
    csv = orders(f"held,20.00,EUR,paid,\ngone,20.00,EUR,cancelled,\nlost,30.00,EUR,paid,{code}\n")
    job = stack.api("POST", "/v1/reconciliations", {"program": shop.id, "csv": csv}).expect(202).json["job"]
    found = came_to(shop, job)
    assert [row["order_id"] for row in found["matched"]] == ["held"]
    assert [row["order_id"] for row in found["different"]] == ["gone"]
    assert [row["order_id"] for row in found["missing"]] == ["lost"]
    confirmed = stack.api("POST", f"/v1/reconciliations/{job}/confirm", {}).expect(202).json["job"]
    assert came_to(shop, confirmed)["done"] == {"record": 1, "void": 1}
    stack.reconcile()
    states = {one["order_id"]: one["state"] for one in shop.conversions()}
    assert states == {"held": "pending", "gone": "reversed", "lost": "pending"}


def test_a_large_export_is_uploaded(stack: Stack, shop: Shop) -> None:
    started = stack.api("POST", "/v1/reconciliations", {"program": shop.id, "upload": True}).expect(202).json
    body = orders("lost,30.00,EUR,paid,\n").encode()
    urlopen(Request(started["upload"]["url"], body, method="PUT")).close()
    assert came_to(shop, started["job"])["counts"]["missing_here"] == 1


def test_an_export_dropped_in_the_inbox_is_reconciled_by_itself(stack: Stack, shop: Shop) -> None:
    body = orders("lost,30.00,EUR,paid,\n").encode()
    stack.http("PUT", f"/_local/s3/inbox/{shop.id}/orders-2026-11.csv", body).expect(204)
    result = f"reconciliations/{shop.id}/orders-2026-11/result.json"
    wait_for(lambda: stack.object(result).status == 200)
    assert stack.object(result).json["counts"]["missing_here"] == 1
