"""Reconcile, drafts, close and the chain of months, against the engine."""

import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.conversion import AdjustmentKind, State
from chalicelib.domain.decision import decide
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.partner import Coupon
from chalicelib.domain.period import Month
from chalicelib.domain.terms import Basis, MonthlyKind, MonthlyRule, MonthlyTier
from chalicelib.services import adjustments, close, conversions, healing, ledgers, months, notices
from chalicelib.services.close import close_months, close_program
from chalicelib.services.month_files import CloseStopped
from chalicelib.services.pacing import OutOfTime, at_most
from chalicelib.services.reconcile import reconcile
from chalicelib.services.settle import rules_of, settle_conversion
from tests import scene
from tests.faults.books import audit
from tests.scene import AFTER_GRACE, MONTH_START

SEPTEMBER = Month(2026, 9)
SOLD_AT = MONTH_START + timedelta(days=3)
OCTOBER_CLOSE = AFTER_GRACE + timedelta(days=31)


def test_reconcile_books_what_is_due_and_releases_what_is_over(stage) -> None:
    shop = scene.make(stage.stores)
    sold = shop.sell(stage.stores, SOLD_AT).id
    assert reconcile(stage.stores, SOLD_AT).booked == 1
    assert stage.stores.conversions.find(sold).state is State.PENDING
    assert reconcile(stage.stores, SOLD_AT + timedelta(days=13, hours=23)).booked == 0
    assert reconcile(stage.stores, SOLD_AT + timedelta(days=14)).booked == 1
    assert stage.stores.conversions.find(sold).state is State.APPROVED
    assert reconcile(stage.stores, SOLD_AT + timedelta(days=30)).booked == 0


def test_a_draft_shows_the_open_month_and_goes_when_the_month_is_published(stage) -> None:
    shop = scene.make(stage.stores)
    shop.sell(stage.stores, SOLD_AT)
    reconcile(stage.stores, SOLD_AT)
    listed = ledgers.of_program(stage.stores, shop.program)
    assert [(str(x.month), x.status) for x in listed] == [("2026-09", "draft")]
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    listed = ledgers.of_program(stage.stores, shop.program)
    assert [(str(x.month), x.status) for x in listed] == [("2026-09", "published")]
    assert list(stage.stores.bucket.keys(f"drafts/{shop.program.id}/")) == []
    folder = f"ledgers/{shop.program.id}/2026-09/"
    names = {key.removeprefix(folder) for key in stage.stores.bucket.keys(folder)}
    assert names >= {"manifest.json", "summary.csv", "statements/anna.csv", "statements/anna.html"}
    parts = json.loads(stage.stores.bucket.find(folder + "manifest.json"))["parts"]
    rows = {part["name"]: part["rows"] for part in parts}
    assert (rows["journal.ledger"], rows["statements/anna.html"]) == (2, 2)
    for name in ("ledger-00000.csv", "summary.csv", "statements/anna.csv"):
        assert rows[name] == stage.stores.bucket.find(folder + name).count(b"\n") - 1


def test_an_unchanged_draft_is_not_written_again(stage) -> None:
    shop = scene.make(stage.stores)
    shop.sell(stage.stores, SOLD_AT)
    assert reconcile(stage.stores, SOLD_AT).drafts == 1
    assert reconcile(stage.stores, SOLD_AT).drafts == 0
    assert not [key for key in drafts(stage, shop) if key.endswith("payouts.json")], "nothing is payable yet"


def test_a_refund_after_the_close_is_a_reversal_in_the_open_month(stage) -> None:
    shop = scene.make(stage.stores)
    sold = shop.sell(stage.stores, SOLD_AT).id
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    before = {key: stage.stores.bucket.find(key) for key in stage.stores.bucket.keys("ledgers/")}
    adjustments.adjust(stage.stores, sold, "r-1", AdjustmentKind.REFUND, None, "returned", AFTER_GRACE)
    close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)
    after = {key: stage.stores.bucket.find(key) for key in before}
    audited = audit(stage.stores, shop.program)
    assert after == before
    assert audited.problems == []
    assert [row["kind"] for row in audited.published[SEPTEMBER.next()]] == ["reversal"]
    assert audited.commission_of(sold) == 0


def test_a_sale_told_after_its_month_closed_is_booked_in_the_oldest_open_month(stage) -> None:
    shop = scene.make(stage.stores)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    late = shop.report(stage.stores, "late", SOLD_AT)
    reconcile(stage.stores, AFTER_GRACE)
    entry = stage.stores.conversions.find(late.id).booked.entries[0]
    assert (str(entry.month), entry.booked_at) == ("2026-10", SEPTEMBER.end("UTC"))


def test_a_sale_from_before_the_program_opens_the_books_earlier(stage) -> None:
    shop = scene.make(stage.stores)
    incoming_at = MONTH_START - timedelta(days=20)
    old = shop.report(stage.stores, "old", incoming_at)
    reconcile(stage.stores, SOLD_AT)
    assert str(stage.stores.conversions.find(old.id).booked.entries[0].month) == "2026-08"
    closed = close_program(stage.stores, shop.program.id, AFTER_GRACE)
    assert [str(month.month) for month in closed] == ["2026-08", "2026-09"]
    assert audit(stage.stores, shop.program).problems == []


def test_missed_months_are_closed_in_order_and_chained(stage) -> None:
    shop = scene.make(stage.stores)
    shop.sell(stage.stores, SOLD_AT)
    closed = close_program(stage.stores, shop.program.id, AFTER_GRACE + timedelta(days=92))
    assert [str(month.month) for month in closed] == ["2026-09", "2026-10", "2026-11", "2026-12"]
    manifest = json.loads(stage.stores.bucket.find(f"ledgers/{shop.program.id}/2026-12/manifest.json"))
    assert manifest["previous"] == {"month": "2026-11", "sha256": closed[2].sha256}
    assert manifest["totals"]["EUR"]["opening"] == "10.00"


def test_a_month_is_closed_from_24_hours_after_its_end(stage) -> None:
    shop = scene.make(stage.stores)
    begins = SEPTEMBER.end("UTC") + timedelta(hours=24)
    assert close_program(stage.stores, shop.program.id, begins - timedelta(milliseconds=1)) == []
    assert stage.stores.journal.books(shop.program).closing is None
    (closed,) = close_program(stage.stores, shop.program.id, begins)
    assert (closed.program, closed.month) == (shop.program.id, SEPTEMBER)


def test_a_month_goes_on_from_published_bytes_only(stage) -> None:
    shop = scene.make(stage.stores)
    (terms,) = stage.stores.catalogue.terms(shop.program.id)
    bonus = MonthlyRule(MonthlyKind.MILESTONE, Basis.COUNT, (MonthlyTier(1, None, 500),))
    stage.stores.catalogue.add_terms_once(replace(terms, version=2, monthly=(bonus,)))
    shop.sell(stage.stores, SOLD_AT)
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    for name in ("summary.csv", "monthly.csv"):
        key = f"ledgers/{shop.program.id}/2026-09/{name}"
        published = stage.stores.bucket.find(key)
        for spoiled in (published + b"x", b""):
            stage.stores.bucket.write(key, io.BytesIO(spoiled), "text/csv")
            with pytest.raises(Unavailable, match="ledger_damaged"):
                close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)
        stage.stores.bucket.write(key, io.BytesIO(published), "text/csv")
    close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)
    assert audit(stage.stores, shop.program).problems == []


def test_a_months_bounds_follow_the_programs_time_zone(stage) -> None:
    shop = scene.make(stage.stores, timezone="Pacific/Auckland")
    first = Month(2026, 9).start("Pacific/Auckland")
    shop.report(stage.stores, "august", first - timedelta(milliseconds=1))
    shop.report(stage.stores, "september", first)
    closed = close_program(stage.stores, shop.program.id, AFTER_GRACE)
    audited = audit(stage.stores, shop.program)
    assert [str(month.month) for month in closed] == ["2026-08", "2026-09"]
    accrued = {
        month: {row["order_id"] for row in rows if row["kind"] == "accrual"}
        for month, rows in audited.published.items()
    }
    assert accrued == {Month(2026, 8): {"august"}, Month(2026, 9): {"september"}}


def test_a_record_that_cannot_be_processed_blocks_its_month_and_nothing_else(stage, monkeypatch) -> None:
    bad, good = scene.make(stage.stores), scene.make(stage.stores)
    broken = bad.sell(stage.stores, SOLD_AT).id
    fine = [shop.sell(stage.stores, SOLD_AT).id for shop in 4 * [bad] + 5 * [good]]
    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.services.settle.decide", _fails_for(broken))
        assert reconcile(stage.stores, SOLD_AT).quarantined == 1
        assert all(stage.stores.conversions.find(one).booked.entries for one in fine)
        with pytest.raises(CloseStopped, match="money_quarantined"):
            close_program(stage.stores, bad.program.id, AFTER_GRACE)
        closed, stopped = close_months(stage.stores, AFTER_GRACE)
    assert [c.program for c in closed] == [good.program.id]
    assert [(s.program, s.code) for s in stopped] == [(bad.program.id, "money_quarantined")]


def test_what_cannot_be_processed_blocks_no_month_before_its_own(stage, monkeypatch) -> None:
    shop = scene.make(stage.stores)
    broken = shop.sell(stage.stores, SOLD_AT + timedelta(days=28)).id
    monkeypatch.setattr("chalicelib.services.settle.decide", _fails_for(broken))
    assert [closed.month for closed in close_program(stage.stores, shop.program.id, AFTER_GRACE)] == [
        SEPTEMBER
    ]
    with pytest.raises(CloseStopped, match="money_quarantined"):
        close_program(stage.stores, shop.program.id, OCTOBER_CLOSE)


def _fails_for(conversion: str):
    def decide_or_fail(facts, *rules):
        if facts.id == conversion:
            raise KeyError("nothing was prepared for this")
        return decide(facts, *rules)

    return decide_or_fail


def test_other_bytes_under_a_published_key_stop_the_close(stage) -> None:
    shop = scene.make(stage.stores)
    shop.sell(stage.stores, SOLD_AT)
    key = f"ledgers/{shop.program.id}/2026-09/summary.csv"
    stage.stores.bucket.write(key, io.BytesIO(b"something else"), "text/csv")
    with pytest.raises(CloseStopped, match="ledger_differs"):
        close_program(stage.stores, shop.program.id, AFTER_GRACE)
    assert stage.stores.journal.books(shop.program).closed_through is None


def test_an_unattributed_sale_is_decided_again_when_its_code_gets_an_owner(stage) -> None:
    shop = scene.make(stage.stores)
    sold = shop.sell(stage.stores, SOLD_AT, code="CARA")
    reconcile(stage.stores, SOLD_AT)
    assert stage.stores.conversions.find(sold.id).state is State.UNATTRIBUTED
    stage.stores.catalogue.add_coupon_once(Coupon(shop.program.id, "cara", "CARA", SOLD_AT))
    assert healing.wake_unattributed(stage.stores, shop.program.id, SOLD_AT) == 1
    reconcile(stage.stores, SOLD_AT)
    found = stage.stores.conversions.find(sold.id)
    assert (found.state, found.partners) == (State.PENDING, ("cara",))


def test_lists_walk_every_place_once_page_by_page(stage) -> None:
    shop = scene.make(stage.stores)
    sold = {shop.sell(stage.stores, SOLD_AT + timedelta(minutes=i)).id for i in range(7)}
    reconcile(stage.stores, SOLD_AT + timedelta(days=20))
    sold |= {shop.sell(stage.stores, SOLD_AT, code="NOBODY").id for _ in range(3)}
    seen: list[str] = []
    start = None
    while True:
        page, start = conversions.list_page(stage.stores, conversions.Wanted(shop.program), 4, start, SOLD_AT)
        seen += [listed.id for listed in page]
        if start is None:
            break
    assert sorted(seen) == sorted(sold)


def walked(stage, shop, limit: int, between) -> list[str]:
    """A list walked to its end, with something done after each page."""
    seen: list[str] = []
    start = None
    while True:
        wanted = conversions.Wanted(shop.program)
        page, start = conversions.list_page(stage.stores, wanted, limit, start, SOLD_AT + timedelta(hours=1))
        seen += [listed.id for listed in page]
        if start is None:
            return seen
        between()


def test_a_row_that_moves_while_a_list_is_walked_is_not_missed(stage) -> None:
    shop = scene.make(stage.stores)
    sold = {shop.sell(stage.stores, SOLD_AT + timedelta(minutes=i)).id for i in range(5)}
    sold |= {shop.sell(stage.stores, SOLD_AT, code="CARA").id for _ in range(5)}
    reconcile(stage.stores, SOLD_AT)
    stage.stores.catalogue.add_coupon_once(Coupon(shop.program.id, "cara", "CARA", SOLD_AT))
    steps = iter(
        [
            lambda: healing.wake_unattributed(stage.stores, shop.program.id, SOLD_AT + timedelta(hours=2)),
            lambda: reconcile(stage.stores, SOLD_AT + timedelta(hours=2)),
            lambda: reconcile(stage.stores, SOLD_AT + timedelta(days=20)),
        ]
    )
    seen = walked(stage, shop, 2, lambda: next(steps, lambda: None)())
    assert set(seen) == sold


def test_a_row_that_is_to_be_decided_again_is_met_at_the_end(stage) -> None:
    shop = scene.make(stage.stores)
    sold = {shop.sell(stage.stores, SOLD_AT, code="CARA").id for _ in range(6)}
    reconcile(stage.stores, SOLD_AT)
    later = SOLD_AT + timedelta(hours=2)
    seen = walked(stage, shop, 2, lambda: healing.wake_unattributed(stage.stores, shop.program.id, later))
    assert set(seen) == sold


def drafts(stage, shop) -> list[str]:
    return list(stage.stores.bucket.keys(f"drafts/{shop.program.id}/2026-09/"))


def test_a_draft_that_a_crash_left_behind_goes_with_the_next_run(stage, monkeypatch) -> None:
    shop = scene.make(stage.stores)
    shop.sell(stage.stores, SOLD_AT)
    reconcile(stage.stores, SOLD_AT)
    with monkeypatch.context() as patch:
        patch.setattr(months, "drop_draft", lambda *_: None)
        close_program(stage.stores, shop.program.id, AFTER_GRACE)
    assert drafts(stage, shop) != []
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    assert drafts(stage, shop) == []


def test_a_draft_that_is_written_beside_the_close_does_not_stay(stage, monkeypatch) -> None:
    shop = scene.make(stage.stores)
    shop.sell(stage.stores, SOLD_AT)
    write, closed = months._write_draft, []

    def write_while_it_closes(*arguments) -> bool:
        if not closed:
            closed.append(close_program(stage.stores, shop.program.id, AFTER_GRACE))
        return write(*arguments)

    monkeypatch.setattr(months, "_write_draft", write_while_it_closes)
    reconcile(stage.stores, SOLD_AT)
    assert closed[0]
    assert drafts(stage, shop) == []


def test_a_closer_of_another_version_that_comes_late_finds_nothing_to_do(stage, monkeypatch) -> None:
    shop = scene.make(stage.stores)
    shop.sell(stage.stores, SOLD_AT)
    claim = close._claim

    def outrun(*arguments):
        if not outrun.ran:
            outrun.ran = True
            close_program(stage.stores, shop.program.id, AFTER_GRACE)
            monkeypatch.setattr(close, "ENGINE", "another version")
        return claim(*arguments)

    outrun.ran = False
    monkeypatch.setattr(close, "_claim", outrun)
    assert close_program(stage.stores, shop.program.id, AFTER_GRACE) == []
    assert stage.stores.journal.books(shop.program).closing is None
    assert audit(stage.stores, shop.program).problems == []


def test_a_closer_that_is_outrun_at_the_last_step_says_the_same(stage, monkeypatch) -> None:
    """Nor does it take back that the rival has begun with the next month."""
    shop, journal = scene.make(stage.stores), stage.stores.journal
    published, rivals = notices.published, []

    def outrun(*arguments) -> None:
        if not rivals:
            rivals.append(None)
            rivals[:] = close_program(stage.stores, shop.program.id, AFTER_GRACE)
            journal.claim(shop.program, journal.books(shop.program), SEPTEMBER.next(), "a rival's")
        published(*arguments)

    monkeypatch.setattr(notices, "published", outrun)
    assert close_program(stage.stores, shop.program.id, AFTER_GRACE) == rivals
    books = journal.books(shop.program)
    assert (books.closed_through, books.closing) == (SEPTEMBER, SEPTEMBER.next())


def test_a_close_waits_for_a_conversion_that_could_not_be_settled_just_now(stage, monkeypatch) -> None:
    shop = scene.make(stage.stores)
    sold = shop.sell(stage.stores, SOLD_AT).id
    with monkeypatch.context() as patch:
        patch.setattr("chalicelib.services.reconcile.settle_conversion", throttled)
        with pytest.raises(Unavailable, match="settlement_postponed"):
            close_program(stage.stores, shop.program.id, AFTER_GRACE)
    assert stage.stores.journal.books(shop.program).closing is None
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    rows = audit(stage.stores, shop.program).published[SEPTEMBER]
    assert {row["conversion_id"] for row in rows} == {sold}


def throttled(*_: object) -> None:
    raise Unavailable("storage_unavailable", "storage does not answer; try again")


def test_a_close_without_time_to_settle_waits_for_the_next_run(stage) -> None:
    shop = scene.make(stage.stores)
    sold = {shop.sell(stage.stores, SOLD_AT).id for _ in range(3)}
    with pytest.raises(CloseStopped, match="out_of_time"):
        close_program(stage.stores, shop.program.id, AFTER_GRACE, at_most(1))
    assert stage.stores.journal.books(shop.program).closing is None
    assert close_months(stage.stores, AFTER_GRACE, at_most(0)) == ([], [])
    close_program(stage.stores, shop.program.id, AFTER_GRACE)
    assert {row["conversion_id"] for row in audit(stage.stores, shop.program).published[SEPTEMBER]} == sold


def test_a_draft_for_which_there_is_no_time_is_left_to_the_next_pass(stage) -> None:
    shop = scene.make(stage.stores)
    sold = shop.sell(stage.stores, SOLD_AT).id
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), sold, SOLD_AT)
    with pytest.raises(OutOfTime):
        months.refresh_drafts(stage.stores, shop.program, SOLD_AT, at_most(0))
    assert drafts(stage, shop) == []
    assert months.refresh_drafts(stage.stores, shop.program, SOLD_AT) == [SEPTEMBER]


def test_the_running_month_has_a_draft_though_nothing_is_booked(stage) -> None:
    shop = scene.make(stage.stores)
    for at, written in ((SOLD_AT, [SEPTEMBER]), (SOLD_AT, []), (AFTER_GRACE, [SEPTEMBER.next()])):
        assert months.refresh_drafts(stage.stores, shop.program, at) == written
    assert drafts(stage, shop) != []


def test_a_draft_is_looked_at_again_while_what_was_noted_may_still_be_booked(stage) -> None:
    shop = scene.make(stage.stores)
    sold = shop.sell(stage.stores, SOLD_AT).id
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), sold, SOLD_AT)
    for minutes, noted in ((14, 1), (15, 0)):
        months.refresh_drafts(stage.stores, shop.program, SOLD_AT + timedelta(minutes=minutes))
        assert len(stage.stores.journal.dirty(shop.program.id)) == noted


def test_a_large_draft_is_written_once_a_day(stage, monkeypatch) -> None:
    monkeypatch.setattr(months, "LARGE", 0)
    shop = scene.make(stage.stores)
    for number in range(3):
        shop.sell(stage.stores, SOLD_AT)
        at = SOLD_AT.replace(hour=10) + timedelta(hours=number)
        assert reconcile(stage.stores, at).drafts == (1 if number == 0 else 0)
    assert reconcile(stage.stores, (SOLD_AT + timedelta(days=1)).replace(hour=months.LARGE_AT)).drafts == 1
