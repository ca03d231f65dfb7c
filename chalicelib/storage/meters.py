"""How many requests a subject sent in the present window: counted in this process, shared through `counts`.

A process lets a share of the limit through on its own. Only a subject that sends more costs anything: one
addition, of a whole share, to the count that all processes have in common, whose new total comes back with
it. So an ordinary visitor never causes a write; a flood causes one write a share, and none once its limit is
known to be reached. What may go through too much is a share a process, and twice the limit across the
border of two windows. Time is real time, whatever clock the stage is set to.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.domain.limit import WINDOW_S, Limit
from chalicelib.settings import Settings
from chalicelib.storage.table import Table

MAX_SUBJECTS = 20_000
"""Of a window, the subjects that a process remembers; then it begins anew."""

_KEPT_FOR_S = 3600


@dataclass(slots=True)
class _Meter:
    """What this process let through, up to how many it may without asking, and whether all is over."""

    used: int = 0
    granted: int = 0
    is_over: bool = False


class Meters:
    """The requests of the present window, by limit and subject. Threads share it."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._table = Table(settings, "counts")
        self._clock = clock
        self._lock = threading.Lock()
        self._window = 0
        self._meters: dict[tuple[str, str], _Meter] = {}

    def take(self, limit: Limit, subject: str) -> int | None:
        """Count a request: None where it may go through, else in how many seconds it is worth another try.

        `subject` is stored: an id or a digest, never an address.

        Raises:
            Unavailable: storage is away, and this process can't tell.
        """
        now_s = self._clock()
        window = int(now_s // WINDOW_S)
        meter = self._meter(window, limit, subject)
        with self._lock:
            meter.used += 1
            must_ask = meter.used > meter.granted and not meter.is_over
            if must_ask:
                meter.granted = meter.used - 1 + limit.share
        if must_ask and meter.used > limit.share:
            total = self._add(limit, subject, window, limit.share)
            meter.is_over = total > limit.most
        if not meter.is_over:
            return None
        return max(1, int((window + 1) * WINDOW_S - now_s) + 1)

    def _meter(self, window: int, limit: Limit, subject: str) -> _Meter:
        with self._lock:
            if window != self._window or len(self._meters) >= MAX_SUBJECTS:
                self._window, self._meters = window, {}
            return self._meters.setdefault((limit.name, subject), _Meter())

    def _add(self, limit: Limit, subject: str, window: int, amount: int) -> int:
        pk, sk = f"meter#{limit.name}#{subject}", str(window)
        expires_at = (window + 1) * WINDOW_S + _KEPT_FOR_S
        return self._table.add(pk, sk, "taken", amount, {"expires_at": expires_at})
