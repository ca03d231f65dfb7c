"""Charts, drawn on the server as SVG by leather: no script, no inline style, coloured by the stylesheet."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from types import ModuleType

from markupsafe import Markup

Point = tuple[str, int, str]
"""A label, a value, and the value as the table beside the chart writes it."""

_LONG_FRACTION = re.compile(r"(\d+\.\d)\d+(?=[^<>]*>)")
"""Inside tags only: the labels between them stay as they are."""

_SIZE = re.compile(r'<svg width="(\d+)" height="(\d+)" version="1.1"')
_SIZES = {"wide": (760, 240, 12), "narrow": (360, 220, 5)}
"""Width, height and labels below: a wide drawing made small is no longer readable on a phone."""


def columns(points: Sequence[Point], shown: Callable[[int], str] = str) -> Markup:
    """Columns over labels, once for wide and once for narrow pages; the stylesheet shows the one that fits.

    `shown` writes a value at the axis. It is hidden from screen readers: the page gives the same numbers in a
    table beside it.
    """
    return Markup("").join(_drawing(points, shown, size) for size in _SIZES)


def _drawing(points: Sequence[Point], shown: Callable[[int], str], size: str) -> Markup:
    leather = _leather()
    width, height, most_labels = _SIZES[size]
    chart = leather.Chart()
    chart.add_columns(
        [(str(place), value) for place, (_, value, _text) in enumerate(points)], fill_color="currentColor"
    )
    step = -(-len(points) // most_labels)
    places = [str(place) for place in range(0, len(points), step)]
    chart.add_x_axis(ticks=places, tick_formatter=lambda place, _index, _count: points[int(place)][0])
    top = _round_up(max((value for _, value, _text in points), default=0))
    chart.add_y_scale(0, top)
    chart.add_y_axis(
        ticks=[0, Decimal(top) / 2, top] if top % 2 == 0 else [0, top],
        tick_formatter=lambda value, _index, _count: shown(int(value)),
    )
    drawn = _LONG_FRACTION.sub(r"\1", chart.to_svg(width=width, height=height))
    start = rf'<svg class="chart chart-{size}" viewBox="0 0 \1 \2" aria-hidden="true" focusable="false"'
    return Markup(_SIZE.sub(start, drawn, count=1))  # noqa: S704 - leather escapes what it writes


def _round_up(value: int) -> int:
    """The next of 1, 2, 4, 6, 8 or 10 times a power of ten, so that the axis ends at a plain number."""
    power: int = 10 ** (len(str(max(value, 1))) - 1)
    return min(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value)


@lru_cache(maxsize=1)
def _leather() -> ModuleType:
    """leather, set once to the page's own font and to no colours of its own."""
    import leather
    from leather import theme

    theme.background_color = "none"
    theme.tick_font_family = "inherit"
    theme.tick_font_size = 12
    theme.tick_font_char_height, theme.tick_font_char_width = 12, 7
    theme.label_color = theme.tick_color = theme.zero_color = "currentColor"
    return leather  # type: ignore[no-any-return]  # it has no types
