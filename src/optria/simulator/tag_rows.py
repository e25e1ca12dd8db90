"""Tags of the demo plant: name, metric, unit, description, range, normal range, decimals, source."""

PLANT_A_ROWS = """
PUMP-001.Temperature | temperature | °C | Casing temperature | 0..100 | 32..45 | 1 | sql
PUMP-001.Pressure | pressure | bar | Discharge pressure | 0..12 | 5.1..6.1 | 2 | sql
PUMP-001.Vibration | vibration | mm/s | Drive-end vibration | 0..25 | 1.2..2.9 | 2 | sql
PUMP-001.Current | current | A | Motor current | 0..120 | 52..65 | 1 | sql
PUMP-001.FT-5001 | flow | m³/h | Cooling water flow | 0..3000 | 1740..1960 | 0 | sql
PUMP-001.PT-5002 | suction_pressure | bar | Suction pressure | 0..4 | 1.0..1.4 | 2 | sql
PUMP-001.TT-5004 | bearing_temperature | °C | Drive-end bearing temperature | 0..150 | 46..64 | 1 | sql
PUMP-001.JT-5005 | power | kW | Electrical power | 0..600 | 262..318 | 1 | sql
PUMP-002.Temperature | temperature | °C | Casing temperature | 0..180 | 98..111 | 1 | sql
PUMP-002.Pressure | pressure | bar | Discharge pressure | 0..100 | 60..68 | 1 | sql
PUMP-002.Vibration | vibration | mm/s | Drive-end vibration | 0..25 | 1.5..3.4 | 2 | sql
PUMP-002.Current | current | A | Motor current | 0..130 | 55..69 | 1 | sql
PUMP-002.FT-5011 | flow | m³/h | Feed water flow | 0..200 | 108..128 | 1 | sql
PUMP-002.PT-5012 | suction_pressure | bar | Suction pressure | 0..6 | 1.9..2.5 | 2 | sql
PUMP-002.TT-5014 | bearing_temperature | °C | Drive-end bearing temperature | 0..150 | 57..75 | 1 | sql
PUMP-002.JT-5015 | power | kW | Electrical power | 0..600 | 280..338 | 1 | sql
COMP-001.Temperature | temperature | °C | Discharge gas temperature | 0..260 | 114..136 | 1 | pi
COMP-001.Pressure | pressure | bar | Discharge pressure | 0..40 | 22.5..25.5 | 2 | pi
COMP-001.Vibration | vibration | mm/s | Radial vibration | 0..25 | 1.8..3.9 | 2 | pi
COMP-001.Current | current | A | Motor current | 0..320 | 146..182 | 1 | pi
COMP-001.FT-5021 | flow | kSm³/h | Gas flow | 0..80 | 38..46 | 1 | pi
COMP-001.PT-5022 | suction_pressure | bar | Suction pressure | 0..16 | 7.6..8.8 | 2 | pi
COMP-001.JT-5025 | power | kW | Electrical power | 0..3200 | 1480..1820 | 0 | pi
COMP-001.TT-5024 | bearing_temperature | °C | Thrust bearing temperature | 0..150 | 65..83 | 1 | pi
COMP-001.ST-5026 | speed | rpm | Shaft speed | 0..12000 | 8550..9250 | 0 | pi
COMP-001.VT-5027 | axial_vibration | mm/s | Axial vibration | 0..25 | 0.7..2.1 | 2 | pi
TURB-001.Temperature | temperature | °C | Inlet steam temperature | 0..600 | 470..500 | 1 | pi
TURB-001.Pressure | pressure | bar | Inlet steam pressure | 0..90 | 58.5..65.5 | 1 | pi
TURB-001.Vibration | vibration | mm/s | Radial vibration | 0..25 | 1.7..3.6 | 2 | pi
TURB-001.Current | current | A | Generator current | 0..1800 | 830..1050 | 0 | pi
TURB-001.ST-5031 | speed | rpm | Shaft speed | 0..4000 | 2985..3015 | 0 | pi
TURB-001.JT-5032 | power | kW | Generated power | 0..25000 | 13800..17200 | 0 | pi
TURB-001.TT-5033 | bearing_temperature | °C | Drive-end bearing temperature | 0..150 | 73..91 | 1 | pi
TURB-001.FT-5034 | flow | t/h | Steam flow | 0..110 | 61..75 | 1 | pi
HX-001.Temperature | temperature | °C | Process outlet temperature | 0..150 | 38..52 | 1 | sql
HX-001.Pressure | pressure | bar | Process outlet pressure | 0..40 | 22..25.2 | 2 | sql
HX-001.Vibration | vibration | mm/s | Tube bundle vibration | 0..20 | 0.2..1.1 | 2 | sql
HX-001.Current | current | A | Water booster motor current | 0..40 | 15..21 | 1 | sql
HX-001.TT-5041 | approach_temperature | °C | Approach temperature | 0..80 | 11..21 | 1 | sql
HX-001.TT-5042 | coolant_temperature | °C | Cooling water supply temperature | 0..60 | 23..35 | 1 | sql
HX-001.FT-5043 | flow | m³/h | Cooling water flow | 0..2000 | 1020..1200 | 0 | sql
"""

PLANT_B_ROWS = """
SEP-001.Temperature | temperature | °C | Separator temperature | 0..120 | 58..67 | 1 | opcua
SEP-001.Pressure | pressure | bar | Separator pressure | 0..60 | 36.8..39.6 | 2 | opcua
SEP-001.Vibration | vibration | mm/s | Inlet piping vibration | 0..20 | 0.4..1.4 | 2 | opcua
SEP-001.Current | current | A | Crude heater current | 0..60 | 18..30 | 1 | opcua
SEP-001.LT-1012 | level | % | Oil level | 0..100 | 45..63 | 1 | opcua
SEP-001.LT-1013 | interface_level | % | Oil-water interface level | 0..100 | 32..48 | 1 | opcua
SEP-001.FT-1010 | flow | m³/h | Liquid from wells | 0..900 | 550..660 | 0 | opcua
SEP-001.AT-1014 | water_cut | % | Water cut | 0..100 | 29..35 | 1 | opcua
LCV-101.ZT-1015 | valve_position | % | Valve position | 0..100 | 38..60 | 1 | opcua
LCV-101.LY-1015 | valve_output | % | Controller output | 0..100 | 38..60 | 1 | opcua
LCV-101.FT-1016 | flow | m³/h | Oil to LP separator | 0..700 | 370..455 | 0 | opcua
PSV-101.FT-1018 | flow | kSm³/h | Relief flow | -1..50 | -0.5..0.5 | 2 | opcua
PSV-101.TT-1019 | temperature | °C | Tail pipe temperature | 0..150 | 22..46 | 1 | opcua
V-102.LT-1021 | level | % | Oil level | 0..100 | 48..68 | 1 | opcua
V-102.PT-1020 | pressure | bar | Separator pressure | 0..6 | 1.95..2.35 | 2 | opcua
V-102.TT-1028 | temperature | °C | Separator temperature | 0..120 | 54..63 | 1 | opcua
PUMP-003.Temperature | temperature | °C | Casing temperature | 0..120 | 54..66 | 1 | opcua
PUMP-003.Pressure | pressure | bar | Discharge pressure | 0..16 | 7.8..9.4 | 2 | opcua
PUMP-003.Vibration | vibration | mm/s | Drive-end vibration | 0..25 | 1.2..2.8 | 2 | opcua
PUMP-003.Current | current | A | Motor current | 0..320 | 150..198 | 1 | opcua
PUMP-003.FT-1031 | flow | m³/h | Oil flow | 0..700 | 365..450 | 0 | opcua
PUMP-003.PT-1032 | suction_pressure | bar | Suction pressure | 0..6 | 2.2..2.8 | 2 | opcua
PUMP-003.TT-1034 | bearing_temperature | °C | Drive-end bearing temperature | 0..150 | 53..71 | 1 | opcua
PUMP-003.JT-1035 | power | kW | Electrical power | 0..200 | 88..116 | 1 | opcua
P-102A.VT-1042 | vibration | mm/s | Drive-end vibration | 0..25 | 0..0.6 | 2 | opcua
P-102A.TT-1043 | bearing_temperature | °C | Drive-end bearing temperature | 0..150 | 22..46 | 1 | opcua
P-102A.IT-1044 | current | A | Motor current | -5..320 | -2..2 | 1 | opcua
P-102A.JT-1046 | power | kW | Electrical power | -10..900 | -4..4 | 1 | opcua
P-102A.FT-4010 | flow | m³/h | Oil flow | -10..700 | -4..4 | 0 | opcua
P-102A.PT-1047 | suction_pressure | bar | Suction pressure | 0..16 | 7.4..9.2 | 2 | opcua
P-102A.PT-1045 | discharge_pressure | bar | Discharge pressure | 0..60 | 7.4..9.2 | 2 | opcua
P-102B.VT-1022 | vibration | mm/s | Drive-end vibration | 0..25 | 1.3..3.1 | 2 | opcua
P-102B.TT-1023 | bearing_temperature | °C | Drive-end bearing temperature | 0..150 | 59..77 | 1 | opcua
P-102B.FT-4011 | flow | m³/h | Oil export flow | 0..700 | 365..450 | 0 | opcua
P-102B.IT-1024 | current | A | Motor current | 0..320 | 166..210 | 1 | opcua
P-102B.PT-1025 | discharge_pressure | bar | Discharge pressure | 0..60 | 39.5..43 | 2 | opcua
P-102B.PT-1027 | suction_pressure | bar | Suction pressure | 0..16 | 7.4..9.2 | 2 | opcua
P-102B.JT-1026 | power | kW | Electrical power | 0..900 | 435..550 | 1 | opcua
P-102B.TT-1030 | temperature | °C | Casing temperature | 0..150 | 55..68 | 1 | opcua
P-102B.TT-1036 | winding_temperature | °C | Motor winding temperature | 0..180 | 73..95 | 1 | opcua
P-102B.LT-1037 | seal_level | % | Seal pot level | 0..100 | 66..78 | 1 | opcua
P-102B.PT-1038 | flush_pressure | bar | Seal flush pressure | 0..20 | 10.6..12.4 | 2 | opcua
P-102B.II-1039 | current_imbalance | % | Phase current imbalance | 0..20 | 0.5..1.8 | 2 | opcua
P-102B.QT-1040 | power_factor | - | Power factor | 0..1 | 0.85..0.89 | 3 | opcua
P-102B.VT-1041 | axial_vibration | mm/s | Axial vibration | 0..25 | 0.5..1.7 | 2 | opcua
P-201.VT-2012 | vibration | mm/s | Drive-end vibration | 0..25 | 1.4..3.3 | 2 | opcua
P-201.TT-2013 | bearing_temperature | °C | Drive-end bearing temperature | 0..150 | 49..67 | 1 | opcua
P-201.IT-2010 | current | A | Motor current | 0..90 | 35..48 | 1 | opcua
P-201.FT-2014 | flow | m³/h | Produced water flow | 0..350 | 165..220 | 0 | opcua
P-201.PT-2015 | suction_pressure | bar | Suction pressure | 0..8 | 2.8..3.6 | 2 | opcua
P-201.PT-2016 | discharge_pressure | bar | Discharge pressure | 0..16 | 6.7..8.1 | 2 | opcua
P-201.JT-2017 | power | kW | Electrical power | 0..80 | 30..42 | 1 | opcua
T-201.LIT-2011 | level | % | Tank level | 0..100 | 36..56 | 1 | opcua
T-201.TT-2021 | temperature | °C | Tank temperature | 0..100 | 46..58 | 1 | opcua
V-301.PT-3001 | pressure | bar | Scrubber pressure | 0..60 | 36..38.8 | 2 | opcua
V-301.LT-3002 | level | % | Condensate level | 0..100 | 12..24 | 1 | opcua
V-301.PDT-3004 | differential_pressure | bar | Demister differential pressure | 0..1 | 0.06..0.18 | 3 | opcua
COMP-002.Temperature | temperature | °C | Lube oil temperature | 0..150 | 46..62 | 1 | opcua
COMP-002.Pressure | pressure | bar | Discharge header pressure | 0..120 | 82..89 | 1 | opcua
COMP-002.Vibration | vibration | mm/s | Radial vibration | 0..25 | 2.2..4.0 | 2 | opcua
COMP-002.Current | current | A | Motor current | 0..450 | 206..270 | 1 | opcua
COMP-002.ST-3020 | speed | rpm | Shaft speed | 0..14000 | 9350..10350 | 0 | opcua
COMP-002.FT-3022 | flow | kSm³/h | Suction gas flow | 0..150 | 68..84 | 1 | opcua
COMP-002.PT-3023 | suction_pressure | bar | Suction pressure | 0..60 | 35.8..38.6 | 2 | opcua
COMP-002.PT-3024 | discharge_pressure | bar | Discharge pressure | 0..120 | 82.5..89.5 | 2 | opcua
COMP-002.TT-3025 | suction_temperature | °C | Suction temperature | 0..120 | 53..64 | 1 | opcua
COMP-002.TT-3026 | discharge_temperature | °C | Discharge temperature | 0..250 | 128..154 | 1 | opcua
COMP-002.TT-3027 | bearing_temperature | °C | Thrust bearing temperature | 0..150 | 69..87 | 1 | opcua
COMP-002.VT-3028 | axial_vibration | mm/s | Axial vibration | 0..25 | 0.9..2.4 | 2 | opcua
COMP-002.JT-3029 | power | kW | Electrical power | 0..4500 | 2080..2720 | 0 | opcua
E-302.TT-3032 | temperature | °C | Gas outlet temperature | 0..150 | 44..52 | 1 | opcua
E-302.TT-3033 | approach_temperature | °C | Approach temperature | 0..80 | 9..23 | 1 | opcua
E-302.TT-3034 | coolant_temperature | °C | Cooling air temperature | 0..70 | 25..39 | 1 | opcua
E-302.PDT-3035 | differential_pressure | bar | Tube-side differential pressure | 0..3 | 0.35..0.55 | 3 | opcua
E-302.ZT-3036 | valve_output | % | Cooling controller output | 0..100 | 30..75 | 1 | opcua
E-302.FT-3031 | flow | kSm³/h | Gas export flow | 0..150 | 68..84 | 1 | opcua
FV-302.ZT-3041 | valve_position | % | Valve position | -5..105 | -2..2 | 1 | opcua
FV-302.FY-3041 | valve_output | % | Controller output | -5..105 | -2..2 | 1 | opcua
FV-302.FT-3042 | flow | kSm³/h | Recycle flow | -5..100 | -1..1 | 2 | opcua
"""
