"""The gas-oil separation train of PLANT-B: wells to gas export, oil export and produced water.

Flows are quasi-steady (pump and line curves meet), levels and pressures integrate their imbalance, and
controllers hold them: change one thing and the rest follows.
"""

import math

from optria.simulator.dynamics import Disturbances, Pi, Upsets, clamp, lag
from optria.simulator.operations import Orders
from optria.simulator.train_specs import BOOST_COMPRESSOR, EXPORT_PUMP, TRANSFER_PUMP, WATER_PUMP
from optria.simulator.units.compressor import Compressor
from optria.simulator.units.cooler import Cooler
from optria.simulator.units.pump import Pump, line_flow
from optria.simulator.units.standby import StandbyPump
from optria.simulator.units.valve import ControlValve

LIQUID_M3H, OIL_M3H, WATER_M3H, GAS_KSM3H = 604.0, 412.0, 192.0, 75.8
"""Nominal inflow of the wells and its parts."""
OIL_SHRINKAGE = 406.0 / 412.0
"""What is left of the oil when its gas has flashed in the LP separator."""
SEPARATOR_M3, INTERFACE_M3, LP_M3, TANK_M3 = 100.0, 60.0, 80.0, 900.0
"""Liquid volume between 0 and 100 % level."""
GAS_VOLUME_M3 = 60.0
STATIC_EXPORT_BAR, STATIC_TANK_BAR = 30.0, 1.2


class Wells:
    """What comes from the wells: liquid, water cut, gas, temperature."""

    def __init__(self, upsets: Upsets) -> None:
        self.upsets = upsets
        self.liquid = LIQUID_M3H
        self.gas = GAS_KSM3H
        self.water_cut = WATER_M3H / LIQUID_M3H

    def step(self, gusts: list[float], day: float, choke: float) -> None:
        """`choke` (0-1, more where operators want more) is what the high-level override leaves open."""
        open_share = choke * (1.0 - 0.95 * self.upsets.utility_loss)
        self.liquid = LIQUID_M3H * (1.0 + 0.003 * gusts[0] + 0.01 * day) * open_share
        self.gas = GAS_KSM3H * (1.0 + 0.0025 * gusts[1] + 0.006 * day) * open_share
        self.water_cut = WATER_M3H / LIQUID_M3H + 0.001 * gusts[2] + 0.004 * day


class OilTrain:
    """SEP-001 and its heater; the oil line LCV-101, V-102, PUMP-003, P-102B (P-102A stands by); the water
    line P-201, T-201. Set `orders` for what operators ask."""

    def __init__(self, upsets: dict[str, Upsets]) -> None:
        self.wells = Wells(upsets["SEP-001"])
        self.valve = ControlValve(48.0, upsets["LCV-101"])
        self.transfer = Pump(TRANSFER_PUMP, upsets["PUMP-003"])
        self.export = Pump(EXPORT_PUMP, upsets["P-102B"])
        self.water = Pump(WATER_PUMP, upsets["P-201"])
        machine = EXPORT_PUMP.machine
        self.standby = StandbyPump(EXPORT_PUMP.head_bar, machine.current_a, machine.power_kw)
        self.orders = Orders()
        self.level, self.interface, self.lp_level, self.tank_level = 54.0, 40.0, 58.0, 46.0
        self.temperature_c, self.heater_a = 62.4, 24.0
        self.lp_bar, self.lp_c = 2.14, 58.5
        self.tank_c = 52.0
        self.valve_m3h = OIL_M3H
        self._level_control = Pi(54.0, 15.0, 80.0, 0.0, 100.0, 48.0)
        self._lp_control = Pi(58.0, 0.02, 600.0, 0.1, 0.75, 0.6)
        self._interface_control = Pi(40.0, 0.02, 400.0, 0.1, 0.9, 0.6)

    def step(
        self, pressure_bar: float, gusts: Disturbances, day: float, ambient_c: float, dt_s: float
    ) -> None:
        """One step; `pressure_bar` is the separator's, `day` -1 to 1."""
        noise = gusts.values
        choke = clamp((97.0 - self.level) / 8.0, 0.0, 1.0)
        self.wells.step(noise, day, choke * (1.0 + self.orders.well_rate))
        self._separator(pressure_bar, noise, ambient_c, dt_s)
        self._lp_separator(noise, dt_s)
        self._oil_line(gusts, ambient_c, dt_s)
        self._water_line(pressure_bar, gusts, ambient_c, dt_s)
        self.standby.step(self.orders.standby_run, dt_s)

    def _separator(self, pressure_bar: float, noise: list[float], ambient_c: float, dt_s: float) -> None:
        override = clamp((97.0 - self.lp_level) / 8.0, 0.0, 1.0)
        self._level_control.setpoint = 54.0 + self.orders.oil_level
        output = self._level_control.step(self.level, dt_s) * override
        self.valve.step(output, dt_s)
        drop = max(pressure_bar - self.lp_bar, 0.0)
        fill = clamp(self.level / 5.0, 0.0, 1.0)
        self.valve_m3h = OIL_M3H * self.valve.opening / 0.48 * math.sqrt(drop / 36.06) * fill
        oil_in = self.wells.liquid * (1.0 - self.wells.water_cut)
        water_in = self.wells.liquid * self.wells.water_cut
        self.level = _filled(self.level, oil_in - self.valve_m3h, SEPARATOR_M3, dt_s)
        self.interface = _filled(self.interface, water_in - self.water_m3h, INTERFACE_M3, dt_s)
        cold = 0.12 * (ambient_c - 32.0) + 0.25 * noise[3]
        self.temperature_c = lag(self.temperature_c, 62.4 + cold, 60.0, dt_s)
        self.heater_a = 24.0 - 0.9 * cold

    @property
    def water_m3h(self) -> float:
        """Produced water that leaves the separator."""
        return self.water.spec.flow * self.water.x

    @property
    def export_m3h(self) -> float:
        """Oil through PUMP-003 and P-102B; incompressible, so the same in both."""
        return self.export.spec.flow * self.export.x

    def _lp_separator(self, noise: list[float], dt_s: float) -> None:
        flash = 2.14 * (1.0 + 0.3 * (self.valve_m3h / OIL_M3H - 1.0)) + 0.006 * noise[4]
        self.lp_bar = lag(self.lp_bar, flash, 30.0, dt_s)
        inflow = self.valve_m3h * OIL_SHRINKAGE
        self.lp_level = _filled(self.lp_level, inflow - self.export_m3h, LP_M3, dt_s)
        self.lp_c = lag(self.lp_c, self.temperature_c - 3.9, 120.0, dt_s)

    def _oil_line(self, gusts: Disturbances, ambient_c: float, dt_s: float) -> None:
        self._lp_control.setpoint = 58.0 + self.orders.lp_level
        throttle = self._lp_control.step(self.lp_level, dt_s)
        header = self.lp_bar + 0.1 + 0.0045 * self.lp_level
        drive = header + self.transfer.shut_off_bar + self.export.shut_off_bar - STATIC_EXPORT_BAR
        line = 0.3 + 6.0 + 5.3 * (0.6 / throttle) ** 2 + 0.05 * gusts.values[5]
        target = line_flow(drive, self.transfer.resistance_bar + self.export.resistance_bar + line)
        target = min(target, self.transfer.capacity, self.export.capacity)
        x = lag(self.export.x, target * clamp(self.lp_level / 5.0, 0.0, 1.0), 4.0, dt_s)
        fluid = (self.lp_c, ambient_c)
        self.transfer.step(x, header, fluid, gusts.fresh[0], dt_s)
        blocked = self.transfer.spec.discharge_k * self.transfer.upsets.discharge_blockage
        suction = self.transfer.discharge_bar - (0.3 + blocked) * x * x
        self.export.step(x, suction, fluid, gusts.fresh[1], dt_s)

    def _water_line(self, pressure_bar: float, gusts: Disturbances, ambient_c: float, dt_s: float) -> None:
        self._interface_control.setpoint = 40.0 + self.orders.interface_level
        throttle = self._interface_control.step(self.interface, dt_s)
        header = 3.2 + 0.02 * (pressure_bar - 38.2)
        drive = header + self.water.shut_off_bar - STATIC_TANK_BAR
        line = 2.0 + 4.2 * (0.6 / throttle) ** 2 + 0.02 * gusts.values[6]
        target = line_flow(drive, self.water.resistance_bar + line)
        target = min(target, self.water.capacity)
        x = lag(self.water.x, target * clamp(self.interface / 5.0, 0.0, 1.0), 4.0, dt_s)
        self.water.step(x, header, (self.temperature_c, ambient_c), gusts.fresh[2], dt_s)
        disposal = WATER_M3H * clamp(1.0 + (self.tank_level - 46.0) / 12.0, 0.0, 2.0)
        self.tank_level = _filled(self.tank_level, self.water.flow - disposal, TANK_M3, dt_s)
        warm = 52.0 + 0.4 * (self.temperature_c - 62.4) + 0.2 * (ambient_c - 32.0)
        self.tank_c = lag(self.tank_c, warm, 1800.0, dt_s)


class GasTrain:
    """Separator pressure, PSV-101, V-301, COMP-002 with FV-302, E-302."""

    def __init__(self, upsets: dict[str, Upsets]) -> None:
        self.orders = Orders()
        self.pressure_bar = 38.2
        self.relief = ControlValve(0.0, upsets["PSV-101"])
        self.recycle = ControlValve(0.0, upsets["FV-302"])
        self.compressor = Compressor(BOOST_COMPRESSOR, upsets["COMP-002"])
        self.cooler = Cooler(141.0, 32.0, 48.0, upsets["E-302"])
        self.cooling_output = 52.0
        self.condensate = 18.0
        self.tail_pipe_c = 34.0
        self.scrubber_bar = 37.4
        self._pressure_control = Pi(38.2, 0.02, 150.0, 0.7, 1.06, 1.0)
        self._cooling_control = Pi(48.0, 1.5, 120.0, 5.0, 100.0, 52.0)

    @property
    def relief_flow(self) -> float:
        """Gas to flare in kSm³/h."""
        return 45.0 * self.relief.opening * self.pressure_bar / 44.0

    @property
    def recycle_flow(self) -> float:
        """Gas through the anti-surge valve in kSm³/h."""
        drive = max(self.compressor.discharge_bar - self.compressor.suction_bar, 0.0)
        return 40.0 * self.recycle.opening * math.sqrt(drive / 48.8)

    def step(
        self, gas_in: float, separator_c: float, noise: list[float], ambient_c: float, dt_s: float
    ) -> None:
        """One step; `gas_in` from the wells in kSm³/h."""
        self._hold_pressure(gas_in, ambient_c, dt_s)
        self._compress(separator_c, noise, ambient_c, dt_s)
        self._cool(noise, ambient_c, dt_s)

    def _hold_pressure(self, gas_in: float, ambient_c: float, dt_s: float) -> None:
        drawn = self.compressor.export * self.compressor.spec.flow
        surplus = gas_in - drawn - self.relief_flow
        rate = surplus * 1000.0 / 3600.0 / GAS_VOLUME_M3
        self.pressure_bar = clamp(self.pressure_bar + rate * dt_s, 1.0, 60.0)
        self.relief.step(clamp((self.pressure_bar - 44.0) * 40.0, 0.0, 100.0), dt_s)
        hot = 14.0 * clamp(self.relief.opening * 3.0, 0.0, 1.0)
        self.tail_pipe_c = lag(self.tail_pipe_c, ambient_c + 2.0 + hot, 60.0, dt_s)

    def _compress(self, separator_c: float, noise: list[float], ambient_c: float, dt_s: float) -> None:
        machine = self.compressor
        square = machine.export * machine.export
        self.scrubber_bar = self.pressure_bar - 0.8 * square
        self.condensate = lag(self.condensate, 18.0 + 0.3 * noise[7] + 4.0 * (machine.flow - 1.0), 30.0, dt_s)
        self._pressure_control.setpoint = 38.2 + self.orders.separator_bar
        machine.n = self._pressure_control.step(self.pressure_bar, dt_s)
        short = 0.76 - (machine.export + machine.recycle) / machine.n
        ask = max(clamp(short * 1000.0, 0.0, 100.0), 55.0 * machine.upsets.surge)
        self.recycle.step(ask, dt_s)
        machine.recycle = lag(machine.recycle, self.recycle_flow / machine.spec.flow, 3.0, dt_s)
        share = machine.recycle / max(machine.export + machine.recycle, 0.05)
        warm = 58.5 + 0.8 * (separator_c - 62.4)
        inlet_c = warm + share * (self.cooler.outlet_c - warm)
        fouled = 0.45 * 1.5 * self.cooler.upsets.fouling
        machine.step((self.scrubber_bar - 0.2 * square, inlet_c), ambient_c, fouled, dt_s)

    def _cool(self, noise: list[float], ambient_c: float, dt_s: float) -> None:
        self._cooling_control.setpoint = 48.0 + self.orders.cooler_c
        self.cooling_output = self._cooling_control.step(self.cooler.outlet_c, dt_s)
        coolant = ambient_c + 0.08 * noise[8] + 18.0 * self.cooler.upsets.utility_loss
        flow = max(self.compressor.export, 0.05)
        factor = math.sqrt(self.cooling_output / 52.0) / flow**0.6
        self.cooler.step(self.compressor.discharge_c, coolant, factor, dt_s)

    @property
    def cooler_drop_bar(self) -> float:
        """Pressure lost in E-302."""
        return 0.45 * (1.0 + 1.5 * self.cooler.upsets.fouling) * self.compressor.export**2


def _filled(level: float, surplus_m3h: float, volume_m3: float, dt_s: float) -> float:
    return clamp(level + surplus_m3h / 3600.0 * dt_s / volume_m3 * 100.0, 0.0, 100.0)
