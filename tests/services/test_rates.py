"""Exchange rates: taken from files as a whole, and waited for."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from chalicelib.domain.conversion import Content, State
from chalicelib.domain.errors import Conflict, Invalid, Refused
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.program import Method
from chalicelib.services import capture, rates
from chalicelib.services.reconcile import reconcile
from tests import scene

SOLD_AT = datetime(2026, 9, 12, 10, tzinfo=UTC)
FILE = "date,base,quote,rate\n2026-09-11,EUR,USD,1.25\n2026-09-14,EUR,USD,1.60\n"


def test_a_sale_waits_for_its_rate_and_is_booked_in_the_programs_currency_when_it_comes(stage) -> None:
    stores = stage.stores
    shop = scene.make(stores, settle_in="EUR")
    incoming = Incoming("sale", "o-1", Content(10_000, "USD"), Method.API, coupon="ANNA", occurred_at=SOLD_AT)
    recorded = capture.record(stores, shop.program, incoming, SOLD_AT)
    reconcile(stores, SOLD_AT)
    assert stores.conversions.find(recorded.id).state is State.HELD

    assert rates.publish(stores, shop.program.id, FILE, "ecb", SOLD_AT) == rates.Added(2, 0, 1)
    reconcile(stores, SOLD_AT)
    found = stores.conversions.find(recorded.id)
    (entry,) = found.booked.entries
    assert (found.state, entry.currency) == (State.PENDING, "EUR")
    assert (entry.sale_minor, entry.commission_minor) == (8_000, 800)
    assert entry.rate == "1000 bp; 1 EUR = 1.25 USD on 2026-09-11 (ecb)"


def test_a_file_is_known_when_it_comes_again_and_another_rate_is_refused(stage) -> None:
    stores = stage.stores
    shop = scene.make(stores)
    rates.publish(stores, shop.program.id, FILE, "ecb", SOLD_AT)
    assert rates.publish(stores, shop.program.id, FILE, "ecb", SOLD_AT) == rates.Added(0, 2, 0)
    with pytest.raises(Conflict, match="rate_conflict"):
        rates.publish(stores, shop.program.id, FILE.replace("1.25", "1.26"), "ecb", SOLD_AT)


def test_a_long_file_is_added_in_steps_on_both_sides_of_what_is_known(stage) -> None:
    stores = stage.stores
    shop = scene.make(stores)
    rates.publish(stores, shop.program.id, "date,base,quote,rate\n2026-07-01,EUR,USD,2\n", "ecb", SOLD_AT)
    days = [f"2026-{month:02d}-{day:02d}" for month in range(3, 12) for day in range(1, 29)]
    text = "date,base,quote,rate\n" + "".join(f"{day},EUR,USD,2\n" for day in days)
    assert rates.publish(stores, shop.program.id, text, "ecb", SOLD_AT).added == len(days) - 1
    known = stores.rates.of(shop.program.id)
    for day in days:
        rate = known.find("EUR", "USD", datetime.fromisoformat(day).date())
        assert rate is not None
        assert (rate.day.isoformat(), rate.exact) == (day, Fraction(2))


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("2026-02-30,EUR,USD,1", "line 2.date"),
        ("2026-9-1,EUR,USD,1", "line 2.date"),
        ("2026-09-01,EUR,XXX,1", "line 2.quote"),
        ("2026-09-01,EUR,EUR,1", "line 2"),
        ("2026-09-01,EUR,USD,0", "line 2.rate"),
        ("2026-09-01,EUR,USD,-1", "line 2.rate"),
        ("2026-09-01,EUR,USD,1e3", "line 2.rate"),
        ("2026-09-01,EUR,USD,NaN", "line 2.rate"),
        ("2026-09-01,EUR,USD", "line 2.rate"),
        ("2026-09-01,EUR,USD,1,5", "line 2"),
        ("2026-09-01,EUR,USD,1\n2026-09-01,EUR,USD,2", "line 3"),
    ],
)
def test_what_is_wrong_with_a_line_is_told(line: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        rates.parse(f"date,base,quote,rate\n{line}\n", "ecb")
    assert refused.value.field == field


@pytest.mark.parametrize("text", ["", "a,b\n", "date,base,quote,rate,more\n", "date,base,quote,rate,rate\n"])
def test_what_is_no_file_of_rates_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="file_invalid"):
        rates.parse(text, "ecb")
