"""What a month as a whole adds to, or takes from, what its sales earned: tiers, milestones and caps.

A function of the month's entries as a set, worked out whenever its files are written: of a draft as if the
month ended now, of a frozen month for ever the same. The rules of a month are those of the version that was
in force when it began, so that none is changed while partners work towards it. Sales count in the month in
whose ledger they were credited first. What is taken back of them later is reckoned again in the month that
books it: the month's figures then are those without it, and the difference is a correction there, linked to
the first.

Figures are reckoned by partner and currency. What tiers and milestones add is pending until the hold of the
month's end is over; what a cap takes, and gives back, is payable money at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction

from chalicelib.domain import ids
from chalicelib.domain.journal import EARNING_KINDS, Account, Entry, Kind
from chalicelib.domain.money import format_major, round_half_away
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.terms import Basis, MonthlyKind, MonthlyRule, Terms, TierMode, in_force

KEPT_MONTHS = 13
"""For how long what is taken back of a month's sales still changes its figures."""

_LAST = timedelta(milliseconds=1)

Whose = tuple[Month, str, str]
"""The month of the sales, the partner, the currency."""


@dataclass(slots=True)
class Sums:
    """What stands of the sales of one event: how many, their amount and their commission, in minor units."""

    count: int = 0
    sale_minor: int = 0
    commission_minor: int = 0

    def add(self, other: "Sums") -> None:
        """Add the other's figures."""
        self.count += other.count
        self.sale_minor += other.sale_minor
        self.commission_minor += other.commission_minor


@dataclass(frozen=True, slots=True)
class Standing:
    """What a rule has booked so far, in whose ledger first, and whether that was released."""

    amount_minor: int = 0
    since: Month | None = None
    released: bool = False


@dataclass(slots=True)
class Monthly:
    """The months whose figures may still change: their sales by event, and what their rules have booked."""

    sales: dict[Whose, dict[str, Sums]] = field(default_factory=dict)
    booked: dict[Whose, dict[str, Standing]] = field(default_factory=dict)

    def copy(self) -> "Monthly":
        """The same, to go on from."""
        return Monthly(
            {
                key: {event: Sums(s.count, s.sale_minor, s.commission_minor) for event, s in sums.items()}
                for key, sums in self.sales.items()
            },
            {key: dict(standing) for key, standing in self.booked.items()},
        )

    def merge(self, other: "Monthly") -> None:
        """Take the sales that the other one has counted into account."""
        for key, sums in other.sales.items():
            for event, each in sums.items():
                self.sales.setdefault(key, {}).setdefault(event, Sums()).add(each)

    def add(self, entry: Entry) -> None:
        """Take an entry of a conversion into account; of those by hand, and others, none."""
        if entry.kind not in EARNING_KINDS or not entry.conversion or entry.by_hand:
            return
        key = entry.sold_in or entry.month, entry.partner, entry.currency
        sums = self.sales.setdefault(key, {}).setdefault(entry.event, Sums())
        sums.add(Sums(entry.counted, entry.sale_minor, entry.commission_minor))


def has_rules(versions: Sequence[Terms]) -> bool:
    """Whether any version of the terms looks at months as a whole."""
    return any(terms.monthly for terms in versions)


def close(
    monthly: Monthly,
    program: Program,
    versions: Sequence[Terms],
    month: Month,
    until: datetime | None = None,
) -> list[Entry]:
    """The month's own entries, in the ledger's order; what they book is noted.

    `monthly` holds what was carried into the month, and all of its entries. What is held until after
    `until` (the month's end, where none is given) is not released yet.
    """
    last = month.end(program.timezone) - _LAST
    reached = min(until, last) if until else last
    entries: list[Entry] = []
    for key in sorted({*monthly.sales, *monthly.booked}, key=lambda whose: (str(whose[0]), *whose[1:])):
        terms = in_force(versions, key[0].start(program.timezone))
        if terms is None or not terms.monthly or _is_past(key[0], month):
            monthly.sales.pop(key, None)
            monthly.booked.pop(key, None)
            continue
        rules = _rules_for(terms, program, key[1], key[2])
        amounts = _reckon(rules, monthly.sales.get(key, {}))
        standing = monthly.booked.setdefault(key, {})
        for name, rule in rules.items():
            line = _Line(program, terms, month, key, name, rule, monthly.sales.get(key, {}))
            standing[name], made = line.book(standing.get(name, Standing()), amounts[name], reached)
            entries += made
    return sorted(entries, key=lambda entry: entry.sort_key)


@dataclass(frozen=True, slots=True)
class _Line:
    """One rule's line for one partner: where it books, and why."""

    program: Program
    terms: Terms
    month: Month
    key: Whose
    name: str
    rule: MonthlyRule
    sales: dict[str, Sums]

    def book(self, before: Standing, amount_minor: int, until: datetime) -> tuple[Standing, list[Entry]]:
        """Where the rule then stands, and the entries that bring it there."""
        made: list[Entry] = []
        released = before.released
        end = self.month.end(self.program.timezone)
        hold_ends = self.key[0].end(self.program.timezone) + timedelta(days=self.terms.hold_days)
        if self.rule.kind is not MonthlyKind.CAP and not released and hold_ends <= until:
            released = True
            if before.amount_minor > 0:
                start = self.month.start(self.program.timezone)
                release = self._entry(Kind.RELEASE, before.amount_minor, before, "hold over")
                made.append(replace(release, booked_at=max(hold_ends, start)))
        change = amount_minor - before.amount_minor
        since = before.since
        if change:
            since = since or self.month
            payable = released or self.rule.kind is MonthlyKind.CAP
            entry = self._entry(Kind.CORRECTION, change, before, self._figures())
            account = Account.PAYABLE if payable else Account.PENDING
            made.append(replace(entry, booked_at=end - _LAST, account=account))
        return Standing(amount_minor, since, released), made

    def _figures(self) -> str:
        sums = _together(self.sales, self.rule.event)
        currency = self.key[2]
        sale, earned = (format_major(a, currency) for a in (sums.sale_minor, sums.commission_minor))
        return f"{sums.count} conversions of {sale} {currency} that earned {earned} {currency}"

    def _entry(self, kind: Kind, amount_minor: int, before: Standing, cause: str) -> Entry:
        sold_in, partner, currency = self.key
        timezone = self.program.timezone
        answers = None
        if before.since and kind is Kind.CORRECTION:
            answers = self._id(Kind.CORRECTION, before.since)
        return Entry(
            id=self._id(kind, self.month),
            program=self.program.id,
            month=self.month,
            shard=self.program.shards,
            kind=kind,
            booked_at=self.month.start(timezone),
            occurred_at=sold_in.end(timezone) - _LAST,
            conversion="",
            order_id="",
            event="monthly",
            partner=partner,
            currency=currency,
            sale_minor=0,
            commission_minor=amount_minor,
            share="1/1",
            terms_version=self.terms.version,
            account=Account.PENDING,
            basis=f"monthly {self.name} of {sold_in}",
            rate=rule_text(self.rule),
            cause=cause,
            reverses=answers,
        )

    def _id(self, kind: Kind, booked_in: Month) -> str:
        sold_in, partner, currency = self.key
        parts = (self.program.id, str(sold_in), str(booked_in), partner, currency, self.name, kind)
        return ids.derive("ent", "monthly", *parts)


def rule_text(rule: MonthlyRule) -> str:
    """The rule in a few words."""
    if rule.kind is MonthlyKind.CAP:
        return f"no more than {rule.amount_minor} a month"
    tiers = ", ".join(f"{_adds(t.rate_bp, t.amount_minor)} from {t.start}" for t in rule.tiers)
    mode = f"{rule.tier_mode} " if rule.kind is MonthlyKind.TIERED else ""
    return f"{mode}by {rule.by}: {tiers}"


def _adds(rate_bp: int | None, amount_minor: int | None) -> str:
    return f"{rate_bp} bp more" if rate_bp is not None else f"{amount_minor} more"


def _rules_for(terms: Terms, program: Program, partner: str, currency: str) -> dict[str, MonthlyRule]:
    """By name, those for the partner in this currency: of each kind and event the most special one."""
    group = terms.attribution.group_of(partner)
    usual = program.settle_in or program.currency
    best: dict[str, MonthlyRule] = {}
    for rule in sorted(terms.monthly, key=lambda rule: (rule.partner is not None, rule.group is not None)):
        is_for = rule.partner in {None, partner} and rule.group in {None, group}
        if is_for and (rule.currency or usual) == currency:
            best[f"{rule.kind} {rule.event or '*'}"] = rule
    return dict(sorted(best.items()))


def _reckon(rules: dict[str, MonthlyRule], sales: dict[str, Sums]) -> dict[str, int]:
    """What each rule comes to, by name. Caps look at the rest: first those of an event, then that of all."""
    amounts: dict[str, int] = {}
    for name, rule in rules.items():
        if rule.kind is not MonthlyKind.CAP:
            amounts[name] = _added(rule, _together(sales, rule.event))
    caps = [(name, rule) for name, rule in rules.items() if rule.kind is MonthlyKind.CAP]
    for name, rule in sorted(caps, key=lambda pair: (pair[1].event is None, pair[0])):
        mine = [n for n in amounts if rule.event in {None, rules[n].event}]
        earned = _together(sales, rule.event).commission_minor + sum(amounts[n] for n in mine)
        amounts[name] = min(0, (rule.amount_minor or 0) - earned)
    return amounts


def _added(rule: MonthlyRule, sums: Sums) -> int:
    reached_minor = sums.count if rule.by is Basis.COUNT else sums.sale_minor
    reached = [tier for tier in rule.tiers if tier.start <= reached_minor and reached_minor > 0]
    if not reached:
        return 0
    if rule.kind is MonthlyKind.MILESTONE:
        return sum(tier.amount_minor or 0 for tier in reached)
    if rule.tier_mode is TierMode.RETROACTIVE:
        last = reached[-1]
        if last.rate_bp is None:
            return (last.amount_minor or 0) * sums.count
        return round_half_away(Fraction(sums.sale_minor * last.rate_bp, 10_000))
    ends = [*(tier.start for tier in reached[1:]), reached_minor]
    added = Fraction(0)
    for tier, end in zip(reached, ends, strict=True):
        each = (
            Fraction(tier.rate_bp, 10_000) if tier.rate_bp is not None else Fraction(tier.amount_minor or 0)
        )
        added += (end - tier.start) * each
    return round_half_away(added)


def _together(sales: dict[str, Sums], event: str | None) -> Sums:
    sums = Sums()
    for name, each in sales.items():
        if event in {None, name}:
            sums.add(each)
    return sums


def _is_past(sold_in: Month, month: Month) -> bool:
    return 12 * (month.year - sold_in.year) + month.number - sold_in.number > KEPT_MONTHS
