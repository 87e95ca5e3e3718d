#!/usr/bin/env python3
"""Every packet that we emit is read by xrm_text.py as what was meant: oracle_test.py EMITTER COUNT SEED

The packets come through a pipe and are looked at one by one. Some are damaged afterwards, to see
that the reader refuses anything at all.
"""

import pathlib
import struct
import subprocess
import sys
import tempfile

import xrm_text

HEAD = struct.Struct(">H8s")
EXPECTED = struct.Struct(">BBHBIHIHHBHI")
DAMAGE_EVERY = 50


def expected_of(record):
    flags, psi, pssn, psn, pssize, npds, bsize, ttnb, psn16, key_id, sid, counter = EXPECTED.unpack(record)
    mark = {"e": flags & 1, "d": flags >> 1 & 1, "psi": psi, "pssn": pssn, "psn": psn}
    for bit, (name, value) in enumerate((("pssize", pssize), ("npds", npds), ("bsize", bsize), ("ttnb", ttnb),
                                         ("psn16", psn16)), 2):
        if flags >> bit & 1:
            mark[name] = value
    if "psn16" in mark:  # stands behind a BSize and a TTNB, which say nothing if there was none
        mark.setdefault("bsize", 0)
        mark.setdefault("ttnb", 0xFFFF)
    return (mark, key_id, sid, counter) if flags & 0x80 else (mark, None, None, None)


def refused(udp, area, contexts, wanted):
    """A flipped bit at a place that the packet itself chooses. Only the checksum sees one in a clear
    option or beside a protected one; both it and the tag, one in a protected option."""
    bit = sum(area) % (len(area) * 8)
    damaged = bytearray(area)
    damaged[bit // 8] ^= 1 << bit % 8
    try:
        return xrm_text.read_packet(udp, bytes(damaged), contexts) != wanted
    except (xrm_text.Wrong, KeyError, IndexError):
        return True


def main(emitter, count, seed):
    seen = {"clear": 0, "protected": 0, "damaged": 0, "psn16": 0}
    with tempfile.TemporaryDirectory() as folder:
        key_file = pathlib.Path(folder) / "keys"
        with subprocess.Popen([emitter, key_file, str(count), str(seed)], stdout=subprocess.PIPE) as process:
            pipe = process.stdout
            contexts = None
            for number in range(count):
                head = pipe.read(HEAD.size)
                # The keys are written before the first packet.
                contexts = contexts or xrm_text.read_keys(key_file.read_text(encoding="ascii"))
                size, udp = HEAD.unpack(head)
                area = pipe.read(size)
                wanted = expected_of(pipe.read(EXPECTED.size))
                found = xrm_text.read_packet(udp, area, contexts)
                if found != wanted:
                    sys.exit(f"packet {number}: {udp.hex()} {area.hex()} is read as {found}, meant was {wanted}")
                seen["clear" if wanted[1] is None else "protected"] += 1
                seen["psn16"] += "psn16" in wanted[0]
                has_checksum = area[int.from_bytes(udp[4:6], "big") % 2:][:2] != b"\0\0"
                if number % DAMAGE_EVERY == 0 and has_checksum:
                    seen["damaged"] += 1
                    if not refused(udp, area, contexts, wanted):
                        sys.exit(f"packet {number}: damaged, and read as if it were not")
            if pipe.read(1) or process.wait() != 0:
                sys.exit("the emitter did not end as it should")
    if min(seen.values()) < count // 1000:
        sys.exit(f"some kind of packet is missing: {seen}")
    print(f"{count} packets of seed {seed} read as meant: {seen}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
