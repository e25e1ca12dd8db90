"""The web application: its routes, guards and error answers in one place."""

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from optria.backtest.stored_jobs import BackTests
from optria.web import api_docs, audit_log, audit_page, demo, errors, health, live, metrics, search
from optria.web.admin import (
    alarms,
    alarms_page,
    maintenance,
    quiet_pages,
    shelvings,
    system,
    system_page,
)
from optria.web.admin.meter import Meter
from optria.web.arrival import Arrival
from optria.web.asset_pages import asset_page, assets_page
from optria.web.assets import asset_links, asset_parts, assets, baselines, series, sites, trends
from optria.web.backtests import backtest
from optria.web.compressed import CompressedPages
from optria.web.config import config_routes, cost_models
from optria.web.connection import Timing
from optria.web.correlation import Correlated
from optria.web.incidents import (
    event_intake,
    events,
    incident_actions,
    incident_engine,
    incident_notes,
    incident_page,
    incident_past,
    incident_recording,
    incident_report,
    incident_seal,
    incident_what_if,
    incidents,
    scoreboard,
)
from optria.web.integrations import (
    integration_demo,
    integration_probes,
    integrations,
    integrations_page,
    mapping_files,
    mappings,
)
from optria.web.limits import BodyLimit, LoginThrottle
from optria.web.metered import HttpFigures, Metered
from optria.web.notices import (
    notification_deliveries,
    notification_preferences,
    notifications,
    notifications_page,
    webhooks,
)
from optria.web.openapi import TITLE, DescribedApp
from optria.web.order_pages import work_order_page
from optria.web.orders import work_order_causes, work_order_moves, work_orders
from optria.web.overview import overview_page
from optria.web.people import (
    account_page,
    auth,
    login_page,
    on_call,
    on_call_overrides,
    on_call_page,
    on_call_rotations,
    own_account,
    tenant_users,
    tenants,
    tenants_page,
    users_page,
)
from optria.web.permits import refuse_undeclared
from optria.web.platform_access import PlatformAccess
from optria.web.readiness import Remembered
from optria.web.rendering import mount_static
from optria.web.rule_pages import rule_routes
from optria.web.security import SameOrigin, SecurityHeaders
from optria.web.services import Services
from optria.web.twin import editor_page, layouts, twin, twin_nodes, twin_page

ROUTERS = (
    health.router,
    metrics.router,
    auth.router,
    audit_log.router,
    own_account.router,
    tenants.router,
    tenant_users.router,
    sites.router,
    asset_links.router,
    asset_parts.router,
    assets.router,
    trends.router,
    assets_page.router,
    asset_page.router,
    event_intake.router,
    events.router,
    incidents.router,
    incident_actions.router,
    incident_engine.router,
    incident_what_if.router,
    work_orders.router,
    work_order_moves.router,
    work_order_causes.router,
    baselines.router,
    on_call.router,
    on_call_rotations.router,
    on_call_overrides.router,
    twin.router,
    layouts.router,
    twin_nodes.router,
    series.router,
    notification_preferences.router,
    notification_deliveries.router,
    notifications.router,
    webhooks.router,
    cost_models.router,
    mapping_files.router,
    mappings.router,
    integration_probes.router,
    integration_demo.router,
    integrations.router,
    *config_routes.ROUTERS,
    *rule_routes.ROUTERS,
    backtest.router,
    demo.router,
    login_page.router,
    overview_page.router,
    search.router,
    editor_page.router,
    twin_page.router,
    incident_page.router,
    incident_recording.router,
    incident_past.router,
    incident_seal.router,
    incident_notes.router,
    incident_report.router,
    work_order_page.router,
    notifications_page.router,
    integrations_page.router,
    users_page.router,
    audit_page.router,
    alarms.router,
    alarms_page.router,
    shelvings.router,
    maintenance.router,
    quiet_pages.router,
    system.router,
    system_page.router,
    tenants_page.router,
    on_call_page.router,
    account_page.router,
    scoreboard.router,
    live.router,
    api_docs.router,
)
"""Every router of the product; a new one is added here by name."""
DEMO_HOSTS = ("127.0.0.1", "localhost")
"""A foreign name that leads to this machine (DNS rebinding) does not reach accounts with known passwords."""


def create_app(services: Services, timing: Timing | None = None) -> FastAPI:
    """The application for uvicorn. Whoever serves it also runs ``app.state.hub.run()`` and
    ``app.state.back_tests.run()``.

    Raises:
        ConfigurationError: when a route does not say who may call it.
    """
    app = DescribedApp(
        title=TITLE,
        version=services.version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.services = services
    app.state.throttle = LoginThrottle()
    app.state.platform_access = PlatformAccess()
    app.state.hub = live.Hub(services, timing)
    app.state.meter = Meter()
    app.state.http_figures = HttpFigures()
    app.state.remembered = Remembered()
    app.state.back_tests = BackTests(services.database, services.settings, services.plants)
    app.add_middleware(CompressedPages)
    app.add_middleware(BodyLimit)
    app.add_middleware(SameOrigin)
    if services.settings.demo:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=DEMO_HOSTS, www_redirect=False)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Metered, figures=app.state.http_figures)
    app.add_middleware(Correlated)
    app.add_middleware(Arrival)
    errors.add_handlers(app)
    for router in ROUTERS:
        app.include_router(router)
    mount_static(app)
    refuse_undeclared(app)
    return app
