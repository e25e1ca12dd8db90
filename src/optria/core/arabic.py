"""Arabic for the plant words that are stored in English: causes, asset types, severities."""

from collections.abc import Mapping

CAUSE_AR: Mapping[str, str] = {
    "Bearing Fault": "عطل في المحمل",
    "Pump Cavitation": "تكهّف المضخة",
    "Valve Leakage": "تسرب الصمام",
    "Rotor Imbalance": "عدم اتزان الدوار",
    "Shaft Misalignment": "عدم محاذاة العمود",
    "Seal Leak": "تسرب مانع التسرب",
    "Suction Blockage": "انسداد السحب",
    "Discharge Blockage": "انسداد الطرد",
    "Valve Stiction": "التصاق الصمام",
    "Exchanger Fouling": "اتساخ المبادل الحراري",
    "Instrumentation Fault": "عطل في أجهزة القياس",
    "Motor Electrical Fault": "عطل كهربائي في المحرك",
    "Compressor Surge": "ارتجاج الضاغط",
    "Utility Loss": "انقطاع الخدمات المساندة",
    "Other": "سبب آخر",
}

TYPE_AR: Mapping[str, str] = {
    "Pump": "المضخة",
    "Compressor": "الضاغط",
    "Turbine": "التوربين",
    "Heat Exchanger": "المبادل الحراري",
    "Separator": "الفاصل",
    "Tank": "الخزان",
    "Valve": "الصمام",
}
