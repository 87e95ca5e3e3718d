#!/usr/bin/env python3
"""Two thousand histories with all faults, and every planted bug: bench/simulator.py [--quick]

Not a race: it counts what the simulator got through, how fast, and whether every checker stayed
green, and that each bug to order turned red. Appends one line to bench/results/.
"""

import argparse
import csv
import io
import re
import subprocess
import sys
import time

import lib

PLANT_SEEDS = 60


def binary():
    for preset in ("bench", "release", "dev"):
        candidate = lib.ROOT / "build" / preset / "lobo"
        if candidate.exists():
            return candidate, preset
    sys.exit("simulator: build the target lobo first (make build)")


def histories(lobo, count, plant=None):
    words = [str(lobo), "sim", "--seed", "1", "--count", str(count), "-o", "csv"]
    done = subprocess.run(words + (["--plant", plant] if plant else []), capture_output=True, text=True, check=False)
    return next(csv.DictReader(io.StringIO(done.stdout)))


def plants(lobo):
    shown = subprocess.run([str(lobo), "sim", "--help"], capture_output=True, text=True, check=False).stdout
    source = (lib.ROOT / "apps/lobo/simulation/plants.hpp").read_text(encoding="utf-8")
    names = re.search(r"enum class Plant.*?\{(.*?)\};", source, re.S).group(1)
    wanted = re.findall(r"^\s*(\w+),", names, re.M)
    missing = [name for name in wanted if name not in shown]
    if missing:
        sys.exit(f"simulator: lobo does not offer the plants {missing}")
    return wanted


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="200 histories, and no line is appended")
    quick = options.parse_args().quick
    lobo, preset = binary()
    begun = time.monotonic()
    row = histories(lobo, 200 if quick else 2000)
    seconds = time.monotonic() - begun
    caught = {plant: int(histories(lobo, PLANT_SEEDS, plant)["red"]) for plant in plants(lobo)}
    results = {key: int(row[key]) for key in ("seeds", "events", "messages", "crashes", "confirmed", "notifications",
                                              "reports", "red")}
    results |= {"digest": row["digest"], "seconds": round(seconds, 1), "red_of_60_by_plant": caught}
    print(results)
    if not quick:
        lib.append_result("simulator", lib.ROOT / "build" / preset, 1, results)
    uncaught = [plant for plant, red in caught.items() if red == 0]
    if uncaught or results["red"]:
        print(f"simulator: red histories: {results['red']}, plants not caught: {uncaught}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
