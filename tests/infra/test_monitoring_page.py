from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from tests.infra import dashboards
from tests.infra.monitoring_page import PAGE, PICTURE, dashboard_picture, monitoring_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.infra.resources import Resources

AGAIN = "write them again: python -m tests.infra.monitoring_page"


def test_the_page_is_what_the_template_and_the_incidents_say(service: Resources) -> None:
    assert PAGE.read_text("utf-8") == monitoring_page(service), AGAIN


def test_the_picture_is_the_dashboard(service: Resources) -> None:
    assert PICTURE.read_text("utf-8") == dashboard_picture(service), AGAIN


def test_the_picture_names_every_widget_and_every_line(service: Resources) -> None:
    texts = {each.text for each in ET.fromstring(PICTURE.read_text("utf-8")).iter() if each.text}  # noqa: S314 - our own file

    for widget in dashboards.widgets(service):
        assert {widget.title, *widget.labels()} <= texts


def test_every_stage_is_watched_alike(services: Mapping[str, Resources]) -> None:
    assert len({monitoring_page(service) for service in services.values()}) == 1
    assert len({dashboard_picture(service) for service in services.values()}) == 1
