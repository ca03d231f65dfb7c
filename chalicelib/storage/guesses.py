"""Which unknown promo codes came from where within an hour, in the `counts` table; kept for two hours."""

from datetime import datetime, timedelta

from chalicelib.settings import Settings
from chalicelib.storage.conditions import Condition, equals
from chalicelib.storage.table import ConditionFailed, Table

_KEPT_FOR = timedelta(hours=2)
_NONE_YET = Condition("attribute_not_exists(#codes)", {"#codes": "codes"}, {})


class Guesses:
    """Unknown codes by program and source; both sides are digests."""

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings, "counts")

    def of(self, program: str, source: str, at: datetime) -> tuple[str, ...]:
        """The codes that came from there in this hour."""
        item = self._table.find(f"guesses#{program}#{source}", _hour(at))
        return tuple(item["codes"]) if item else ()

    def replace(
        self, program: str, source: str, at: datetime, known: tuple[str, ...], codes: tuple[str, ...]
    ) -> bool:
        """Keep these codes instead of the known ones; False where others changed them meanwhile."""
        changes = {"codes": list(codes), "expires_at": int((at + _KEPT_FOR).timestamp())}
        condition = equals("codes", list(known)) if known else _NONE_YET
        try:
            self._table.update(f"guesses#{program}#{source}", _hour(at), changes, condition)
        except ConditionFailed:
            return False
        return True


def _hour(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H}"
