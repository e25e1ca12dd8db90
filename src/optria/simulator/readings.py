"""What the instruments of the demo plant would show: tag name to true value."""

import math

from optria.simulator.train import GasTrain, OilTrain
from optria.simulator.units.machine import Machine
from optria.simulator.units.pump import Pump
from optria.simulator.utilities import Utilities

Readings = dict[str, float]


def oil_readings(oil: OilTrain, pressure_bar: float) -> Readings:
    """SEP-001, LCV-101, V-102, PUMP-003, P-102A, P-201, T-201."""
    pump, water = oil.transfer, oil.water
    return {
        "SEP-001.Temperature": oil.temperature_c,
        "SEP-001.Pressure": pressure_bar,
        "SEP-001.Vibration": 0.8 * (0.6 + 0.4 * oil.wells.liquid / 604.0),
        "SEP-001.Current": oil.heater_a,
        "SEP-001.LT-1012": oil.level,
        "SEP-001.LT-1013": oil.interface,
        "SEP-001.FT-1010": oil.wells.liquid,
        "SEP-001.AT-1014": oil.wells.water_cut * 100.0,
        "LCV-101.ZT-1015": oil.valve.position,
        "LCV-101.LY-1015": oil.valve.output,
        "LCV-101.FT-1016": oil.valve_m3h,
        "V-102.LT-1021": oil.lp_level,
        "V-102.PT-1020": oil.lp_bar,
        "V-102.TT-1028": oil.lp_c,
        "PUMP-003.Temperature": oil.lp_c + pump.casing_rise_k,
        "PUMP-003.Pressure": pump.discharge_bar,
        "PUMP-003.Vibration": pump.machine.vibration,
        "PUMP-003.Current": pump.machine.current_a,
        "PUMP-003.FT-1031": pump.flow,
        "PUMP-003.PT-1032": pump.suction_bar,
        "PUMP-003.TT-1034": pump.machine.bearing_c,
        "PUMP-003.JT-1035": pump.machine.power_kw,
        "P-102A.VT-1042": oil.standby.vibration(oil.export.machine.vibration),
        "P-102A.IT-1044": oil.standby.current_a,
        "P-102A.JT-1046": oil.standby.power_kw,
        "P-102A.FT-4010": 0.0,
        "P-201.VT-2012": water.machine.vibration,
        "P-201.TT-2013": water.machine.bearing_c,
        "P-201.IT-2010": water.machine.current_a,
        "P-201.FT-2014": water.flow,
        "P-201.PT-2015": water.suction_bar,
        "P-201.PT-2016": water.discharge_bar,
        "P-201.JT-2017": water.machine.power_kw,
        "T-201.LIT-2011": oil.tank_level,
        "T-201.TT-2021": oil.tank_c,
    }


def export_readings(oil: OilTrain, ambient_c: float) -> Readings:
    """P-102B, and the pressures and temperature of P-102A that stands by at the same header."""
    pump = oil.export
    machine = pump.machine
    header = pump.suction_bar + pump.suction_loss_bar * pump.x * pump.x
    return {
        "P-102A.TT-1043": ambient_c + oil.standby.bearing_rise_k,
        "P-102A.PT-1047": header,
        "P-102A.PT-1045": header + oil.standby.head_bar,
        "P-102B.VT-1022": machine.vibration,
        "P-102B.TT-1023": machine.bearing_c,
        "P-102B.FT-4011": pump.flow,
        "P-102B.IT-1024": machine.current_a,
        "P-102B.PT-1025": pump.discharge_bar,
        "P-102B.PT-1027": pump.suction_bar,
        "P-102B.JT-1026": machine.power_kw,
        "P-102B.TT-1030": oil.lp_c + pump.casing_rise_k,
        "P-102B.TT-1036": machine.winding_c,
        "P-102B.LT-1037": machine.seal_level,
        "P-102B.PT-1038": machine.flush_bar,
        "P-102B.II-1039": machine.current_imbalance,
        "P-102B.QT-1040": machine.power_factor,
        "P-102B.VT-1041": machine.axial,
    }


def gas_readings(gas: GasTrain, ambient_c: float) -> Readings:
    """PSV-101, V-301, COMP-002, E-302, FV-302."""
    compressor, machine = gas.compressor, gas.compressor.machine
    export = compressor.export * compressor.spec.flow
    load = machine.power_kw / machine.spec.power_kw
    return {
        "PSV-101.FT-1018": gas.relief_flow,
        "PSV-101.TT-1019": gas.tail_pipe_c,
        "V-301.PT-3001": gas.scrubber_bar,
        "V-301.LT-3002": gas.condensate,
        "V-301.PDT-3004": 0.12 * (compressor.export + compressor.recycle) ** 2,
        "COMP-002.Temperature": 54.0 + 8.0 * (load - 1.0) + 0.5 * (ambient_c - 32.0),
        "COMP-002.Pressure": compressor.discharge_bar - 0.4 * compressor.export**2,
        "COMP-002.Vibration": machine.vibration,
        "COMP-002.Current": machine.current_a,
        "COMP-002.ST-3020": compressor.n * compressor.spec.speed_rpm,
        "COMP-002.FT-3022": compressor.flow * compressor.spec.flow,
        "COMP-002.PT-3023": compressor.suction_bar,
        "COMP-002.PT-3024": compressor.discharge_bar,
        "COMP-002.TT-3025": compressor.suction_c,
        "COMP-002.TT-3026": compressor.discharge_c,
        "COMP-002.TT-3027": machine.bearing_c,
        "COMP-002.VT-3028": machine.axial,
        "COMP-002.JT-3029": machine.power_kw,
        "E-302.TT-3032": gas.cooler.outlet_c,
        "E-302.TT-3033": gas.cooler.approach_k,
        "E-302.TT-3034": gas.cooler.coolant_c,
        "E-302.PDT-3035": gas.cooler_drop_bar,
        "E-302.ZT-3036": gas.cooling_output,
        "E-302.FT-3031": export,
        "FV-302.ZT-3041": gas.recycle.position,
        "FV-302.FY-3041": gas.recycle.output,
        "FV-302.FT-3042": gas.recycle_flow,
    }


def utility_readings(utilities: Utilities, ambient_c: float) -> Readings:
    """PUMP-001, PUMP-002, COMP-001, TURB-001, HX-001."""
    compressor, turbine = utilities.compressor, utilities.turbine
    machine = compressor.machine
    water = 36.5 + 0.5 * (ambient_c - 32.0)
    return {
        **_pump_readings("PUMP-001", utilities.cooling, water, ("5001", "5002", "5004", "5005")),
        **_pump_readings("PUMP-002", utilities.feed, 102.5, ("5011", "5012", "5014", "5015")),
        "COMP-001.Temperature": compressor.discharge_c,
        "COMP-001.Pressure": compressor.discharge_bar,
        "COMP-001.Vibration": machine.vibration,
        "COMP-001.Current": machine.current_a,
        "COMP-001.FT-5021": compressor.flow * compressor.spec.flow,
        "COMP-001.PT-5022": compressor.suction_bar,
        "COMP-001.JT-5025": machine.power_kw,
        "COMP-001.TT-5024": machine.bearing_c,
        "COMP-001.ST-5026": compressor.n * compressor.spec.speed_rpm,
        "COMP-001.VT-5027": machine.axial,
        **_turbine_readings(utilities, turbine),
        "HX-001.Temperature": utilities.cooler.outlet_c,
        "HX-001.Pressure": compressor.discharge_bar - utilities.cooler_drop_bar,
        "HX-001.Vibration": 0.6 * math.sqrt(utilities.coolant_m3h / 1110.0),
        "HX-001.Current": 18.0 * (0.5 + 0.5 * utilities.coolant_m3h / 1110.0),
        "HX-001.TT-5041": utilities.cooler.approach_k,
        "HX-001.TT-5042": utilities.cooler.coolant_c,
        "HX-001.FT-5043": utilities.coolant_m3h,
    }


def _turbine_readings(utilities: Utilities, turbine: Machine) -> Readings:
    return {
        "TURB-001.Temperature": utilities.steam_c,
        "TURB-001.Pressure": utilities.steam_bar,
        "TURB-001.Vibration": turbine.vibration,
        "TURB-001.Current": turbine.current_a,
        "TURB-001.ST-5031": utilities.speed_rpm,
        "TURB-001.JT-5032": turbine.power_kw,
        "TURB-001.TT-5033": turbine.bearing_c,
        "TURB-001.FT-5034": utilities.steam_t_h,
    }


def _pump_readings(code: str, pump: Pump, fluid_c: float, loops: tuple[str, str, str, str]) -> Readings:
    machine = pump.machine
    return {
        f"{code}.Temperature": fluid_c + pump.casing_rise_k,
        f"{code}.Pressure": pump.discharge_bar,
        f"{code}.Vibration": machine.vibration,
        f"{code}.Current": machine.current_a,
        f"{code}.FT-{loops[0]}": pump.flow,
        f"{code}.PT-{loops[1]}": pump.suction_bar,
        f"{code}.TT-{loops[2]}": machine.bearing_c,
        f"{code}.JT-{loops[3]}": machine.power_kw,
    }
