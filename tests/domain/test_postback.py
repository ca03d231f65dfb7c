"""What network-style postbacks mean, whoever's names and statuses they use."""

import pytest

from chalicelib.domain.conversion import Content
from chalicelib.domain.errors import Invalid
from chalicelib.domain.postback import Meaning, Postback, gather, pick, understand


def understood(**parameters: str) -> Postback:
    return understand(gather(parameters.items()), "EUR")


def refusal(**parameters: str) -> str:
    with pytest.raises(Invalid) as refused:
        understood(**parameters)
    return refused.value.code


@pytest.mark.parametrize(
    "name",
    ["click_id", "clickid", "cid", "subid", "sub_id", "irclickid", "aff_sub", "ClickId", "transaction_id"],
)
def test_a_click_id_is_found_under_every_vendors_name(name: str) -> None:
    assert understood(**{name: "c1", "order_id": "o1"}).click_id == "c1"


@pytest.mark.parametrize("name", ["order_id", "OrderId", "txid", "tid", "rdtk_event_id"])
def test_an_order_id_is_found_under_every_vendors_name(name: str) -> None:
    assert understood(**{name: "o1", "cid": "c1"}).order_id == "o1"


@pytest.mark.parametrize("name", ["amount", "sale_amount", "revenue", "sum", "payout"])
def test_an_amount_is_found_under_every_vendors_name(name: str) -> None:
    assert understood(**{name: "19.90", "order_id": "o1"}).content == Content(1990, "EUR")


def test_a_payout_beside_a_sale_amount_is_the_networks_own_business() -> None:
    assert understood(order_id="o1", amount="100.00", payout="7.50").content.amount_minor == 10000


def test_a_transaction_id_beside_a_click_id_is_the_order() -> None:
    postback = understood(transaction_id="t1", click_id="c1")
    assert (postback.click_id, postback.order_id) == ("c1", "t1")


def test_without_an_order_id_the_click_is_the_order() -> None:
    assert understood(cid="c1").order_id == "c1"


def test_a_currency_may_come_in_small_letters_or_not_at_all() -> None:
    assert understood(order_id="o1", amount="500", currency="jpy").content == Content(500, "JPY")
    assert understood(order_id="o1").content == Content(0, "EUR")


def test_an_event_without_a_name_is_a_sale() -> None:
    assert understood(order_id="o1").event == "sale"
    assert understood(order_id="o1", et="lead").event == "lead"


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("approved", Meaning.CONVERSION),
        ("Confirmed", Meaning.CONVERSION),
        ("pending", Meaning.CONVERSION),
        ("rebill", Meaning.CONVERSION),
        ("rejected", Meaning.REJECTION),
        ("declined", Meaning.REJECTION),
        ("cancelled", Meaning.VOID),
        ("refunded", Meaning.REFUND),
        ("chargeback", Meaning.REFUND),
    ],
)
def test_statuses_have_their_usual_meaning(status: str, meaning: Meaning) -> None:
    assert understood(order_id="o1", status=status).meaning is meaning


def test_a_network_can_teach_its_own_statuses() -> None:
    taught = {"sale_status": "billed,topup", "rejected_status": "fake", "ignore_status": "ping"}
    assert understood(order_id="o1", status="topup", **taught).meaning is Meaning.CONVERSION
    assert understood(order_id="o1", status="Fake", **taught).meaning is Meaning.REJECTION
    assert understood(order_id="o1", status="ping", **taught).meaning is Meaning.NOTHING


def test_a_partial_refund_names_its_amount_and_a_full_one_takes_what_is_left() -> None:
    partial = understood(order_id="o1", status="refunded", amount="5.00")
    assert (partial.refund_minor, partial.adjustment_id) == (500, "postback-refund-500")
    full = understood(order_id="o1", status="refunded")
    assert (full.refund_minor, full.adjustment_id) == (None, "postback-refund")


def test_the_caller_may_name_the_adjustment() -> None:
    assert understood(order_id="o1", status="rejected", adjustment_id="r7").adjustment_id == "r7"


def test_an_empty_parameter_is_none_at_all() -> None:
    postback = understood(order_id="o1", cid="", currency="", coupon="", status="")
    assert (postback.content, postback.click_id, postback.coupon) == (Content(0, "EUR"), None, None)
    assert understood(order_id="o1", status="refunded", amount="").refund_minor is None


def test_an_amount_that_was_not_filled_in_is_no_sale_of_nothing() -> None:
    assert refusal(order_id="o1", payout="") == "amount_invalid"
    assert refusal(order_id="o1", amount="", payout="", status="approved") == "amount_invalid"
    assert understood(order_id="o1", amount="", payout="5").content.amount_minor == 500


def test_what_cannot_be_read_one_way_only_is_refused() -> None:
    assert refusal(order_id="o1", click_id="a", subid="b") == "parameter_ambiguous"
    assert refusal(order_id="o1", status="perhaps") == "status_unknown"
    assert refusal(amount="1.00") == "order_id_missing"
    assert refusal(order_id="o1", amount="1,50") == "amount_invalid"
    assert refusal(order_id="o1", amount="-1") == "amount_invalid"
    assert refusal(order_id="o1", amount="1.00", currency="XXX") == "currency_unknown"
    assert refusal(order_id="o1", occurred_at="yesterday") == "time_invalid"


def test_a_parameter_comes_once_in_whatever_case() -> None:
    with pytest.raises(Invalid, match="parameter_repeated"):
        gather([("amount", "1"), ("Amount", "2")])


def test_two_names_with_the_same_value_are_one() -> None:
    assert pick({"cid": "c1", "subid": "c1"}, "click_id") == "c1"
