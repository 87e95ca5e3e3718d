#!/usr/bin/env python3
"""What is believed that should not be, and what is read as it was meant: bench/xrm_forgery.py [--quick]

Ten million forgeries of two-octet tags, a hundred million of real ones, a million random packets read by
the decoder of tests/xrm. The programs are those of the tests, built by the preset dev. Appends a line to
bench/results/.
"""

import argparse
import json
import math
import subprocess
import sys
import time

import lib

BUILD = lib.ROOT / "build" / "dev"
PROGRAMS = BUILD / "tests" / "xrm"
ORACLE = lib.ROOT / "tests" / "xrm" / "oracle_test.py"
TWO_SIDED_99 = 2.5758


def forged(*words):
    begun = time.monotonic()
    result = json.loads(subprocess.run([PROGRAMS / "xrm_forgery", *map(str, words)], capture_output=True, text=True,
                                       check=True).stdout)
    return result | {"seconds": round(time.monotonic() - begun, 1)}


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="a hundredth of it, and no line is appended")
    quick = options.parse_args().quick
    if not (PROGRAMS / "xrm_forgery").exists():
        sys.exit("xrm_forgery: build the target xrm_forgery of the preset dev first")
    share = 100 if quick else 1
    short = forged("port", 2, 10_000_000, 3)
    mean = short["tries"] / 65536
    reach = TWO_SIDED_99 * math.sqrt(mean * (1 - 1 / 65536))
    short |= {"expected": round(mean, 1), "interval_99": [round(mean - reach, 1), round(mean + reach, 1)]}
    results = {"two_octet_tags": short, "real_tags": forged("receiver", 100_000_000 // share, 4)}
    packets = 1_000_000 // share
    oracle = subprocess.run([sys.executable, ORACLE, PROGRAMS / "xrm_emitter", str(packets), "5"], check=False)
    results["packets_read_by_python"] = {"packets": packets, "all_as_meant": oracle.returncode == 0}
    print(json.dumps(results, indent=2))
    if not quick:
        lib.append_result("xrm_forgery", BUILD, 1, results)
    within = abs(short["accepted"] - mean) <= reach
    return 0 if within and results["real_tags"]["accepted"] == 0 and oracle.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
