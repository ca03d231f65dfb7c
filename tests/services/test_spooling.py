"""Files that grow by records, and many at once in bounded memory."""

import hashlib
from pathlib import Path

import pytest

from chalicelib.services import spooling
from chalicelib.services.spooling import Growing, Spool


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class TestGrowing:
    """A file that knows its hash, size and rows when it is finished."""

    def test_it_is_what_was_written(self, tmp_path: Path) -> None:
        file = Growing(tmp_path / "rows.csv")
        assert file.size == 0
        for text in ("head\n", "é\n"):
            file.write(text)
        file.append(b"two\nmore\n", 2)
        body = "head\né\ntwo\nmore\n".encode()
        assert file.size == len(body)
        part = file.part("rows.csv", header_rows=1)
        assert (part.name, part.sha256, part.bytes, part.rows) == ("rows.csv", sha256(body), 17, 3)
        assert (tmp_path / "rows.csv").read_bytes() == body

    def test_every_record_is_a_row_unless_told_otherwise(self, tmp_path: Path) -> None:
        def part(name: str, **told: int) -> int:
            file = Growing(tmp_path / name)
            file.write("a")
            file.write("b")
            return file.part(name, **told).rows

        assert (part("plain"), part("headed", header_rows=1), part("told", rows=7)) == (2, 1, 7)
        assert part("none", rows=0) == 0


class TestSpool:
    """Texts by name, however much of them fits into memory."""

    @pytest.mark.parametrize("buffer_bytes", [1, 5, 6, 1_000])
    @pytest.mark.parametrize("copied_bytes", [2, 1_000])
    def test_it_comes_out_by_name_whatever_its_buffer_holds(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buffer_bytes: int, copied_bytes: int
    ) -> None:
        monkeypatch.setattr(spooling, "_BUFFER_BYTES", buffer_bytes)
        monkeypatch.setattr(spooling, "COPIED_BYTES", copied_bytes)
        spool = Spool(tmp_path / "spool")
        for name, text in (("ben", "b1,"), ("anna", "a1,"), ("ben", "b2"), ("anna", "a2")):
            spool.add(name, text)
        bundle = spool.bundle(tmp_path / "bundle")
        assert (tmp_path / "bundle").read_bytes() == b"a1,a2b1,b2"
        assert (bundle.sha256, bundle.bytes) == (sha256(b"a1,a2b1,b2"), 10)
        assert bundle.index == (("anna", 5, 2), ("ben", 5, 2))

    @pytest.mark.parametrize(("buffer_bytes", "round"), [(8, [4, 0]), (9, [4, 8, 0]), (12, [4, 8, 0])])
    def test_less_than_its_buffer_is_held_and_no_file_is_left(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buffer_bytes: int, round: list[int]
    ) -> None:
        monkeypatch.setattr(spooling, "_BUFFER_BYTES", buffer_bytes)
        spool = Spool(tmp_path / "spool")
        held = []
        for number in range(9):
            spool.add("anna", f"{number},,,")
            held.append(sum(len(text) for texts in spool.pending.values() for text in texts))
        assert held == (round * 9)[:9]
        assert spool.bundle(tmp_path / "bundle").index == (("anna", 36, 9),)
        assert list((tmp_path / "spool").iterdir()) == []

    def test_what_was_never_too_much_needs_no_folder(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "spool")
        spool.add("anna", "a")
        assert spool.bundle(tmp_path / "bundle").bytes == 1
        assert not (tmp_path / "spool").exists()

    def test_nothing_is_an_empty_bundle(self, tmp_path: Path) -> None:
        bundle = Spool(tmp_path / "spool").bundle(tmp_path / "bundle")
        assert (bundle.sha256, bundle.bytes, bundle.index) == (sha256(b""), 0, ())
