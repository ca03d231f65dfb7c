"""Which entries a conversion needs now: its decision and adjustments against what is already booked.

Each cause (the confirmation, a refund, the end of the hold) is an event with a time of its own. Events are
carried out in the order of their times, whenever the job happens to run: a late, early or repeated run
books the same entries, with the same times.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction

from chalicelib.domain import ids
from chalicelib.domain.conversion import Adjustment, Outcome, State
from chalicelib.domain.decision import Credit, Decision
from chalicelib.domain.facts import Facts
from chalicelib.domain.journal import EARNING_KINDS, Account, Books, Entry, Kind
from chalicelib.domain.path import MAX_PARTNERS
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.takings import TAKING, kept_after, reversed_part

MAX_ADJUSTMENTS = 40
"""Adjustments that one conversion takes; with the partners' cap it bounds the record's size."""


MAX_BOOKED_AT_ONCE = 97
"""Entries and gates that one transaction takes: of 100 actions, the conversion and the books need others."""


@dataclass(frozen=True, slots=True)
class Booked:
    """What was booked so far: entries in order, and the adjustments that they have already answered.

    `paid` says through which month a partner was paid in a currency: all that became payable until then.
    """

    entries: tuple[Entry, ...] = ()
    applied: tuple[str, ...] = ()
    paid: Mapping[tuple[str, str], Month] = field(default_factory=dict)

    @property
    def released(self) -> bool:
        """Whether the hold is over and its money was moved."""
        return RELEASED in self.applied

    @property
    def covered(self) -> bool:
        """Whether every entry that made money of it payable stands in a month that was paid."""
        moved = [e for e in self.entries if e.commission_minor > 0 and _makes_payable(e)]
        through = [self.paid.get((e.partner, e.currency)) for e in moved]
        return bool(moved) and all(
            t is not None and e.month <= t for e, t in zip(moved, through, strict=True)
        )

    def earned(self, partner: str, currency: str) -> tuple[int, int]:
        """Sale and commission that stand for this partner, in minor units of the currency."""
        mine = [e for e in self.entries if (e.partner, e.currency) == (partner, currency)]
        earning = [e for e in mine if e.kind in EARNING_KINDS]
        return sum(e.sale_minor for e in earning), sum(e.commission_minor for e in earning)

    def counted(self, partner: str, currency: str) -> int:
        """1 while the sale stands for this partner in part at least, else 0."""
        mine = (e for e in self.entries if (e.partner, e.currency) == (partner, currency))
        return sum(entry.counted for entry in mine)

    def accrual_of(self, partner: str) -> Entry | None:
        """The entry that first credited this partner."""
        return next((e for e in self.entries if e.partner == partner), None)


RELEASED = "!hold"
"""Stands among the applied adjustments once the hold is over; no adjustment can be called so."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """What to book now, where the conversion then stands, and when to look at it again (None: never)."""

    entries: tuple[Entry, ...]
    booked: Booked
    state: State
    due_at: datetime | None


def settle(
    facts: Facts, decision: Decision, booked: Booked, program: Program, books: Books, now: datetime
) -> Settlement:
    """The entries that are missing now, the state that follows, and the next due time.

    A due time that has passed says that there was more to book than one transaction takes.
    """
    clerk = _Clerk(facts, decision, booked, program, books)
    if booked.entries:
        clerk.correct()
    elif clerk.may_accrue():
        clerk.accrue()
    events = clerk.events()
    while events and events[0][0] <= now and clerk.has_room():
        at, adjustment = events.pop(0)
        if adjustment is None:
            clerk.release(at)
        else:
            clerk.reverse(adjustment)
    return Settlement(
        entries=clerk.new_entries,
        booked=clerk.booked,
        state=state_of(facts, decision, clerk.booked),
        due_at=events[0][0] if events else None,
    )


def state_of(facts: Facts, decision: Decision, booked: Booked) -> State:
    """Where the conversion stands. The same for the same facts, in whatever order they arrived."""
    if facts.rejected_at is not None:
        return State.REJECTED
    if facts.report.is_opening:
        return State.APPROVED
    if reversed_part(facts, facts.adjustments) == 1:
        return State.REVERSED
    if decision.outcome is Outcome.UNATTRIBUTED:
        return State.UNATTRIBUTED
    if decision.outcome is Outcome.REJECTED:
        return State.REJECTED
    if decision.outcome is Outcome.HELD:
        return State.HELD
    if not booked.released:
        return State.PENDING
    return State.PAID if booked.covered else State.APPROVED


def _makes_payable(entry: Entry) -> bool:
    earns_payable = entry.kind in EARNING_KINDS and entry.account is Account.PAYABLE
    return entry.kind is Kind.RELEASE or earns_payable


class _Clerk:
    """Books one conversion's entries, one event after another."""

    def __init__(
        self, facts: Facts, decision: Decision, booked: Booked, program: Program, books: Books
    ) -> None:
        self.facts = facts
        self.decision = decision
        self.booked = booked
        self.program = program
        self.books = books
        self.shard = ids.shard_of(facts.id, program.shards)
        self._before = len(booked.entries)

    @property
    def new_entries(self) -> tuple[Entry, ...]:
        """What was booked just now."""
        return self.booked.entries[self._before :]

    def has_room(self) -> bool:
        """Whether one transaction can carry another event, with the gates of all the months it needs."""
        months = {entry.month for entry in self.new_entries}
        return len(self.new_entries) + len(months) + MAX_PARTNERS + 1 <= MAX_BOOKED_AT_ONCE

    def may_accrue(self) -> bool:
        return self.decision.outcome is Outcome.RECORDED and self.facts.rejected_at is None

    def accrued_at(self) -> datetime:
        """When the money became the partner's: at the report, or when somebody vouched for or cleared it."""
        told_at = self.facts.report.received_at
        return max(told_at, self.facts.confirmed_at or told_at, self.decision.cleared_at or told_at)

    def release_at(self) -> datetime:
        """The end of the hold; never before the money that it moves was booked."""
        hold_ends = self.facts.effective.occurred_at + timedelta(days=self.decision.hold_days)
        corrected = (entry.booked_at for entry in self.booked.entries if entry.kind is Kind.CORRECTION)
        return max(hold_ends, self.accrued_at(), *corrected)

    def accrue(self) -> None:
        cause = self.facts.effective.event
        for position, credit in enumerate(self.decision.credits):
            amounts = credit.sale_minor, credit.commission_minor
            entry = self._entry(
                Kind.ACCRUAL, credit, self.decision.currency, *amounts, self.accrued_at(), cause
            )
            self._book(replace(entry, first=position == 0))

    def correct(self) -> None:
        """Bring what stands for each partner to what the decision now says, after evidence came late.

        Where nothing may stand any more (nobody earns, it has to wait or was refused), that is nothing.
        """
        targets: dict[tuple[str, str], tuple[int, int]] = {
            (entry.partner, entry.currency): (0, 0) for entry in self.booked.entries
        }
        if self.decision.outcome is Outcome.RECORDED:
            kept = kept_after(self.facts, self.decision, self._applied_adjustments())
            targets |= {(partner, self.decision.currency): target for partner, target in kept.items()}
        named = {credit.partner: credit for credit in self.decision.credits}
        at = max(self.facts.learned_at, self.facts.informed_at or self.facts.learned_at, self.accrued_at())
        for (partner, currency), (sale, commission) in targets.items():
            stands_sale, stands_commission = self.booked.earned(partner, currency)
            moved = (sale, commission) != (stands_sale, stands_commission)
            if moved or self._counts(partner, currency):
                credit = named.get(partner) or self._former_credit(partner)
                change = sale - stands_sale, commission - stands_commission
                self._book(self._entry(Kind.CORRECTION, credit, currency, *change, at, "decided again"))

    def events(self) -> list[tuple[datetime, Adjustment | None]]:
        """What has not been carried out yet, by time; None stands for the end of the hold.

        Nothing happens to what was never booked, has to wait or was refused.
        """
        if not self.booked.entries or self.decision.outcome in {Outcome.HELD, Outcome.REJECTED}:
            return []
        pending: list[tuple[datetime, Adjustment | None]] = [
            (max(a.received_at, self.accrued_at()), a)
            for a in self.facts.adjustments
            if a.kind in TAKING and a.id not in self.booked.applied
        ]
        if not self.booked.released and self.decision.outcome is Outcome.RECORDED:
            pending.append((self.release_at(), None))
        return sorted(
            pending, key=lambda event: (event[0], event[1] is None, event[1].id if event[1] else "")
        )

    def reverse(self, adjustment: Adjustment) -> None:
        applied = self._applied_adjustments()
        before = kept_after(self.facts, self.decision, applied)
        after = kept_after(self.facts, self.decision, [*applied, adjustment])
        self.booked = replace(self.booked, applied=(*self.booked.applied, adjustment.id))
        at = max(adjustment.received_at, self.accrued_at())
        currency = self.decision.currency
        for credit in self.decision.credits:
            sale = after[credit.partner][0] - before[credit.partner][0]
            commission = after[credit.partner][1] - before[credit.partner][1]
            if sale or commission or self._counts(credit.partner, currency):
                cause = f"{adjustment.kind} {adjustment.id}: {adjustment.reason}"
                self._book(self._entry(Kind.REVERSAL, credit, currency, sale, commission, at, cause))

    def release(self, at: datetime) -> None:
        self.booked = replace(self.booked, applied=(*self.booked.applied, RELEASED))
        currency = self.decision.currency
        for credit in self.decision.credits:
            _, commission = self.booked.earned(credit.partner, currency)
            if commission > 0:
                self._book(self._entry(Kind.RELEASE, credit, currency, 0, commission, at, "hold over"))

    def _applied_adjustments(self) -> list[Adjustment]:
        return [a for a in self.facts.adjustments if a.id in self.booked.applied]

    def _counts(self, partner: str, currency: str) -> int:
        """1 where the partner has a part of the sale anew, -1 where it has none any more, else 0."""
        mine = currency == self.decision.currency and self.decision.outcome is Outcome.RECORDED
        named = mine and any(credit.partner == partner for credit in self.decision.credits)
        stands = named and reversed_part(self.facts, self._applied_adjustments()) != 1
        return int(stands) - self.booked.counted(partner, currency)

    def _former_credit(self, partner: str) -> Credit:
        accrual = self.booked.accrual_of(partner)
        if accrual is None:
            raise ValueError(f"{partner} was never credited")
        return Credit(partner, Fraction(0), 0, 0, accrual.basis, accrual.code)

    def _book(self, entry: Entry) -> None:
        self.booked = replace(self.booked, entries=(*self.booked.entries, entry))

    def _entry(
        self,
        kind: Kind,
        credit: Credit,
        currency: str,
        sale_minor: int,
        commission_minor: int,
        at: datetime,
        cause: str,
    ) -> Entry:
        effective = self.facts.effective
        belongs_to = effective.occurred_at if kind is Kind.ACCRUAL else at
        month = self.books.month_for(Month.of(belongs_to, self.program.timezone))
        answers = self.booked.accrual_of(credit.partner) if kind is not Kind.ACCRUAL else None
        changes = kind in {Kind.REVERSAL, Kind.CORRECTION}
        position = str(len(self.booked.entries))
        return Entry(
            id=ids.derive("ent", self.facts.id, kind, credit.partner, position),
            program=self.program.id,
            month=month,
            shard=self.shard,
            kind=kind,
            booked_at=max(at, month.start(self.program.timezone)),
            occurred_at=effective.occurred_at,
            conversion=self.facts.id,
            order_id=effective.order_id,
            event=effective.event,
            partner=credit.partner,
            currency=currency,
            sale_minor=sale_minor,
            commission_minor=commission_minor,
            share=f"{credit.share.numerator}/{credit.share.denominator}",
            terms_version=self.decision.terms_version or 0,
            account=Account.PAYABLE if self.booked.released and kind is not Kind.RELEASE else Account.PENDING,
            basis=credit.basis,
            rate=self.decision.rate_of(credit),
            cause=cause,
            code=credit.code,
            reverses=answers.id if answers and kind is not Kind.RELEASE else None,
            sold_in=answers.month if changes and answers and answers.month != month else None,
            counts=self._counts(credit.partner, currency) if changes else 0,
        )
