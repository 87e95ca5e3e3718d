#!/usr/bin/env python3
"""An adaptation of 1,000 UEs over `lobo serve` next to 1,000 bare calls to the NEF, by the same client in the same
run, turn by turn.

    bench/adaptation.py [--build build/bench] [--rounds 9] [--ues 1000] [--quick] [--dry]

Real processes, real sockets, the store on disk. An adaptation asks the NEF twice for each UE: where it is, and the
reservation. So it stands next to 1,000 bare reservations, and next to both. The ratio of a round is between things
that ran one after the other; the CPU time is the server's alone.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile

import lib
from notify_latency import NETWORK, SERVER, ready

CORES = f"0-{(os.cpu_count() or 1) - 1}"
PATIENCE = 600


def measure(build, rounds, ues):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lobo-adaptation-")))
        gpsi = [f"msisdn-49170{n:07}" for n in range(ues)]
        (folder / "network.yaml").write_text(NETWORK.format(ues="\n".join(
            f"    - {{name: ue{n}, gpsi: {gpsi[n]}, ipv4: 10.45.{n // 250}.{n % 250 + 1}, cell: cell1}}"
            for n in range(ues))).replace("[lobodon]", "[lobodon, bench]"))
        network = stack.enter_context(lib.Process([build / "lobo", "netsim", "-c", folder / "network.yaml"], CORES))
        nef = f"http://{ready(network)[0]}"
        (folder / "server.yaml").write_text(SERVER.format(folder=folder, nef=nef, ues="\n".join(
            f"    - {{val_ue: ue{n}, gpsi: {gpsi[n]}}}" for n in range(ues))))
        server = stack.enter_context(lib.Process([build / "lobo", "serve", "-c", folder / "server.yaml"], CORES))
        url = f"http://{ready(server)[0]}"
        before = lib.cpu_seconds(server.pid)
        printed = subprocess.run([build / "bench" / "adaptation", url, nef, str(ues), str(rounds + 1)],
                                 capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
        return [json.loads(line) for line in printed.splitlines()], \
            (lib.cpu_seconds(server.pid) - before) / (rounds + 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--ues", type=int, default=1000)
    parser.add_argument("--quick", action="store_true", help="two rounds, to see that it works")
    parser.add_argument("--dry", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 2
    lines, cpu = measure(args.build, args.rounds, args.ues)
    seconds = {name: {**lib.summary([line[name] for line in lines[1:]], 3),
                      "best": round(min(line[name] for line in lines[1:]), 3)} for name in lines[0]}
    ratio = lambda of: [line["adaptation_s"] / of(line) for line in lines[1:]]
    fewest = lambda values: {**lib.summary(values, 2), "best": round(min(values), 2)}
    results = {"ues": args.ues, "server_cpu_s_per_adaptation_and_release": round(cpu, 3), **seconds,
               "adaptation_to_bare": fewest(ratio(lambda line: line["bare_s"])),
               "adaptation_to_bare_both": fewest(ratio(lambda line: line["bare_s"] + line["bare_watch_s"]))}
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("adaptation", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
