"""`cli import`, as an operator types it."""

from pathlib import Path
from typing import Any

import pytest

from chalicelib import cli
from tests.capturing import NOW, a_program

TEXT = "Affiliate ID,Email,Name,Status\n7,dan@x.com,Dan,active\n8,,Eve,active\n"


def test_a_dry_run_an_import_and_its_undo(
    stage: Any, clock: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.set(NOW)
    a_program(stage.stores)
    file = tmp_path / "affiliates.csv"
    file.write_text(TEXT)
    asked = ["import", "affiliatewp", str(file), "--program", "acme"]
    assert cli.main([*asked, "--dry-run"]) == 1
    told = capsys.readouterr().out
    assert "partners:          1 to make       0 there already       1 refused" in told
    assert f"refused: {file} line 3: no row tells this partner's e-mail address" in told
    assert "left aside: Status" in told
    assert stage.stores.links.find("7") is None
    assert cli.main(asked) == 1
    import_id = capsys.readouterr().out.split("--undo ")[1].strip()
    assert stage.stores.links.find("7").program == "acme"
    assert cli.main(["import", "affiliatewp", "--program", "acme", "--undo", import_id]) == 0
    assert "partners:          1 taken back" in capsys.readouterr().out


def test_what_is_alike_is_said_once(
    stage: Any, clock: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Customers need a lock in the terms, which these have not; whoever has a promo code stays."""
    clock.set(NOW)
    a_program(stage.stores)
    file = tmp_path / "all.csv"
    rows = [f"p{at}@x.com,{'MANY' + str(at) if at < 13 else ''},cust_{at}" for at in range(14)]
    file.write_text("\n".join(["email,coupon,customer", *rows, "p0@x.com,,", "p1@x.com,,cust_late"]))
    assert cli.main(["import", "plain", str(file), "--program", "acme"]) == 1
    told = capsys.readouterr().out
    assert f"refused: {file} line 2-15, 17: the terms of that day hold no customers" in told
    undo = told.split("--undo ")[1].strip()
    assert cli.main(["import", "plain", "--program", "acme", "--undo", undo]) == 0
    (stays,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("stays: ")]
    assert stays.count("ptn_") == 10
    assert stays.endswith(" and 3 more: a coupon names the partner")


def test_whoever_stops_it_is_told_how_to_go_on(
    stage: Any,
    clock: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock.set(NOW)
    a_program(stage.stores)
    file = tmp_path / "affiliates.csv"
    file.write_text(TEXT)

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("chalicelib.storage.links.Links.create", stopped)
        assert cli.main(["import", "affiliatewp", str(file), "--program", "acme"]) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert cli.main(["import", "affiliatewp", str(file), "--program", "acme"]) == 1
    assert stage.stores.links.find("7").program == "acme"


def test_what_is_owed_is_read_where_it_is_said_to_stand(
    stage: Any, clock: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.set(NOW)
    a_program(stage.stores)
    promoters, referrals = tmp_path / "promoters.csv", tmp_path / "referrals.csv"
    promoters.write_text("Email,Name,Unpaid commissions\ndan@x.com,Dan,1234.50\neve@x.com,Eve,0.50\n")
    referrals.write_text("Promoter email,UID\n")
    asked = ["import", "firstpromoter", str(promoters), str(referrals), "--program", "acme", "--dry-run"]
    assert cli.main(asked) == 0
    told = capsys.readouterr().out
    assert 'no balance was read; if one of Unpaid commissions is it: --columns balance="Unpaid' in told
    assert cli.main([*asked, "--columns", "balance=Unpaid commissions"]) == 0
    told = capsys.readouterr().out
    assert "owed in all: 1235.00 EUR" in told
    assert "no balance was read" not in told


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "name the files to import"),
        (["--undo", "imp_none"], "there is no such import"),
        ([__file__, "--columns", "email"], "--columns takes NAME=COLUMN"),
    ],
)
def test_a_wrong_line_is_refused(
    stage: Any, clock: Any, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    clock.set(NOW)
    a_program(stage.stores)
    assert cli.main(["import", "plain", *more, "--program", "acme"]) == 1
    assert message in capsys.readouterr().err
