"""What lobo pcap writes, judged by the second reader (tests/toolbox), packet by packet: emitted_test.py [COUNT]

Random video goes through `mark` in every carriage and through `convert` to N3. Each packet must be
accepted by the reader that was written from the texts alone, and say what `inspect` says of it.
COUNT is how many packets are judged in all.
"""

import json
import pathlib
import random
import subprocess
import sys
import unittest

import captures as c
import harness

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "toolbox"))
import xrm_decoder  # noqa: E402  (the path above comes first)

COUNT = 10_000
ROUND = 2_000  # packets of one capture; each carriage has its turn
KEYS = """lobodon-xrm-keys 1
context id=7 alg=aes-128-gcm key=000102030405060708090a0b0c0d0e0f iv=a0a1a2a3a4a5a6a7a8a9aaab
"""
FIELDS = ("E", "D", "PSI", "PSSN", "PSN")
CARRIES = (("--carry", "rtp-he"), ("--carry", "rtp-he", "--form", "two-byte"), ("--carry", "udp-option"),
           ("--carry", "udp-option", "--keys", "KEYS"), "n3")


def random_video(dice, count):
    """Pictures of 1 to 90 packets of any size, IPv4 or IPv6, with and without a VLAN tag."""
    frames, sequence, picture = [], dice.randrange(65536), 0
    v6, vlans = dice.random() < 0.5, (5,) if dice.random() < 0.3 else ()
    while len(frames) < count:
        last = min(dice.choice((1, 2, 5, 12, 90)), count - len(frames)) - 1
        for number in range(last + 1):
            nal = bytes([dice.choice((0x65, 0x41, 0x01))]) + dice.randbytes(dice.randrange(1, 1200))
            user = c.rtp(sequence, picture * 3000, nal, number == last)
            frames.append((1000 + picture // 30, picture % 30 * 33333 + number, c.ethernet(c.udp(user, v6=v6), vlans)))
            sequence += 1
        picture += 1
    return c.pcap(frames)


class Emitted(harness.Case):
    def judge(self, carry, frame, line, contexts):
        read = xrm_decoder.decode(frame, contexts=contexts)
        if carry == "n3":
            chain = read["gtpu"]
            self.assertEqual(chain["gtpu"], "it_is")
            mark = chain["set"]
        elif "udp-option" in carry:
            self.assertEqual(read["surplus"]["verdict"], "accepted")
            mark = read["xrm"]
        else:
            mark = read["mark"]
        self.assertIsInstance(mark, dict, (carry, mark))
        mark = mark.get("mark", mark)
        for field in FIELDS:
            ours = line[field] & 63 if field == "PSN" else int(line[field])
            self.assertEqual(int(mark[field]), ours, (carry, field, mark, line))
        for field in ("PSSize", "NPDS"):
            if field in line:
                self.assertEqual(mark[field], line[field], (carry, field))

    def test_every_packet_that_is_written_is_accepted_by_the_second_reader(self):
        count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
        keys = self.write("keys", KEYS)
        contexts = xrm_decoder.read_keys(KEYS)
        judged, seed = 0, 0
        while judged < count:
            dice = random.Random(seed)
            (self.folder / "plain.pcap").write_bytes(random_video(dice, min(ROUND, count - judged)))
            carry = CARRIES[seed % len(CARRIES)]
            seed += 1
            out = self.folder / "out.pcap"
            words = [str(keys) if word == "KEYS" else word for word in (("--carry", "udp-option") if carry == "n3" else carry)]
            self.lobo("pcap", "mark", self.folder / "plain.pcap", *words, "-o", out)
            if carry == "n3":
                self.lobo("pcap", "convert", out, "--to", "n3", "-o", self.folder / "n3.pcap")
                out = self.folder / "n3.pcap"
            more = ["--keys", str(keys)] if str(keys) in words else []
            told = subprocess.run([harness.LOBO, "pcap", "inspect", str(out), "-o", "json", *more], capture_output=True, timeout=120, check=False)
            self.assertEqual(told.returncode, 0, (seed, carry, told.stderr))
            frames = c.packets_of(out.read_bytes())
            for frame, line in zip(frames, told.stdout.splitlines(), strict=True):
                self.judge(carry, frame, json.loads(line), contexts)
            judged += len(frames)
        print(f"emitted: {judged} packets judged, each accepted")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
