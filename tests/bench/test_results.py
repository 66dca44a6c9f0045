"""What `make bench` keeps and says of its figures."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from bench import picture, publishing, results
from bench.echo import Counts
from bench.emulator_load import Measured, dropped
from bench.upstream import answer, echo

RATE = "tokensvc.rate_of_obvious.16"
COST = "tokensvc.cpu_of_obvious.16"


def test_parts_that_did_not_run_keep_their_figures(tmp_path):
    file = tmp_path / "results.json"
    results.keep(file, "rates", {"rounds": 5}, {RATE: 1.23456, "gone": 1})
    results.keep(file, "stall", {"rounds": 1}, {"stall.livez_ms": 12})
    results.keep(file, "rates", {"rounds": 3}, {RATE: 2})
    kept = json.loads(file.read_text())
    assert results.figures_of(kept) == {RATE: 2, "stall.livez_ms": 12}
    assert [kept[part]["rounds"] for part in ("rates", "stall")] == [3, 1]


@pytest.mark.parametrize(
    ("name", "figure", "before", "said"),
    [
        (RATE, 2.6, 2.0, ["≥ 2.5", "met", "+30% better"]),
        (RATE, 2.0, 2.6, ["≥ 2.5", "MISS", "-23% worse"]),
        (COST, 0.5, 0.3, ["≤ 0.4", "MISS", "+67% worse"]),
        (COST, 0.3, 0.5, ["≤ 0.4", "met", "-40% better"]),
        ("echo.tokens_of_others", 0, 0, [" 0  met"]),
        ("echo.tokens_of_others", 1, 0, [" 0  MISS"]),
    ],
)
def test_figure_is_shown_beside_its_goal_and_the_last_result(name, figure, before, said):
    (line,) = results.compare({name: figure}, {name: before})
    assert all(words in line for words in said)


def test_small_change_is_not_called_better_or_worse():
    (line,) = results.compare({RATE: 2.05}, {RATE: 2.0})
    assert line.endswith("+2%")


@pytest.mark.parametrize("name", ["tokensvc.rate.16", "obvious.rate_of_sdk.16"])
def test_absolute_figures_and_those_of_baselines_are_not_compared(name):
    assert results.compare({name: 600.0}, {name: 300.0}) == []


def test_every_goal_has_a_committed_figure():
    assert set(results.GOALS) <= set(results.figures_of(json.loads(results.FILE.read_text())))


def test_documentation_shows_the_committed_results():
    results_kept = json.loads(results.FILE.read_text())
    published = dict(publishing.contents(results_kept))
    assert {file.name for file in published} == {
        *("performance.md", "performance-light.svg", "performance-dark.svg"),
    }
    for file, text in published.items():
        assert file.read_text("utf-8") == text, f"python -m bench.publishing writes {file.name}"


@pytest.mark.parametrize("theme", picture.THEMES)
def test_picture_states_each_ratio(theme):
    drawn = picture.draw({RATE: 2.345, "obvious.rate_of_obvious.16": 1}, theme)
    texts = [each.text for each in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314 - our own
    assert {"2.35", "1.00"} <= set(texts)
    assert "0.40" not in texts


def test_token_of_another_caller_is_counted():
    counts = Counts(wanted=3)
    own = echo("You help Ada.", "handle")
    for name, handle in (("Ada", "handle"), ("Ada", "other"), ("Grace", "handle")):
        counts.add(f"auth_tokens/{own}-1", name, handle)
    assert (counts.minted, counts.others, counts.twice) == (3, 2, 2)


def test_upstream_answers_with_a_length_that_is_its_body_s():
    head, _, body = answer("abc").partition(b"\r\n\r\n")
    assert json.loads(body) == {"name": "auth_tokens/abc"}
    assert f"Content-Length: {len(body)}".encode() in head


def test_answers_that_are_missing_or_cut_short_are_counted():
    whole = Measured(played=[1.9, 2.1, 2.1], utterances=3)
    assert dropped([whole, whole]) == 0
    assert dropped([whole, Measured(played=[1.9, 1.5, 2.1], utterances=3)]) == 1
    assert dropped([whole, Measured(played=[1.9], utterances=3)]) == 2
