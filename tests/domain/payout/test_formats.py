"""The files that PayPal, Wise and banks take."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest
import sepaxml
import xmlschema

from chalicelib.domain.errors import Invalid
from chalicelib.domain.payout import FORMATS, batch, paypal, sepa, wise
from chalicelib.domain.payout.batch import Account, Batch, Facts, File, Payer, Settings
from chalicelib.domain.period import Month

OCTOBER = Month(2026, 10)
SCHEMA = Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd"
NAMES = {"p": sepa.NAMESPACE}
IBAN = "DE89370400440532013000"


def files(
    method: str, payables: Mapping[tuple[str, str], int], details: dict[str, str], **payer: str
) -> list[File]:
    """The files of a batch in which everybody is paid this way, with the same details."""
    account = Account(method, None, FORMATS[method].check(details))
    paying = Payer(**({"name": "Acme and Sons", "iban": "NL91ABNA0417164300"} | payer))
    facts = Facts("EUR", Settings({}, paying), {partner: [account] for partner, _ in payables})
    payments = batch.payments_of("acme", OCTOBER, payables, facts, FORMATS)
    due = [payment for payment in payments if payment.due_minor]
    return list(FORMATS[method].files(Batch("acme", OCTOBER, facts, due)))


def test_paypal_gets_a_file_for_each_currency_without_a_header() -> None:
    payables = {("anna", "EUR"): 1_050, ("ben", "EUR"): 5, ("anna", "USD"): 99, ("anna", "HUF"): 12_300}
    found = files("paypal", payables, {"email": "anna+x@example.com"})
    assert [(file.name, file.rows) for file in found] == [
        ("payouts-paypal.csv", 2),
        ("payouts-paypal-HUF.csv", 1),
        ("payouts-paypal-USD.csv", 1),
    ]
    first, second = csv.reader(io.StringIO(found[0].text, newline=""))
    assert first[:3] + first[4:] == ["anna+x@example.com", "10.50", "EUR", "acme 2026-10", "PAYPAL"]
    assert (second[1], len(second[3])) == ("0.05", 30)
    assert found[1].text.split(",")[1:3] == ["123", "HUF"]


@pytest.mark.parametrize(
    ("method", "limit", "details"),
    [
        ("paypal", paypal.MAX_LINES, {"email": "a@example.com"}),
        ("wise", wise.MAX_LINES, {"name": "A", "email": "a@example.com"}),
    ],
)
def test_a_file_is_cut_where_the_upload_ends(method: str, limit: int, details: dict[str, str]) -> None:
    payables = {(f"partner-{number:05d}", "EUR"): 100 for number in range(limit + 1)}
    found = files(method, payables, details)
    assert [(file.name, file.rows) for file in found] == [
        (f"payouts-{method}.csv", limit),
        (f"payouts-{method}-2.csv", 1),
    ]


def test_wise_fixes_what_the_recipient_gets() -> None:
    details = {"name": "Anna, Ltd", "recipient_id": "4711", "type": "business"}
    (found,) = files("wise", {("anna", "JPY"): 700}, details)
    (row,) = csv.DictReader(io.StringIO(found.text, newline=""))
    assert row == {
        "recipientId": "4711",
        "name": "Anna, Ltd",
        "recipientEmail": "",
        "recipientDetail": "",
        "sourceCurrency": "EUR",
        "targetCurrency": "JPY",
        "amountCurrency": "target",
        "amount": "700",
        "paymentReference": "2026-10",
        "receiverType": "INSTITUTION",
    }


@pytest.mark.parametrize("bic", [None, "COBADEFF", "COBADEFFXXX"])
def test_a_bank_gets_an_order_that_its_schema_accepts(bic: str | None) -> None:
    known = {"bic": bic} if bic else {}
    payables = {("anna", "EUR"): 1_050, ("ben", "EUR"): 99_999_999_999}
    (found,) = files("sepa", payables, {"name": "Zoë & Löwe GmbH", "iban": IBAN, **known}, **known)
    xmlschema.XMLSchema(SCHEMA).validate(found.text)
    order = ElementTree.fromstring(found.text.encode())
    assert [sum.text for sum in order.iterfind(".//p:CtrlSum", NAMES)] == ["1000000010.49"] * 2
    assert [n.text for n in order.iterfind(".//p:NbOfTxs", NAMES)] == ["2", "2"]
    assert order.findtext(".//p:ReqdExctnDt/p:Dt", namespaces=NAMES) == "2026-11-05"
    assert order.findtext(".//p:Cdtr/p:Nm", namespaces=NAMES) == "Zoe + Lowe GmbH"
    ids = [element.text for element in order.iterfind(".//p:EndToEndId", NAMES)]
    assert ids == [batch.payment_id("acme", OCTOBER, partner, "EUR") for partner in ("anna", "ben")]


def test_the_schema_would_notice_a_broken_order() -> None:
    (found,) = files("sepa", {("anna", "EUR"): 1}, {"name": "Anna", "iban": IBAN})
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        xmlschema.XMLSchema(SCHEMA).validate(
            found.text.replace("<ChrgBr>SLEV</ChrgBr>", "<ChrgBr>X</ChrgBr>")
        )


def test_a_bank_gets_no_empty_order() -> None:
    assert files("sepa", {}, {"name": "Anna", "iban": IBAN}) == []


@pytest.mark.parametrize(
    ("method", "details", "field"),
    [
        ("paypal", {}, "details.email"),
        ("paypal", {"email": "=cmd@example.com"}, "details.email"),
        ("paypal", {"email": "a@example.com\r\n"}, "details.email"),
        ("paypal", {"email": "a@example.com", "name": "x"}, "details.email"),
        ("wise", {"name": "Anna"}, "details"),
        ("wise", {"name": "Anna", "type": "person"}, "details"),
        ("wise", {"name": "=1+1", "email": "a@example.com"}, "details.name"),
        ("wise", {"name": "Anna", "recipient_id": "-1"}, "details.recipient_id"),
        ("wise", {"name": "Anna", "email": "a@example.com", "type": "cat"}, "details.type"),
        ("sepa", {"name": "Anna"}, "details"),
        ("sepa", {"name": "Анна", "iban": IBAN}, "details.name"),
        ("sepa", {"name": "Anna", "iban": "DE88370400440532013000"}, "details.iban"),
        ("sepa", {"name": "Anna", "iban": IBAN[:-1]}, "details.iban"),
        ("sepa", {"name": "Anna", "iban": "US89370400440532013000"}, "details.iban"),
        ("sepa", {"name": "Anna", "iban": "DE8937040044053201300²"}, "details.iban"),
        ("sepa", {"name": "Anna", "iban": IBAN, "bic": "COBA<>FF"}, "details.bic"),
    ],
)
def test_details_that_cannot_be_right_are_refused(method: str, details: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        FORMATS[method].check(details)
    assert refusal.value.field == field


@pytest.mark.parametrize("length", [1, 140])
def test_wise_takes_names_of_1_to_140_characters(length: int) -> None:
    details = {"name": "A" * length, "email": "a@example.com", "recipient_id": "7", "type": "business"}
    assert FORMATS["wise"].check(details) == details


def test_wise_takes_no_name_of_141_characters() -> None:
    with pytest.raises(Invalid, match="140"):
        FORMATS["wise"].check({"name": "A" * 141, "email": "a@example.com"})


def test_uploads_end_where_their_services_say() -> None:
    assert (paypal.MAX_LINES, wise.MAX_LINES) == (5_000, 1_000)


def test_bank_details_are_kept_as_banks_write_them() -> None:
    given = {"name": " Łukasz Straße, Ægir ", "iban": "de89 3704 0044 0532 0130 00", "bic": "cobadeff"}
    assert FORMATS["sepa"].check(given) == {
        "name": "Lukasz Strasse, AEgir",
        "iban": IBAN,
        "bic": "COBADEFF",
    }
