"""What rules would have stopped in a past month, beside what reviewers said of the same sales."""

from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_SHOWN = 200
"""Sales that the result names; all of them are counted."""


@dataclass(slots=True)
class Score:
    """How many sales a rule would have stopped; how many of those, and of all, reviewers decided and how."""

    stopped: int = 0
    rejected: int = 0
    approved: int = 0
    partners: set[str] = field(default_factory=set)

    @property
    def precision_bp(self) -> int | None:
        """Of the sales that reviewers decided, how many they rejected, in basis points; None without any."""
        reviewed = self.rejected + self.approved
        return self.rejected * 10_000 // reviewed if reviewed else None


@dataclass(frozen=True, slots=True)
class Stopped:
    """A sale that the rules would have stopped."""

    conversion: str
    order_id: str
    partners: tuple[str, ...]
    rules: tuple[str, ...]
    review: str | None


@dataclass(slots=True)
class Trial:
    """The sum over a month's sales, by rule and together."""

    conversions: int = 0
    reviewed: Score = field(default_factory=Score)
    together: Score = field(default_factory=Score)
    by_rule: dict[str, Score] = field(default_factory=dict)
    shown: list[Stopped] = field(default_factory=list)

    def add(
        self,
        conversion: str,
        order_id: str,
        partners: Iterable[str],
        rules: Iterable[str],
        review: str | None,
    ) -> None:
        """Count a sale in: `rules` would have stopped it, `review` is `approved`, `rejected` or None."""
        self.conversions += 1
        earners, names = tuple(sorted(partners)), tuple(dict.fromkeys(rules))
        _count(self.reviewed, earners, review)
        if not names:
            return
        _count(self.together, earners, review)
        for name in names:
            _count(self.by_rule.setdefault(name, Score()), earners, review)
        if len(self.shown) < MAX_SHOWN:
            self.shown.append(Stopped(conversion, order_id, earners, names, review))


def _count(score: Score, partners: tuple[str, ...], review: str | None) -> None:
    score.stopped += 1
    score.rejected += review == "rejected"
    score.approved += review == "approved"
    score.partners.update(partners)
