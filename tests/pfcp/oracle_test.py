#!/usr/bin/env python3
"""What we write is read as what was meant by readers that are not ours:
oracle_test.py EMITTER decoder|tshark COUNT SEED [some]

With "some" the messages need not have all types of information elements that there are."""

import itertools
import json
import shutil
import struct
import subprocess
import sys

import pfcp_decoder
import tshark_reader

SKIPPED = 77
AT_A_TIME = 1000  # messages to one tshark: its JSON is fifty times as long as they are


def emitted(emitter, count, seed):
    with subprocess.Popen([emitter, str(count), str(seed)], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            wanted = json.loads(line)
            yield bytes.fromhex(wanted.pop("hex")), wanted
    if process.returncode:
        raise SystemExit(f"{emitter}: {process.returncode}")


def against_decoder(messages, some):
    kinds = set()
    for number, (data, wanted) in enumerate(messages):
        found = pfcp_decoder.decode(data)
        if found != wanted:
            raise SystemExit(f"message {number}: {data.hex()}\nmeant {json.dumps(wanted)}\nfound {json.dumps(found)}")
        cut = data[:-1] if number % 2 else data[:sum(data) % len(data)]
        try:
            pfcp_decoder.decode(cut)
        except (pfcp_decoder.Wrong, struct.error):
            pass
        else:
            raise SystemExit(f"message {number}: a part of it was read: {cut.hex()}")
        note_kinds(wanted["ies"], kinds)
    missing = (pfcp_decoder.GROUPS | set(pfcp_decoder.VALUES)) - kinds
    if missing and not some:
        raise SystemExit(f"never seen: {sorted(missing)}")
    return f"{len(kinds)} types of information elements"


def note_kinds(elements, kinds):
    for element in elements:
        kinds.add(element["ie"])
        note_kinds(element.get("ies", ()), kinds)


class Comparison:
    def __init__(self):
        self.compared = {}

    def messages(self, name, wanted, tree):
        header = {"type": "msg_type", "seid": "seid", "sequence": "seqno", "priority": "mp"}
        for ours, theirs in header.items():
            if ours in wanted:
                self.same(f"message {name} {ours}", str(wanted[ours]), str(int(tree.fields[theirs], 0)))
        self.elements(f"message {name}", wanted["ies"], tree.nodes)

    def elements(self, where, wanted, nodes):
        self.same(f"{where}: types", [element["ie"] for element in wanted], [node.kind for node in nodes])
        for element, node in zip(wanted, nodes):
            kind = element["ie"]
            if kind >= 334:
                continue  # tshark knows none of them, or as they were in a draft
            if "ies" in element:
                self.elements(f"{where} > {kind}", element["ies"], node.nodes)
            else:
                self.fields(f"{where} > {kind}", kind, element["fields"], node.fields)

    def fields(self, where, kind, wanted, found):
        names = tshark_reader.FIELDS.get(kind, {})
        for name, (theirs, convert) in names.items():
            ours = wanted.get(name)
            # A flag that is there always, or a field that is not there at all.
            self.same(f"{where} {name}", ours, convert(found[theirs]) if theirs in found else None)
            self.count(kind)
        if kind in tshark_reader.RULES:
            theirs = tshark_reader.RULES[kind]
            number = int(found[theirs], 0) & 0x7FFFFFFF | int(found[theirs + "_flg"], 0) << 31
            self.same(where, wanted["value"], str(number))
            self.count(kind)
        mask = bytes.fromhex(wanted.get("flags", ""))
        for (octet, bit), theirs in tshark_reader.FLAGS.get(kind, {}).items():
            if theirs in found:
                ours = mask[octet] >> bit & 1 if octet < len(mask) else 0
                self.same(f"{where} {theirs}", str(ours), found[theirs])
                self.count(kind)
            elif octet < len(mask) and mask[octet] >> bit & 1:
                raise SystemExit(f"{where}: tshark does not show {theirs}")

    def count(self, kind):
        self.compared[kind] = self.compared.get(kind, 0) + 1

    @staticmethod
    def same(where, ours, theirs):
        if ours != theirs:
            raise SystemExit(f"{where}: we meant {ours!r}, tshark read {theirs!r}")


def against_tshark(messages, some):
    comparison = Comparison()
    while batch := list(itertools.islice(messages, AT_A_TIME)):
        trees, complaints = tshark_reader.read([data for data, _ in batch])
        if complaints:
            raise SystemExit(f"malformed to tshark: {[batch[number][0].hex() for number in complaints[:3]]}")
        if len(trees) != len(batch):
            raise SystemExit(f"{len(batch)} messages, {len(trees)} read")
        for (data, wanted), tree in zip(batch, trees):
            comparison.messages(data.hex()[:40], wanted, tree)
    known = set(tshark_reader.FIELDS) | set(tshark_reader.RULES) | set(tshark_reader.FLAGS)
    if known - set(comparison.compared) and not some:
        raise SystemExit(f"never compared: {sorted(known - set(comparison.compared))}")
    return f"{sum(comparison.compared.values())} fields of {len(comparison.compared)} types"


def main(emitter, reader, count, seed, some=None):
    if reader == "tshark" and not shutil.which("tshark"):
        print("skipped: tshark is not installed")
        return SKIPPED
    check = {"decoder": against_decoder, "tshark": against_tshark}[reader]
    print(f"{reader}: {count} messages, {check(emitted(emitter, count, seed), some)}: all read as meant")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:]))
