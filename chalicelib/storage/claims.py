"""Partners' cases of missing sales, in the catalogue table: under the partner, and under the program."""

from collections.abc import Iterator

from chalicelib.domain.claim import Claim
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.settings import Settings
from chalicelib.storage.codec import Item, compact
from chalicelib.storage.table import Table, transact


class Claims:
    """Every case of the stage."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "catalogue")

    def put(self, claim: Claim) -> None:
        """Keep a case."""
        told_at = format_instant(claim.told_at)
        attributes = compact(
            {
                "job": claim.job,
                "program": claim.program,
                "partner": claim.partner,
                "order_id": claim.order_id,
                "note": claim.note,
                "told_at": told_at,
            }
        )
        keys = (
            {"pk": f"partner#{claim.partner}", "sk": f"claim#{claim.program}#{told_at}#{claim.job}"},
            {"pk": f"program#{claim.program}", "sk": f"claim#{told_at}#{claim.job}"},
        )
        transact([self._table.put_action(key | attributes) for key in keys])

    def of_partner(self, program: str, partner: str) -> Iterator[Claim]:
        """The partner's cases in the program, newest first."""
        items = self._table.query(f"partner#{partner}", prefix=f"claim#{program}#", newest_first=True)
        return map(_read, items)

    def of_program(self, program: str, limit: int, start: Item | None) -> tuple[list[Claim], Item | None]:
        """Some of the program's cases, newest first, and the key to go on from."""
        page = self._table.page(
            "pk",
            "sk",
            f"program#{program}",
            prefix="claim#",
            newest_first=True,
            consistent=True,
            limit=limit,
            start=start,
        )
        return [_read(item) for item in page.items], page.next_key


def _read(item: Item) -> Claim:
    return Claim(
        job=item["job"],
        program=item["program"],
        partner=item["partner"],
        order_id=item["order_id"],
        note=item.get("note", ""),
        told_at=parse_instant(item["told_at"], "told_at"),
    )
