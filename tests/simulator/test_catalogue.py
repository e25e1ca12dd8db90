"""The demo plant describes itself completely and keeps the names of version 1."""

from collections import Counter

import numpy as np
import pytest

from optria.simulator.catalogue import CATALOGUE
from optria.simulator.demo_plant import DemoPlant

V1_ASSETS = ("PUMP-001", "PUMP-002", "COMP-001", "TURB-001", "HX-001", "PUMP-003", "SEP-001", "COMP-002")
V1_METRICS = {"Temperature": "°C", "Pressure": "bar", "Vibration": "mm/s", "Current": "A"}


def test_size() -> None:
    assert len(CATALOGUE.assets) == 18
    assert 80 <= len(CATALOGUE.tags) <= 120
    assert {asset.site for asset in CATALOGUE.assets} == {"PLANT-A", "PLANT-B"}


@pytest.mark.parametrize("asset", V1_ASSETS)
def test_the_tags_of_version_1_are_there(asset: str) -> None:
    for name, unit in V1_METRICS.items():
        tag = CATALOGUE.tag(f"{asset}.{name}")
        assert tag is not None
        assert (tag.asset, tag.metric, tag.unit) == (asset, name.lower(), unit)


def test_names_are_unique_and_an_asset_has_a_metric_once() -> None:
    assert max(Counter(tag.name for tag in CATALOGUE.tags).values()) == 1
    assert max(Counter((tag.asset, tag.metric) for tag in CATALOGUE.tags).values()) == 1


def test_every_asset_has_tags_and_links_join_assets() -> None:
    codes = {asset.code for asset in CATALOGUE.assets}
    assert {tag.asset for tag in CATALOGUE.tags} == codes
    assert {end for link in CATALOGUE.links for end in (link.source, link.target)} <= codes


def test_normal_lies_within_the_engineering_range() -> None:
    for tag in CATALOGUE.tags:
        assert tag.low <= tag.normal_low < tag.normal_high <= tag.high, tag.name


@pytest.mark.clause("D6")
def test_every_protocol_carries_tags() -> None:
    sources = Counter(tag.source for tag in CATALOGUE.tags)
    assert sources["opcua"] > sources["sql"] > sources["pi"] > 10


def test_the_physics_gives_every_tag_a_value_and_no_other() -> None:
    readings = DemoPlant(np.random.default_rng(1)).readings()
    assert set(readings) == {tag.name for tag in CATALOGUE.tags}
