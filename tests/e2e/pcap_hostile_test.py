"""lobo pcap with captures, names and outputs that a careful user would not give it."""

import json
import shutil
import struct
import subprocess
import unittest

import captures as c
import harness
from pcap_case import KEYS, PcapCase, one_object

# 16-bit lengths: E, PSI 1, PSSN 341, PSN 42, nothing else; Len_EM = 4 counts itself, R is set, no groups behind.
ODD_READING = bytes.fromhex("7f085852 04 e1556a")


def two_streams(pictures=6):
    """A video and its audio between the same ports, as a browser sends them."""
    frames, numbers = [], {96: 0, 111: 0}
    for picture in range(pictures):
        for kind, packets, ssrc in ((96, 3, 0x4C4F424F), (111, 1, 0x11112222)):
            for number in range(packets):
                numbers[kind] += 1
                nal = bytes([0x65 if picture == 0 else 0x41, 0x9A])
                user = c.rtp(numbers[kind], picture * 3000, nal + bytes(50), number == packets - 1, payload_type=kind, ssrc=ssrc)
                frames.append((1000, picture * 33000 + number * 10, c.ethernet(c.udp(user))))
    return c.pcap(frames)


class Captures(PcapCase):
    def test_packets_that_wait_keep_the_byte_order_of_their_own_section(self):
        def part(order, frames):
            data = c.section(order) + c.interface(order, 1)
            return data + b"".join(c.enhanced(order, 0, s * 1000000 + f, frame) for s, f, frame in frames)

        video = c.video(6)
        data = part("<", video[:13]) + part(">", video[13:22]) + part("<", video[22:])
        path = self.put("a.pcapng", data)
        for words in (("mark",), ("mark", "--carry", "udp-option")):
            self.lobo("pcap", *words, path, "-o", self.folder / "marked.pcapng")
            self.assertEqual({line["verdict"] for line in self.lines(self.folder / "marked.pcapng")}, {"marked"})
            self.strips_to(self.folder / "marked.pcapng", data)
        self.lobo("pcap", "convert", self.folder / "marked.pcapng", "--to", "n3", "-o", self.folder / "n3.pcapng")
        self.assertEqual([line["carry"] for line in self.lines(self.folder / "n3.pcapng")], ["n3"] * len(video))

    def test_a_cooked_capture_with_a_tag_changes_its_ip_version_on_n3(self):
        def cooked2(packet):
            head = struct.pack(">HHIHBB8s", 0x8100, 0, 2, 1, 0, 6, b"\2\0\0\0\0\1")
            return head + struct.pack(">HH", 5, 0x86DD) + packet

        marked = self.marked(c.pcap(c.video(4, v6=True, wrap=cooked2), 276))
        self.lobo("pcap", "convert", marked, "--to", "n3", "-o", self.folder / "n3.pcap")
        self.assertEqual({(line["verdict"], line["carry"]) for line in self.lines(self.folder / "n3.pcap")}, {("marked", "n3")})

    def test_who_sends_from_the_port_of_gtp_u_has_no_tunnel(self):
        frames = [(1, i, c.ethernet(c.udp(c.rtp(i, 0, b"\x41abc"), source_port=2152))) for i in range(3)]
        self.assertEqual({line["verdict"] for line in self.lines(self.put("a.pcap", c.pcap(frames)))}, {"unmarked"})
        marked = self.marked(c.pcap(frames))
        self.assertEqual({line["verdict"] for line in self.lines(marked)}, {"marked"})

    def test_two_rtp_streams_between_the_same_ports_count_their_sets_apart(self):
        for carry in ("rtp-he", "udp-option"):
            marked = self.marked(two_streams(), "--carry", carry, "--payload-type", "96", "--lone", "111:3")
            self.assertEqual({line["verdict"] for line in self.lines(marked)}, {"marked"}, carry)
            sets = self.lines(marked, "--sets")
            self.assertEqual(sorted((line["ssrc"], line["PSSN"]) for line in sets),
                             sorted((ssrc, n) for ssrc in (0x4C4F424F, 0x11112222) for n in range(6)))
            n3 = self.folder / "n3.pcap"
            self.lobo("pcap", "convert", marked, "--to", "n3", "-o", n3)
            rows = json.loads(self.lobo("pcap", "verify", "--n6", marked, "--n3", n3, "-o", "json"))
            self.assertEqual({row["what"]: row["count"] for row in rows if row["count"]}, {"conveyed": 24})

    def test_all_warnings_of_a_packet_are_told_in_every_form(self):
        user = c.rtp(1, 0, b"\x41abc")
        path = self.put("a.pcap", c.pcap([(1, 0, c.ethernet(c.udp(user, surplus=c.surplus(len(user), ODD_READING))))]))
        names = ["lengths_count_themselves", "trailing_groups_omitted", "reserved_bits_set"]
        self.assertEqual(self.lines(path)[0]["warnings"], names)
        self.assertIn(f"1 {names[0]}", self.last_error)
        self.assertTrue(self.lobo("pcap", "inspect", path).splitlines()[1].endswith(" ".join(names)))
        head, row = self.lobo("pcap", "inspect", path, "-o", "csv").splitlines()
        self.assertEqual(dict(zip(head.split(","), row.split(","), strict=True))["warnings"], " ".join(names))


class Checks(PcapCase):
    """APC and AUTH beside the mark: written on request, and told where they do not hold."""

    AUTH = "auth id=3 key=0f0e0d0c0b0a09080706050403020100 cover={}\n"

    def flipped(self, path, at_end, name="flipped.pcap"):
        """The capture with one bit of its third packet changed, so far from the packet's end, and with no UDP
        checksum that would have told."""
        data, at = bytearray(path.read_bytes()), 24
        for _ in range(2):
            at += 16 + struct.unpack_from("<I", data, at + 8)[0]
        data[at + 16 + struct.unpack_from("<I", data, at + 8)[0] - at_end] ^= 1
        return self.put(name, bytes(data))

    def test_an_apc_stands_in_front_of_the_mark_and_damaged_user_data_show(self):
        data = c.pcap(c.video(4))
        marked = self.marked(data, "--carry", "udp-option", "--apc")
        self.assertEqual({line["verdict"] for line in self.lines(marked)}, {"marked"})
        first = c.packets_of(marked.read_bytes())[0]
        length = struct.unpack_from(">H", first, 38)[0]
        self.assertEqual(first[34 + length + length % 2 + 2], 2)
        damaged = self.lines(self.flipped(marked, 120), exit_code=1)
        self.assertEqual([line["verdict"] for line in damaged[1:4]], ["marked", "apc_wrong", "marked"])
        self.assertEqual((damaged[2]["PSSN"], damaged[2]["PSN"]), (0, 2))
        self.lobo("pcap", "strip", marked, "--surplus", "-o", self.folder / "plain2.pcap")
        self.assertEqual((self.folder / "plain2.pcap").read_bytes(), data)
        self.lobo("pcap", "mark", self.folder / "plain.pcap", "--apc", "-o", self.folder / "x", exit_code=2)

    def test_auth_covers_what_it_says_and_a_mark_under_a_wrong_mac_is_not_believed(self):
        for v6 in (False, True):
            data = c.pcap(c.video(4, v6=v6))
            for cover, shows_user_data in (("options", False), ("all", True)):
                clear = self.write("auth", "lobodon-xrm-keys 1\n" + self.AUTH.format(cover))
                both = self.write("both", KEYS + self.AUTH.format(cover))
                for keys in (clear, both):
                    marked = self.marked(data, "--carry", "udp-option", "--keys", keys, "--auth", "3", "--apc")
                    self.assertEqual({line["verdict"] for line in self.lines(marked, "--keys", keys)}, {"marked"})
                    verdicts = [line["verdict"] for line in self.lines(self.flipped(marked, 200), "--keys", keys, exit_code=1)]
                    self.assertEqual(verdicts[2], "auth_wrong" if shows_user_data else "apc_wrong", (v6, cover))
        self.lobo("pcap", "mark", self.folder / "plain.pcap", "--carry", "udp-option", "--auth", "3", "-o", self.folder / "x", exit_code=2)
        self.lobo("pcap", "mark", self.folder / "plain.pcap", "--carry", "udp-option", "--keys", both, "--auth", "4",
                  "-o", self.folder / "x", exit_code=5)

    def test_a_mac_of_another_key_is_told_and_one_of_a_key_that_we_have_not_is_passed_over(self):
        keys = self.write("auth", "lobodon-xrm-keys 1\n" + self.AUTH.format("options"))
        marked = self.marked(c.pcap(c.video(2)), "--carry", "udp-option", "--keys", keys, "--auth", "3")
        other = self.write("other", (self.folder / "auth").read_text().replace("0f0e", "ff0e"))
        self.assertEqual({line["verdict"] for line in self.lines(marked, "--keys", other, exit_code=1)}, {"auth_wrong"})
        stranger = self.write("stranger", (self.folder / "auth").read_text().replace("id=3", "id=4"))
        for words in ((), ("--keys", stranger)):
            self.assertEqual({line["verdict"] for line in self.lines(marked, *words)}, {"marked"})


class Tunnels(PcapCase):
    def test_strip_takes_the_containers_out_of_g_pdus_and_leaves_the_rest(self):
        marked = self.marked(c.pcap(c.video(4)), "--carry", "udp-option")
        n3, bare = self.folder / "n3.pcap", self.folder / "bare.pcap"
        self.lobo("pcap", "convert", marked, "--to", "n3", "--keep-option", "--qfi", "5", "-o", n3)
        for carry, left in (("n3", {"udp-option"}), ("udp-option", {"n3"}), ("all", {None})):
            self.lobo("pcap", "strip", n3, "--carry", carry, "-o", bare)
            self.assertIn("marks taken out of 20", self.last_error)
            # The container's PSSize counts the options that are gone: told, and right so.
            lines = self.lines(bare, exit_code=1 if carry == "udp-option" else 0)
            self.assertEqual({line.get("carry") for line in lines}, left)
            self.assertEqual({(line["teid"], line["qfi"]) for line in lines}, {(1, 5)})
        # What is left of all of it is the plain video in a tunnel.
        plain = c.packets_of((self.folder / "plain.pcap").read_bytes())
        for inner, outer in zip(plain, c.packets_of(bare.read_bytes()), strict=True):
            self.assertEqual(outer[14 + 20 + 8 + 8 + 4 + 4:], inner[14:])
            self.assertEqual(struct.unpack_from(">H", outer, 16)[0], len(outer) - 14)


class Summaries(PcapCase):
    def test_the_counts_are_the_answer_where_only_they_are_asked_for(self):
        data = c.pcap(c.video(5))
        marked = self.marked(data)
        lost = self.put("lost.pcap", marked.read_bytes()[:24] + marked.read_bytes()[24 + 16 + len(c.packets_of(marked.read_bytes())[0]):])
        for path, exit_code, text in ((marked, 0, "all is well"), (lost, 0, "1 at the edge"), (self.put("none", b""), 1, "is empty")):
            self.assertIn(text, self.lobo("pcap", "inspect", path, "--summary", exit_code=exit_code))
            self.assertEqual(self.last_error, "")
            told = json.loads(self.lobo("pcap", "inspect", path, "--summary", "-o", "json", exit_code=exit_code),
                              object_pairs_hook=one_object)
            self.assertEqual(told["all_is_well"], exit_code == 0)
        told = json.loads(self.lobo("pcap", "inspect", marked, "--summary", "-o", "json"))
        self.assertEqual((told["packets"], told["verdicts"], told["verdicts_of_sets"]), (25, {"marked": 25}, {"complete": 5}))
        rows = self.lobo("pcap", "inspect", marked, "--summary", "-o", "csv").splitlines()
        self.assertEqual(rows, ["of,what,count,wrong", "packets,marked,25,no", "sets,complete,5,no"])
        self.lobo("pcap", "inspect", marked, "--summary", "--sets", exit_code=2)

    def test_an_answer_that_could_not_be_written_is_a_failure(self):
        marked = self.marked(c.pcap(c.video(2)))
        for words in (["inspect", marked], ["inspect", marked, "--summary"], ["diff", marked, marked],
                      ["verify", "--n6", marked, "--n3", marked, "--allow-loss"]):
            with open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([harness.LOBO, "pcap", *map(str, words)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn("standard output", done.stderr)

    def test_lists_stand_between_commas_wherever_the_capture_is_named(self):
        path = self.put("a.pcap", two_streams())
        for words in (["--lone", "111:3,112", path], [path, "--lone", "111:3,112"]):
            self.lobo("pcap", "mark", *words, "--port", "5004,5006", "-o", self.folder / "o.pcap")
            self.assertIn("24 marked in 2 streams", self.last_error)
        self.lobo("pcap", "mark", path, "--port", "1,2", "-o", self.folder / "o.pcap", exit_code=1)
        self.assertIn("0 marked", self.last_error)
        for bad in ("5004,", "5004 5006", "70000"):
            self.lobo("pcap", "mark", path, "--port", bad, "-o", self.folder / "o.pcap", exit_code=2)


class Words(PcapCase):
    def test_a_rate_is_read_whole_or_refused(self):
        path = self.put("a.pcap", c.pcap(c.video(20)))
        rates = []
        for rate in ("80%", "80.5%", "400kbps", "400.25kbps"):
            self.lobo("pcap", "squeeze", path, "--rate", rate, "-o", self.folder / "o")
            rates.append(int(self.last_error.split()[3]))
        self.assertLess(rates[0], rates[1])
        self.assertEqual(rates[2:], [400, 400])
        for rate in ("80x%", "%", "0%", "-1%", "80", "8mbps", "nan%", "inf%", "1e9%", "80 %"):
            self.lobo("pcap", "squeeze", path, "--rate", rate, "-o", self.folder / "o", exit_code=2)

    def test_nothing_held_against_nothing_is_not_well(self):
        marked = self.marked(c.pcap(c.video(4)))
        n3 = self.folder / "n3.pcap"
        self.lobo("pcap", "convert", marked, "--to", "n3", "-o", n3)
        self.lobo("pcap", "verify", "--n6", n3, "--n3", marked, exit_code=1)
        self.assertIn("n3.pcap has no datagram outside of a tunnel", self.last_error)
        self.lobo("pcap", "verify", "--n6", marked, "--n3", marked, "--allow-loss", exit_code=1)
        self.assertIn("marked.pcap has no G-PDU", self.last_error)
        self.lobo("pcap", "verify", "--n6", "-", "--n3", "-", exit_code=2)
        self.lobo("pcap", "diff", "-", "-", exit_code=2)

    def test_an_identifier_that_the_form_cannot_have_is_refused(self):
        path = self.put("a.pcap", c.pcap(c.video(2)))
        self.lobo("pcap", "mark", path, "--he-id", "15", "-o", self.folder / "o", exit_code=2)
        self.lobo("pcap", "mark", path, "--he-id", "15", "--form", "two-byte", "-o", self.folder / "o")
        self.assertEqual({line["verdict"] for line in self.lines(self.folder / "o", "--he-id", "15")}, {"marked"})

    def test_a_key_without_counters_is_a_failure(self):
        keys = self.write("keys", KEYS)
        path = self.put("a.pcap", c.pcap(c.video(4)))
        self.lobo("pcap", "mark", path, "--carry", "udp-option", "--keys", keys, "--first-counter", str(2**31 - 7),
                  "-o", self.folder / "o", exit_code=1)
        self.assertIn("7 marked", self.last_error)
        self.assertIn("no counters left", self.last_error)


class Outputs(PcapCase):
    def test_a_key_file_is_not_written_over(self):
        keys, data = self.write("keys", KEYS), self.put("a.pcap", c.pcap(c.video(2)))
        self.lobo("pcap", "mark", data, "--carry", "udp-option", "--keys", keys, "-o", keys, exit_code=1)
        self.assertIn("is a file that is read", self.last_error)
        marked = self.marked(c.pcap(c.video(2)))
        self.lobo("pcap", "convert", marked, "--to", "udp-option", "--write-keys", keys, "-o", keys, exit_code=1)
        self.assertEqual(keys.read_text(), KEYS)

    def test_a_run_that_has_nothing_to_write_leaves_what_was_there(self):
        precious, letter = self.put("o.pcap", b"precious"), self.put("a.pcap", b"Dear friend, this is a letter.")
        for words in (["mark", letter], ["strip", letter], ["convert", letter, "--to", "n3"], ["squeeze", letter, "--rate", "9kbps"],
                      ["gen", "--input", letter], ["gen", "--size", "321x241"], ["mark", self.folder]):
            done = self.run_lobo("pcap", *words, "-o", precious)
            self.assertNotEqual(done.returncode, 0, words)
            self.assertEqual(precious.read_bytes(), b"precious", words)

    def test_the_corpus_and_what_is_expected_of_it_are_two_files(self):
        both = self.folder / "both"
        self.lobo("pcap", "fuzz", "-o", both, "--expect", both, exit_code=1)
        self.lobo("pcap", "fuzz", "-o", "-", "--expect", "-", exit_code=2)

    def test_a_key_file_that_is_a_folder_cannot_be_read(self):
        marked = self.marked(c.pcap(c.video(1)))
        self.lobo("pcap", "inspect", marked, "--keys", self.folder, exit_code=5)
        self.assertIn("cannot be read", self.last_error)


@unittest.skipUnless(shutil.which("ffmpeg"), "ffmpeg is not installed")
class Films(PcapCase):
    def film(self, size="62x46", rate=25):
        path = self.folder / "film.mkv"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc=size={size}:rate={rate}", "-t", "1",
                        "-pix_fmt", "rgb24", "-c:v", "ffv1", str(path)], check=True, timeout=60, stdin=subprocess.DEVNULL)
        return path

    def times(self, path):
        return sorted({line["rtp_timestamp"] for line in self.lines(path)})

    def test_a_film_keeps_its_own_rate_unless_another_is_asked_for(self):
        film, out = self.film(), self.folder / "a.pcap"
        self.lobo("pcap", "gen", "--input", film, "--seconds", "1", "-o", out)
        times = self.times(out)
        self.assertEqual({b - a for a, b in zip(times, times[1:])}, {90000 // 25})
        self.assertEqual(len(times), 25)
        self.lobo("pcap", "gen", "--input", film, "--seconds", "1", "--fps", "50", "-o", out)
        self.assertEqual({b - a for a, b in zip(self.times(out), self.times(out)[1:])}, {90000 // 50})

    def test_small_units_share_a_packet_where_that_is_asked_for(self):
        film, alone, together = self.film(), self.folder / "a.pcap", self.folder / "b.pcap"
        for codec, kind in (("h264", lambda first: first & 31 == 24), ("h265", lambda first: first >> 1 == 48)):
            words = ("--input", film, "--seconds", "1", "--codec", codec, "--carry", "none")
            self.lobo("pcap", "gen", *words, "-o", alone)
            self.lobo("pcap", "gen", *words, "--aggregate", "-o", together)
            firsts = [packet[14 + 20 + 8 + 12] for packet in c.packets_of(together.read_bytes())]
            self.assertTrue(any(map(kind, firsts)), codec)
            self.assertFalse(any(kind(packet[14 + 20 + 8 + 12]) for packet in c.packets_of(alone.read_bytes())))
            self.lobo("pcap", "mark", together, "--codec", codec, "-o", self.folder / "m.pcap")
            self.assertEqual({line["verdict"] for line in self.lines(self.folder / "m.pcap", "--sets")}, {"complete"})
            self.assertEqual(self.lines(self.folder / "m.pcap", "--sets")[0]["PSI"], 1)
            rows = json.loads(self.lobo("pcap", "diff", together, self.folder / "m.pcap", "--codec", codec, "--decode", "-o", "json"))
            shares = {row["what"]: row["count"] for row in rows}
            self.assertEqual(shares["pictures that are bit-exact"], 25)

    def test_a_capture_of_which_nothing_decodes_is_compared_all_the_same(self):
        whole = self.folder / "a.pcap"
        self.lobo("pcap", "gen", "--input", self.film(), "--seconds", "1", "--carry", "none", "-o", whole)
        packets = c.packets_of(whole.read_bytes())
        late = self.put("late.pcap", c.pcap([(1, i, packet) for i, packet in enumerate(packets) if i % 7 == 5]))
        rows = json.loads(self.lobo("pcap", "diff", whole, late, "--decode", "-o", "json", exit_code=1))
        counts = {row["what"]: row["count"] for row in rows}
        self.assertEqual((counts["pictures that are bit-exact"], counts["useful bytes of those that arrived"]), (0, 0))

    def test_a_film_of_odd_size_is_encoded(self):
        film = self.film("63x47")
        for codec in ("h264", "h265"):
            self.lobo("pcap", "gen", "--input", film, "--seconds", "1", "--codec", codec, "-o", self.folder / "a.pcap")
            self.assertIn("25 pictures", self.last_error)

    def test_a_film_is_not_written_over(self):
        film = self.film()
        before = film.read_bytes()
        self.lobo("pcap", "gen", "--input", film, "-o", film, exit_code=1)
        self.assertEqual(film.read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
