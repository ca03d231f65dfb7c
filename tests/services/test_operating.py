from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib import cli
from chalicelib.domain.period import Month
from chalicelib.services import operating
from chalicelib.services.operating import state_of
from chalicelib.storage import aws
from tests import scene

MID_SEPTEMBER = datetime(2026, 9, 15, 12, tzinfo=UTC)
SEPTEMBER = Month(2026, 9)


def test_a_fresh_stage_has_nothing_to_worry_about(stage: Any, clock: Any) -> None:
    state = state_of(stage.stores, MID_SEPTEMBER)
    assert (state.programs, state.worries, state.reconciled) == ((), [], None)
    assert None not in state.queues.values()


def test_what_waits_is_counted(stage: Any, clock: Any) -> None:
    shop = scene.make(stage.stores)
    shop.sell(stage.stores, MID_SEPTEMBER)
    operating.note_reconcile(stage.stores, MID_SEPTEMBER)
    [program] = state_of(stage.stores, MID_SEPTEMBER).programs
    assert (program.due, program.held, program.quarantined) == (1, 0, ())
    assert program.open_months == (SEPTEMBER,)


def test_a_month_that_is_over_is_named_a_day_after_its_end(stage: Any, clock: Any) -> None:
    scene.make(stage.stores)
    end = SEPTEMBER.end("UTC")
    for after, overdue in ((timedelta(hours=23), ()), (timedelta(hours=24), (SEPTEMBER,))):
        operating.note_reconcile(stage.stores, end + after)
        state = state_of(stage.stores, end + after)
        assert state.programs[0].overdue == overdue
        assert len(state.worries) == len(overdue)


def test_quarantined_money_and_given_up_messages_are_named(stage: Any, clock: Any) -> None:
    shop = scene.make(stage.stores)
    sold = shop.sell(stage.stores, MID_SEPTEMBER)
    [waiting] = [one for shard in range(2) for one in _due(stage, shop.program.id, shard)]
    shard = next(shard for shard in range(2) if list(_due(stage, shop.program.id, shard)))
    stage.stores.conversion_queue.quarantine(waiting, shop.program.id, shard, "unreadable", MID_SEPTEMBER)
    sqs, name = aws.client("sqs"), f"{stage.environment['TABLE_PREFIX']}-jobs-dead"
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MessageBody="{}")
    operating.note_reconcile(stage.stores, MID_SEPTEMBER)
    worries = state_of(stage.stores, MID_SEPTEMBER).worries
    assert worries == [
        f"{shop.program.id}: {sold.id} is quarantined",
        f"{name} holds messages that were given up",
    ]


def test_the_command_says_it_and_fails_where_somebody_should_look(
    stage: Any, clock: Any, capsys: Any
) -> None:
    clock.set(MID_SEPTEMBER)
    shop = scene.make(stage.stores)
    assert cli.main(["status"]) == 1
    assert "LOOK: no reconcile was done for three hours" in capsys.readouterr().out
    operating.note_reconcile(stage.stores, MID_SEPTEMBER)
    assert cli.main(["status"]) == 0
    told = capsys.readouterr().out
    assert f"program {shop.program.id}: closed through nothing yet" in told
    assert "  open months: 2026-09" in told


def _due(stage: Any, program: str, shard: int) -> Any:
    return stage.stores.conversion_queue.waiting(program, shard, operating.Feed.DUE)
