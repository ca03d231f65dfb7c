"""Moving in: a dry run changes nothing, a second run makes nothing, an undo takes back what was made."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.conversion import Content
from chalicelib.domain.ids import conversion_id
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.link import LinkState
from chalicelib.domain.program import Method, Program
from chalicelib.domain.terms import Attribution, CommissionRule, Lock, Terms
from chalicelib.services import capture, direct_clicks, erasures, evidence
from chalicelib.services.moving import importing
from chalicelib.services.moving.desk import Standing
from chalicelib.services.reconcile import reconcile
from chalicelib.storage import table
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import Table
from tests.capturing import LONG_AGO, NOW, a_program

MADE, THERE, REFUSED = Standing.MADE, Standing.THERE, Standing.REFUSED
HEADER = "partner,email,name,code,destination,coupon,customer,since,balance,currency\n"
ROWS = (
    "1,carla@x.com,Carla,carla,https://shop.example.com/new,CARLA10,c-1,2026-09-01,12.50,EUR\n"
    "2,dan@x.com,Dan,7,,,,,,\n"
)
FILES = {"all.csv": (HEADER + ROWS).encode()}


@pytest.fixture
def program(stage: Any, clock: Any) -> Program:
    clock.set(NOW)
    made = a_program(stage.stores)
    rule = CommissionRule("sale", "percent", rate_bp=1000)
    stage.stores.catalogue.add_terms_once(
        Terms(made.id, 2, LONG_AGO, Attribution(lock=Lock(months=12)), 30, (rule,))
    )
    return made


def run(
    stores: Stores, program: Program, files: dict[str, bytes] | None = None, **how: Any
) -> importing.Report:
    wanted = importing.Wanted("plain", FILES if files is None else files)
    return importing.run(stores, program, wanted, NOW, watch=lambda *_: None, **how)


def counts(report: importing.Report, standing: Standing) -> dict[str, int]:
    return {kind: counted[standing] for kind, counted in report.counts.items()}


def undo(stores: Stores, program: Program, import_id: str) -> importing.Undone:
    return importing.undo(stores, program, import_id, NOW, lambda *_: None)


def partner_of(stores: Stores, code: str) -> str:
    link = stores.links.find(code)
    assert link is not None
    return link.partner


EVERYTHING = {"partner": 2, "link": 2, "coupon": 1, "customer": 1, "balance": 1}
NOTHING = dict.fromkeys(EVERYTHING, 0)


def test_a_dry_run_tells_what_would_happen_and_changes_nothing(stage: Any, program: Program) -> None:
    report = run(stage.stores, program, dry=True)
    assert (counts(report, MADE), report.refused) == (EVERYTHING, [])
    assert stage.stores.links.find("carla") is None
    assert counts(run(stage.stores, program), MADE) == EVERYTHING


def test_everything_is_made_once(stage: Any, program: Program) -> None:
    stores = stage.stores
    run(stores, program)
    carla = stores.catalogue.partner(partner_of(stores, "carla"))
    assert (carla.name, carla.email) == ("Carla", "carla@x.com")
    assert stores.links.find("carla").destination == "https://shop.example.com/new"
    assert stores.catalogue.partner(partner_of(stores, "7")).name == "Dan"
    assert stores.catalogue.find_coupon("acme", "carla10").partner == carla.id
    (booked,) = [entry for _, entry in stores.journal.by_hand_page("acme", 10, None)[0]]
    assert (booked.partner, booked.commission_minor, booked.currency) == (carla.id, 1250, "EUR")
    assert "balance brought from plain" in booked.cause
    again = run(stores, program)
    assert (counts(again, MADE), counts(again, THERE)) == (NOTHING, EVERYTHING)


def test_a_file_put_right_books_no_balance_twice(stage: Any, program: Program) -> None:
    run(stage.stores, program)
    more = {"all.csv": FILES["all.csv"] + b"3,eve@x.com,Eve,eve,,,,,,\n"}
    assert counts(run(stage.stores, program, more), MADE) == NOTHING | {"partner": 1, "link": 1}
    other = {"all.csv": FILES["all.csv"].replace(b"12.50", b"13.50")}
    report = run(stage.stores, program, other)
    assert [(bad.line, bad.reason) for bad in report.refused] == [
        (2, "another balance of this partner was brought before")
    ]


def test_a_customer_is_the_partners_and_nothing_is_booked_for_that(stage: Any, program: Program) -> None:
    stores = stage.stores
    run(stores, program)
    incoming = Incoming("sale", "A1", Content(10_000, "EUR"), Method.API, customer_id="c-1")
    sale = capture.record(stores, program, replace(incoming, coupon="ANNA10"), NOW)
    reconcile(stores, NOW)
    found = stores.conversions.find(sale.id)
    carla = partner_of(stores, "carla")
    assert {entry.partner for entry in found.booked.entries} == {carla}
    assert sum(entry.commission_minor for entry in found.booked.entries) == 1000
    [moved] = stores.imports.made("acme", run(stores, program, dry=True).import_id, "customer")
    opening = stores.conversions.find(conversion_id("acme", "@moved", f"{moved.name}-1"))
    assert (opening.state, opening.booked.entries) == ("approved", ())


def test_what_cannot_be_made_is_told_with_its_line(stage: Any, program: Program) -> None:
    rows = (
        "1,carla@x.com,Carla,anna,,,,,,\n"  # Anna's code
        "2,dan@x.com,Dan,p,,ANNA10,,,,\n"  # a word of ours, and Anna's promo code
        "3,eve@x.com,Eve,eve,https://evil.example/,,,,,\n"
        "4,,Nobody,nob,,,,,,\n"
        "5,fay@x.com,Fay,dup,,,,,,\n6,gus@x.com,Gus,dup,,,,,,\n7,hal@x.com,Hal,du-p,,,,,,\n8,ira@x.com,Ira,du_p,,,,,,\n"
    )
    files = {"bad.csv": (HEADER + rows).encode()}
    dry, real = run(stage.stores, program, files, dry=True), run(stage.stores, program, files)
    assert sorted(bad.line for bad in real.refused) == [2, 3, 3, 4, 5, 5, 7, 9]
    assert [(bad.line, bad.reason) for bad in dry.refused if bad.line < 9] == [
        (bad.line, bad.reason) for bad in real.refused if bad.line < 9
    ]


def test_nothing_of_an_import_leads_to_a_customer_that_was_erased(stage: Any, program: Program) -> None:
    stores = stage.stores
    run(stores, program)
    digest = evidence.customer_hash(stores, program.id, "c-1")
    assert digest in everything(stage)
    erasures.erase_customer(stores, program, "c-1", NOW)
    assert digest not in everything(stage)


def everything(stage: Any) -> str:
    """All that the tables hold, but for the tombstones."""
    names = [Table(stage.settings, name).name for name in ("conversions", "identities", "catalogue")]
    found = [item for name in names for item in table.call("scan", TableName=name)["Items"]]
    return str([item for item in found if not item["pk"]["S"].startswith("@erased")])


def test_terms_without_a_lock_hold_no_customer(stage: Any, clock: Any) -> None:
    clock.set(NOW)
    program = a_program(stage.stores)
    report = run(stage.stores, program)
    assert counts(report, REFUSED) == NOTHING | {"customer": 1}
    assert "`lock`" in report.refused[0].reason


def test_an_import_that_broke_off_goes_on(stage: Any, program: Program) -> None:
    def break_off(kind: str, done: int, total: int) -> None:
        if kind == "link":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importing.run(stage.stores, program, importing.Wanted("plain", FILES), NOW, watch=break_off)
    report = run(stage.stores, program)
    assert counts(report, THERE) == NOTHING | {"partner": 2, "link": 1}
    undone = undo(stage.stores, program, report.import_id)
    assert undone.counts == EVERYTHING | {"partner": 1}


def test_an_undo_takes_back_what_was_made_and_nothing_else(stage: Any, program: Program) -> None:
    stores = stage.stores
    files = {"all.csv": FILES["all.csv"] + b",anna@example.com,Anna,anna,,ANNA10,,,,\n"}
    report = run(stores, program, files)
    assert counts(report, THERE) == NOTHING | {"partner": 1, "link": 1, "coupon": 1}
    carla, dan = partner_of(stores, "carla"), partner_of(stores, "7")
    undone = undo(stores, program, report.import_id)
    assert undone.counts == EVERYTHING | {"partner": 1}
    assert [(kind, name) for kind, name, _ in undone.kept] == [("partner", carla)]
    assert stores.links.find("carla").state is LinkState.DELETED
    assert stores.links.find("anna").state is LinkState.ACTIVE
    assert stores.catalogue.find_partner(dan) is None
    assert stores.catalogue.find_coupon("acme", "carla10").ends_at == NOW
    assert stores.catalogue.find_coupon("acme", "anna10").ends_at is None
    entries = [entry for _, entry in stores.journal.by_hand_page("acme", 10, None)[0]]
    assert sum(entry.commission_minor for entry in entries) == 0
    assert undo(stores, program, report.import_id).counts == NOTHING


def test_an_undo_frees_the_customer(stage: Any, program: Program) -> None:
    stores = stage.stores
    report = run(stores, program)
    undo(stores, program, report.import_id)
    incoming = Incoming("sale", "A1", Content(10_000, "EUR"), Method.API, customer_id="c-1", coupon="ANNA10")
    sale = capture.record(stores, program, incoming, NOW)
    reconcile(stores, NOW)
    assert {entry.partner for entry in stores.conversions.find(sale.id).booked.entries} == {"anna"}


def test_what_was_undone_can_be_imported_again(stage: Any, program: Program) -> None:
    stores = stage.stores
    for _ in range(2):
        report = run(stores, program)
        assert counts(report, MADE) | {"partner": 2} == EVERYTHING
        assert report.refused == []
        undo(stores, program, report.import_id)
    run(stores, program)
    entries = [entry for _, entry in stores.journal.by_hand_page("acme", 20, None)[0]]
    assert sum(entry.commission_minor for entry in entries) == 1250
    assert stores.links.find("carla").state is LinkState.ACTIVE


def test_an_old_link_parameter_means_the_partner_who_was_brought(stage: Any, program: Program) -> None:
    run(stage.stores, program)
    meant = direct_clicks._meant(stage.stores, program, "7")
    assert meant is not None
    assert meant.partner == partner_of(stage.stores, "7")
