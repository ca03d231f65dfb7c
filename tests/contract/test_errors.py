"""Errors have one shape, and nothing that a client sends makes a 5xx."""

import json

import pytest

from tests.contract.outside import BROWSER

JSON_ROUTES = [
    ("POST", "/v1/programs"),
    ("POST", "/v1/programs/{program}/terms"),
    ("GET", "/v1/programs/{program}/terms"),
    ("POST", "/v1/programs/{program}/secrets"),
    ("POST", "/v1/programs/{program}/enrollments"),
    ("POST", "/v1/keys"),
    ("DELETE", "/v1/keys/key_1"),
    ("POST", "/v1/partners"),
    ("POST", "/v1/links"),
    ("GET", "/v1/links/{code}"),
    ("PATCH", "/v1/links/{code}"),
    ("DELETE", "/v1/links/{code}"),
    ("POST", "/v1/coupons"),
    ("POST", "/v1/conversions"),
    ("POST", "/v1/conversions/batch"),
    ("GET", "/v1/conversions?program={program}"),
    ("GET", "/v1/conversions/{conversion}"),
    ("GET", "/v1/conversions/{conversion}/receipt"),
    ("POST", "/v1/conversions/{conversion}/adjustments"),
    ("POST", "/v1/identities"),
    ("GET", "/v1/ledgers"),
    ("GET", "/v1/ledgers/{program}/2026-11"),
    ("GET", "/v1/stats?program={program}"),
]
WRITES = [(method, path) for method, path in JSON_ROUTES if method in {"POST", "PATCH"}]


@pytest.fixture(scope="module")
def fill(closed_shop, anna_of_closed_shop):
    """Put a real program, code and conversion into a path."""
    conversion = closed_shop.sell()
    names = {"program": closed_shop.id, "code": anna_of_closed_shop.code, "conversion": conversion}
    return lambda path: path.format(**names)


@pytest.mark.parametrize(("method", "path"), JSON_ROUTES)
def test_without_a_key_every_route_is_closed(stack, fill, method, path):
    headers = {"Content-Type": "application/json"}
    body = b"{}" if (method, path) in WRITES else None
    refusals = [stack.http(method, fill(path), body, headers)]
    for credential in (
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic YTpi",
        "bearer\t x",
        "Bearer " + "k" * 5000,
    ):
        refusals.append(stack.http(method, fill(path), body, {**headers, "Authorization": credential}))
    for answer in refusals:
        answer.refused(401)
    assert len({answer.body for answer in refusals}) == 1


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1} trailing',
        b'\xef\xbb\xbf{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b"[" * 10_000,
        b'{"a":' * 10_000,
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    ],
)
def test_what_is_no_json_is_a_400(stack, fill, method, path, body):
    headers = {"Authorization": f"Bearer {stack.admin_key}", "Content-Type": "application/json"}
    stack.http(method, fill(path), body, headers).refused(400, 413, 422)


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"', b"true"])
def test_a_body_that_is_no_object_is_refused(stack, fill, method, path, body):
    headers = {"Authorization": f"Bearer {stack.admin_key}", "Content-Type": "application/json"}
    stack.http(method, fill(path), body, headers).refused(400, 422)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_key_that_comes_twice_is_refused(stack, fill, method, path):
    headers = {"Authorization": f"Bearer {stack.admin_key}", "Content-Type": "application/json"}
    stack.http(method, fill(path), b'{"id": "a", "id": "b"}', headers).refused(400, 422)


def test_duplicate_keys_are_refused_at_every_depth(shop, stack):
    order = json.dumps(shop.order(items=[{"sku": "a", "quantity": 1, "amount": 2000}]))
    twice = order.replace('"sku": "a"', '"sku": "a", "sku": "b"')
    assert twice != order
    headers = {"Authorization": f"Bearer {stack.admin_key}", "Content-Type": "application/json"}
    stack.http("POST", "/v1/conversions", twice.encode(), headers).refused(400, 422)
    assert shop.conversions() == []


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_unknown_fields_are_refused(stack, fill, method, path):
    answer = stack.api(method, fill(path), {"surprise": 1})
    answer.refused(422)


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize("content_type", ["text/html", "application/xml", "multipart/form-data", "nonsense"])
def test_another_content_type_is_a_415(stack, fill, method, path, content_type):
    headers = {"Authorization": f"Bearer {stack.admin_key}", "Content-Type": content_type}
    stack.http(method, fill(path), b"{}", headers).refused(415)


@pytest.mark.parametrize("accept", ["text/html", "image/*", "nonsense", "*/*;q=0", ""])
def test_the_accept_header_is_no_servers_fault(stack, closed_shop, accept):
    headers = {
        "Authorization": f"Bearer {stack.admin_key}",
        "Content-Type": "application/json",
        "Accept": accept,
    }
    body = json.dumps(closed_shop.order()).encode()
    assert stack.http("POST", "/v1/conversions", body, headers).status < 500


def test_a_body_that_is_too_large_is_a_413(shop, stack):
    order = shop.order(coupon="x" * 8_000_000)
    shop.tell(order).refused(413, 422)
    assert shop.conversions() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/v1/programs"), ("DELETE", "/v1/conversions"), ("PATCH", "/v1/stats"), ("POST", "/v1/ledgers")],
)
def test_a_method_that_a_route_does_not_have_is_refused_in_our_shape(stack, method, path):
    stack.api(method, path, {}).refused(403, 405)


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/programs/x/y/z", "/v2/programs"])
def test_a_path_that_no_route_has_is_refused_in_our_shape(stack, path):
    stack.api("GET", path).refused(403, 404)


@pytest.mark.parametrize("method_header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_methods_are_not_overridden(shop, stack, method_header):
    anna = shop.partner()
    headers = {"Authorization": f"Bearer {stack.admin_key}", method_header: "DELETE"}
    stack.http("GET", f"/v1/links/{anna.code}", None, headers).expect(200)
    shop.visitor().follow(anna).expect(302)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/conversions/%00",
        "/v1/conversions/..%2f..%2f",
        "/v1/conversions/%ff%fe",
        "/v1/conversions/" + "x" * 2000,
        "/v1/links/%e2%80%ae",
        "/v1/programs/%0d%0aX-A:b/terms",
        "/v1/ledgers/x/2026-13",
        "/v1/ledgers/x/yyyy-mm",
        "/v1/ledgers/x/2026-11%00",
        "/v1/stats?program=%00",
        "/v1/stats?program=x&by=nonsense",
        "/v1/stats?program=x&from=yesterday",
        "/v1/stats?program=x&from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z",
        "/v1/conversions?program=x&limit=0",
        "/v1/conversions?program=x&limit=-1",
        "/v1/conversions?program=x&limit=999999999999999999999",
        "/v1/conversions?program=x&limit=ten",
        "/v1/conversions?program=x&cursor=tampered",
        "/v1/conversions?program=x&cursor=%ff",
        "/v1/conversions",
        "/v1/stats",
        "/%00",
        "/%ff",
        "/%0d%0aLocation:%20https://evil.example",
        "/" + "x" * 4000,
        "/a/b/c",
        "//evil.example/",
        "/..%2f..%2fetc%2fpasswd",
        "/qr/%00.png",
        "/postback/%00",
        "/postback/x?token=%ff",
        "/p.gif?amount=%00",
    ],
)
def test_hostile_paths_are_refused_politely(stack, path):
    answer = stack.api("GET", path)
    assert answer.status < 500
    assert not answer.location
    assert b"Traceback" not in answer.body


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /p.gif HTTP/1.1\r\nHost: x\r\nCookie: \xff\xfe\r\nConnection: close\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: x\r\nUser-Agent: \x00\r\nConnection: close\r\n\r\n",
        b"POST /v1/collect HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\nConnection: close\r\n\r\n",
        b"POST /v1/collect HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\nConnection: close\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_broken_requests_break_nothing(stack, request_bytes):
    answer = stack.raw(request_bytes)
    assert not answer.startswith(b"HTTP/1.1 5")
    stack.http("GET", "/v1/openapi.json").expect(200)


def test_a_page_never_carries_a_script_that_came_in(shop, stack):
    anna = shop.partner()
    script = "%3Cscript%3Ealert(1)%3C/script%3E"
    for path in (f"/{script}", f"/{anna.code}+?x={script}", f"/nothing-here?{script}", f"/v1/{script}"):
        answer = stack.http("GET", path, None, {"User-Agent": BROWSER, "Accept": "text/html"})
        assert b"<script>alert(1)" not in answer.body


def test_a_formula_never_reaches_a_spreadsheet(shop):
    anna = shop.partner()
    starts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1", "＋1", "－1", "＠x"]
    told = 0
    for order_id in starts:
        answer = shop.tell(shop.order(order_id=order_id, click_id=shop.clicked(anna)))
        told += answer.expect(201, 422).status == 201
    rows = shop.draft().entries
    assert len(rows) == told
    for row in rows:
        for name, cell in row.items():
            if name not in {"sale_amount", "commission_amount"}:
                assert not cell.startswith(tuple("=+-@\t\r＝＋－＠")), (name, cell)
