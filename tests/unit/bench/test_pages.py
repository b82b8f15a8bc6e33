"""The pages that `make bench` writes, against the results that they tell."""

from bench import cost, plot, report, results


def test_the_page_on_performance_tells_the_results_that_are_kept() -> None:
    page = report.PAGE.read_text("utf-8")

    _, _, rest = page.partition(report.BEGIN)
    written, _, _ = rest.partition(report.END)

    assert written.strip() == report.markdown(results.read())


def test_the_plot_draws_the_results_that_are_kept() -> None:
    assert plot.PLOT.read_text("utf-8") == plot.svg(results.read())


def test_the_page_on_cost_is_what_prices_and_results_come_to() -> None:
    assert cost.PAGE.read_text("utf-8") == cost.page(results.read()), "python -m bench.cost"
