"""Files written piece by piece, many at a time, in bounded memory."""

import hashlib
from pathlib import Path

from chalicelib.domain.ledger import Part

_BUFFER_BYTES = 4 << 20


class Spool:
    """Texts by file name, kept in a bounded buffer and appended to their files when it is full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: dict[str, list[str]] = {}
        self._held_bytes = 0
        self._records: dict[str, int] = {}

    def add(self, name: str, text: str) -> None:
        """Append a record to the file."""
        self._pending.setdefault(name, []).append(text)
        self._records[name] = self._records.get(name, 0) + 1
        self._held_bytes += len(text)
        if self._held_bytes >= _BUFFER_BYTES:
            self.flush()

    def append_file(self, name: str, other: "Spool", other_name: str) -> None:
        """Append another spool's file to one of this spool's, piece by piece, and remove it."""
        self.flush()
        other.flush()
        source = self._folder / other_name
        if source.exists():
            with source.open("rb") as reader, (self._folder / name).open("ab") as writer:
                while piece := reader.read(1 << 20):
                    writer.write(piece)
            source.unlink()
        self._records[name] = self._records.get(name, 0) + other._records.get(other_name, 0)

    def flush(self) -> None:
        """Write what the buffer holds."""
        for name, texts in self._pending.items():
            with (self._folder / name).open("ab") as file:
                file.write("".join(texts).encode())
        self._pending.clear()
        self._held_bytes = 0

    def part(self, name: str, *, header_rows: int = 0, rows: int | None = None) -> Part:
        """The finished file, hashed; `rows` where its records are not one a row."""
        self.flush()
        path = self._folder / name
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        counted = self._records[name] - header_rows if rows is None else rows
        return Part(name, digest, path.stat().st_size, counted)
