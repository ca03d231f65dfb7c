"""A month of honest partners with nine kinds of attackers among them, looked at by the recommended rules.

Nothing is stored: clicks become counts, sales become facts, and both are looked at by the very rules that run
in the system. Of each kind four attackers take part, from bold to careful. `python -m bench.fraud_month`
prints the table of docs/fraud.md; everything follows from one seed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from chalicelib.domain.click import Verdict
from chalicelib.domain.conversion import Content, CouponMatch, Outcome, Report, Signal, Touch
from chalicelib.domain.counts import Addition, Cell
from chalicelib.domain.decision import decide
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.fraud.settings import Policy, Settings, recommended
from chalicelib.domain.fraud.traffic import by_partner
from chalicelib.domain.program import Method, Program
from chalicelib.domain.terms import Attribution, CommissionRule, Terms

SEED = 20261121
START = datetime(2026, 10, 1, tzinfo=UTC)
DAYS = 30
PROGRAM = Program("bench", "Bench", ("shop.example",), "EUR", "https://shop.example/", START, "token")
TERMS = Terms(
    "bench",
    1,
    START - timedelta(days=90),
    Attribution(),
    30,
    (CommissionRule("sale", "percent", rate_bp=1000), CommissionRule("lead", "flat", amount_minor=500)),
)
POLICY = Policy([Settings("bench", 1, START - timedelta(days=90), recommended())])


@dataclass
class Player:
    """A partner: which kind of attacker it is (None for an honest one), its hits by day, its sales."""

    name: str
    kind: str | None
    hits: dict[tuple[int, Verdict], int] = field(default_factory=dict)
    sales: list[Facts] = field(default_factory=list)
    reversals: int = 0
    chargebacks: int = 0

    def clicks(self, day: int, number: int, verdict: Verdict = Verdict.HUMAN) -> None:
        """Count that many hits on its links on that day."""
        self.hits[day, verdict] = self.hits.get((day, verdict), 0) + number


class Month:
    """Makes the players; every choice is drawn from one seeded source."""

    def __init__(self) -> None:
        self.random = Random(SEED)
        self.players: list[Player] = []
        self._orders = 0

    def add(self, kind: str | None, name: str) -> Player:
        """A new partner."""
        player = Player(name, kind)
        self.players.append(player)
        return player

    def moment(self, day: int) -> datetime:
        """Some time of that day."""
        return START + timedelta(days=day, seconds=self.random.uniform(8 * 3600, 23 * 3600))

    def delay_s(self) -> float:
        """From click to sale as people buy: minutes to days, half of them within half an hour."""
        return max(45.0, self.random.lognormvariate(7.5, 1.6))

    def touch(self, partner: str | None, at: datetime, *marks: str) -> Touch:
        """A click; one in two hundred comes through a company's or a VPN's rented servers."""
        if not marks and self.random.random() < 0.005:
            marks = ("asn:16509",)
        channel = "partner" if partner else "search"
        click = f"{partner}-{at.timestamp()}-{self.random.random()}"
        return Touch(click, at, partner, "code", channel, "click_id", marks=marks)

    def sell(
        self,
        player: Player,
        at: datetime,
        *touches: Touch,
        event: str = "sale",
        coupon: str | None = None,
        signals: tuple[Signal, ...] = (),
    ) -> None:
        """A sale, or another event, after these touches."""
        self._orders += 1
        amount = 0 if event == "lead" else int(self.random.lognormvariate(8.7, 0.7))
        report = Report(
            "bench", event, f"o-{self._orders}", Content(amount, "EUR"), Method.API, at, at, confirmed=True
        )
        coupons = (CouponMatch(coupon, player.name),) if coupon else ()
        ordered = tuple(sorted(touches, key=lambda touch: touch.at))
        player.sales.append(Facts(f"cnv-{self._orders}", report, at, None, ordered, coupons, signals=signals))

    def usual_sale(self, player: Player, day: int, chance_of_earlier: float = 0.08) -> None:
        """Somebody clicks and buys; now and then an honest partner had brought them before."""
        at = self.moment(day)
        touches = [self.touch(player.name, at - timedelta(seconds=self.delay_s()))]
        if self.random.random() < chance_of_earlier:
            touches.append(self.touch("blog-1", at - timedelta(days=self.random.uniform(1, 9))))
        self.sell(player, at, *touches)

    def returns(self, player: Player, share: float) -> None:
        """That part of its sales comes back."""
        player.reversals += sum(self.random.random() < share for _ in player.sales)


def honest(month: Month) -> None:
    """Sixty partners of the usual kinds, each with its own habits that come close to fraud."""
    random = month.random
    for number in range(30):
        blog = month.add(None, f"blog-{number}")
        rate, daily = random.uniform(0.01, 0.03), random.randint(20, 120)
        for day in range(DAYS):
            _a_day(month, blog, day, daily, rate)
    for number in range(8):
        letter = month.add(None, f"newsletter-{number}")
        for day in range(DAYS):
            _a_day(month, letter, day, 1500 if day % 14 == 6 else 5, random.uniform(0.03, 0.06))
    for number in range(6):
        _podcast(month, month.add(None, f"podcast-{number}"))
    for number in range(6):
        _comparison(month, month.add(None, f"comparison-{number}"))
    for number in range(10):
        social = month.add(None, f"influencer-{number}")
        for day in range(DAYS):
            social.clicks(day, 200, Verdict.BOT)
            _a_day(month, social, day, 100, 0.008)
    for player in month.players:
        month.returns(player, random.uniform(0.04, 0.15))


def _a_day(month: Month, player: Player, day: int, clicks: int, rate: float) -> None:
    number = max(0, int(month.random.gauss(clicks, clicks / 5)))
    player.clicks(day, number)
    player.clicks(day, number // 10, Verdict.BOT)
    for _ in range(_drawn(month.random, number * rate)):
        month.usual_sale(player, day)


def _podcast(month: Month, player: Player) -> None:
    """Listeners type the code; each week's new episode doubles it. Some have clicked on a blog before."""
    for day in range(DAYS):
        player.clicks(day, 3)
        for _ in range(_drawn(month.random, 6 if day % 7 < 2 else 3)):
            at = month.moment(day)
            blog = [month.touch("blog-3", at - timedelta(days=2))] if month.random.random() < 0.1 else []
            month.sell(player, at, *blog, coupon=f"{player.name}-10")


def _comparison(month: Month, player: Player) -> None:
    """Customers compare prices last of all: minutes before they buy, and after others' clicks."""
    random = month.random
    for day in range(DAYS):
        player.clicks(day, 150)
        for _ in range(_drawn(random, 150 * 0.04)):
            at = month.moment(day)
            touches = [month.touch(player.name, at - timedelta(seconds=random.uniform(25, 900)))]
            if random.random() < 0.15:
                touches.append(month.touch("blog-2", at - timedelta(days=random.uniform(1, 9))))
            month.sell(player, at, *touches)


def _drawn(random: Random, mean: float) -> int:
    return int(mean) + (random.random() < mean % 1)


def servers(month: Month, player: Player, care: float) -> None:
    """Robots with a browser's name click and buy with stolen cards; the careful through people's homes."""
    for day in range(DAYS):
        player.clicks(day, 40)
        for _ in range(3):
            at = month.moment(day)
            network = "asn:14061" if month.random.random() > care else "asn:3320"
            month.sell(player, at, month.touch(player.name, at - timedelta(seconds=month.delay_s()), network))


def stuffing(month: Month, player: Player, care: float) -> None:
    """Links in images; a few honest clicks sell. The careful hide them among more clicks."""
    for day in range(DAYS):
        player.clicks(day, int(400 * (1 - care)), Verdict.FORCED)
        _a_day(month, player, day, 60, 0.02)


def flooding(month: Month, player: Player, care: float) -> None:
    """A great many clicks that nobody made, so that some customer's last click is theirs."""
    for day in range(DAYS):
        player.clicks(day, int(20_000 * (1 - care) ** 2))
        for _ in range(2):
            month.usual_sale(player, day)


def injection(month: Month, player: Player, care: float) -> None:
    """A browser extension clicks as the checkout opens; the careful wait."""
    for day in range(DAYS):
        player.clicks(day, 60)
        for _ in range(3):
            at = month.moment(day)
            late = at - timedelta(seconds=month.random.uniform(6, 20) + 60 * care)
            marks = ("own_site",) if month.random.random() < 0.5 else ("asn:3320",)
            earlier = month.touch("blog-4", at - timedelta(days=month.random.uniform(1, 5)))
            month.sell(player, at, earlier, month.touch(player.name, late, *marks))


def self_referral(month: Month, player: Player, care: float) -> None:
    """Buys through its own links for itself; the careful now and then with another address."""
    for day in range(0, DAYS, 2):
        player.clicks(day, 2)
        at = month.moment(day)
        own = Signal("self_email", player.name) if month.random.random() > care else None
        click = month.touch(player.name, at - timedelta(seconds=month.delay_s()))
        month.sell(player, at, click, signals=(own,) if own else ())


def fake_leads(month: Month, player: Player, care: float) -> None:
    """Signs the same few people up again and again; the careful make up new ones."""
    for day in range(DAYS):
        player.clicks(day, 30)
        for _ in range(4):
            at = month.moment(day)
            known = Signal("earlier_orders", None, "2") if month.random.random() > care else None
            click = month.touch(player.name, at - timedelta(seconds=month.random.uniform(20, 90)))
            month.sell(player, at, click, event="lead", signals=(known,) if known else ())


def brand_bidding(month: Month, player: Player, care: float) -> None:
    """Advertises on the brand's name; the careful strip the mark of the advertisement."""
    for day in range(DAYS):
        player.clicks(day, 80)
        for _ in range(8):
            at = month.moment(day)
            mark = "gclid" if month.random.random() > care else "asn:3320"
            month.sell(player, at, month.touch(player.name, at - timedelta(seconds=month.delay_s()), mark))


def poaching(month: Month, player: Player, care: float) -> None:
    """Takes sales of others by a code in the checkout; the careful have their visitors click first."""
    for day in range(DAYS):
        player.clicks(day, 50)
        for _ in range(4):
            at = month.moment(day)
            touches = [month.touch("blog-5", at - timedelta(days=month.random.uniform(0.1, 5)))]
            if month.random.random() < care:
                touches.append(month.touch(player.name, at - timedelta(minutes=4)))
            month.sell(player, at, *touches, coupon=f"{player.name}-5")


def returning(month: Month, player: Player, care: float) -> None:
    """Friends buy and send back after the payout; the careful keep more."""
    for day in range(DAYS):
        player.clicks(day, 30)
        month.usual_sale(player, day)
    month.returns(player, 0.9 - 0.75 * care)
    player.chargebacks = int(len(player.sales) * 0.1 * (1 - care))


ATTACKS: dict[str, Callable[[Month, Player, float], None]] = {
    "robots on rented servers": servers,
    "cookie stuffing": stuffing,
    "click flooding": flooding,
    "injection at checkout": injection,
    "self-referral": self_referral,
    "fake leads": fake_leads,
    "brand bidding": brand_bidding,
    "coupon poaching": poaching,
    "buying and returning": returning,
}
CARE = (0.0, 0.3, 0.6, 0.9)
"""How careful the four attackers of each kind are."""


@dataclass
class Line:
    """What became of a kind: its partners, and their sales.

    Caught are those of whose sales at least half are stopped, remarked those with as many flagged or stopped,
    touched those with a stopped sale at all.
    """

    partners: int = 0
    caught: int = 0
    remarked: int = 0
    sales: int = 0
    stopped: int = 0
    touched: int = 0


def play() -> Month:
    """The month, as its seed has it."""
    month = Month()
    honest(month)
    for kind, attack in ATTACKS.items():
        for number, care in enumerate(CARE):
            player = month.add(kind, f"{kind.replace(' ', '-')}-{number}")
            attack(month, player, care)
            if kind != "buying and returning":
                month.returns(player, 0.08)
    return month


def judge(month: Month) -> dict[str | None, Line]:
    """What the recommended rules make of each kind; None are the honest ones."""
    arms = POLICY.arms(START)
    found: dict[str, set[Action]] = {}
    for traffic in by_partner(_cells(month), f"{START + timedelta(days=DAYS - 1):%Y-%m-%d}"):
        for armed in arms.partner:
            if armed.find(traffic, armed.values):
                found.setdefault(traffic.partner, set()).add(armed.action)
    lines: dict[str | None, Line] = {}
    for player in month.players:
        line = lines.setdefault(player.kind, Line())
        actions = found.get(player.name, set())
        stopped = remarked = 0
        for facts in player.sales:
            decision = decide(facts, PROGRAM, [TERMS], policy=POLICY)
            stops = decision.outcome is not Outcome.RECORDED or Action.HOLD in actions
            stopped += stops
            remarked += stops or bool(actions) or any(not check.passed for check in decision.checks)
        line.partners += 1
        line.sales += len(player.sales)
        line.stopped += stopped
        line.touched += stopped > 0
        line.caught += stopped * 2 >= len(player.sales)
        line.remarked += remarked * 2 >= len(player.sales)
    return lines


def _cells(month: Month) -> Iterator[Addition]:
    for player in month.players:
        for (day, verdict), number in player.hits.items():
            date = f"{START + timedelta(days=day):%Y-%m-%d}"
            yield (
                Cell("bench", "clicks", date, player.name, "code", "partner", str(verdict)),
                {"clicks": number},
            )
        for position, facts in enumerate(player.sales):
            date = f"{facts.report.occurred_at:%Y-%m-%d}"
            cell = Cell("bench", "money", date, player.name, "" if facts.coupons else "code", "partner")
            yield (
                cell,
                {
                    "conversions": 1,
                    "accruals": 1,
                    "reversals": int(position < player.reversals),
                    "chargebacks": int(position < player.chargebacks),
                },
            )


def table(lines: dict[str | None, Line]) -> str:
    """The table of docs/fraud.md."""
    rows = [
        "| attackers | of 4: stopped | remarked only | missed | their sales stopped |",
        "|---|---|---|---|---|",
    ]
    for kind, line in lines.items():
        if kind is not None:
            only = line.remarked - line.caught
            missed = line.partners - line.remarked
            rows.append(f"| {kind} | {line.caught} | {only} | {missed} | {line.stopped} of {line.sales} |")
    good = lines[None]
    rows += [
        "",
        f"Of the {good.partners} honest partners, {good.caught} were stopped as such. Of their {good.sales}",
        f"sales {good.stopped} wait for a look ({good.stopped * 100 / good.sales:.2f} %),",
        f"those of {good.touched} partners.",
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    print(table(judge(play())))
