"""The pages under ``/rules`` and the quality of the analyses, and the life of a rule."""

from optria.web.rule_pages import (
    backtest_page,
    config_rule_life,
    costs_page,
    limits_page,
    quality_page,
    rules_page,
    settings_pages,
)

ROUTERS = (
    config_rule_life.router,
    rules_page.router,
    limits_page.router,
    settings_pages.router,
    costs_page.router,
    backtest_page.router,
    quality_page.router,
)
