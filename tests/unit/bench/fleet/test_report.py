from bench.fleet.figures import Figure
from bench.fleet.report import BEGIN, END, PAGE, PANELS, svg, text
from bench.fleet.scenarios import SCENARIOS


def test_a_requirement_is_met_if_every_fleet_meets_it() -> None:
    most, least = Figure("at most", 2, 2), Figure("at least", 2, 2, at_least=True)
    by_size = {10: (most, least), 4_000: (most, least._replace(value=1.9))}

    lines = text(dict.fromkeys((each.title for each in SCENARIOS), by_size)).splitlines()

    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert rows[0] == ["situation", "measured", "before", "10", "4,000", "limit", "met"]
    assert rows[2] == [SCENARIOS[0].title, "at most", "", "2", "2", "<= 2", "yes"]
    assert rows[3] == ["", "at least", "", "2", "1.9", ">= 2", "NO"]


def test_the_plot_has_a_bar_for_each_second() -> None:
    plot = svg(dict.fromkeys(PANELS, (0.0, 0.5, 1.0)))

    assert plot.count("<rect") == 3 * len(PANELS)
    assert 'height="150.0"' in plot, "a share of 1 is as high as its panel"


def test_the_page_shows_every_scenario_and_all_requirements_are_met() -> None:
    table = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]

    assert [each.title for each in SCENARIOS if f"| {each.title} " not in table] == []
    assert "| NO " not in table
