"""``/api/config``: what the analysis goes by, read by engineers and changed by administrators."""

from optria.web.config import (
    config_approval,
    config_clocks,
    config_costs,
    config_detectors,
    config_figures,
    config_policy,
    config_rules,
    config_specs,
    config_thresholds,
    config_windows,
)

ROUTERS = (
    config_thresholds.router,
    config_costs.router,
    config_approval.router,
    config_windows.router,
    config_rules.router,
    config_policy.router,
    config_figures.router,
    config_specs.router,
    config_clocks.router,
    config_detectors.router,
)
