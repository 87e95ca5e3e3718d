#!/usr/bin/env python3
"""The day that bench/media_energy replays: demand and grid of four zones, each five minutes of 24 hours.

    bench/media_day.py > bench/traces/media_day.csv

Made up, from a seed, and stored, so that every run has the same day. Demand is a share of what the fleet may
carry at its peak: little at night, most at 20:30 local time, and a flash crowd that trebles zone 1 within a minute
at 13:00 UTC and ebbs away within half an hour. The grid (gCO2e/kWh) has a level for each zone, less around noon
where there is sun, and noise that remembers (AR(1), 0.9). Zones are three hours apart."""

import math
import random

STEPS, ZONES, SEED = 288, 4, 20261122
LEVEL = (120, 420, 300, 560)  # g/kWh
SOLAR = (0.15, 0.45, 0.30, 0.10)  # what noon takes off
HOURS_APART, PEAK_HOUR, NIGHT = 3, 20.5, 0.25
FLASH = (1, 13.0, 3.0, 0.5)  # zone, hour, factor, hours until it is over


def demand(zone, hour):
    local = (hour + HOURS_APART * zone) % 24
    wave = 0.5 + 0.5 * math.cos((local - PEAK_HOUR) / 24 * 2 * math.pi)
    share = NIGHT + (1 - NIGHT) * wave ** 1.5
    where, begin, factor, lasts = FLASH
    if zone == where and begin <= hour < begin + lasts:
        share *= 1 + (factor - 1) * (1 - (hour - begin) / lasts)
    return share


def main():
    dice = random.Random(SEED)
    noise = [0.0] * ZONES
    print("hour," + ",".join(f"demand_{z}" for z in range(ZONES)) + "," + ",".join(f"grid_{z}" for z in range(ZONES)))
    for step in range(STEPS):
        hour = step * 24 / STEPS
        row = [f"{hour:.4f}"] + [f"{demand(z, hour):.4f}" for z in range(ZONES)]
        for z in range(ZONES):
            noise[z] = 0.9 * noise[z] + dice.gauss(0, 0.03)
            local = (hour + HOURS_APART * z) % 24
            sun = max(0.0, math.cos((local - 12.5) / 12 * math.pi)) * SOLAR[z]
            row.append(f"{max(15.0, LEVEL[z] * (1 - sun) * (1 + noise[z])):.1f}")
        print(",".join(row))


if __name__ == "__main__":
    main()
