"""Writing a month's ledger: peak memory at a million entries, and seconds per entry as the month grows.

Each size runs in a process of its own, whose whole peak (interpreter included) is counted. The entries are
made up as they are read, as the journal yields them; everything after that is what the close does.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import Measure, Measures
from chalicelib.domain.journal import Account, Entry, Kind
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services import pieces, publishing
from chalicelib.services.pacing import always

FULL, QUICK = 1_000_000, 50_000
ENTRIES_A_PARTNER = 1_000
MONTH = Month(2026, 11)
START = datetime(2026, 11, 1, tzinfo=UTC)


def measure(quick: bool) -> Measures:
    """`close_1m_peak_mb` and `close_growth` (seconds per entry at the full size over a tenth of it)."""
    size = QUICK if quick else FULL
    partners = size // ENTRIES_A_PARTNER
    small_s, _, _ = in_own_process(size // 10, partners)
    large_s, together_s, peak_mb = in_own_process(size, partners)
    return {
        "close_1m_peak_mb": Measure(round(peak_mb, 1), f"MB at {size:,} entries"),
        "close_growth": Measure(round(large_s / size / (small_s / (size // 10)), 3), "ratio"),
        "close_entries_per_s": Measure(round(size / large_s), "1/s"),
        "close_pieces_per_s": Measure(round(size / (large_s - together_s)), "1/s by one writer of pieces"),
        "close_together_per_s": Measure(round(size / together_s), "1/s, pieces put together"),
    }


def in_own_process(entries: int, partners: int) -> tuple[float, float, float]:
    """CPU seconds of writing a month of so many entries of so many partners; those of putting its pieces
    together among them; peak megabytes."""
    command = [sys.executable, __file__, str(entries), str(partners)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, together, megabytes = done.stdout.split()
    return float(seconds), float(together), float(megabytes)


class MadeUpJournal:
    """Yields a shard's entries in the journal's order without holding them."""

    def __init__(self, entries: int, partners: int, shards: int) -> None:
        self._each = entries // shards
        self._partners = partners

    def entries(self, program: str, month: Month, shard: int) -> Iterator[Entry]:
        """Accruals, every tenth answered by a reversal."""
        for number in range(self._each):
            yield an_entry(program, month, shard, number, self._each, self._partners)


def an_entry(program: str, month: Month, shard: int, number: int, of: int, partners: int) -> Entry:
    """The shard's entry of that number; times run through the month."""
    at = START + timedelta(days=29) * number / of
    reverses = number % 10 == 9
    partner = (number - reverses) * 7919 % partners
    amount = 1000 + (number - reverses) % 9000
    sign = -1 if reverses else 1
    return Entry(
        id=f"ent_{shard:02d}{number:024d}",
        program=program,
        month=month,
        shard=shard,
        kind=Kind.REVERSAL if reverses else Kind.ACCRUAL,
        booked_at=at,
        occurred_at=at,
        conversion=f"cnv_{shard:02d}{number - reverses:024d}",
        order_id=f"order-{shard}-{number - reverses}",
        event="sale",
        partner=f"partner-{partner:04d}",
        currency="EUR",
        sale_minor=sign * amount * 10,
        commission_minor=sign * amount,
        share="1/1",
        terms_version=1,
        account=Account.PENDING,
        basis="click AQAAAZqV0jQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        rate="1000 bp",
        cause="refund r1: sent back" if reverses else "sale",
        reverses=f"ent_{shard:02d}{number - 1:024d}" if reverses else None,
        first=not reverses,
    )


def write_month(entries: int, partners: int) -> float:
    """Write all files of a month of so many entries, and drop them; the CPU time when its pieces stood."""
    program = Program("bench", "Bench", ("shop.example",), "EUR", "https://shop.example/", START, "token")
    journal = MadeUpJournal(entries, partners, program.shards)
    stores: Any = SimpleNamespace(journal=journal, catalogue=SimpleNamespace(terms=lambda _: ()))
    opening = publishing.Opening(None, {})
    with TemporaryDirectory() as name:
        held = []
        for shard in range(program.shards):
            rows = journal.entries(program.id, MONTH, shard)
            held.append(pieces.write(Path(name), shard, rows, program, MONTH, always))
        written = time.process_time()
        with publishing.written(stores, program, MONTH, opening, "bench", held=held) as files:
            counted = sum(files.tally.kinds.values())
            if counted != entries // program.shards * program.shards:
                raise RuntimeError(f"{counted} entries were written")
    return written


if __name__ == "__main__":
    started = time.process_time()
    pieces_at = write_month(int(sys.argv[1]), int(sys.argv[2]))
    ended = time.process_time()
    print(ended - started, ended - pieces_at, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
