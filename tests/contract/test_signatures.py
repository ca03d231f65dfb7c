"""Server calls that are signed by Standard Webhooks instead of carrying a key."""

import base64
import json
from datetime import datetime

import pytest

from tests.contract.outside import NOVEMBER_10, sign

NOW = int(datetime.fromisoformat(NOVEMBER_10).timestamp())


@pytest.fixture
def secret(shop, stack):
    return new_secret(shop, stack)["secret"]


@pytest.fixture(scope="module")
def closed_secret(running_stack, closed_shop):
    """A secret of `closed_shop`."""
    return new_secret(closed_shop, running_stack)["secret"]


def new_secret(shop, stack):
    return stack.api("POST", f"/v1/programs/{shop.id}/secrets", {}).expect(201).json


def send(stack, body, headers):
    return stack.http("POST", "/v1/conversions", body, headers)


def a_body(shop, **fields):
    return json.dumps(shop.order(**fields)).encode()


def test_a_signed_call_is_recorded_without_a_key(shop, stack, secret):
    anna = shop.partner()
    body = a_body(shop, click_id=shop.clicked(anna))
    conversion = send(stack, body, sign(secret, body, timestamp=NOW)).expect(201).json["id"]
    assert shop.state(conversion) == "pending"
    assert shop.credits(conversion) == {anna.id: 200}


def test_a_signed_batch_is_of_the_program_that_each_of_it_names(shop, stack, secret):
    def batch(*orders):
        body = json.dumps({"conversions": orders}).encode()
        return stack.http("POST", "/v1/conversions/batch", body, sign(secret, body, timestamp=NOW))

    results = batch(shop.order(), shop.order()).expect(200).json["results"]
    assert [result["status"] for result in results] == [201, 201]
    batch(shop.order(), {**shop.order(), "program": "another"}).expect(401)
    batch().expect(401)
    assert len(shop.conversions()) == 2


def test_the_very_same_call_again_is_a_duplicate(shop, stack, secret):
    body = a_body(shop)
    headers = sign(secret, body, timestamp=NOW)
    first = send(stack, body, headers).expect(201).json
    again = send(stack, body, headers).expect(200).json
    assert (again["id"], again["outcome"]) == (first["id"], first["outcome"])


@pytest.mark.parametrize("skew", [-300, -299, 0, 299, 300])
def test_a_timestamp_within_300_seconds_is_taken(shop, stack, secret, skew):
    body = a_body(shop)
    send(stack, body, sign(secret, body, timestamp=NOW + skew)).expect(201)


@pytest.mark.parametrize("skew", [-301, 301, -86400, 10**12])
def test_a_timestamp_farther_away_is_refused(stack, closed_shop, closed_secret, skew):
    body = a_body(closed_shop)
    send(stack, body, sign(closed_secret, body, timestamp=NOW + skew)).refused(401)
    assert closed_shop.conversions() == []


def test_both_secrets_work_during_a_rotation(shop, stack, secret):
    second = new_secret(shop, stack)["secret"]
    assert second != secret
    for either in (secret, second):
        body = a_body(shop)
        send(stack, body, sign(either, body, timestamp=NOW)).expect(201)


def test_one_good_signature_among_several_is_enough(shop, stack, secret):
    body = a_body(shop)
    headers = sign(secret, body, timestamp=NOW)
    wrong = base64.b64encode(b"x" * 32).decode()
    headers["webhook-signature"] = f"v1,{wrong} v1a,ignored {headers['webhook-signature']}"
    send(stack, body, headers).expect(201)


def without(name):
    return lambda headers: {key: value for key, value in headers.items() if key != name}


def having(**changes):
    renamed = {name.replace("_", "-"): value for name, value in changes.items()}
    return lambda headers: {**headers, **renamed}


@pytest.mark.parametrize(
    "spoil",
    [
        without("webhook-id"),
        without("webhook-timestamp"),
        without("webhook-signature"),
        having(webhook_id="msg_2"),
        having(webhook_id=""),
        having(webhook_id="msg.1"),
        having(webhook_timestamp=str(NOW + 1)),
        having(webhook_timestamp="now"),
        having(webhook_timestamp=f"{NOW}.0"),
        having(webhook_timestamp=f" {NOW}x"),
        having(webhook_timestamp="9" * 400),
        having(webhook_timestamp="٣"),
        having(webhook_signature=""),
        having(webhook_signature="v1,"),
        having(webhook_signature="v1"),
        having(webhook_signature="v1,!!!!"),
        having(webhook_signature="v2," + base64.b64encode(b"x" * 32).decode()),
        having(webhook_signature="v1," + base64.b64encode(b"x" * 32).decode()),
        having(webhook_signature=" ".join(["v1,AAAA"] * 5000)),
    ],
)
def test_a_spoiled_signature_changes_nothing(stack, closed_shop, closed_secret, spoil):
    body = a_body(closed_shop)
    headers = {
        name: value.encode().decode("latin-1")
        for name, value in spoil(sign(closed_secret, body, timestamp=NOW)).items()
    }
    assert send(stack, body, headers).status in {400, 401, 413, 431}
    assert closed_shop.conversions() == []


def test_a_changed_body_is_refused(shop, stack, secret):
    body = a_body(shop)
    headers = sign(secret, body, timestamp=NOW)
    send(stack, body.replace(b"2000", b"9000"), headers).refused(401)
    send(stack, body + b" ", headers).refused(401)
    assert shop.conversions() == []


def test_another_programs_secret_signs_nothing_here(a_shop, stack):
    here, there = a_shop(), a_shop()
    theirs = new_secret(there, stack)["secret"]
    new_secret(here, stack)
    body = a_body(here)
    send(stack, body, sign(theirs, body, timestamp=NOW)).refused(401)
    assert here.conversions() == []


def test_a_signature_opens_no_administration(shop, stack, secret):
    body = json.dumps({"scopes": ["admin"]}).encode()
    stack.http("POST", "/v1/keys", body, sign(secret, body, timestamp=NOW)).refused(401)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"program": 7}',
        b'{"program": "nobodys"}',
        b"\xff",
        b'{"program": "../x"}',
    ],
)
def test_a_body_whose_program_cannot_be_read_is_refused(stack, closed_secret, body):
    answer = send(stack, body, sign(closed_secret, body, timestamp=NOW))
    answer.refused(400, 401, 422)


def test_refusals_have_one_shape(shop, stack, secret):
    body = a_body(shop)
    good = sign(secret, body, timestamp=NOW)
    answers = [
        send(stack, body, {**good, "webhook-signature": "v1," + base64.b64encode(b"y" * 32).decode()}),
        send(stack, body, sign(secret, body, timestamp=NOW + 301)),
        send(stack, a_body(shop, program="nobodys"), good),
    ]
    assert len({(answer.status, answer.body) for answer in answers}) == 1
