"""Agents against lists that others keep: what crawlers call themselves, and what real browsers do."""

import json
from importlib.resources import files

from chalicelib.domain import agents

LEAST_RECALL = 0.98
MOST_FALSE = 0.0


def test_crawlers_of_a_list_kept_by_others_are_recognised() -> None:
    listed = json.loads(files("crawleruseragents").joinpath("crawler-user-agents.json").read_text())
    called = {agent for crawler in listed for agent in crawler["instances"]}
    missed = sorted(agent for agent in called if agents.crawler(agent) is None)
    recall = 1 - len(missed) / len(called)
    print(f"recall {recall:.4f} of {len(called)}")
    assert recall >= LEAST_RECALL, missed


def test_no_browser_of_real_visitors_is_taken_for_a_robot() -> None:
    lines = files("fake_useragent").joinpath("data/browsers.jsonl").read_text().splitlines()
    real = {json.loads(line)["useragent"] for line in lines}
    taken = sorted(agent for agent in real if agents.crawler(agent))
    print(f"false {len(taken)} of {len(real)}")
    assert len(taken) <= MOST_FALSE * len(real), taken
