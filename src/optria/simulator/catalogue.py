"""The demo plant in words: 18 assets of a gas-oil separation train (PLANT-B) and utilities (PLANT-A).

The eight assets, four tags each, of the version 1 demo keep their names; other tags carry ISA-5.1 names.
"""

from optria.core.catalogue import AssetEntry, LinkEntry, PlantCatalogue, SiteEntry, TagEntry
from optria.simulator.tag_rows import PLANT_A_ROWS, PLANT_B_ROWS

SITES = (
    SiteEntry("PLANT-A", "Ras Tanura Refinery", "مصفاة رأس تنورة", "Ras Tanura, Saudi Arabia"),
    SiteEntry("PLANT-B", "Abqaiq Processing Plant", "معمل بقيق للمعالجة", "Abqaiq, Saudi Arabia"),
)


def _b(code: str, name: str, name_ar: str, kind: str, criticality: str, power_kw: float) -> AssetEntry:
    return AssetEntry(code, name, name_ar, kind, "PLANT-B", criticality, None, power_kw)


def _a(code: str, name: str, name_ar: str, kind: str, criticality: str, power_kw: float) -> AssetEntry:
    return AssetEntry(code, name, name_ar, kind, "PLANT-A", criticality, None, power_kw)


ASSETS = (
    _a("PUMP-001", "Main Cooling Water Pump", "مضخة مياه التبريد الرئيسية", "Pump", "critical", 290.0),
    _a("PUMP-002", "Secondary Feed Pump", "مضخة التغذية الثانوية", "Pump", "high", 309.0),
    _a("COMP-001", "Gas Compressor Unit 1", "ضاغط الغاز - الوحدة 1", "Compressor", "critical", 1650.0),
    _a("TURB-001", "Steam Turbine Generator", "مولد التوربين البخاري", "Turbine", "critical", 120.0),
    _a("HX-001", "Heat Exchanger A", "المبادل الحراري أ", "Heat Exchanger", "high", 11.0),
    _b("SEP-001", "Gas Oil Separator", "فاصل الغاز والزيت", "Separator", "high", 15.0),
    _b("LCV-101", "Level Control Valve", "صمام التحكم بالمستوى", "Valve", "medium", 0.5),
    _b("PSV-101", "Relief Valve", "صمام تنفيس الضغط", "Valve", "critical", 0.1),
    _b("V-102", "LP Separator", "فاصل الضغط المنخفض", "Separator", "high", 2.0),
    _b("PUMP-003", "Oil Transfer Pump", "مضخة نقل الزيت", "Pump", "medium", 102.0),
    _b("P-102A", "Crude Export Pump A", "مضخة تصدير الخام أ", "Pump", "high", 494.0),
    _b("P-102B", "Crude Export Pump B", "مضخة تصدير الخام ب", "Pump", "critical", 494.0),
    _b("P-201", "Produced Water Pump", "مضخة المياه المنتجة", "Pump", "medium", 36.0),
    _b("T-201", "Produced Water Tank", "خزان المياه المنتجة", "Tank", "low", 1.0),
    _b("V-301", "Suction Scrubber", "غسالة السحب", "Separator", "medium", 1.0),
    _b("COMP-002", "Boost Compressor", "ضاغط التعزيز", "Compressor", "high", 2400.0),
    _b("E-302", "Aftercooler", "المبرد اللاحق", "Heat Exchanger", "medium", 75.0),
    _b("FV-302", "Anti-surge Valve", "صمام منع التموج", "Valve", "high", 0.5),
)

LINKS = tuple(
    LinkEntry(source, target)
    for source, target in (
        ("SEP-001", "LCV-101"),
        ("SEP-001", "PSV-101"),
        ("SEP-001", "V-301"),
        ("SEP-001", "P-201"),
        ("LCV-101", "V-102"),
        ("V-102", "PUMP-003"),
        ("PUMP-003", "P-102A"),
        ("PUMP-003", "P-102B"),
        ("P-201", "T-201"),
        ("V-301", "COMP-002"),
        ("COMP-002", "E-302"),
        ("E-302", "FV-302"),
        ("FV-302", "V-301"),
        ("PUMP-001", "HX-001"),
        ("COMP-001", "HX-001"),
        ("PUMP-002", "TURB-001"),
    )
)


def _tags(rows: str) -> tuple[TagEntry, ...]:
    return tuple(_tag(line) for line in rows.strip().splitlines())


def _tag(line: str) -> TagEntry:
    name, metric, unit, description, range_, normal, decimals, source = (
        cell.strip() for cell in line.split("|")
    )
    low, high = (float(bound) for bound in range_.split(".."))
    normal_low, normal_high = (float(bound) for bound in normal.split(".."))
    if source not in ("opcua", "pi", "sql"):
        raise ValueError(f"{name}: unknown source {source}")
    return TagEntry(
        name=name,
        asset=name.partition(".")[0],
        metric=metric,
        unit=unit,
        description=description,
        low=low,
        high=high,
        normal_low=normal_low,
        normal_high=normal_high,
        decimals=int(decimals),
        source=source,  # type: ignore[arg-type]  # narrowed above
    )


CATALOGUE = PlantCatalogue(SITES, ASSETS, _tags(PLANT_A_ROWS) + _tags(PLANT_B_ROWS), LINKS)
"""The demo plant: 2 sites, 18 assets, 120 tags."""
