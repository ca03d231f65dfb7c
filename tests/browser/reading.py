"""What pages promise to every reader, measured in a real browser."""

from pathlib import Path
from typing import Any

import axe_core_python

from tests.browser.pages import Browser

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
MAX_PAGE_BYTES = 100_000
_PHONE, _DESK = 360, 1280

_RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ['violations']}).then(
  found => done(found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 120)).join(' | '))),
  failure => done([String(failure)]));
"""
_MEASURE = """
const done = arguments[arguments.length - 1];
let shift = 0;
new PerformanceObserver(list => list.getEntries().forEach(entry => { shift += entry.value; }))
  .observe({type: 'layout-shift', buffered: true});
requestAnimationFrame(() => setTimeout(() => {
  const kinds = ['navigation', 'resource'];
  const entries = kinds.flatMap(kind => performance.getEntriesByType(kind));
  done({
    shift,
    bytes: entries.reduce((sum, entry) => sum + Math.max(entry.encodedBodySize, entry.decodedBodySize), 0),
    beyond: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  });
}));
"""


def faults(browser: Browser) -> list[str]:
    """Everything that is wrong with the page that is open: wide and narrow, light and dark."""
    driver = browser.driver
    found: list[str] = []
    for width, scheme in ((_DESK, "light"), (_DESK, "dark"), (_PHONE, "light")):
        _show(driver, width, scheme)
        measured = _measure(driver)
        if measured["shift"] > 0:
            # A page that is painted while it is still read may shift once; one that is built so, always.
            measured = _measure(driver)
        found += [f"{width} {scheme}: {line}" for line in _complaints(measured)]
        driver.execute_script(AXE)
        found += [f"{width} {scheme}: {line}" for line in driver.execute_async_script(_RUN_AXE)]
    _show(driver, _DESK, "light")
    return found + browser.errors()


def _measure(driver: Any) -> dict[str, float]:
    driver.refresh()
    measured: dict[str, float] = driver.execute_async_script(_MEASURE)
    return measured


def _show(driver: Any, width: int, scheme: str) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == _PHONE}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def _complaints(measured: dict[str, float]) -> list[str]:
    said = []
    if measured["shift"] > 0:
        said.append(f"the layout shifts by {measured['shift']}")
    if measured["bytes"] > MAX_PAGE_BYTES:
        said.append(f"the page and what it loads have {measured['bytes']} bytes")
    if measured["beyond"] > 0:
        said.append(f"the page is {measured['beyond']} pixels wider than the screen")
    return said
