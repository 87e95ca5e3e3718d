#!/usr/bin/env python3
"""Echoed messages: server CPU for each, by our QUIC datagrams and by peers, interleaved.

    bench/quic_echo.py [--quick]

16 connections with 16 messages under way on each, of 200 and 1200 octets, the server on core 0 and the load on
core 1. QUIC and WebRTC's data channels (libdatachannel in node, where bench/datachannel was fetched) are encrypted; plain
UDP, ENet and Beast's WebSocket are not. Accepted are at most 2.5 and 7.5 us of
server CPU a message. A round in which the load used more than 90 % of its core says less about the server's speed,
but its CPU a message stands. Appends a line to bench/results/.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys

import lib

PROGRAM = lib.ROOT / "build" / "bench" / "bench" / "quic_echo"
CHANNEL = lib.ROOT / "bench" / "datachannel"
CONNECTIONS, IN_FLIGHT = 16, 16
ACCEPTED_US = {200: 2.5, 1200: 7.5}


def program_of(kind):
    return ["node", CHANNEL / "echo.mjs"] if kind == "datachannel" else [PROGRAM, kind]


def one(kind, octets, milliseconds):
    with lib.Process([*program_of(kind), "serve"], core=0) as server:
        words = server.line().split()
        environment = dict(os.environ, QUIC_ECHO_DIGEST=words[1] if len(words) > 1 else "")
        before = lib.cpu_seconds(server.pid)
        done = subprocess.run(["taskset", "-c", "1", *map(str, program_of(kind)), "load", words[0], str(octets),
                               str(CONNECTIONS), str(IN_FLIGHT), str(milliseconds)], capture_output=True, text=True,
                              timeout=60, check=True, env=environment)
        used = lib.cpu_seconds(server.pid) - before
    told = json.loads(done.stdout)
    return {"cpu_us": used * 1e6 / told["messages"], "per_second": told["messages"] / told["seconds"],
            "p50_us": told["p50_us"], "p99_us": told["p99_us"]}


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="one short round, and no line is appended")
    quick = options.parse_args().quick
    if not PROGRAM.exists():
        sys.exit("quic_echo: build the preset bench first")
    kinds = subprocess.run([PROGRAM], capture_output=True, text=True, check=True).stdout.split()
    if shutil.which("node") and (CHANNEL / "node_modules").exists():
        kinds.append("datachannel")
    else:
        print("datachannel is left out: no node, or bench/datachannel was not fetched (tools/install_packages.sh players nightly)")
    rounds = 1 if quick else 7
    measured = {(kind, octets): [] for octets in ACCEPTED_US for kind in kinds}
    for _ in range(rounds):
        for (kind, octets), runs in measured.items():
            runs.append(one(kind, octets, 500 if quick else 3000))
    results = {}
    for (kind, octets), runs in measured.items():
        results[f"{kind}_{octets}"] = {key: lib.summary([run[key] for run in runs]) for key in runs[0]}
        print(f"{kind:11} {octets:5} octets: {lib.median([run['cpu_us'] for run in runs]):6.2f} us of server CPU, "
              f"{lib.median([run['per_second'] for run in runs]):9.0f} a second, "
              f"p99 {lib.median([run['p99_us'] for run in runs]):7.0f} us")
    for octets, most in ACCEPTED_US.items():
        own = lib.median([run["cpu_us"] for run in measured["quic", octets]])
        print(f"quic {octets}: {own:.2f} us of {most} us, {'kept' if own <= most else 'MISSED'}")
    if not quick:
        lib.append_result("quic_echo", lib.ROOT / "build" / "bench", rounds, results)


if __name__ == "__main__":
    main()
