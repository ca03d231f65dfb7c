"""Files of other vendors are read by their own columns; what can't be read is told with its line."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib.domain.errors import Invalid
from chalicelib.domain.moving import SOURCES, File, Told, read
from chalicelib.domain.moving.source import fold

PAGE = Path(__file__).parents[3] / "docs" / "moving.md"
JANUARY = datetime(2026, 1, 2, 10, tzinfo=UTC)


def reading(vendor: str, text: str, **columns: str) -> File:
    (file,) = read(SOURCES[vendor], {"file.csv": text.encode()}, "EUR", "UTC", columns)
    return file


EXPORTS = {
    "dub": (
        "ID,Name,Email,Country\npn_1,Anna,anna@x.com,DE\n",
        "partners",
        Told("file.csv", 2, "pn_1", "anna@x.com", "Anna", currency="EUR"),
    ),
    "rewardful": (
        "First Name,Last Name,Email,Token,Stripe Customer ID\nAnna,Li,anna@x.com,anna,cus_1\n",
        "affiliates",
        Told("file.csv", 2, "", "anna@x.com", "Anna Li", "anna", customer="cus_1", currency="EUR"),
    ),
    "firstpromoter": (
        "id,email,name,ref_id\n7,anna@x.com,Anna,anna7\n",
        "promoters",
        Told("file.csv", 2, "7", "anna@x.com", "Anna", "anna7", currency="EUR"),
    ),
    "tapfiliate": (
        "id,firstname,lastname,email,referral_code\nan-1,Anna,Li,anna@x.com,annali\n",
        "affiliates",
        Told("file.csv", 2, "an-1", "anna@x.com", "Anna Li", "annali", currency="EUR"),
    ),
    "partnerstack": (
        "customer_key,partnership_key,created_at\nc-1,part_9,2026-01-02 10:00\n",
        "customers",
        Told(
            "file.csv",
            2,
            "part_9",
            customer="c-1",
            since=JANUARY,
            currency="EUR",
        ),
    ),
    "affiliatewp": (
        "Affiliate ID,Email,Name,Status\n7,anna@x.com,Anna,active\n",
        "affiliates",
        Told("file.csv", 2, "7", "anna@x.com", "Anna", "7", currency="EUR"),
    ),
    "plain": (
        "partner;email;name;coupon;link\n1;anna@x.com;Anna;ANNA10;https://shop.example.com/?x=1&via=anna\n",
        "rows",
        Told("file.csv", 2, "1", "anna@x.com", "Anna", "anna", coupon="ANNA10", currency="EUR"),
    ),
}


def test_every_vendor_is_tried() -> None:
    assert EXPORTS.keys() == SOURCES.keys()


@pytest.mark.parametrize("vendor", EXPORTS)
def test_an_export_is_read_by_its_own_columns(vendor: str) -> None:
    text, kind, told = EXPORTS[vendor]
    file = reading(vendor, text)
    assert (file.kind, file.rows, file.unread) == (kind, (told,), ())


def test_links_of_dub_keep_the_end_of_their_path_as_code() -> None:
    file = reading("dub", "partnerId,shortLink,url\npn_1,https://refer.x.com/anna/,https://shop.x.com/a\n")
    (told,) = file.rows
    assert (file.kind, told.code, told.destination) == ("links", "anna", "https://shop.x.com/a")


@pytest.mark.parametrize(
    "column", ["promoter_email", "Promoter email", "promoterEmail", " PROMOTER-EMAIL ", "promoter.email"]
)
def test_a_column_is_known_however_it_is_written(column: str) -> None:
    (told,) = reading("firstpromoter", f"{column},UID\nanna@x.com,c-1\n").rows
    assert (told.email, told.customer) == ("anna@x.com", "c-1")


@pytest.mark.parametrize(
    "since", ["1767348000", "1767348000000", "2026-01-02T10:00:00.000Z", "01/02/2026 10:00"]
)
def test_a_time_is_read_as_exports_and_apis_write_it(since: str) -> None:
    (told,) = reading("partnerstack", f"customer_key,partnership_key,created_at\nc-1,part_9,{since}\n").rows
    assert told.since == JANUARY


def test_other_columns_are_left_aside_by_name() -> None:
    assert reading("dub", EXPORTS["dub"][0]).ignored == ("Country",)


def test_a_file_without_known_columns_is_refused_with_those_expected() -> None:
    with pytest.raises(Invalid, match=r"it has Foo, Bar; known are .*affiliates: .*email") as refused:
        reading("tapfiliate", "Foo,Bar\n1,2\n")
    assert refused.value.code == "columns_unknown"


def test_columns_that_the_caller_names_stand_before_the_vendors() -> None:
    file = reading(
        "tapfiliate", "Wer,Kunde,Kode\nanna@x.com,c-1,anna\n", email="Wer", customer="Kunde", code="Kode"
    )
    assert file.rows == (Told("file.csv", 2, "", "anna@x.com", "", "anna", customer="c-1", currency="EUR"),)


@pytest.mark.parametrize(
    ("columns", "code"), [({"emial": "Email"}, "name_unknown"), ({"email": "Mail"}, "column_unknown")]
)
def test_a_wrong_mapping_is_refused(columns: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        reading("affiliatewp", EXPORTS["affiliatewp"][0], **columns)
    assert refused.value.code == code


def test_a_named_column_counts_in_each_file_that_has_it() -> None:
    files = {
        "a.csv": b"id,email,Unpaid\n7,anna@x.com,-3.50\n",
        "r.csv": b"promoter_email,uid\nanna@x.com,c-1\n",
    }
    owing, referrals = read(SOURCES["firstpromoter"], files, "EUR", "UTC", {"balance": "Unpaid"})
    assert (owing.kind, referrals.kind) == ("mapped", "referrals")
    assert [told.balance_minor for told in owing.rows] == [-350]
    assert [told.customer for told in referrals.rows] == ["c-1"]


@pytest.mark.parametrize("vendor", SOURCES)
def test_the_columns_that_the_page_names_are_read(vendor: str) -> None:
    (row,) = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{vendor}` |")]
    named = re.findall(r"`([^`]+)`", row.split("|")[3])
    known = {
        fold(c) for sheet in SOURCES[vendor].sheets for several in sheet.columns.values() for c in several
    }
    assert [name for name in named if fold(name) not in known] == []


@pytest.mark.parametrize("vendor", [name for name in SOURCES if name != "plain"])
def test_no_column_of_a_vendor_is_taken_for_money_by_its_name(vendor: str) -> None:
    assert not [sheet.kind for sheet in SOURCES[vendor].sheets if "balance" in sheet.columns]


def test_a_promo_code_may_have_a_limit() -> None:
    file = reading("plain", "partner,coupon,max_uses\n1,A,40\n2,B,\n3,C,0\n4,D,1.5\n")
    assert [(told.coupon, told.max_uses) for told in file.rows] == [("A", 40), ("B", None)]
    assert {unread.reason for unread in file.unread} == {"max_uses must be from 1 to 10000"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",,5", "names no partner"),
        ("1,a@x.com,1.234", "thousands or decimals"),
        ("1,a@x.com,5.001", "thousands or decimals"),
        ("1,a@x.com,much", "amount"),
        ("1,a@x.com,12,50", "more cells"),
    ],
)
def test_a_row_that_is_wrong_stops_no_other(row: str, reason: str) -> None:
    file = reading("plain", f"partner,email,balance\n{row}\n2,b@x.com,7\n")
    assert [told.balance_minor for told in file.rows] == [700]
    (unread,) = file.unread
    assert unread.line == 2
    assert reason in unread.reason
