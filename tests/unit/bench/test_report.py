import json

from bench import report
from bench.results import RESULTS


def test_the_page_and_the_plot_show_the_stored_results() -> None:
    results = json.loads(RESULTS.read_text("utf-8"))
    page = report.PAGE.read_text("utf-8")

    assert f"{report.BEGIN}\n\n{report.text(results)}\n\n{report.END}" in page
    assert report.PLOT.read_text("utf-8") == report.svg(results)
