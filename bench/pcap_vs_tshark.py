#!/usr/bin/env python3
"""How fast a capture is inspected, next to tshark: bench/pcap_vs_tshark.py [--quick]

The same capture of 200,000 packets of marked video, the same fields for each packet, as text into the
same kind of file; runs alternate, CPU time of each process is counted. tshark runs with the dissector
of share/wireshark where it is there. Appends one line to bench/results/.
"""

import argparse
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time

import lib

PACKETS = 200_000
LUA = lib.ROOT / "share" / "wireshark" / "lobodon.lua"
TARGET = 50


def binary():
    for preset in ("bench", "release", "dev"):
        candidate = lib.ROOT / "build" / preset / "lobo"
        if candidate.exists():
            return candidate, preset
    sys.exit("pcap_vs_tshark: build the target lobo first (make build)")


def repeated(source, target, count):
    """The packets of a classic capture over and over, each time with new sequence and set numbers, so
    that each round is a continuation: RTP sequence number, timestamp and PSSN go on."""
    data = source.read_bytes()
    packets, at = [], 24
    while at < len(data):
        seconds, fraction, length, _ = struct.unpack_from("<IIII", data, at)
        packets.append((seconds, fraction, data[at + 16:at + 16 + length]))
        at += 16 + length
    sets = struct.unpack_from(">I", b"\0" + packets[-1][2][59:62])[0] >> 6 & 1023
    span = packets[-1][0] - packets[0][0] + 1
    with open(target, "wb") as out:
        out.write(data[:24])
        for number in range(count):
            turn, place = divmod(number, len(packets))
            seconds, fraction, frame = packets[place]
            frame = bytearray(frame)
            struct.pack_into(">H", frame, 44, number + 1 & 0xFFFF)
            mark = struct.unpack_from(">I", b"\0" + frame[59:62])[0]
            pssn = ((mark >> 6 & 1023) + turn * (sets + 1)) & 1023
            frame[59:62] = struct.pack(">I", mark & ~0xFFC0 | pssn << 6)[1:]
            out.write(struct.pack("<IIII", seconds + turn * span, fraction, len(frame), len(frame)) + frame)


def cpu_of(words, output):
    """(CPU seconds, wall seconds) of a program run on one core."""
    begun, before = time.monotonic(), os.times()
    with open(output, "wb") as out:
        subprocess.run(["taskset", "-c", "1", *map(str, words)], stdout=out, stderr=subprocess.DEVNULL, check=False)
    after = os.times()
    return (after.children_user - before.children_user + after.children_system - before.children_system,
            time.monotonic() - begun)


def tshark_words(tshark, capture):
    words = [tshark, "-n", "-r", capture, "-d", "udp.port==5004,rtp", "-T", "fields"]
    if LUA.exists():
        words += ["-X", f"lua_script:{LUA}"]
    fields = ["frame.number", "frame.time_epoch", "ip.src", "udp.srcport", "ip.dst", "udp.dstport", "frame.len", "rtp.seq",
              "rtp.ext.rfc5285.id", "rtp.ext.rfc5285.data"]
    for field in fields:
        words += ["-e", field]
    return words


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="10,000 packets once, and no line is appended")
    quick = options.parse_args().quick
    lobo, preset = binary()
    tshark, rounds, packets = lib.need("tshark"), 1 if quick else 5, 10_000 if quick else PACKETS
    lib.need("ffmpeg")
    with tempfile.TemporaryDirectory(prefix="lobo-bench-") as folder:
        folder = pathlib.Path(folder)
        subprocess.run([str(lobo), "pcap", "gen", "--seconds", "4", "--carry", "rtp-he", "-o", str(folder / "one.pcap")], check=True)
        capture = folder / "capture.pcap"
        repeated(folder / "one.pcap", capture, packets)
        subprocess.run([str(lobo), "pcap", "inspect", str(capture), "--summary"], check=False)
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(cpu_of([lobo, "pcap", "inspect", capture, "-o", "csv"], folder / "ours"))
            theirs.append(cpu_of(tshark_words(tshark, capture), folder / "theirs"))
        lines = [sum(1 for _ in open(folder / name, "rb")) for name in ("ours", "theirs")]
        if lines != [packets + 1, packets]:
            sys.exit(f"pcap_vs_tshark: {lines} lines for {packets} packets")
    ratios = [their[0] / our[0] for our, their in zip(ours, theirs)]
    results = {"packets": packets, "dissector": LUA.exists(),
               "lobo_cpu_seconds": lib.summary([cpu for cpu, _ in ours], 3),
               "tshark_cpu_seconds": lib.summary([cpu for cpu, _ in theirs], 2),
               "times_faster": lib.summary(ratios, 1), "target": TARGET}
    print(results)
    if not quick:
        lib.append_result("pcap_vs_tshark", lib.ROOT / "build" / preset, rounds, results)
        if lib.median(ratios) < TARGET:
            print(f"pcap_vs_tshark: the target of {TARGET} is missed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
