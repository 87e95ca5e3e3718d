#!/usr/bin/env python3
"""What it costs the sender to mark and send a packet: the way out of `lobo eas` with no mark, a clear and a protected UDP
option and a header extension, next to `send`, raw `sendmmsg` and UDP_SEGMENT of the same user data without an option.
The ways take turns, pinned to one core; nanoseconds are the thread's own. Appends its figures to bench/results/."""

import argparse
import json
import pathlib
import tempfile

import lib

WAYS = ("eas_none", "eas_clear", "eas_protected", "eas_rtp_he", "send", "raw_sendmmsg", "udp_segment")
CORE = 1
MILLISECONDS = 200
KEYS = """lobodon-xrm-keys 1
context id=7 alg=aes-128-gcm key=000102030405060708090a0b0c0d0e0f iv=a0a1a2a3a4a5a6a7a8a9aaab
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    parser.add_argument("--quick", action="store_true", help="two rounds, to see that it works; appends nothing")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 2
    program = args.build / "bench" / "sender"
    rounds = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        keys = pathlib.Path(folder) / "keys"
        keys.write_text(KEYS, encoding="ascii")
        keys.chmod(0o600)
        for _ in range(args.rounds):
            for way in WAYS:
                rounds[way].append(json.loads(lib.run_pinned([program, way, MILLISECONDS, keys], CORE)))
    results = {"user_octets": 1200, "packets_of_a_frame": 10}
    for way in WAYS:
        times = [one["cpu_ns"] for one in rounds[way]]
        results[way] = {"cpu_ns_median": round(lib.median(times), 1), "cpu_ns_mad": round(lib.mad(times), 1),
                        "cpu_ns_best": min(times),
                        "lost": sum(one["packets"] - one["left"] for one in rounds[way]),
                        "marked_of_sent": round(sum(one["marked"] for one in rounds[way])
                                                / sum(one["packets"] for one in rounds[way]), 4)}
    if args.dry or args.quick:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("sender", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
