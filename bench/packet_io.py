#!/usr/bin/env python3
"""What a packet costs from port to port: the memory ring, AF_PACKET with and without rings and AF_XDP
over one veth pair, next to sendmmsg and recvmmsg on raw packet sockets. The ways take turns, round by
round, pinned to one core. Appends its figures to bench/results/."""

import argparse
import json
import pathlib

import lib

WAYS = ("memory", "af_packet", "af_packet_plain", "af_xdp", "raw")
BYTES = 1272
CORE = 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dry", action="store_true", help="print, append nothing")
    parser.add_argument("--quick", action="store_true", help="two rounds, to see that it works; appends nothing")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 2
    program = args.build / "bench" / "packet_io"
    rounds = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        for way in WAYS:
            rounds[way].append(json.loads(lib.run_pinned([program, way, 1, BYTES], CORE)))
    results = {"bytes": BYTES}
    for way in WAYS:
        results[way] = {
            "packets_per_second": lib.summary([one["packets_per_second"] for one in rounds[way]], 0),
            "cpu_ns_median": round(lib.median([one["cpu_ns"] for one in rounds[way]]), 1),
            "cpu_ns_best": min(one["cpu_ns"] for one in rounds[way]),
            "lost": sum(one["lost"] for one in rounds[way])}
    if args.dry or args.quick:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("packet_io", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
