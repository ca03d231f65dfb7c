"""What every JSON route has in common: authentication, strict requests, one shape of answers."""

import json
from typing import Any

import pytest
from chalice import Blueprint

from chalicelib import bootstrap
from chalicelib.domain import errors
from chalicelib.domain.credentials import Scope
from chalicelib.routes.application import Application
from chalicelib.routes.endpoint import Body, Call, Reply, View, endpoint
from chalicelib.routes.replies import STATUS
from chalicelib.services import signatures
from tests.routes.api import Answer, Api

bp = Blueprint(__name__)

RAISED: dict[str, Exception] = {kind.__name__: kind("a_code", "A message.", "a.field") for kind in STATUS} | {
    "Crash": RuntimeError("a secret detail")
}


class Order(Body):
    program: str
    amount: int | None = None


class Echo(View):
    program: str
    amount: int | None
    caller: str | None
    query: dict[str, str]


@bp.route("/echo/{name}", methods=["POST"], content_types=["*/*"])
@endpoint(
    body=Order, returns=Echo, status=201, scopes={Scope.ADMIN, Scope.MERCHANT}, query=("a", "b"), signed=True
)
def echo(call: Call[Order]) -> Echo:
    """Say what came in."""
    return Echo(
        program=call.body.program, amount=call.body.amount, caller=call.caller.program, query=dict(call.query)
    )


@bp.route("/public/{name}", methods=["GET"], content_types=["*/*"])
@endpoint(returns=Echo)
def public(call: Call[None]) -> Reply[Any]:
    """Raise what is asked for."""
    if call.path["name"] in RAISED:
        raise RAISED[call.path["name"]]
    return Reply({"name": call.path["name"]}, 202, {"X-Extra": "1"})


@bp.route("/public/{name}", methods=["DELETE"], content_types=["*/*"])
@endpoint(status=204)
def remove(call: Call[None]) -> None:
    """Answer nothing."""


app = Application("here")
app.register_blueprint(bp)


@pytest.fixture
def here(stage: Any, clock: Any) -> Api:
    """The routes of this module."""
    return Api(stage.stores, clock(), app)


def told(here: Api, raw: bytes, headers: dict[str, str] | None = None, key: str | None = None) -> Answer:
    return here.send("POST", "/echo/x", raw, {"content-type": "application/json"} | (headers or {}), key)


def test_a_request_reaches_its_view_and_the_answer_is_json(here: Api) -> None:
    answer = here.post("/echo/x?a=1&b=%C3%BC", {"program": "acme", "amount": 5})
    assert (answer.status, answer.json) == (
        201,
        {"program": "acme", "amount": 5, "caller": None, "query": {"a": "1", "b": "ü"}},
    )
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_reply_has_its_own_status_and_headers(here: Api) -> None:
    answer = here.get("/public/x", key="")
    assert (answer.status, answer.json, answer.headers["x-extra"]) == (202, {"name": "x"}, "1")


def test_nothing_is_a_204_without_a_body(here: Api) -> None:
    answer = here.delete("/public/x")
    assert (answer.status, answer.raw) == (204, b"")


@pytest.mark.parametrize(("kind", "status"), [(kind.__name__, status) for kind, status in STATUS.items()])
def test_each_expected_failure_has_its_status_and_one_shape(here: Api, kind: str, status: int) -> None:
    answer = here.get(f"/public/{kind}")
    assert (answer.status, answer.json) == (
        status,
        {"error": {"code": "a_code", "message": "A message.", "field": "a.field"}},
    )
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_class_of_failure_has_a_status() -> None:
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.LinkledgerError)
    }
    assert kinds - set(STATUS) == {errors.LinkledgerError, errors.Refused}


def test_an_unexpected_failure_is_logged_and_told_without_its_cause(here: Api, capsys: Any) -> None:
    answer = here.get("/public/Crash")
    assert (answer.status, answer.error["code"]) == (500, "internal")
    assert b"secret detail" not in answer.raw
    logged = capsys.readouterr()
    assert "api_failed" in logged.out + logged.err


def test_one_metric_is_written_for_each_outcome(here: Api, capsys: Any) -> None:
    here.get("/public/x")
    here.get("/public/Invalid")
    here.get("/public/Crash")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    named = [
        metric["Name"]
        for line in lines
        for directive in line["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    ]
    assert named == ["api_accepted", "api_refused", "api_failed"]


@pytest.mark.parametrize(
    "credential", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic YTpi", "Bearer " + "k" * 5000]
)
def test_without_a_key_the_body_is_not_even_looked_at(here: Api, credential: str | None) -> None:
    headers = {} if credential is None else {"authorization": credential}
    answer = told(here, b"{", headers, key="")
    answer.refused(401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_wrong_field_is_named(here: Api) -> None:
    here.post("/echo/x", {"program": "acme", "amount": "5"}).refused(422, "field_invalid", "amount")
    here.post("/echo/x", {"program": "acme", "total": 5}).refused(422, "field_unknown", "total")
    here.post("/echo/x", {}).refused(422, "field_required", "program")


def test_a_request_without_body_and_type_is_an_empty_object(here: Api) -> None:
    here.send("POST", "/echo/x").refused(422, "field_required", "program")


def test_a_body_of_another_type_is_not_read(here: Api) -> None:
    told(here, b'{"program": "acme"}', {"content-type": "text/plain"}).refused(
        415, "content_type_unsupported"
    )
    told(here, b"{}", {"content-encoding": "gzip"}).refused(415, "content_encoding_unsupported")
    told(here, b" " * (2**20 + 1)).refused(413, "body_too_large")


def test_a_route_without_a_body_ignores_what_is_sent(here: Api) -> None:
    answer = here.send("GET", "/public/x", b"\xff", {"content-type": "x/y", "content-encoding": "gzip"})
    assert answer.status == 202


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("c=1", "query_unknown", "c"),
        ("a=1&a=2", "query_repeated", "a"),
        ("a=%00", "text_invalid", "a"),
        ("a=" + "x" * 5000, "query_invalid", "a"),
    ],
)
def test_query_parameters_are_as_strict(here: Api, query: str, code: str, field: str) -> None:
    here.post(f"/echo/x?{query}", {"program": "acme"}).refused(422, code, field)


@pytest.mark.parametrize("name", ["a%00b", "a%2Fb", "x" * 129, "ü", "a b", "<script>"])
def test_a_path_that_can_name_nothing_is_not_found(here: Api, name: str) -> None:
    here.get(f"/public/{name}").refused(404, "not_found")


class TestSigned:
    BODY = b'{"program": "acme", "amount": 5}'

    @pytest.fixture
    def secret(self, here: Api) -> str:
        api = Api(here.stores, bootstrap.now())
        api.program()
        return str(api.post("/v1/programs/acme/secrets", {}).json["secret"])

    def headers(self, secret: str, raw: bytes, at: int) -> dict[str, str]:
        return {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(at),
            "webhook-signature": signatures.sign(secret, "msg_1", at, raw),
        }

    def test_a_signature_by_the_program_that_the_body_names_will_do(
        self, here: Api, secret: str, clock: Any
    ) -> None:
        at = int(clock().timestamp())
        answer = told(here, self.BODY, self.headers(secret, self.BODY, at), key="")
        assert (answer.status, answer.json["caller"]) == (201, "acme")

    def test_the_stacks_clock_judges_its_age(self, here: Api, secret: str, clock: Any) -> None:
        at = int(clock().timestamp())
        assert told(here, self.BODY, self.headers(secret, self.BODY, at - 300), key="").status == 201
        late = told(here, self.BODY, self.headers(secret, self.BODY, at - 301), key="")
        late.refused(401, "unauthenticated")

    @pytest.mark.parametrize(
        "raw",
        [b'{"program": "nobodys"}', b'{"program": 7}', b"{}", b'{"program": "../x"}', b'{"program": null}'],
    )
    def test_a_body_that_names_no_program_of_the_signer_is_refused_alike(
        self, here: Api, secret: str, clock: Any, raw: bytes
    ) -> None:
        at = int(clock().timestamp())
        told(here, raw, self.headers(secret, raw, at), key="").refused(401, "unauthenticated")

    def test_a_key_goes_before_a_signature(self, here: Api, secret: str, clock: Any) -> None:
        signed = self.headers(secret, self.BODY, int(clock().timestamp()))
        told(here, self.BODY, signed, key="llk_wrong").refused(401, "unauthenticated")
