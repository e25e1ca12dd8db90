"""The utilities of PLANT-A: cooling water, process gas compressor with its cooler, feed water and turbine."""

from optria.simulator.dynamics import Disturbances, Upsets, lag
from optria.simulator.operations import Orders
from optria.simulator.train_specs import COOLING_WATER_PUMP, FEED_PUMP, PROCESS_COMPRESSOR, TURBINE
from optria.simulator.units.compressor import Compressor
from optria.simulator.units.cooler import Cooler
from optria.simulator.units.machine import Machine
from optria.simulator.units.pump import Pump, line_flow


class Utilities:
    """PUMP-001 cools HX-001, which cools the gas of COMP-001; PUMP-002 feeds the boiler of TURB-001."""

    def __init__(self, upsets: dict[str, Upsets]) -> None:
        self.cooling = Pump(COOLING_WATER_PUMP, upsets["PUMP-001"])
        self.feed = Pump(FEED_PUMP, upsets["PUMP-002"])
        self.compressor = Compressor(PROCESS_COMPRESSOR, upsets["COMP-001"])
        self.cooler = Cooler(125.0, 29.0, 45.0, upsets["HX-001"])
        self.turbine = Machine(TURBINE, upsets["TURB-001"])
        self.steam_bar, self.steam_c, self.steam_t_h = 62.0, 485.0, 68.0
        self.speed_rpm = 3000.0
        self.orders = Orders()

    def step(self, gusts: Disturbances, day: float, ambient_c: float, dt_s: float) -> None:
        """One step; the load of the turbine follows the day."""
        self._cooling_water(gusts, ambient_c, dt_s)
        self._process_gas(gusts.values, ambient_c, dt_s)
        self._steam(gusts, day, ambient_c, dt_s)

    def _cooling_water(self, gusts: Disturbances, ambient_c: float, dt_s: float) -> None:
        pump = self.cooling
        header = 1.2 + 0.003 * gusts.values[9]
        blocked = 1.5 * self.cooler.upsets.fouling
        target = line_flow(header + pump.shut_off_bar - 1.5, pump.resistance_bar + 4.1 + blocked)
        x = lag(pump.x, min(target, pump.capacity), 4.0, dt_s)
        pump.step(x, header, (29.0 + 7.5 + 0.5 * (ambient_c - 32.0), ambient_c), gusts.fresh[3], dt_s)

    @property
    def coolant_m3h(self) -> float:
        """Cooling water through HX-001, 60 % of what PUMP-001 moves."""
        return 0.6 * self.cooling.flow * (1.0 - 0.5 * self.cooler.upsets.utility_loss)

    @property
    def cooler_drop_bar(self) -> float:
        """Process pressure lost in HX-001."""
        return 0.4 * (1.0 + 2.0 * self.cooler.upsets.fouling) * self.compressor.export**2

    def _process_gas(self, noise: list[float], ambient_c: float, dt_s: float) -> None:
        machine = self.compressor
        machine.n = 1.0 + 0.0008 * noise[10]
        fouled = 0.8 * self.cooler.upsets.fouling
        machine.step((8.2 + 0.01 * noise[11], 38.0), ambient_c, fouled, dt_s)
        coolant = 29.0 + 0.6 * (ambient_c - 32.0) + 15.0 * self.cooler.upsets.utility_loss
        water, gas = max(self.coolant_m3h / 1110.0, 0.02), max(machine.export, 0.05)
        self.cooler.step(machine.discharge_c, coolant, water**0.6 / gas**0.4, dt_s)

    def _steam(self, gusts: Disturbances, day: float, ambient_c: float, dt_s: float) -> None:
        noise, pump = gusts.values, self.feed
        header = 2.2 + 0.006 * noise[12]
        target = line_flow(header + pump.shut_off_bar - 60.0, pump.resistance_bar + 4.0)
        x = lag(pump.x, min(target, pump.capacity), 4.0, dt_s)
        pump.step(x, header, (102.5, ambient_c), gusts.fresh[4], dt_s)
        delivered = pump.flow / pump.spec.flow
        self.steam_bar = lag(self.steam_bar, 62.0 + 40.0 * (delivered - 1.0), 120.0, dt_s)
        self.steam_c = 485.0 + 0.6 * noise[13] - 40.0 * (delivered - 1.0)
        demand = 1.0 + 0.025 * day + 0.002 * noise[14] + self.orders.turbine_load
        self.steam_t_h = 68.0 * demand * max(self.steam_bar, 0.0) / 62.0
        self.turbine.step(15_500.0 * self.steam_t_h / 68.0, ambient_c, 0.0, dt_s)
        grid_loss = min(0.0, self.steam_bar - 50.0) * 4.0
        self.speed_rpm = 3000.0 + 0.5 * noise[13] + grid_loss
