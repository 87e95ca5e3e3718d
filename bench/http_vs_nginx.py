#!/usr/bin/env python3
"""Requests per CPU-second of the bare server next to nginx's fixed reply, and memory per idle
connection.

    bench/http_vs_nginx.py [--build build/bench] [--rounds 7] [--requests 40000] [--dry]

Both servers run on core 0, h2load on core 1, taking turns within each round. A POST of 609 bytes is
answered by 609 bytes with a Location. --dry prints and does not record.
"""

import argparse
import json
import pathlib
import re
import socket
import tempfile
import time

import lib
import peers

BODY_BYTES = 609
SERVER_CORE, LOAD_CORE = 0, 1
SHAPES = {  # name -> (h2load words, http2)
    "http1": (["--h1", "-c", "32"], False),
    "http2": (["-c", "8", "-m", "32"], True),
}
IDLE_CONNECTIONS = 900
QUIET_SECONDS = 2.5  # after this long a quiet connection holds no read buffer


def load(server, words, requests, body):
    """One round: (requests per CPU-second of the server, requests per second)."""
    before = lib.cpu_seconds(server.worker)
    began = time.monotonic()
    printed = lib.run_pinned([lib.need("h2load"), *words, "-n", requests, "-d", body, "-H",
                              "content-type: application/json", f"http://127.0.0.1:{server.port}/x"], LOAD_CORE)
    wall = time.monotonic() - began
    used = lib.cpu_seconds(server.worker) - before
    succeeded = int(re.search(r"(\d+) succeeded", printed).group(1))
    if succeeded != requests:
        raise SystemExit(f"only {succeeded} of {requests} requests succeeded:\n{printed}")
    return requests / used, requests / wall


def throughput(shape, binary, rounds, requests, body):
    words, http2 = SHAPES[shape]
    rates = {"lobo": [], "nginx": []}
    with peers.Ours(SERVER_CORE, binary, "--fixed", BODY_BYTES) as ours, \
            peers.Nginx(SERVER_CORE, BODY_BYTES, http2) as nginx:
        for server in (ours, nginx):
            load(server, words, requests // 10, body)  # warm
        for turn in range(rounds):
            order = [("lobo", ours), ("nginx", nginx)]
            for name, server in order if turn % 2 == 0 else reversed(order):
                rates[name].append(load(server, words, requests, body)[0])
    ratios = [a / b for a, b in zip(rates["lobo"], rates["nginx"])]
    return {"lobo_per_cpu_s": lib.summary(rates["lobo"], 0), "nginx_per_cpu_s": lib.summary(rates["nginx"], 0),
            "ratio": lib.summary(ratios, 3)}


HELLO = {
    "http1": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    # Preface, empty SETTINGS, HEADERS of stream 1: GET / with :authority a, all from the static table.
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
             + bytes.fromhex("00000601050000000182868441" + "0161"),
}


def idle_memory(shape, binary):
    """KiB of the process for each connection that made one request and is quiet since."""
    with peers.Ours(SERVER_CORE, binary, "--fixed", 0, "--connections", 4096) as ours:
        def connect():
            link = socket.create_connection(("127.0.0.1", ours.port))
            link.sendall(HELLO[shape])
            link.recv(65536)
            return link
        warm = [connect() for _ in range(4)]
        for link in warm:
            link.close()
        time.sleep(QUIET_SECONDS)
        before = lib.resident_kib(ours.worker)
        links = [connect() for _ in range(IDLE_CONNECTIONS)]
        time.sleep(QUIET_SECONDS)
        after = lib.resident_kib(ours.worker)
        for link in links:
            link.close()
    return round((after - before) / IDLE_CONNECTIONS, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=lib.ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--server", help="another server binary of the same habits, to compare", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=40000)
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--quick", action="store_true", help="a few requests, to see that it works")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.requests = 3, 8000
    binary = args.server or args.build / "bench" / "http_echo_server"
    results = {}
    with tempfile.NamedTemporaryFile() as body:
        body.write(b"{" + b"x" * (BODY_BYTES - 2) + b"}")
        body.flush()
        for shape in SHAPES:
            results[shape] = throughput(shape, binary, args.rounds, args.requests, body.name)
            results[shape]["idle_connection_kib"] = idle_memory(shape, binary)
    if args.dry:
        print(json.dumps(results, indent=1))
    else:
        print(json.dumps(lib.append_result("http_vs_nginx", args.build, args.rounds, results), indent=1))


if __name__ == "__main__":
    main()
