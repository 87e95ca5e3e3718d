#!/usr/bin/env python3
"""share/wireshark/lobodon.lua under tshark: what it shows of captures that were written from the texts.
What is expected stands in tests/golden/wireshark/NAME.json (--update-golden writes it anew, for review),
and for the vectors of the codecs in their own texts."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import captures

ROOT = pathlib.Path(__file__).resolve().parents[2]
LUA = ROOT / "share/wireshark/lobodon.lua"
EXPECTED = captures.GOLDEN / "wireshark"
OURS = ("udpopt", "xrm", "pduset")
UPDATE = "--update-golden" in sys.argv


def tshark(packets, *options):
    """The packets' layers as tshark tells them in JSON, with every repetition of a name kept."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "capture.pcap"
        path.write_bytes(captures.pcap(packets))
        done = subprocess.run(["tshark", "-X", f"lua_script:{LUA}", "-r", str(path), "-T", "json", "-2", *options],
                              capture_output=True, text=True, timeout=110, check=False)
    # An error in Lua code is told in the packet itself, and at loading on the error channel.
    complaints = [line for line in done.stderr.splitlines() + done.stdout.splitlines()
                  if "Lua Error" in line or "Lua: Error" in line]
    if done.returncode or complaints:
        raise AssertionError(f"tshark: {done.returncode} {sorted(set(complaints)) or done.stderr}")
    return json.loads(done.stdout, object_pairs_hook=list)


def ours(node, found=None):
    """name -> texts of all fields of our protocols, in the order of the packet."""
    found = {} if found is None else found
    for name, value in node:
        if isinstance(value, str):
            if name.split(".")[0] in OURS and "." in name:
                found.setdefault(name, []).append(value)
            elif name == "_ws.expert.message":
                found.setdefault("expert", []).append(value)
        elif value and isinstance(value[0], (list, tuple)):
            ours(value, found)
    return found


def frames(packets, *options):
    return [ours(dict(frame)["_source"]) for frame in tshark(packets, *options)]


def without_others(found):
    """Only the expert messages that we make; tshark has its own for broken checksums and ports."""
    messages = [text for text in found.get("expert", []) if text in MESSAGES]
    rest = {name: texts for name, texts in found.items() if name != "expert" and not name.endswith(".expert")}
    return {**rest, **({"expert": messages} if messages else {})}


MESSAGES = {
    "Bad OCS: all options are ignored", "The options are not accepted", "More than seven NOPs in a row",
    "Something but zeros behind EOL", "APC does not hold", "Malformed XRM metadata", "The tag does not hold",
    "This CTR was seen before: replay", "A PDU is missing before this one", "PDU Sets are missing before this one",
    "The PDU Set before ended without E", "PSSize is not what the PDUs add up to",
    "NPDS is not the number of PDUs"}


class Dissector(unittest.TestCase):
    maxDiff = None

    def hold(self, name, packets, *options):
        found = [without_others(frame) for frame in frames(packets, *options)]
        path = EXPECTED / f"{name}.json"
        if UPDATE:
            EXPECTED.mkdir(exist_ok=True)
            path.write_text(json.dumps(found, indent=1) + "\n")
        self.assertEqual(found, json.loads(path.read_text()))

    def test_one_datagram_is_shown_the_same_over_every_carriage(self):
        self.hold("everywhere", captures.everywhere())

    def test_gaps_and_wrong_sizes_of_sets_are_told(self):
        self.hold("clear_sets", captures.clear_sets())

    def test_two_rtp_streams_between_the_same_ports_count_their_sets_apart(self):
        for carry in ("rtp", "option", "gtpu"):
            for found in frames(captures.two_streams(carry), "-d", "udp.port==5004,rtp"):
                with self.subTest(carry=carry):
                    self.assertIn("pduset.psi", found)
                    self.assertEqual(set(found.get("expert", [])) & MESSAGES, set())

    def test_who_sends_from_the_port_of_gtp_u_has_no_tunnel(self):
        inner = captures.ipv4(captures.udp(b"\x5a" * 40))
        message = captures.gtpu(inner, [(0x04, captures.set_container(9, 1, 1, 2, 341, 42))])
        there, back = frames([captures.ipv4(captures.udp(message, sport=4000, dport=2152)),
                              captures.ipv4(captures.udp(message, sport=2152, dport=4000))])
        self.assertEqual((there.get("pduset.pssn"), back.get("pduset.pssn")), (["341"], None))

    def test_rtp_header_extensions_are_read_in_all_lengths(self):
        self.hold("rtp_extensions", captures.rtp_extensions(), "-d", "udp.port==5004,rtp")

    def test_the_option_vectors_get_the_verdicts_of_their_texts(self):
        vectors = list(captures.vectors("udp_options"))
        for (name, _, lines), found in zip(vectors, frames([data for _, data, _ in vectors])):
            with self.subTest(vector=name):
                verdict = lines[0].removeprefix("verdict = ")
                self.assertEqual(found.get("udpopt.verdict"), [verdict])
                options = [line.split()[3] for line in lines if line.startswith("option = ")]
                names = {"EOL": 0, "NOP": 1, "APC": 2, "FRAG": 3, "MDS": 4, "MRDS": 5, "REQ": 6, "RES": 7, "TIME": 8,
                         "AUTH": 9, "EXP": 127}
                self.assertEqual(found.get("udpopt.kind", []), [str(names.get(kind, kind)) for kind in options])

    def test_the_gtp_u_vectors_show_the_sets_of_their_texts(self):
        vectors = list(captures.vectors("gtpu"))
        packets = [captures.ipv4(captures.udp(data, sport=2152, dport=2152)) for _, data, _ in vectors]
        shown = 0
        for (name, _, lines), found in zip(vectors, frames(packets)):
            told = [line.removeprefix("set = ") for line in lines if line.startswith("set = qfi=")]
            with self.subTest(vector=name):
                for pair in (told[0].split() if told else ()):
                    field, value = pair.split("=")
                    self.assertEqual(found[f"pduset.{field.lower()}"], [value])
                    shown += 1
                if not told:
                    self.assertNotIn("pduset.psi", found)
        self.assertGreater(shown, 20)

    def test_no_cut_or_damaged_packet_stops_the_dissector(self):
        whole = captures.everywhere() + [data for _, data, _ in captures.vectors("udp_options")]
        spoilt = []
        for number, packet in enumerate(whole):
            for step in range(0, 40):
                at = (number * 7 + step * 5) % len(packet)
                spoilt.append(packet[:at] + bytes([packet[at] ^ (1 << step % 8)]) + packet[at + 1:])
            spoilt += [packet[:cut] for cut in range(20, len(packet), 9)]
        self.assertEqual(len(frames(spoilt)), len(spoilt))

    def test_what_is_protected_is_opened_with_the_key_of_the_file(self):
        names, packets = captures.protected()
        for (name, says), packet in zip(names, packets):
            with self.subTest(vector=name), tempfile.NamedTemporaryFile("w", suffix=".keys") as keys:
                keys.write("lobodon-xrm-keys 1\n")
                keys.write(f"context id={says['key_id']} alg={says['alg']} key={says['key']} iv={says['iv']} "
                           f"tag={says.get('tag', '16')} bind={says.get('bind', 'full')}\n")
                keys.flush()
                found = frames([packet, packet], "-o", f"xrm.key_file:{keys.name}")
                self.check_opened(says, found)

    def check_opened(self, says, found):
        first, again = found
        if "refused" in says:
            self.assertNotIn("pduset.psi", first)
        else:
            self.assertEqual(first["xrm.status"], ["opened"])
            for field in ("psi", "pssn", "psn", "pssize", "npds", "bsize", "ttnb", "psn16"):
                if field in says:
                    self.assertEqual(first[f"pduset.{field}"], [says[field]])
            self.assertNotIn("This CTR was seen before: replay", first.get("expert", []))
            self.assertIn("This CTR was seen before: replay", again["expert"])

    def test_without_keys_the_header_of_the_protected_form_is_shown(self):
        _, packets = captures.protected()
        for found in frames(packets[:1]):
            self.assertEqual((found["xrm.form"], found["xrm.status"]), (["protected"], ["no key"]))

    def test_the_colour_rules_are_filters_that_tshark_takes(self):
        rules = [line.split("@") for line in (ROOT / "share/wireshark/colorfilters").read_text().splitlines()
                 if line.startswith("@")]
        self.assertGreater(len(rules), 5)
        for _, name, rule, _ in rules:
            with self.subTest(rule=name):
                frames(captures.everywhere()[:1], "-Y", rule)


def main():
    if shutil.which("tshark") is None:
        print("SKIP: tshark is not installed")
        return 77
    words = [word for word in sys.argv if word != "--update-golden"]
    return 0 if unittest.main(argv=words, verbosity=1, exit=False).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
