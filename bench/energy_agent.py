#!/usr/bin/env python3
"""What `lobo energy agent` takes beside the media server whose energy it tells: processor time and memory.

    bench/energy_agent.py [--build build/bench] [--rounds 3] [--seconds 20] [--quick] [--dry]

It samples each second, follows an access log that grows by 0, 1,000 and 10,000 lines a second, and reports to `lobo
serve` as the configuration says that it gets there. Goals: half a percent of a core, 20 MB. That its joules are exact
to the microjoule, over wraps too, and add up to the host's to 1e-9 is held by tests (src/energy/meter).
"""

import argparse
import json
import pathlib
import tempfile
import time

import e3_ingest
import lib

AGENT_CORE = 1
LINES_PER_S = (0, 1000, 10000)
SLICE_S = 0.1
CONFIG = """
logger: {{level: warn}}
energy_agent:
  as_instance_id: as1
  af: {{uri: "{url}"}}
  locations: [{{id: SL0, base_urls: ["http://sl0.example/"]}}]
  host: {{capacity: 10 Gbps, model: {{idle_w: 100, max_w: 200}}}}
  access_log: {folder}/access.log
"""
LINE = "1732300000.123 127.0.1.1 80 200 1500000 300 sl0.example /video/seg-00001.m4s\n"


def measured(binary, url, lines_per_s, seconds):
    with tempfile.TemporaryDirectory(prefix="lobo-agent-") as folder:
        root = pathlib.Path(folder)
        (root / "access.log").touch()
        (root / "agent.yaml").write_text(CONFIG.format(url=url.rstrip("/"), folder=folder), encoding="utf-8")
        with lib.Process([binary, "energy", "agent", "-c", root / "agent.yaml"], AGENT_CORE, cwd=root) as agent, \
                (root / "access.log").open("a", encoding="utf-8") as log:
            if not agent.line().startswith("ready"):
                raise SystemExit("the agent did not start")
            before, began = lib.cpu_seconds(agent.pid), time.monotonic()
            for turn in range(1, round(seconds / SLICE_S) + 1):
                log.write(LINE * round(lines_per_s * SLICE_S))
                log.flush()
                time.sleep(max(0.0, began + turn * SLICE_S - time.monotonic()))
            used = (lib.cpu_seconds(agent.pid) - before) / (time.monotonic() - began)
            return used, lib.resident_kib(agent.pid) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see that it works")
    parser.add_argument("--dry", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.seconds = 1, 3
    share, memory = {lines: [] for lines in LINES_PER_S}, []
    with e3_ingest.Af(args.build / "lobo") as af:
        for _ in range(args.rounds):
            for lines, values in share.items():
                used, resident = measured(args.build / "lobo", af.url, lines, args.seconds)
                values.append(used * 100)
                memory.append(resident)
    results = {"core_percent": {str(lines): lib.summary(values, 3) for lines, values in share.items()},
               "resident_mb_worst": round(max(memory), 1), "goal": {"core_percent": 0.5, "resident_mb": 20}}
    if args.dry or args.quick:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("energy_agent", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
