"""Which files a published month has, told by the names of its parts."""

import pytest

from chalicelib.services.publishing import Extent


@pytest.mark.parametrize(
    ("names", "extent"),
    [
        ([], Extent(pages=True, payouts=False)),
        (["summary.csv", "payouts.csv"], Extent(pages=True, payouts=True)),
        (["statements/anna.csv"], Extent(pages=False, payouts=False)),
        (["statements/anna.csv", "statements/anna.html", "payouts.csv"], Extent(pages=True, payouts=True)),
    ],
)
def test_a_month_of_an_earlier_version_has_the_files_that_it_had(names: list[str], extent: Extent) -> None:
    assert Extent.of_parts(names) == extent
