"""Files that grow by records: hashed as they grow, or many at once in bounded memory."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.domain.ledger import Part

COPIED_BYTES = 1 << 20
"""How much is copied at once."""

_BUFFER_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Bundle:
    """A file of texts by name, one after the other in the names' order: each one's bytes and records."""

    sha256: str
    bytes: int
    index: tuple[tuple[str, int, int], ...]


class Growing:
    """A file that is hashed as it grows."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=COPIED_BYTES)
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._records = 0

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self._bytes

    def write(self, text: str) -> None:
        """Append a record."""
        self.append(text.encode(), 1)

    def append(self, body: bytes, records: int) -> None:
        """Append so many records, which may be a part of one."""
        self._file.write(body)
        self._digest.update(body)
        self._bytes += len(body)
        self._records += records

    def part(self, name: str, *, header_rows: int = 0, rows: int | None = None) -> Part:
        """The finished file; `rows` where its records are not one a row."""
        self._file.close()
        counted = self._records - header_rows if rows is None else rows
        return Part(name, self._digest.hexdigest(), self._bytes, counted)


@dataclass(slots=True)
class Spool:
    """Texts by name, in a bounded buffer that overflows into a file for each name."""

    folder: Path
    pending: dict[str, list[str]] = field(default_factory=dict)
    held_bytes: int = 0
    records: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, text: str) -> None:
        """Append a record to what has this name."""
        self.pending.setdefault(name, []).append(text)
        self.records[name] = self.records.get(name, 0) + 1
        self.held_bytes += len(text)
        if self.held_bytes >= _BUFFER_BYTES:
            self._overflow()

    def _overflow(self) -> None:
        self.folder.mkdir(exist_ok=True)
        for name, texts in self.pending.items():
            with (self.folder / name).open("ab") as file:
                file.write("".join(texts).encode())
        self.pending.clear()
        self.held_bytes = 0

    def bundle(self, path: Path) -> Bundle:
        """Everything, one name after the other; the spool is empty then."""
        into, index, before = Growing(path), [], 0
        for name, records in sorted(self.records.items()):
            kept = self.folder / name
            if kept.exists():
                with kept.open("rb") as file:
                    while body := file.read(COPIED_BYTES):
                        into.append(body, 0)
                kept.unlink()
            into.append("".join(self.pending.pop(name, ())).encode(), records)
            index.append((name, into.size - before, records))
            before = into.size
        part = into.part(path.name)
        return Bundle(part.sha256, part.bytes, tuple(index))
