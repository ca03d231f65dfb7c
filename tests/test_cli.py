"""The operator's commands."""

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib import cli
from chalicelib.domain.click import Click, Verdict
from chalicelib.storage.clicks import to_item
from tests import scene
from tests.visiting import NOW, stored_clicks


def a_line(number: int, **changes: Any) -> str:
    click = Click(
        program="acme",
        visitor="abcdefghijklmnop",
        at=NOW,
        nonce=f"{number:06x}",
        link_id="lnk_aaaaaaaaaaaaa",
        code="summer",
        partner="anna",
        verdict=Verdict.HUMAN,
        reason="navigation",
    )
    item = to_item(click, NOW + timedelta(days=30)) | changes
    return json.dumps({"message": "click_spilled", "click": item})


LOG = "\n".join(
    [
        "START RequestId: 1",
        f"2026-10-15T12:00:00.000Z\t{a_line(1)}",
        a_line(2),
        a_line(2),
        a_line(3, expires_at=int(NOW.timestamp())),
        '{"message": "click_spilled", "click": {"pk": 1}}',
        '{"message": "click_spi',
        "END RequestId: 1",
    ]
)


@pytest.mark.parametrize("source", ["file", "-"])
def test_spilled_clicks_are_written_once_whatever_is_around_them(
    stage: Any, clock: Any, tmp_path: Path, monkeypatch: Any, capsys: Any, source: str
) -> None:
    clock.set(NOW)
    log = tmp_path / "log"
    log.write_text(LOG)
    expected = [{"written": 2, "known": 1, "expired": 1, "unreadable": 1}]
    expected.append({"written": 0, "known": 3, "expired": 1, "unreadable": 1})
    for counted in expected:
        monkeypatch.setattr("sys.stdin", io.StringIO(LOG))
        assert cli.main(["replay-clicks", str(log) if source == "file" else "-"]) == 1
        assert json.loads(capsys.readouterr().out) == counted
    assert [click.nonce for click in stored_clicks(stage.stores)] == ["000001", "000002"]


def test_a_log_without_spilled_clicks_is_fine(stage: Any, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("nothing here\n")
    assert cli.main(["replay-clicks", str(log)]) == 0


def test_a_log_that_is_not_there_is_said_so(stage: Any, tmp_path: Path, capsys: Any) -> None:
    assert cli.main(["replay-clicks", str(tmp_path / "none")]) == 1
    assert "none" in capsys.readouterr().err


def test_without_a_command_it_says_what_there_is() -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main([])
    assert stopped.value.code == 2


def test_draft_terms_are_tried_on_a_past_month(stage: Any, clock: Any, tmp_path: Path, capsys: Any) -> None:
    clock.set(scene.AFTER_GRACE)
    shop = scene.make(stage.stores)
    shop.sell(stage.stores, scene.MONTH_START, 10_000)
    draft = tmp_path / "terms.json"
    draft.write_text('{"commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1500}]}')
    assert cli.main(["simulate", shop.program.id, "2026-09", str(draft)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{shop.program.id} 2026-09: 1 of 1 conversions would change"
    assert told[2].split() == ["anna", "EUR", "0.00", "15.00", "15.00"]
    assert any("By the rule " in line and line.endswith("pays 15.00 EUR.") for line in told)
    assert cli.main(["simulate", shop.program.id, "2026-09", str(draft), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"][0]["difference"] == 1_500
    draft.write_text('{"commissions": [{"event": "sale", "kind": "percent", "rate_bp": -1}]}')
    assert cli.main(["simulate", shop.program.id, "2026-09", str(draft)]) == 1
    assert "rate_bp" in capsys.readouterr().err
