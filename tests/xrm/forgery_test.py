#!/usr/bin/env python3
"""How often forgeries are believed: forgery_test.py FORGERY [--real TRIES]

With tags of two octets the rate lies in the 99 % interval around 1 in 65,536 over ten million tries:
were it higher, the comparison would miss bits; were it lower, the measurement. With real tags, over
TRIES tries, nothing is believed.
"""

import argparse
import json
import math
import subprocess
import sys

TRIES = 10_000_000
TWO_SIDED_99 = 2.5758  # quantile of the normal distribution, which the binomial is here


def measured(words):
    return json.loads(subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True).stdout)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("forgery")
    options.add_argument("--real", type=int, default=0)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    mean = TRIES / 65536
    reach = TWO_SIDED_99 * math.sqrt(mean * (1 - 1 / 65536))
    accepted = measured([options.forgery, "port", 2, TRIES, options.seed])["accepted"]
    print(f"two octets: {accepted} of {TRIES}, expected {mean:.1f} +- {reach:.1f}")
    if abs(accepted - mean) > reach:
        sys.exit("outside the interval")
    if options.real:
        accepted = measured([options.forgery, "receiver", options.real, options.seed])["accepted"]
        print(f"real tags: {accepted} of {options.real}")
        if accepted:
            sys.exit("a forgery was believed")


if __name__ == "__main__":
    main()
