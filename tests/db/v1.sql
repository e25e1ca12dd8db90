-- The database of OPTRIA IQ v1 as its application makes it: 28 tables, no history of migrations, and the rows
-- of its demo with the oddities it writes (numbers twice, free-text statuses, categories outside its own list).

CREATE TABLE tenants (
    id serial PRIMARY KEY,
    code varchar(50) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    name_ar varchar(255),
    industry varchar(100),
    status varchar(20),
    settings jsonb,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE assets (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    site_id integer,
    parent_asset_id integer,
    code varchar(100) NOT NULL,
    name varchar(255) NOT NULL,
    name_ar varchar(255),
    asset_type varchar(100),
    manufacturer varchar(255),
    model varchar(255),
    serial_number varchar(255),
    criticality varchar(20),
    production_capacity numeric(15,2),
    production_unit varchar(50),
    install_date date,
    status varchar(50),
    is_active boolean,
    extra_data jsonb,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE alerts (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    asset_id integer REFERENCES assets (id),
    component_id integer,
    alert_type varchar(50) NOT NULL,
    severity varchar(20) NOT NULL,
    title varchar(255) NOT NULL,
    title_ar varchar(255),
    description text,
    status varchar(20),
    acknowledged_by integer,
    acknowledged_at timestamptz,
    resolved_at timestamptz,
    extra_data jsonb,
    created_at timestamptz
);
CREATE TABLE asset_ai_scores (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    asset_id integer NOT NULL REFERENCES assets (id),
    health_score numeric(5,2),
    failure_probability numeric(5,4),
    remaining_useful_life_days integer,
    production_risk_index numeric(5,2),
    anomaly_detected boolean,
    anomaly_details jsonb,
    computed_at timestamptz,
    model_version varchar(50)
);
CREATE TABLE asset_components (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    asset_id integer NOT NULL REFERENCES assets (id),
    parent_component_id integer,
    code varchar(100) NOT NULL,
    name varchar(255) NOT NULL,
    name_ar varchar(255),
    component_type varchar(100),
    criticality varchar(20),
    is_active boolean,
    extra_data jsonb,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE asset_failure_modes (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    asset_id integer NOT NULL REFERENCES assets (id),
    component_id integer,
    code varchar(100) NOT NULL,
    name varchar(255) NOT NULL,
    name_ar varchar(255),
    description text,
    failure_effect text,
    severity integer,
    occurrence integer,
    detection integer,
    mitigation_action text,
    is_active boolean,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE asset_metrics_snapshot (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    asset_id integer NOT NULL REFERENCES assets (id),
    component_id integer,
    metric_name varchar(100) NOT NULL,
    metric_value numeric(20,6),
    unit varchar(50),
    quality varchar(20),
    recorded_at timestamptz NOT NULL,
    source varchar(100),
    created_at timestamptz
);
CREATE TABLE audit_logs (
    id serial PRIMARY KEY,
    tenant_id integer REFERENCES tenants (id),
    user_id integer,
    action varchar(100) NOT NULL,
    entity_type varchar(50),
    entity_id integer,
    old_values jsonb,
    new_values jsonb,
    ip_address varchar(45),
    user_agent text,
    created_at timestamptz
);
CREATE TABLE blackbox_events (
    id uuid PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    asset_id integer REFERENCES assets (id),
    site_id integer,
    source_system varchar(50) NOT NULL,
    source_type varchar(50) NOT NULL,
    source_id varchar(255),
    event_time timestamptz NOT NULL,
    ingest_time timestamptz,
    severity varchar(20),
    event_category varchar(50) NOT NULL,
    summary varchar(500),
    payload jsonb,
    tags varchar[],
    is_processed boolean,
    created_at timestamptz
);
CREATE TABLE blackbox_incident_events (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    incident_id uuid NOT NULL,
    event_id uuid NOT NULL,
    role varchar(20),
    sequence_order integer,
    notes text,
    added_by integer,
    added_at timestamptz
);
CREATE TABLE blackbox_incidents (
    id uuid PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    incident_number varchar(50),
    incident_type varchar(30) NOT NULL,
    status varchar(20) NOT NULL,
    severity varchar(20) NOT NULL,
    title varchar(255),
    description text,
    root_asset_id integer,
    site_id integer,
    impact_scope jsonb,
    start_time timestamptz NOT NULL,
    end_time timestamptz,
    trigger_event_id uuid,
    rca_status varchar(20),
    rca_summary jsonb,
    rca_completed_at timestamptz,
    rca_completed_by integer,
    event_story text,
    event_story_ar text,
    root_cause_scores jsonb,
    recommended_actions jsonb,
    financial_impact_estimate jsonb,
    carbon_impact_estimate jsonb,
    auto_work_order_id integer,
    auto_work_order_created boolean,
    impact_estimate jsonb,
    assigned_to integer,
    resolved_by integer,
    resolved_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE blackbox_rca_rules (
    id serial PRIMARY KEY,
    tenant_id integer REFERENCES tenants (id),
    name varchar(100) NOT NULL,
    description text,
    pattern jsonb NOT NULL,
    root_cause_category varchar(100) NOT NULL,
    confidence numeric(3,2),
    is_active boolean,
    is_system boolean,
    priority integer,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE external_signal_mappings (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    integration_id integer NOT NULL,
    asset_id integer REFERENCES assets (id),
    component_id integer,
    external_tag varchar(255) NOT NULL,
    internal_metric_name varchar(100) NOT NULL,
    unit varchar(50),
    scaling_factor numeric(15,6),
    offset_value numeric(15,6),
    extra_data jsonb,
    is_active boolean,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE integration_action_logs (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    integration_id integer NOT NULL,
    action varchar(50) NOT NULL,
    status varchar(20) NOT NULL,
    message text,
    details jsonb,
    created_at timestamptz
);
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    user_id integer NOT NULL,
    notification_type varchar(50) NOT NULL,
    title varchar(255) NOT NULL,
    title_ar varchar(255),
    body text,
    body_ar text,
    severity varchar(20),
    entity_type varchar(50),
    entity_id varchar(255),
    action_url varchar(500),
    payload jsonb,
    is_read boolean,
    read_at timestamptz,
    is_dismissed boolean,
    dismissed_at timestamptz,
    created_at timestamptz,
    expires_at timestamptz
);
CREATE TABLE optimization_cost_models (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    asset_id integer REFERENCES assets (id),
    site_id integer,
    cost_per_hour_downtime numeric(15,2),
    cost_per_failure numeric(15,2),
    maintenance_cost_preventive numeric(15,2),
    maintenance_cost_corrective numeric(15,2),
    energy_cost_per_unit numeric(15,4),
    production_value_per_unit numeric(15,4),
    currency varchar(10),
    valid_from date,
    valid_to date,
    is_active boolean,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE optimization_recommendations (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    run_id integer NOT NULL,
    scenario_id integer,
    asset_id integer REFERENCES assets (id),
    recommendation_type varchar(50) NOT NULL,
    priority_score numeric(10,4),
    deferral_cost numeric(15,2),
    risk_reduction numeric(10,4),
    action_title varchar(255) NOT NULL,
    action_title_ar varchar(255),
    action_description text,
    recommended_date date,
    assigned_to integer,
    status varchar(20),
    created_at timestamptz
);
CREATE TABLE optimization_runs (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    run_type varchar(50) NOT NULL,
    status varchar(20),
    started_at timestamptz,
    completed_at timestamptz,
    input_parameters jsonb NOT NULL,
    output_summary jsonb,
    error_message text,
    created_by integer,
    created_at timestamptz
);
CREATE TABLE optimization_scenarios (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    run_id integer,
    name varchar(255) NOT NULL,
    name_ar varchar(255),
    description text,
    scenario_type varchar(50),
    parameters jsonb NOT NULL,
    results jsonb,
    total_cost numeric(15,2),
    total_risk_score numeric(10,4),
    is_recommended boolean,
    created_at timestamptz
);
CREATE TABLE sites (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    code varchar(50) NOT NULL,
    name varchar(255) NOT NULL,
    name_ar varchar(255),
    location varchar(255),
    site_type varchar(50),
    latitude numeric(10,8),
    longitude numeric(11,8),
    is_active boolean,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE tenant_cost_models (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    name varchar(255),
    description text,
    default_downtime_cost_per_hour numeric(15,2),
    risk_appetite varchar(20),
    cost_per_asset_family jsonb,
    production_value_per_unit numeric(15,2),
    production_value_per_site jsonb,
    criticality_thresholds jsonb,
    currency varchar(10),
    valid_from timestamptz,
    valid_to timestamptz,
    is_active boolean,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE tenant_identity_providers (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    provider_type varchar(50) NOT NULL,
    name varchar(255) NOT NULL,
    display_name varchar(255),
    client_id varchar(255),
    client_secret text,
    issuer_url varchar(500),
    authority_url varchar(500),
    token_url varchar(500),
    auth_url varchar(500),
    jwks_url varchar(500),
    redirect_uri varchar(500),
    scopes varchar(500),
    domain_allowlist jsonb,
    config jsonb NOT NULL,
    is_active boolean,
    last_sync_at timestamptz,
    last_sync_status varchar(20),
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE tenant_integrations (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    name varchar(255) NOT NULL,
    integration_type varchar(50) NOT NULL,
    config jsonb NOT NULL,
    status varchar(20),
    last_sync_at timestamptz,
    last_sync_status varchar(20),
    last_sync_message text,
    is_active boolean,
    demo_stream_active boolean,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE tenant_onboarding_progress (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    steps jsonb,
    status varchar(20),
    completed_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE twin_layouts (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    site_id integer,
    name varchar(255) NOT NULL,
    description text,
    config jsonb,
    width integer,
    height integer,
    background_image varchar(500),
    background_color varchar(20),
    is_active boolean,
    is_default boolean,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE twin_nodes (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    layout_id integer NOT NULL,
    asset_id integer REFERENCES assets (id),
    node_type varchar(50) NOT NULL,
    label varchar(255),
    position_x integer,
    position_y integer,
    width integer,
    height integer,
    rotation integer,
    icon varchar(100),
    color varchar(20),
    style jsonb,
    parent_node_id integer,
    data_bindings jsonb,
    z_index integer,
    is_visible boolean,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE users (
    id serial PRIMARY KEY,
    tenant_id integer REFERENCES tenants (id),
    email varchar(255) NOT NULL UNIQUE,
    username varchar(100) NOT NULL,
    password_hash varchar(255) NOT NULL,
    role varchar(50) NOT NULL,
    full_name varchar(255),
    full_name_ar varchar(255),
    is_active boolean,
    auth_source varchar(20),
    last_login timestamptz,
    created_at timestamptz,
    updated_at timestamptz
);
CREATE TABLE work_orders (
    id serial PRIMARY KEY,
    tenant_id integer NOT NULL REFERENCES tenants (id),
    asset_id integer REFERENCES assets (id),
    recommendation_id integer,
    incident_id varchar(255),
    code varchar(100) NOT NULL,
    work_order_number varchar(50),
    title varchar(255) NOT NULL,
    title_ar varchar(255),
    description text,
    work_type varchar(50),
    priority varchar(20),
    status varchar(20),
    source varchar(50),
    assigned_to integer,
    scheduled_date date,
    due_date date,
    scheduled_start timestamptz,
    scheduled_end timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    estimated_hours numeric(8,2),
    actual_hours numeric(8,2),
    notes text,
    created_by integer,
    created_at timestamptz,
    updated_at timestamptz
);

INSERT INTO tenants (code, name, industry, status, settings, created_at) VALUES
    ('ARAMCO_DEMO', 'ARAMCO Demo Tenant', 'Oil & Gas', 'active', '{}', now()),
    ('SECOND', 'A second tenant', NULL, 'trial?', NULL, NULL);

INSERT INTO users (tenant_id, email, username, password_hash, role, is_active, auth_source, created_at) VALUES
    (NULL, 'admin@optria.io', 'admin', '$2b$12$v1.hash', 'platform_owner', true, 'local', now()),
    (1, 'demo@aramco.com', 'demo_admin', '$2b$12$v1.hash', 'tenant_admin', true, 'local', now()),
    (1, 'engineer@aramco.com', 'engineer', '$2b$12$v1.hash', 'engineer', true, 'local', now()),
    (2, 'somebody@second.example', 'demo_admin', '$2b$12$v1.hash', 'supervisor', NULL, NULL, NULL);

INSERT INTO sites (tenant_id, code, name, name_ar, is_active, created_at) VALUES
    (1, 'PLANT-A', 'Ras Tanura Refinery', 'مصفاة رأس تنورة', true, now()),
    (1, 'PLANT-B', 'Abqaiq Processing Plant', 'معمل بقيق', true, now()),
    (1, 'PLANT-B', 'The same code again', NULL, NULL, NULL);

INSERT INTO assets (tenant_id, site_id, code, name, asset_type, criticality, status, is_active, created_at) VALUES
    (1, 1, 'PUMP-001', 'Main Cooling Water Pump', 'Pump', 'critical', 'operational', true, now()),
    (1, 1, 'PUMP-002', 'Secondary Feed Pump', 'Pump', 'high', 'operational', true, now()),
    (1, 1, 'COMP-001', 'Gas Compressor Unit 1', 'Compressor', 'critical', 'operational', true, now()),
    (1, 1, 'TURB-001', 'Steam Turbine Generator', 'Turbine', 'critical', 'operational', true, now()),
    (1, 1, 'HX-001', 'Heat Exchanger A', 'Heat Exchanger', 'high', 'operational', true, now()),
    (1, 2, 'PUMP-003', 'Oil Transfer Pump', 'Pump', 'medium', 'operational', true, now()),
    (1, 2, 'SEP-001', 'Gas Oil Separator', 'Separator', 'high', 'operational', true, now()),
    (1, 2, 'COMP-002', 'Boost Compressor', 'Compressor', 'high', 'out of order', true, now());

INSERT INTO tenant_integrations (tenant_id, name, integration_type, config, status, is_active, created_at) VALUES
    (1, 'Demo OPC-UA', 'opcua', '{"endpoint": "opc.tcp://demo-server:4840"}', 'inactive', true, now()),
    (1, 'Demo PI System', 'pi', '{"base_url": "https://demo-pi-server/piwebapi"}', 'inactive', true, now()),
    (1, 'Demo Data Generator', 'demo', '{}', 'streaming', true, now());

INSERT INTO external_signal_mappings
    (tenant_id, integration_id, asset_id, external_tag, internal_metric_name, unit, scaling_factor, offset_value)
SELECT 1, 3, assets.id, assets.code || '.' || initcap(metric), metric, unit, 1, 0
FROM assets, (VALUES ('temperature', '°C'), ('pressure', 'bar'), ('vibration', 'mm/s'), ('current', 'A'))
    AS metrics (metric, unit);

INSERT INTO tenant_cost_models (tenant_id, name, default_downtime_cost_per_hour, cost_per_asset_family, currency)
VALUES (1, 'Standard', 25000, '{"pump": 8000, "compressor": 20000, "turbine": 35000}', 'SAR');

INSERT INTO blackbox_events
    (id, tenant_id, asset_id, source_system, source_type, source_id, event_time, severity, event_category, summary,
     payload, tags, is_processed)
SELECT gen_random_uuid(), 1, 1 + n % 8, (ARRAY['OPC-UA', 'PI_SYSTEM', 'OPTRIA_TWIN', 'MANUAL'])[1 + n % 4],
       'TAG_READING', 'the same id', now() - n * interval '3 hours',
       (ARRAY['INFO', 'WARNING', 'CRITICAL', NULL])[1 + n % 4],
       (ARRAY['SENSOR', 'THRESHOLD', 'ANOMALY', 'PREDICTION'])[1 + n % 4], 'Event ' || n, '{"value": 7.1}',
       ARRAY['demo', 'v1'], n % 2 = 0
FROM generate_series(1, 20) AS n;

INSERT INTO blackbox_incidents
    (id, tenant_id, incident_number, incident_type, status, severity, title, root_asset_id, start_time, rca_status,
     root_cause_scores, created_at)
VALUES
    (gen_random_uuid(), 1, 'INC-ARA-001', 'FAILURE', 'INVESTIGATING', 'MAJOR', 'Vibration', 1, now(), 'PENDING',
     '{"BEARING_FAULT": 1.0}', now()),
    (gen_random_uuid(), 1, 'INC-2025-00003', 'ANOMALY', 'OPEN', 'MINOR', 'Twice', 2, now(), NULL, NULL, NULL),
    (gen_random_uuid(), 1, 'INC-2025-00003', 'ANOMALY', 'parked', 'severe', NULL, NULL, now(), NULL, NULL, NULL);

INSERT INTO blackbox_incident_events (tenant_id, incident_id, event_id, role, sequence_order)
SELECT 1, blackbox_incidents.id, blackbox_events.id, 'SYMPTOM', 1
FROM blackbox_incidents, blackbox_events WHERE incident_number = 'INC-ARA-001';

INSERT INTO blackbox_rca_rules (tenant_id, name, pattern, root_cause_category, confidence, is_active, is_system)
VALUES (NULL, 'Bearing', '{"metric": "vibration"}', 'MECHANICAL_STRESS', 0.85, true, true);

INSERT INTO work_orders (tenant_id, asset_id, incident_id, code, title, priority, status, source, created_at) VALUES
    (1, 1, 'INC-ARA-001', 'WO-BB-2025-00001', 'Bearing', 'emergency', 'open', 'BLACKBOX_AUTO', now()),
    (1, 1, 'INC-ARA-001', 'WO-BB-2025-00001', 'Bearing', 'critical', 'waiting for parts', 'BLACKBOX_AUTO', now()),
    (1, NULL, NULL, 'WO-7', 'By hand', NULL, NULL, NULL, NULL);

INSERT INTO notifications (id, tenant_id, user_id, notification_type, title, is_read, created_at) VALUES
    (gen_random_uuid(), 1, 2, 'WORK_ORDER_CREATED', 'A work order', false, now()),
    (gen_random_uuid(), 1, 2, 'WORK_ORDER_CREATED', 'A work order', NULL, NULL);

INSERT INTO alerts (tenant_id, asset_id, alert_type, severity, title, status) VALUES
    (1, 1, 'threshold', 'critical', 'High vibration', 'open');

INSERT INTO optimization_runs (tenant_id, run_type, status, input_parameters) VALUES (1, 'full', 'completed', '{}');

INSERT INTO optimization_recommendations (tenant_id, run_id, asset_id, recommendation_type, action_title)
VALUES (1, 1, 1, 'repair', 'Replace the bearing');

INSERT INTO twin_layouts (tenant_id, name, config, width, height) VALUES (1, 'Demo', '{}', 1200, 800);

INSERT INTO twin_nodes (tenant_id, layout_id, asset_id, node_type, label, position_x, position_y)
SELECT 1, 1, id, 'pump', name, 10 * id, 20 FROM assets;

INSERT INTO audit_logs (tenant_id, user_id, action) VALUES (1, 2, 'login'), (NULL, 1, 'login');
