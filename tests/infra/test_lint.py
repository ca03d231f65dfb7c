from pathlib import Path

import pytest
from cfnlint.api import lint_file

from infra.build_zip import Package
from infra.project import ROOT


def complaints(template: Path) -> list[str]:
    return [f"{match.rule.id} {match.path}: {match.message}" for match in lint_file(template)]


@pytest.mark.parametrize("template", sorted((ROOT / "infra").glob("*.yaml")), ids=lambda path: path.name)
def test_a_template_of_ours_is_clean(template: Path) -> None:
    assert complaints(template) == []


def test_the_template_of_chalice_is_clean(package: Package) -> None:
    assert complaints(package.template_path) == []


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("edge", "HttpVersion: http2and3", "HttpVersion: http4"),
        ("edge", "!GetAtt Firewall.Arn", "!GetAtt Firewal.Arn"),
        ("edge", "SslSupportMethod: sni-only", "SslSupportMethod: always"),
        ("base", "TreatMissingData: breaching", "TreatMissingData: alarming"),
        ("base", "BillingMode: PAY_PER_REQUEST", "BillingMode: PAY_PER_MONTH"),
        ("base", "!GetAtt ClicksTable.StreamArn", "!GetAtt ClickTable.StreamArn"),
        ("base", "AttributeName: feed_at, KeyType: RANGE", "AttributeName: feed_from, KeyType: RANGE"),
    ],
)
def test_a_fault_is_found(name: str, right: str, wrong: str, tmp_path: Path) -> None:
    text = (ROOT / "infra" / f"{name}.yaml").read_text()
    assert right in text
    planted = tmp_path / "base.yaml"
    planted.write_text(text.replace(right, wrong, 1))
    assert complaints(planted)
