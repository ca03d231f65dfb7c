"""QR codes, read by a decoder that shares nothing with the encoder (zxing-cpp)."""

import re
import struct
import zlib
from typing import Any

import pytest
import zxingcpp

from chalicelib.domain.errors import Invalid
from chalicelib.services import qr
from chalicelib.services.qr import Style

URL = "https://go.example.com/summer-26"


def decode(rows: list[bytes]) -> list[str]:
    flat = memoryview(b"".join(rows)).cast("B", (len(rows), len(rows[0])))
    return [found.text for found in zxingcpp.read_barcodes(flat)]


def grey_of_png(data: bytes) -> list[bytes]:
    """The rows of a one-bit PNG with a palette, as luminance (PNG 3rd edition; filter 0 only)."""
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert (depth, kind) == (1, 3)
    chunks = dict(parts(data))
    palette = chunks[b"PLTE"]
    shades = [sum(palette[at : at + 3]) // 3 for at in (0, 3)]
    raw = zlib.decompress(chunks[b"IDAT"])
    stride = (width + 7) // 8 + 1
    rows = []
    for y in range(height):
        row = raw[y * stride : (y + 1) * stride]
        assert row[0] == 0
        bits = "".join(f"{byte:08b}" for byte in row[1:])[:width]
        rows.append(bytes(shades[int(bit)] for bit in bits))
    return rows


def parts(data: bytes) -> Any:
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += 12 + length


def grey_of_svg(data: bytes, scale: int = 6) -> list[bytes]:
    """The one path of the SVG, drawn."""
    text = data.decode()
    side = int(re.search(r'viewBox="0 0 (\d+)', text)[1])  # type: ignore[index]
    dark = [[False] * side for _ in range(side)]
    for x, y, length in re.findall(r"M(\d+),(\d+)h(\d+)v1h-\d+z", text):
        for column in range(int(x), int(x) + int(length)):
            dark[int(y)][column] = True
    shades = [bytes(shade for cell in row for shade in [0 if cell else 255] * scale) for row in dark]
    return [shade for shade in shades for _ in range(scale)]


@pytest.mark.parametrize("level", qr.LEVELS)
@pytest.mark.parametrize("size", [100, 333, 1000])
def test_a_png_of_any_size_and_level_is_read_back(level: str, size: int) -> None:
    style = Style(size=size, level=level)
    data = qr.png(qr.matrix_of(URL, style), style)
    assert struct.unpack(">II", data[16:24]) == (size, size)
    assert decode(grey_of_png(data)) == [URL]


@pytest.mark.parametrize("level", qr.LEVELS)
def test_an_svg_is_read_back(level: str) -> None:
    style = Style(level=level)
    assert decode(grey_of_svg(qr.svg(qr.matrix_of(URL, style), style))) == [URL]


def test_a_coloured_code_is_read_back() -> None:
    style = qr.parse_style({"color": "1a4d8f", "background": "#fff3d6", "size": "400"})
    assert decode(grey_of_png(qr.png(qr.matrix_of(URL, style), style))) == [URL]


def test_the_quiet_zone_is_as_wide_as_asked_for() -> None:
    wide = qr.matrix_of(URL, Style(margin=10))
    assert not any(any(row) for row in wide[:10])
    assert wide[10][10]


@pytest.mark.parametrize(
    "query",
    [
        {"size": "0"},
        {"size": "-1"},
        {"size": "99999"},
        {"size": "1e3"},
        {"size": "٣٠٠"},
        {"level": "Z"},
        {"margin": "1"},
        {"color": "red"},
        {"color": "cccccc"},
        {"color": "ffffff", "background": "000000"},
        {"shape": "round"},
    ],
)
def test_a_code_that_nobody_could_scan_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        qr.parse_style(query)


def test_a_size_without_a_pixel_for_each_module_is_refused() -> None:
    style = Style(size=64, level="H", margin=20)
    with pytest.raises(Invalid):
        qr.png(qr.matrix_of(URL * 3, style), style)


def test_contrast_is_reckoned_as_wcag_does() -> None:
    assert round(qr.contrast((0, 0, 0), (255, 255, 255)), 2) == 21
    assert round(qr.contrast((0x76, 0x76, 0x76), (255, 255, 255)), 2) == 4.54
