"""A shop's orders and partners' lists against what is recorded, and what a confirmation rights."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from chalicelib.domain.adjusting import Details
from chalicelib.domain.conversion import AdjustmentKind, Content, State
from chalicelib.domain.errors import Conflict, Invalid, NotFound
from chalicelib.domain.ids import conversion_id
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.job import Job
from chalicelib.domain.partner import Partner
from chalicelib.domain.period import Month
from chalicelib.domain.program import Method
from chalicelib.services import adjustments, capture, jobs, reconciliations
from chalicelib.services.order_matching import Wanted
from chalicelib.services.pacing import at_most
from chalicelib.services.reconcile import reconcile
from chalicelib.storage.conversion_records import Conversion
from chalicelib.storage.stores import Stores
from local.engine import Engine
from tests import scene
from tests.conftest import Clock, Stage
from tests.reconciling import reasons, result, work
from tests.scene import Scene

SOLD = datetime(2026, 9, 10, 12, tzinfo=UTC)
LATER = SOLD + timedelta(days=5)


@pytest.fixture
def shop(stage: Stage, clock: Clock) -> Scene:
    clock.set(LATER)
    return scene.make(stage.stores, shards=2)


def told(stores: Stores, shop: Scene, order_id: str, amount: int = 10_000, code: str = "ANNA") -> str:
    return shop.report(stores, order_id, SOLD, amount, code).id


def by_pixel(stores: Stores, shop: Scene, order_id: str, amount: int = 10_000) -> str:
    click = shop.click(stores, SOLD - timedelta(hours=1))
    content = Content(amount, "EUR")
    report = Incoming("sale", order_id, content, Method.PIXEL, click.token, occurred_at=SOLD)
    return capture.record(stores, shop.program, report, SOLD).id


def held(stores: Stores, shop: Scene, order_id: str) -> Conversion:
    found = stores.conversions.find(conversion_id(shop.program.id, "sale", order_id))
    assert found is not None, order_id
    return found


def ask(stage: Stage, shop: Scene, csv: str, **wanted: object) -> Job:
    return reconciliations.ask(stage.stores, Wanted(shop.program, **wanted), csv.encode(), LATER)


ORDERS = (
    "order_id,amount,currency,status,refunded,date,coupon\n"
    "same,100.00,EUR,paid,,2026-09-10,\n"
    "less,90.00,EUR,paid,,2026-09-10,\n"
    "gone,100.00,EUR,cancelled,,2026-09-10,\n"
    "part,100.00,EUR,paid,30.00,2026-09-10,\n"
    "lost,50.00,EUR,paid,,2026-09-11,BEN\n"
    "open,50.00,EUR,pending,,2026-09-11,\n"
    "what,x,EUR,paid,,2026-09-11,\n"
)


def told_of_all(stores: Stores, shop: Scene) -> None:
    for order_id in ("same", "less", "gone", "part", "ours"):
        told(stores, shop, order_id)


def test_a_shops_orders_are_matched_with_conversions(stage: Stage, engine: Engine, shop: Scene) -> None:
    told_of_all(stage.stores, shop)
    job = ask(stage, shop, ORDERS)
    work(engine, stage)
    came_to = result(stage, job)
    assert reasons(came_to, "matched") == [("same", "matched", "agrees")]
    assert reasons(came_to, "different") == [
        ("less", "amount_differs", "less_there"),
        ("gone", "status_differs", "cancelled_there"),
        ("part", "status_differs", "partly_refunded_there"),
    ]
    assert reasons(came_to, "missing") == [
        ("lost", "missing_here", "coupon_never_reported"),
        ("ours", "missing_there", "not_in_file"),
    ]
    assert reasons(came_to, "ignored") == [("open", "ignored", "open_and_unknown_here")]
    assert [(row["line"], row["reason"].split(":")[0]) for row in came_to["unreadable"]] == [
        (8, "amount_invalid")
    ]
    assert came_to["remedies"] == {"void": 1, "refund": 1, "record": 1}
    same = held(stage.stores, shop, "same").facts.id
    assert came_to["matched"][0]["receipt"] == f"https://go.example.com/v1/conversions/{same}/receipt"


def test_every_row_is_in_a_file_that_spreadsheets_may_open(stage: Stage, engine: Engine, shop: Scene) -> None:
    told_of_all(stage.stores, shop)
    job = ask(stage, shop, ORDERS + '=cmd|x,1.00,EUR,paid,,2026-09-11,"a"\n')
    work(engine, stage)
    lines = (stage.stores.bucket.find(f"{job.folder}findings.csv") or b"").decode().splitlines()
    assert len(lines) == 10
    assert [line for line in lines if "cmd" in line] == [
        "missing_here,wrong_coupon,9,'=cmd|x,,,EUR,,1.00,,record,,",
    ]
    assert any(line.startswith("status_differs,partly_refunded_there,5,part,cnv_") for line in lines)


def test_one_confirmation_rights_everything_once(stage: Stage, engine: Engine, shop: Scene) -> None:
    told_of_all(stage.stores, shop)
    job = ask(stage, shop, ORDERS)
    work(engine, stage)
    done = stage.stores.jobs.find(job.id)
    assert done is not None
    recovery = reconciliations.recover(stage.stores, done, LATER)
    work(engine, stage)
    assert result(stage, recovery)["done"] == {"void": 1, "refund": 1, "record": 1}
    reconcile(stage.stores, LATER)
    assert held(stage.stores, shop, "gone").state is State.REVERSED
    part = held(stage.stores, shop, "part")
    assert sum(entry.commission_minor for entry in part.booked.entries) == 700
    lost = held(stage.stores, shop, "lost")
    assert (lost.facts.report.method, lost.facts.report.confirmed, lost.partners) == ("api", True, ("ben",))
    assert lost.facts.report.occurred_at == datetime(2026, 9, 11, tzinfo=UTC)

    assert reconciliations.recover(stage.stores, done, LATER).id == recovery.id
    assert work(engine, stage) == 0
    again = ask(stage, shop, ORDERS)
    work(engine, stage)
    assert result(stage, again)["remedies"] == {}


def test_an_order_file_confirms_what_a_browser_told(stage: Stage, engine: Engine, shop: Scene) -> None:
    by_pixel(stage.stores, shop, "A")
    by_pixel(stage.stores, shop, "B")
    by_pixel(stage.stores, shop, "C")
    assert held(stage.stores, shop, "A").state is State.HELD
    job = ask(stage, shop, "order_id,amount,status\nA,100.00,paid\nB,90.00,paid\nC,100.00,pending\n")
    work(engine, stage)
    came_to = result(stage, job)
    assert came_to["confirmed"] == 1
    assert held(stage.stores, shop, "A").state is State.PENDING
    assert held(stage.stores, shop, "B").state is State.HELD
    assert held(stage.stores, shop, "C").state is State.HELD

    done = stage.stores.jobs.find(job.id)
    assert done is not None
    reconciliations.recover(stage.stores, done, LATER)
    work(engine, stage)
    found = held(stage.stores, shop, "B")
    assert (found.state, found.facts.effective.content.amount_minor) == (State.PENDING, 9_000)


def test_a_program_that_takes_browsers_alone_has_its_orders_approved(
    stage: Stage, engine: Engine, shop: Scene
) -> None:
    only_pixel = Scene(replace(shop.program, methods=frozenset({Method.PIXEL})), shop.links)
    stage.stores.catalogue.replace_program(shop.program, only_pixel.program)
    by_pixel(stage.stores, only_pixel, "A")
    job = ask(stage, only_pixel, "order_id,amount\nA,100.00\n")
    work(engine, stage)
    assert result(stage, job)["confirmed"] == 1
    assert held(stage.stores, shop, "A").state is State.PENDING


def test_orders_are_found_under_any_name_and_recorded_under_the_usual_one(
    stage: Stage, engine: Engine, shop: Scene
) -> None:
    told(stage.stores, shop, "#1001")
    csv = (
        "Name,Financial Status,Currency,Total,Created at,Cancelled at,Refunded Amount,Id\n"
        "#1001,paid,EUR,100.00,2026-09-10 14:00:00 +0200,,0.00,5001\n"
        "#1002,paid,EUR,100.00,2026-09-10 14:00:00 +0200,,0.00,5002\n"
    )
    job = ask(stage, shop, csv)
    work(engine, stage)
    assert reasons(result(stage, job), "matched") == [("#1001", "matched", "agrees")]
    done = stage.stores.jobs.find(job.id)
    assert done is not None
    reconciliations.recover(stage.stores, done, LATER)
    work(engine, stage)
    assert held(stage.stores, shop, "#1002").facts.report.content.amount_minor == 10_000


def test_what_cannot_be_recovered_is_told_and_stops_no_other(
    stage: Stage, engine: Engine, shop: Scene
) -> None:
    job = ask(stage, shop, "order_id,amount,date\nold,1.00,2024-01-01\nnew,1.00,2026-09-10\n")
    work(engine, stage)
    done = stage.stores.jobs.find(job.id)
    assert done is not None
    recovery = reconciliations.recover(stage.stores, done, LATER)
    work(engine, stage)
    came_to = result(stage, recovery)
    assert (came_to["done"], came_to["failures"]) == ({"record": 1}, 1)
    assert (came_to["failed"][0]["order_id"], came_to["failed"][0]["code"]) == ("old", "time_too_old")


def test_a_partners_list_is_answered_with_reasons(stage: Stage, engine: Engine, shop: Scene) -> None:
    stage.stores.catalogue.add_partner_once(Partner("anna", "Anna", "anna@example.com", SOLD))
    told(stage.stores, shop, "mine")
    told(stage.stores, shop, "bens", code="BEN")
    told(stage.stores, shop, "nobodys", code="UNKNOWN")
    told(stage.stores, shop, "forgotten")
    taken = told(stage.stores, shop, "returned")
    adjustments.adjust(stage.stores, taken, "r", AdjustmentKind.REFUND, None, "", LATER)
    listed = "order_id\nmine\nbens\nnobodys\nnever\nreturned\n"
    job = ask(stage, shop, listed, partner="anna", month=Month(2026, 9))

    work(engine, stage)
    came_to = result(stage, job)
    assert reasons(came_to, "matched") == [("mine", "matched", "agrees")]
    assert reasons(came_to, "different") == [("returned", "status_differs", "reversed_here")]
    assert reasons(came_to, "missing") == [
        ("bens", "missing_here", "credited_to_others"),
        ("nobodys", "missing_here", "wrong_coupon"),
        ("never", "missing_here", "never_reported"),
        ("forgotten", "missing_there", "not_in_file"),
    ]
    done = stage.stores.jobs.find(job.id)
    assert done is not None
    with pytest.raises(Conflict) as refusal:
        reconciliations.recover(stage.stores, done, LATER)
    assert refusal.value.code == "claims_are_not_orders"


def test_the_list_of_a_partner_that_there_is_not_is_refused(stage: Stage, shop: Scene) -> None:
    with pytest.raises(NotFound):
        ask(stage, shop, "order_id\nA\n", partner="nobody")


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"order_id": "order_id", "colour": "amount"}, "column_unknown"),
        ({"amount": "amount"}, "column_required"),
        ({"order_id": "order_id"}, "column_required"),
    ],
)
def test_columns_without_a_use_are_refused(
    stage: Stage, shop: Scene, columns: dict[str, str], code: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        ask(stage, shop, "order_id,amount\nA,1\n", columns=columns)
    assert refusal.value.code == code


def test_a_reconciliation_that_is_not_done_cannot_be_confirmed(stage: Stage, shop: Scene) -> None:
    job = ask(stage, shop, "order_id,amount\nA,1\n")
    with pytest.raises(Conflict) as refusal:
        reconciliations.recover(stage.stores, job, LATER)
    assert refusal.value.code == "job_not_done"


PARTLY = "order_id,amount,currency,status,refunded,date\npart,100.00,EUR,paid,30.00,2026-09-10\n"


def in_runs(stage: Stage, job: Job, work: object) -> int:
    """Carry the job out in runs of which each has time for one piece; how many there were."""
    runs = 0
    while not (stage.stores.jobs.find(job.id) or job).is_over:
        paced = partial(work, has_time=at_most(1))
        jobs.carry_out(stage.stores, job.id, {job.kind: paced}, LATER)
        runs += 1
        assert runs < 20
    return runs


def test_a_file_for_which_one_run_has_no_time_is_gone_on_with(
    stage: Stage, shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliations, "_EVERY", 2)
    told_of_all(stage.stores, shop)
    job = ask(stage, shop, ORDERS)
    assert in_runs(stage, job, reconciliations.carry_out) == 5
    came_to = result(stage, job)
    assert came_to["remedies"] == {"void": 1, "refund": 1, "record": 1}
    assert reasons(came_to, "missing") == [
        ("lost", "missing_here", "coupon_never_reported"),
        ("ours", "missing_there", "not_in_file"),
    ]
    assert list(stage.stores.bucket.keys(f"{job.folder}work/")) == []
    done = stage.stores.jobs.find(job.id)
    assert done is not None
    recovery = reconciliations.recover(stage.stores, done, LATER)
    assert in_runs(stage, recovery, reconciliations.carry_out_recovery) == 3
    assert result(stage, recovery)["done"] == {"void": 1, "refund": 1, "record": 1}


def test_a_refund_that_the_file_and_then_the_cart_tell_is_taken_once(
    stage: Stage, engine: Engine, shop: Scene
) -> None:
    sold = told(stage.stores, shop, "part")
    job = ask(stage, shop, PARTLY)
    work(engine, stage)
    done = stage.stores.jobs.find(job.id)
    assert done is not None
    reconciliations.recover(stage.stores, done, LATER)
    work(engine, stage)
    details = Details(happened_at=SOLD + timedelta(days=1))
    late = LATER + timedelta(days=1)
    adjustments.adjust(stage.stores, sold, "shopify-refund-1", AdjustmentKind.REFUND, 3000, "", late, details)
    reconcile(stage.stores, late)
    found = held(stage.stores, shop, "part")
    assert sum(e.commission_minor for e in found.booked.entries) == 700
    again = ask(stage, shop, PARTLY)
    work(engine, stage)
    assert result(stage, again)["remedies"] == {}
