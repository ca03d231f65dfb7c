"""QR codes of links, as PNG and SVG."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.domain import codes
from chalicelib.domain.errors import Invalid, NotFound
from chalicelib.domain.link import LinkState
from chalicelib.services.links import link_unknown, link_urls
from chalicelib.services.targets import find_target
from chalicelib.storage.stores import Stores

LEVELS = ("L", "M", "Q", "H")
"""Error correction of 7, 15, 25 and 30 per cent (ISO/IEC 18004)."""

MIN_SIZE, MAX_SIZE = 64, 2000
MIN_CONTRAST = 4.5
"""Between dark and light, as WCAG 2.2 reckons contrast; scanners want about as much."""

_FILE = re.compile(r"(?P<code>[A-Za-z0-9_-]{1,64})\.(?P<format>png|svg)", re.ASCII)
_COLOUR = re.compile(r"[0-9a-fA-F]{6}", re.ASCII)

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Style:
    """How a QR code is drawn: `size` in pixels, `margin` (the quiet zone) in modules."""

    size: int = 400
    level: str = "M"
    margin: int = 4
    dark: Rgb = (0, 0, 0)
    light: Rgb = (255, 255, 255)


def parse_style(query: Mapping[str, str]) -> Style:
    """The style that these parameters ask for.

    Raises:
        Invalid: `qr_invalid`, naming the parameter.
    """
    unknown = query.keys() - {"size", "level", "margin", "color", "background"}
    if unknown:
        raise Invalid("qr_invalid", "it takes size, level, margin, color and background", min(unknown)[:40])
    level = query.get("level", "M").upper()
    if level not in LEVELS:
        raise Invalid("qr_invalid", f"level is one of {', '.join(LEVELS)}", "level")
    style = Style(
        size=_number(query, "size", 400, MIN_SIZE, MAX_SIZE),
        level=level,
        margin=_number(query, "margin", 4, 2, 20),
        dark=_colour(query, "color", "000000"),
        light=_colour(query, "background", "ffffff"),
    )
    if _luminance(style.dark) >= _luminance(style.light) or contrast(style.dark, style.light) < MIN_CONTRAST:
        raise Invalid(
            "qr_invalid", f"color must be darker than background, by a contrast of {MIN_CONTRAST}", "color"
        )
    return style


def draw(stores: Stores, file: str, style: Style) -> tuple[bytes, str]:
    """The picture of `{code}.png` or `{code}.svg`, and its media type.

    Raises:
        NotFound: `link_unknown`, also where the file is no picture.
        Invalid: `qr_invalid`, where the size leaves less than a pixel for a module.
    """
    match = _FILE.fullmatch(file)
    code = codes.fold(match["code"]) if match else None
    if match is None or code is None:
        raise NotFound("link_unknown", "there is no such picture", "file")
    target, _ = find_target(stores, code)
    if target is None or target.link.state is LinkState.DELETED:
        raise link_unknown()
    matrix = matrix_of(link_urls(stores.settings, target.link)[0], style)
    if match["format"] == "svg":
        return svg(matrix, style), "image/svg+xml"
    return png(matrix, style), "image/png"


def matrix_of(text: str, style: Style) -> list[list[bool]]:
    """The modules of the text, row by row, with the quiet zone."""
    import qrcode
    from qrcode import constants

    level = getattr(constants, f"ERROR_CORRECT_{style.level}")
    drawn = qrcode.QRCode(error_correction=level, border=style.margin)
    drawn.add_data(text)
    drawn.make(fit=True)
    return [[bool(module) for module in row] for row in drawn.get_matrix()]


def svg(matrix: list[list[bool]], style: Style) -> bytes:
    """One path of the dark runs, scaled by the viewer."""
    side = len(matrix)
    path = "".join(
        f"M{start},{y}h{length}v1h-{length}z" for y, row in enumerate(matrix) for start, length in _runs(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{style.size}" height="{style.size}"'
        f' viewBox="0 0 {side} {side}" shape-rendering="crispEdges">'
        f'<rect width="{side}" height="{side}" fill="{_hex(style.light)}"/>'
        f'<path d="{path}" fill="{_hex(style.dark)}"/></svg>'
    ).encode()


def png(matrix: list[list[bool]], style: Style) -> bytes:
    """A picture of exactly the size, in whole pixels a module; what is left over widens the quiet zone.

    Raises:
        Invalid: `qr_invalid`, less than a pixel for a module.
    """
    import png as pypng

    scale = style.size // len(matrix)
    if scale < 1:
        raise Invalid("qr_invalid", f"size must be at least {len(matrix)} for this code", "size")
    before = (style.size - scale * len(matrix)) // 2
    blank = _packed("", style.size)
    rows = [blank] * before
    for row in matrix:
        bits = "0" * before + "".join(("1" if module else "0") * scale for module in row)
        rows += [_packed(bits, style.size)] * scale
    rows += [blank] * (style.size - len(rows))
    writer = pypng.Writer(style.size, style.size, palette=[style.light, style.dark], bitdepth=1)
    picture = io.BytesIO()
    writer.write_packed(picture, rows)
    return picture.getvalue()


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Rgb) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """Start and length of each run of dark modules."""
    text = "".join("1" if module else "0" for module in row)
    return [(run.start(), len(run[0])) for run in re.finditer("1+", text)]


def _packed(bits: str, width: int) -> bytes:
    """A row of one-bit pixels in whole bytes."""
    size = (width + 7) // 8
    return int(bits.ljust(size * 8, "0"), 2).to_bytes(size, "big")


def _number(query: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = query.get(name, str(default))
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else -1
    if not least <= number <= most:
        raise Invalid("qr_invalid", f"{name} is from {least} to {most}", name)
    return number


def _colour(query: Mapping[str, str], name: str, default: str) -> Rgb:
    text = query.get(name, default).removeprefix("#")
    if not _COLOUR.fullmatch(text):
        raise Invalid("qr_invalid", f"{name} is six hex digits, such as 1a2b3c", name)
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


def _hex(colour: Rgb) -> str:
    return "#" + bytes(colour).hex()
