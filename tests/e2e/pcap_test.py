"""lobo pcap, with captures that were written from the formats' texts."""

import json
import random
import shutil
import struct
import subprocess
import unittest

import captures as c
import harness
from pcap_case import KEYS, OTHER_KEYS, PcapCase

class Inspect(PcapCase):
    MARK = "81556a 007530 0019"  # E, PSI 1, PSSN 341, PSN 42, PSSize 30000, NPDS 25

    def check_vector(self, line, carry):
        self.assertEqual((line["carry"], line["E"], line["D"], line["PSI"], line["PSSN"], line["PSN"], line["PSSize"], line["NPDS"]),
                         (carry, True, False, 1, 341, 42, 30000, 25))

    def test_reads_the_vectors_of_both_forms_of_the_header_extension(self):
        one = bytes.fromhex("bede0003 17" + self.MARK + "000000")
        two = bytes.fromhex("10000003 0108" + self.MARK + "0000")
        frames = [(1, i, c.ethernet(c.udp(c.rtp(i, 0, b"\x41xyz", extension=he), source_port=4000 + i)))
                  for i, he in enumerate((one, two))]
        lines = self.lines(self.put("a.pcap", c.pcap(frames)), exit_code=0)
        for line in lines:
            self.check_vector(line, "rtp-he")

    def test_reads_the_vectors_of_the_clear_and_the_protected_option(self):
        clear = bytes.fromhex("7f145852 03" + "81556a" + "05 007530 0019 05 0186a0 00a7")
        even, odd = c.rtp(1, 0, b"\x41xyz"), c.rtp(2, 0, b"\x41xyzz")
        frames = [(1, 0, c.ethernet(c.udp(even, surplus=c.surplus(len(even), clear)))),
                  (1, 1, c.ethernet(c.udp(odd, 4001, surplus=c.surplus(len(odd), clear), v6=True)))]
        self.assertEqual(c.surplus(0, clear)[:2].hex(), "c905")
        self.assertEqual(c.surplus(1, clear)[:3].hex(), "00c904")
        for line in self.lines(self.put("a.pcap", c.pcap(frames))):
            self.check_vector(line, "udp-option")
            self.assertEqual((line["BSize"], line["TTNB"]), (100000, 167))
        # The protected vector is sealed for the UDP header 0fa0 138c 04b8 1234.
        sealed = bytes.fromhex("7f2c5852 80070001 0000002a 0e2a06a3db84a2876ed56b00a715806c 6bd9709c18142a494551ba4f00c17146")
        user = c.rtp(3, 0, b"\x41" + bytes(0x4B8 - 8 - 13))
        packet = bytearray(c.udp(user, surplus=c.surplus(len(user), sealed)))
        packet[26:28] = b"\x12\x34"
        path = self.put("b.pcap", c.pcap([(1, 0, c.ethernet(bytes(packet)))]))
        self.assertEqual(self.lines(path)[0]["verdict"], "sealed")
        line = self.lines(path, "--keys", self.write("keys", KEYS))[0]
        self.check_vector(line, "protected")
        self.assertEqual((line["BSize"], line["TTNB"]), (100000, 167))
        self.assertEqual(self.lines(path, "--keys", self.write("other", OTHER_KEYS), exit_code=1)[0]["verdict"], "not_authentic")

    def test_every_format_and_link_type_says_the_same(self):
        user = c.rtp(5, 90, b"\x41abc", extension=bytes.fromhex("bede0001 12 810000"))
        for v6 in (False, True):
            packet = c.udp(user, v6=v6)
            family = struct.pack("<I", 10 if v6 else 2)
            links = {1: c.ethernet(packet), 101: packet, 228 + v6: packet, 113: c.cooked(packet), 276: c.cooked2(packet),
                     0: family + packet, 108: family[::-1] + packet}
            expected = None
            for link, frame in links.items():
                for order in "<>":
                    ng = c.section(order) + c.interface(order, link, c.option(order, 9, b"\x09") + c.option(order, 0, b""))
                    ng += c.enhanced(order, 0, 5_000_000_006, frame, c.option(order, 1, b"a comment") + c.option(order, 0, b""))
                    for data in (c.pcap([(5, 6, frame)], link, True, order), ng):
                        line = self.lines(self.put("a.pcap", data))[0]
                        self.assertEqual(line.pop("bytes"), len(frame))
                        expected = expected or line
                        self.assertEqual(line, expected, (link, order))
            self.assertEqual(expected["time"], "5.000000006")
            self.assertEqual(expected["verdict"], "marked")
            self.assertEqual(expected["source"], "[2001:db8::1]:4000" if v6 else "192.0.2.1:4000")

    def test_two_vlan_tags_and_padding_of_the_link_are_passed(self):
        user = c.rtp(5, 90, b"\x41", extension=bytes.fromhex("bede0001 12 810000"))
        frame = c.ethernet(c.udp(user), (5, 6)) + bytes(20)
        line = self.lines(self.put("a.pcap", c.pcap([(5, 6, frame)])))[0]
        self.assertEqual((line["verdict"], line["carry"]), ("marked", "rtp-he"))

    def test_a_container_is_read_with_its_tunnel(self):
        inner = c.udp(c.rtp(1, 0, b"\x41abc"))
        chain = bytes.fromhex("03 0089 03 0186a0 00a7 0000 04" "03 06 2555 01 2a 007530 0000 00")
        message = struct.pack(">BBHI", 0x34, 255, 4 + len(chain) + len(inner), 0xABCD) + b"\0\0\0\x85" + chain + inner
        line = self.lines(self.put("a.pcap", c.pcap([(1, 0, c.ethernet(c.udp(message, 2152, 2152)))])))[0]
        self.assertEqual((line["carry"], line["E"], line["D"], line["PSI"], line["PSSN"], line["PSN"], line["PSSize"]),
                         ("n3", True, False, 1, 341, 42, 30000))
        self.assertEqual((line["teid"], line["qfi"], line["set_qfi"], line["BSize"], line["TTNB"]), (0xABCD, 9, 9, 100000, 167))
        self.assertNotIn("NPDS", line)

    def test_the_corpus_of_bad_marks_gets_the_verdicts_that_were_written_down(self):
        for name in ("bad.pcap", "bad.pcapng"):
            capture, expected = self.folder / name, self.folder / "expected"
            self.lobo("pcap", "fuzz", "-o", capture, "--expect", expected)
            packets = {line["frame"]: line["verdict"] for line in self.lines(capture, exit_code=1)}
            sets = {(int(line["source"].rsplit(":", 1)[1]), line["PSSN"]): line["verdict"]
                    for line in self.lines(capture, "--sets", exit_code=1)}
            rows = [json.loads(line) for line in expected.read_text().splitlines()]
            self.assertGreater(len(rows), 90)
            for row in rows:
                got = packets[row["frame"]] if "frame" in row else sets[row["source_port"], row["set"]]
                self.assertEqual(got, row["verdict"], row["case"])

    def test_a_csv_has_a_line_for_each_packet_and_all_have_the_same_columns(self):
        marked = self.marked(c.pcap(c.video(3)))
        lines = self.lobo("pcap", "inspect", marked, "-o", "csv").splitlines()
        self.assertEqual(len(lines), 16)
        self.assertEqual({line.count(",") for line in lines}, {18})


class CutAndBroken(PcapCase):
    def test_a_capture_cut_at_any_byte_is_processed_up_to_the_cut(self):
        whole = c.pcap(c.video(2, 2, size=20))
        ends = [24]
        for packet in c.packets_of(whole):
            ends.append(ends[-1] + 16 + len(packet))
        for size in range(0, len(whole), 7):
            path = self.put("cut.pcap", whole[:size])
            exit_code = 0 if size in ends else 1
            out = self.folder / "out.pcap"
            self.lobo("pcap", "mark", path, "-o", out, exit_code=exit_code)
            if exit_code:
                self.assertRegex(self.last_error, "cut in the middle|is empty")
            there = sum(end <= size for end in ends[1:])
            self.assertEqual(len(c.packets_of(out.read_bytes()) if there else []), there)

    def test_what_is_no_capture_is_told_so(self):
        path = self.put("a.pcap", b"Dear friend, this is a letter.")
        self.lobo("pcap", "inspect", path, exit_code=1)
        self.assertIn("neither pcap nor pcapng, at byte 0", self.last_error)
        self.lobo("pcap", "inspect", self.folder / "nowhere.pcap", exit_code=5)

    def test_a_damaged_block_is_passed_by_and_counts(self):
        data = c.section("<") + c.interface("<", 1)
        data += c.block("<", 6, struct.pack("<IIIII", 0, 0, 0, 5000, 5000) + b"abcd")
        data += c.enhanced("<", 0, 7, c.ethernet(c.udp(b"hello")))
        path = self.put("a.pcapng", data)
        self.assertEqual(len(self.lines(path, exit_code=1)), 1)
        self.assertIn("1 damaged block", self.last_error)
        self.lobo("pcap", "mark", path, "-o", self.folder / "out", exit_code=1)
        self.assertEqual((self.folder / "out").read_bytes(), data)

    def test_the_file_that_is_read_is_not_written(self):
        path = self.put("a.pcap", c.pcap(c.video(1)))
        before = path.read_bytes()
        self.lobo("pcap", "mark", path, "-o", path, exit_code=1)
        self.assertEqual(path.read_bytes(), before)

    def test_user_data_is_delivered_whatever_bits_are_flipped(self):
        dice = random.Random(7)
        frames = []
        for seconds, fraction, frame in c.video(200, 5, size=60):
            flipped = bytearray(frame)
            for _ in range(dice.randrange(3)):
                at = dice.randrange(12, len(flipped))
                flipped[at] ^= 1 << dice.randrange(8)
            frames.append((seconds, fraction, bytes(flipped)))
        data = c.pcap(frames)
        marked = self.marked(data, "--carry", "udp-option")
        for before, after in zip(c.packets_of(data), c.packets_of(marked.read_bytes()), strict=True):
            if before == after:
                continue
            # What was marked is Ethernet, IPv4, UDP: the datagram is the same up to its UDP Length.
            header = (before[14] & 15) * 4
            length = struct.unpack_from(">H", before, 14 + header + 4)[0]
            self.assertEqual(before[14 + header:14 + header + length], after[14 + header:14 + header + length])
            self.assertEqual(c.ones_sum(after[14:14 + header]), c.ones_sum(before[14:14 + header]))
        self.strips_to(marked, data)


class MarkAndStrip(PcapCase):
    CARRIES = (("rtp-he",), ("rtp-he", "--form", "two-byte"), ("rtp-he", "--fields", "none"), ("udp-option",),
               ("udp-option", "--option-kind", "100"))

    def test_what_is_marked_is_well_and_what_is_stripped_is_as_it_was(self):
        shapes = {"vlan": c.pcap(c.video(wrap=lambda p: c.ethernet(p, (9,)))), "v6": c.pcap(c.video(v6=True), nano=True, order=">"),
                  "raw": c.pcap(c.video(wrap=lambda p: p), 101), "padded": c.pcap(c.video(wrap=lambda p: c.ethernet(p) + bytes(6))),
                  "large": c.pcap(c.video(4, 150))}
        for shape, data in shapes.items():
            for carry in self.CARRIES:
                marked = self.marked(data, "--carry", *carry)
                kind = carry[1:] if "--option-kind" in carry else ()
                lines = self.lines(marked, *kind)
                self.assertEqual({line["verdict"] for line in lines}, {"marked"}, (shape, carry))
                self.lobo("pcap", "strip", marked, *kind, "-o", self.folder / "s")
                self.assertEqual((self.folder / "s").read_bytes(), data, (shape, carry))

    def test_a_protected_mark_opens_with_its_key_and_with_no_other(self):
        data = c.pcap(c.video())
        keys = self.write("keys", KEYS)
        marked = self.marked(data, "--carry", "udp-option", "--keys", keys)
        self.assertEqual({line["verdict"] for line in self.lines(marked, "--keys", keys)}, {"marked"})
        self.assertEqual({line["verdict"] for line in self.lines(marked)}, {"sealed"})
        other = self.write("other", OTHER_KEYS)
        self.assertEqual({line["verdict"] for line in self.lines(marked, "--keys", other, exit_code=1)}, {"not_authentic"})
        twice = self.put("twice.pcap", marked.read_bytes() + marked.read_bytes()[24:])
        verdicts = [line["verdict"] for line in self.lines(twice, "--keys", keys, exit_code=1)]
        self.assertEqual(verdicts, ["marked"] * 100 + ["replayed"] * 100)
        self.strips_to(marked, data)

    def test_a_pcapng_keeps_its_comments_names_and_interfaces(self):
        for order in "<>":
            data = c.section(order) + c.interface(order, 1) + c.interface(order, 101, c.option(order, 9, b"\x8a") + c.option(order, 0, b""))
            data += c.block(order, 4, struct.pack(order + "HH", 1, 8) + b"\xc0\0\x02\x01abc\0" + bytes(4)) + c.block(order, 0xBAD, b"??")
            for number, (_, fraction, frame) in enumerate(c.video()):
                wrapped = frame if number % 2 == 0 else frame[14:]
                data += c.enhanced(order, number % 2, fraction, wrapped, c.option(order, 1, b"note") + c.option(order, 0, b""))
            marked = self.marked(data, "--carry", "udp-option")
            self.assertNotEqual(marked.read_bytes(), data)
            self.assertEqual(len(self.lines(marked)), 100)
            self.strips_to(marked, data)

    def test_a_capture_without_anything_to_mark_is_a_failure_that_says_what_was_looked_for(self):
        plain = self.put("a.pcap", c.pcap(c.video(2)))
        for words in (("--port", "9"), ("--payload-type", "127")):
            self.lobo("pcap", "mark", plain, *words, "-o", self.folder / "b.pcap", exit_code=1)
            self.assertIn("no packet was marked", self.last_error)
            self.assertEqual((self.folder / "b.pcap").read_bytes(), plain.read_bytes())

    def test_a_stream_of_another_codec_is_a_failure_that_says_so(self):
        plain = self.put("a.pcap", c.pcap(c.video()))
        self.lobo("pcap", "mark", plain, "--codec", "h265", "-o", self.folder / "b.pcap", exit_code=1)
        self.assertIn("1 of 1 video streams do not look like h265", self.last_error)

    def test_marks_go_through_pipes(self):
        data = c.pcap(c.video())
        done = subprocess.run(f"{harness.LOBO} pcap mark - -o - | {harness.LOBO} pcap strip - -o -", shell=True, input=data,
                              capture_output=True, timeout=60, check=True)
        self.assertEqual(done.stdout, data)

    def test_a_mark_inside_a_tunnel_is_written_and_taken_out_there(self):
        def wrap(packet):
            chain = bytes.fromhex("01 0009 00")
            message = struct.pack(">BBHI", 0x34, 255, 4 + len(chain) + len(packet), 1) + b"\0\0\0\x85" + chain + packet
            return c.ethernet(c.udp(message, 2152, 2152))
        data = c.pcap(c.video(wrap=wrap))
        for carry in ("rtp-he", "udp-option"):
            marked = self.marked(data, "--carry", carry)
            self.assertEqual({(line["verdict"], line["teid"]) for line in self.lines(marked)}, {("marked", 1)})
            self.strips_to(marked, data)

    def test_what_was_marked_before_is_marked_anew(self):
        first = self.marked(c.pcap(c.video()), "--carry", "udp-option")
        second = self.folder / "second.pcap"
        self.lobo("pcap", "mark", first, "--carry", "rtp-he", "-o", second)
        self.assertEqual({line["carry"] for line in self.lines(second)}, {"rtp-he"})

    def test_importance_is_what_was_asked_for(self):
        marked = self.marked(c.pcap(c.video()), "--importance", "3,9,10,11")
        self.assertEqual({line["PSI"] for line in self.lines(marked)} - {9, 10, 11}, {3})


class ConvertAndVerify(PcapCase):
    def converted(self, path, to, *more):
        out = self.folder / f"{path.stem}-{to}.pcap"
        self.lobo("pcap", "convert", path, "--to", to, *more, "-o", out)
        return out

    def test_marks_survive_every_way_through_the_carriages(self):
        option = self.marked(c.pcap(c.video()), "--carry", "udp-option")
        n3 = self.converted(option, "n3")
        self.assertEqual({line["verdict"] for line in self.lines(n3)}, {"marked"})
        self.lobo("pcap", "verify", "--n6", option, "--n3", n3)
        self.assertEqual(self.converted(n3, "udp-option").read_bytes(), option.read_bytes())
        extension = self.converted(option, "rtp-he")
        self.assertEqual({(line["verdict"], line["carry"]) for line in self.lines(extension)}, {("marked", "rtp-he")})
        plain = (self.folder / "plain.pcap").read_bytes()
        self.strips_to(extension, plain)

    def test_ipv6_travels_in_an_ipv4_tunnel_and_comes_out_again(self):
        option = self.marked(c.pcap(c.video(v6=True)), "--carry", "udp-option")
        n3 = self.converted(option, "n3", "--teid", "77", "--qfi", "5", "--container", "0x86")
        self.assertEqual({(line["teid"], line["qfi"], line["set_qfi"]) for line in self.lines(n3)}, {(77, 5, 5)})
        self.assertEqual(self.converted(n3, "udp-option").read_bytes(), option.read_bytes())

    def test_verify_tells_what_a_upf_did_wrong(self):
        option = self.marked(c.pcap(c.video()), "--carry", "udp-option")
        good = self.converted(option, "n3").read_bytes()
        packets = c.packets_of(good)

        def told(packets, exit_code=1):
            path = self.put("n3.pcap", c.pcap([(1, i, packet) for i, packet in enumerate(packets)]))
            rows = json.loads(self.lobo("pcap", "verify", "--n6", option, "--n3", path, "-o", "json", exit_code=exit_code))
            return {row["what"]: row["count"] for row in rows if row["count"]}

        def at(packet, *needle):
            return packet.index(bytes(needle), 42)
        self.assertEqual(told(packets, 0)["conveyed"] + told(packets, 0).get("burst_left_out", 0), 100)
        self.assertEqual(told(packets[:-5])["lost"], 5)
        swapped = bytearray(packets[7])
        swapped[at(packets[7], 3, 6 if packets[7][62] & 4 else 2) + 5] ^= 1  # PSN of the set container
        self.assertIn("fields_differ", told(packets[:7] + [bytes(swapped)] + packets[8:]) | {"fields_differ": 0})
        stranger = c.ethernet(c.udp(struct.pack(">BBHI", 0x30, 255, len(c.udp(b"who")), 1) + c.udp(b"who"), 2152, 2152))
        self.assertEqual(told(packets + [stranger])["not_on_n6"], 1)
        bare = packets[3]
        inner = bare[bare.index(b"\x45", 50):]
        alone = c.ethernet(c.udp(struct.pack(">BBHI", 0x30, 255, len(inner), 1) + inner, 2152, 2152))
        self.assertEqual(told(packets[:3] + [alone] + packets[4:])["container_missing"], 1)


class SqueezeAndDiff(PcapCase):
    def test_a_link_that_is_wide_enough_loses_nothing(self):
        marked = self.marked(c.pcap(c.video(60)))
        out = self.folder / "out.pcap"
        self.lobo("pcap", "squeeze", marked, "--rate", "90000kbps", "-o", out)
        self.lobo("pcap", "diff", marked, out)
        self.assertEqual(c.packets_of(out.read_bytes()), c.packets_of(marked.read_bytes()))

    def test_whole_sets_are_dropped_where_sets_are_known(self):
        marked = self.marked(c.pcap(c.video(300)))
        shares = {}
        for policy in ("taildrop", "psihi", "evict", "threshold"):
            out = self.folder / "out.pcap"
            self.lobo("pcap", "squeeze", marked, "--rate", "70%", "--policy", policy, "--queue-ms", "100", "-o", out)
            rows = json.loads(self.lobo("pcap", "diff", marked, out, "-o", "json", exit_code=1))
            shares[policy] = next(row["percent"] for row in rows if row["what"] == "pictures that arrived whole")
            summary = self.lines(out, "--sets", exit_code=1)
            if policy in ("evict", "threshold"):
                self.assertEqual({line["verdict"] for line in summary} - {"complete", "set_missing", "edge"}, set())
        self.assertGreater(shares["evict"], shares["taildrop"])

    def test_a_pipe_has_no_average_rate(self):
        done = subprocess.run([harness.LOBO, "pcap", "squeeze", "-", "--rate", "80%", "-o", str(self.folder / "o")],
                              input=c.pcap(c.video(1)), capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"give --rate in kbps", done.stderr)


@unittest.skipUnless(shutil.which("ffmpeg"), "ffmpeg is not installed")
class RealVideo(PcapCase):
    SMALL = ("--seconds", "1", "--size", "160x96", "--fps", "30", "--kbps", "400", "--gop", "15")

    def gen(self, name, *words):
        path = self.folder / name
        self.lobo("pcap", "gen", *self.SMALL, *words, "-o", path)
        return path

    def test_generated_marked_inspected_and_stripped_is_what_was_generated(self):
        for codec in ("h264", "h265"):
            for more in (("--vlan", "7"), ("--source", "2001:db8::1", "--destination", "2001:db8::2")):
                plain = self.gen("plain.pcapng", "--codec", codec, "--carry", "none", *more)
                for carry in ("rtp-he", "udp-option"):
                    marked = self.folder / "m.pcapng"
                    self.lobo("pcap", "mark", plain, "--codec", codec, "--carry", carry, "-o", marked)
                    lines = self.lines(marked)
                    self.assertEqual({line["verdict"] for line in lines}, {"marked"})
                    self.assertTrue({line["PSI"] for line in lines} >= {1, 2})
                    self.lobo("pcap", "strip", marked, "-o", self.folder / "s.pcapng")
                    self.assertEqual((self.folder / "s.pcapng").read_bytes(), plain.read_bytes())
                    direct = self.gen("d.pcapng", "--codec", codec, "--carry", carry, *more)
                    self.assertEqual(direct.read_bytes(), marked.read_bytes())

    def test_the_same_seed_gives_the_same_capture_and_another_one_another(self):
        self.assertEqual(self.gen("a.pcap").read_bytes(), self.gen("b.pcap").read_bytes())
        self.assertNotEqual(self.gen("a.pcap").read_bytes(), self.gen("c.pcap", "--seed", "2").read_bytes())

    def test_diff_decodes_what_is_left(self):
        whole = self.gen("a.pcap")
        rows = json.loads(self.lobo("pcap", "diff", whole, whole, "--decode", "-o", "json"))
        counts = {row["what"]: row for row in rows}
        self.assertEqual(counts["pictures that are bit-exact"]["percent"], 100)
        data = whole.read_bytes()
        frames = c.packets_of(data)
        lost = self.put("b.pcap", c.pcap([(1, i, frame) for i, frame in enumerate(frames) if i != len(frames) // 4]))
        rows = json.loads(self.lobo("pcap", "diff", whole, lost, "--decode", "-o", "json", exit_code=1))
        counts = {row["what"]: row for row in rows}
        self.assertLess(counts["pictures that are bit-exact"]["count"], 30)
        self.assertEqual(counts["pictures that arrived whole"]["count"], 29)


class WithoutFfmpeg(PcapCase):
    def test_gen_says_what_to_install(self):
        done = subprocess.run([harness.LOBO, "pcap", "gen", "-o", str(self.folder / "a.pcap")], env={"PATH": "/nowhere"},
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("apt-get install ffmpeg", done.stderr)
        self.assertFalse((self.folder / "a.pcap").exists(), "an empty file was left")


if __name__ == "__main__":
    unittest.main()
