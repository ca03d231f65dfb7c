"""The IAB/ABC list of spiders and bots, as those who have a licence get it."""

from datetime import date

import pytest

from chalicelib.domain.bot_list import read

TODAY = date(2026, 10, 15)
INCLUDE = "# valid browsers\nmozilla|1|1\nOpera|1|0|\nnetscape|0|0|10/15/2026\nlynx|0|0|10/16/2026\n"
EXCLUDE = (
    "# spiders\n\nHeadless|1|||2|0|\nxcho|1|bonxcho, Xchofon|0|1|0\nreader/|1||0|2|1|\n"
    "oldbot|0||0|2|0|\nlatebot|0||0|2|0|12/31/2026\ngonebot|0||0|2|0|01/31/2026\n"
)


@pytest.mark.parametrize(
    ("agent", "reason"),
    [
        ("Mozilla/5.0 (X11) Firefox/128.0", None),
        ("mozilla/5.0 headlesschrome", "iab_excluded"),
        ("Some Mozilla/5.0", "iab_no_browser"),
        ("curl/8 opera", None),
        ("Netscape 4", "iab_no_browser"),
        ("Lynx 2.9", None),
        ("Mozilla xcho", "iab_excluded"),
        ("Mozilla Xchofon xcho", None),
        ("Mozilla reader/1", None),
        ("reader/1 opera", "iab_excluded"),
        ("Mozilla oldbot", None),
        ("Mozilla latebot", "iab_excluded"),
        ("Mozilla gonebot", None),
    ],
)
def test_an_agent_is_a_persons_by_both_files(agent: str, reason: str | None) -> None:
    assert read(EXCLUDE, INCLUDE).reason(agent, TODAY) == reason


@pytest.mark.parametrize(
    ("exclude", "include"),
    [
        ("", INCLUDE),
        (EXCLUDE, "# nothing\n"),
        ("bot", INCLUDE),
        ("bot|yes||0|2|0|", INCLUDE),
        ("|1||0|2|0|", INCLUDE),
        ("bot|0||0|2|0|2026-01-01", INCLUDE),
        (EXCLUDE, "mozilla|1|maybe"),
        (EXCLUDE, "<html>please sign in</html>"),
    ],
)
def test_a_file_that_is_none_of_the_list_is_refused(exclude: str, include: str) -> None:
    with pytest.raises(ValueError, match="file"):
        read(exclude, include)
