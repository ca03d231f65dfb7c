"""The diffs that docs/adding.md shows apply to the code as it is, and what they add works."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.blocks import ROOT, matching, snippet

TRIED = """
import json
from datetime import UTC, datetime
from chalicelib.domain.attribution import MODELS
from chalicelib.domain.fraud import RULES
from chalicelib.domain.money import format_major
from chalicelib.domain.payout import FORMATS
from chalicelib.domain.payout.batch import Batch, Facts, Payment, Settings
from chalicelib.domain.period import Month
from chalicelib.services.carts.delivery import Delivery
from chalicelib.services.hooks import SOURCES

assert MODELS["ends"]([1, 2, 3], None, None) == [1, 0, 1]
assert RULES["large_sale"].name == "large_sale"

source, now = SOURCES["our_shop"], datetime.now(UTC)
body = json.dumps({"order": "A-1", "total": "19.90", "click": "token"}).encode()
delivery = Delivery({"authorization": "Bearer secret"}, {}, body, currency="EUR")
assert source.verifies("secret", delivery, now)
assert not source.verifies("other", delivery, now)
(sale,) = source.read(delivery)
assert (sale.order_id, sale.content.amount_minor, sale.click_id) == ("A-1", 1990, "token")

payment = Payment("pay_1", "anna", "EUR", 1250, 0, None, "")
(file,) = FORMATS["by_hand"].files(Batch("acme", Month(2026, 9), Facts("EUR", Settings({}), {}), [payment]))
assert file.text.splitlines()[1] == "pay_1,anna,12.50,EUR"
"""


def test_each_diff_applies_and_works(tmp_path: Path) -> None:
    code = ROOT / "chalicelib"
    shutil.copytree(code, tmp_path / "chalicelib", ignore=shutil.ignore_patterns("__pycache__", "static"))
    diffs = matching("docs/adding.md", "diff")
    assert len(diffs) == 4
    for diff in diffs:
        subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff.text, text=True, check=True)
    subprocess.run([sys.executable, "-c", TRIED], cwd=tmp_path, check=True)
    rule = (tmp_path / "chalicelib/domain/fraud/large_sale.py").read_text()
    assert snippet("docs/fraud.md", "python", "large_sale") in rule
