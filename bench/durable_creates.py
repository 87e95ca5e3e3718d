#!/usr/bin/env python3
"""Durable creates per second of the whole control plane (HTTP/2, router, state machines, SQLite) in
front of a network that answers at once, next to raw SQLite with the same statements.

    bench/durable_creates.py [--build build/bench] [--rounds 3] [--quick] [--dry]

A create is two transactions on both sides: asked for (resource, call, idempotency key, timer) and
confirmed (resource, call and timer gone). The raw side commits as many creates in one transaction as
ours has in flight, with texts as long as ours, synchronous=FULL. Nothing is pinned: our store has a
thread of its own, and h2load needs its share too. Goal: 0.6 of raw at 256 in flight.
"""

import argparse
import json
import os
import pathlib
import re
import tempfile
import time

import lib

CASES = {1: 400, 16: 4000, 64: 8000, 256: 16000}  # in flight -> creates in one round
STREAMS_MAX = 64  # of one connection
UES = 2000
CORES = f"0-{(os.cpu_count() or 1) - 1}"
BODY = json.dumps({"valTgtUe": {"valUeId": "ue-0000000"}, "uniQosReq": "xr-gold",
                   "notifUri": "http://127.0.0.1:9/notify/" + "n" * 400}, separators=(",", ":"))


def ours(build, in_flight, creates, data):
    """(creates per second, creates per CPU-second of the server, [bytes of a state, of an effect])."""
    with tempfile.TemporaryDirectory(prefix="lobo-durable-") as folder:
        server = lib.Process([build / "bench" / "durable_server", folder, UES], CORES)
        with server:
            port = server.line().split()[1]
            connections = max(1, in_flight // STREAMS_MAX)
            before, began = lib.cpu_seconds(server.pid), time.monotonic()
            printed = lib.run_pinned(
                [lib.need("h2load"), "-c", connections, "-m", in_flight // connections, "-n", creates, "-d", data,
                 "-H", "content-type: application/json", f"http://127.0.0.1:{port}/ss-nra/v1/unicast-subscriptions"],
                CORES)
            wall, used = time.monotonic() - began, lib.cpu_seconds(server.pid) - before
            codes = re.search(r"(\d+) 2xx", printed)
            if not codes or int(codes.group(1)) != creates:
                raise SystemExit(f"not every create succeeded:\n{printed}")
            finished = re.search(r"finished in ([\d.]+)(ms|s),", printed)
            wall = float(finished.group(1)) / (1000 if finished.group(2) == "ms" else 1) if finished else wall
            server.popen.terminate()
            sizes = server.line().split()[1:]
    return creates / wall, creates / used, sizes


def raw(build, in_flight, creates, sizes):
    return float(lib.run_pinned([build / "bench" / "store_group_commit", "--raw", in_flight, creates, *sizes], CORES))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a quarter of it, to see that it works")
    parser.add_argument("--only", type=int, choices=list(CASES))
    parser.add_argument("--dry", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 2
    results = {}
    with tempfile.NamedTemporaryFile(mode="w") as data:
        data.write(BODY)
        data.flush()
        for in_flight, creates in CASES.items():
            if args.only not in (None, in_flight):
                continue
            if args.quick:
                creates = max(creates // 4, in_flight)
            rates, per_cpu, raws = [], [], []
            for turn in range(args.rounds):
                if turn % 2 and rates:
                    raws.append(raw(args.build, in_flight, creates, sizes))
                rate, cpu, sizes = ours(args.build, in_flight, creates, data.name)
                rates.append(rate)
                per_cpu.append(cpu)
                if turn % 2 == 0:
                    raws.append(raw(args.build, in_flight, creates, sizes))
            results[str(in_flight)] = {
                "lobo_per_s": lib.summary(rates, 0), "lobo_per_cpu_s": lib.summary(per_cpu, 0),
                "raw_per_s": lib.summary(raws, 0), "ratio": lib.summary([a / b for a, b in zip(rates, raws)], 3),
                "state_and_effect_bytes": [int(size) for size in sizes]}
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("durable_creates", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
