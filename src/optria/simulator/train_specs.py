"""Nominal data of the machines of the demo plant."""

from optria.simulator.units.compressor import CompressorSpec
from optria.simulator.units.machine import MachineSpec
from optria.simulator.units.pump import PumpSpec

EXPORT_PUMP = PumpSpec(
    flow=406.0,
    head_bar=33.0,
    suction_bar=8.3,
    suction_k=10.0,
    discharge_k=45.0,
    machine=MachineSpec(494.0, 188.0, 2.2, 1.1, 68.0),
)
TRANSFER_PUMP = PumpSpec(
    flow=406.0,
    head_bar=6.1,
    suction_bar=2.5,
    suction_k=2.9,
    discharge_k=25.0,
    machine=MachineSpec(102.0, 173.0, 2.0, 1.0, 62.0),
)
WATER_PUMP = PumpSpec(
    flow=192.0,
    head_bar=4.2,
    suction_bar=3.2,
    suction_k=3.8,
    discharge_k=12.0,
    machine=MachineSpec(36.0, 41.2, 2.3, 1.1, 58.0, motor_efficiency=0.92),
)
BOOST_COMPRESSOR = CompressorSpec(
    flow=75.8,
    suction_bar=37.2,
    discharge_bar=86.0,
    suction_c=58.5,
    discharge_c=141.0,
    speed_rpm=9840.0,
    flow_loss=0.5,
    back_bar=70.0,
    machine=MachineSpec(2400.0, 238.0, 3.1, 1.6, 78.0),
)
COOLING_WATER_PUMP = PumpSpec(
    flow=1850.0,
    head_bar=4.4,
    suction_bar=1.2,
    suction_k=1.1,
    discharge_k=9.0,
    machine=MachineSpec(290.0, 58.3, 2.0, 1.0, 55.0),
)
FEED_PUMP = PumpSpec(
    flow=118.0,
    head_bar=61.8,
    suction_bar=2.2,
    suction_k=2.0,
    discharge_k=35.0,
    machine=MachineSpec(309.0, 62.0, 2.4, 1.2, 66.0),
)
PROCESS_COMPRESSOR = CompressorSpec(
    flow=42.0,
    suction_bar=8.2,
    discharge_bar=24.0,
    suction_c=38.0,
    discharge_c=125.0,
    speed_rpm=8900.0,
    flow_loss=0.7,
    back_bar=18.0,
    machine=MachineSpec(1650.0, 164.0, 2.8, 1.4, 74.0),
)
TURBINE = MachineSpec(15_500.0, 940.0, 2.6, 1.3, 82.0, motor_efficiency=1.0, generates=True)
