#!/usr/bin/env python3
"""Pipelines with the GStreamer plugin: gst-launch-1.0 as anybody runs it, a far end that knows nothing of marks,
and two readers of the marks that share nothing with each other: tests/toolbox and lobo pcap inspect."""

import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(TESTS / "e2e"), str(TESTS / "toolbox")]
import harness  # noqa: E402  (the paths above come first)
import live_net  # noqa: E402
import pcap_case  # noqa: E402
import xrm_decoder  # noqa: E402

FRAMES = 30
KEY_INTERVAL = 10
SOURCE = f"videotestsrc is-live=true num-buffers={FRAMES} ! video/x-raw,width=640,height=360,framerate=30/1"
ENCODER = f"x264enc tune=zerolatency speed-preset=ultrafast bitrate=3000 key-int-max={KEY_INTERVAL}"
PAYLOADER = "rtph264pay pt=96 mtu=1200"
EXTENSION = 'application/x-rtp,extmap-1=(string)"urn:3gpp:pdu-set-marking:rel-18"'


def need_tools():
    """Ends with 77, and says why, where the pipelines cannot run."""
    if not shutil.which("gst-launch-1.0"):
        print("skipped: gst-launch-1.0 is missing")
        sys.exit(77)
    for element in ("videotestsrc", "x264enc", "rtph264pay"):
        if subprocess.run(["gst-inspect-1.0", "--exists", element], check=False).returncode:
            print(f"skipped: GStreamer has no {element} here")
            sys.exit(77)


class Pipelines(harness.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # A registry of our own: what is built last counts, and nobody's home is written to.
        cls.home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.home.cleanup)
        os.environ["GST_REGISTRY"] = str(pathlib.Path(cls.home.name) / "registry")

    def begin(self, pipeline):
        child = subprocess.Popen(["gst-launch-1.0", "-q", *pipeline.split()], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(child.stdout.close)
        return child

    def end(self, child, exit_code=0):
        said = child.communicate(timeout=120)[0]
        self.assertEqual(child.returncode, exit_code, said)
        return said

    def far(self):
        far = live_net.Far(self.folder)
        self.addCleanup(far.end)
        return far

    def sent_by(self, sink, *words):
        """What reaches the far end of a pipeline with this end: user data and frames of each PDU Set."""
        far = self.far()
        child = self.begin(" ! ".join([SOURCE, ENCODER, *words, sink]))
        sets, ends = [([], [])], 0
        while ends < FRAMES:
            data, frames = far.take(1)
            sets[-1][0].append(data[0])
            sets[-1][1].append(frames[0])
            if data[0][1] >> 7:
                ends += 1
                sets.append(([], []))
        self.end(child)
        return sets[:-1]

    def check(self, sets, marks_of, sized=True, first_number=0):
        intra = 0
        for number, (data, frames) in enumerate(sets, first_number):
            marks = marks_of(data, frames)
            self.assertEqual([mark["PSSN"] for mark in marks], [number] * len(marks))
            self.assertEqual([mark["PSN"] for mark in marks], list(range(len(marks))))
            self.assertEqual([mark["E"] for mark in marks], [0] * (len(marks) - 1) + [1])
            self.assertEqual(len({mark["PSI"] for mark in marks if mark["PSI"]}), 1)
            psi = 1 if (number % KEY_INTERVAL) == 0 else 2
            self.assertEqual(marks[-1]["PSI"], psi, f"frame {number}")
            intra += psi == 1
            sizes = [int.from_bytes(frame[16:18], "big") for frame in frames]
            self.assertEqual({mark["PSSize"] for mark in marks}, {sum(sizes) if sized else 0})
            self.assertEqual({mark["NPDS"] for mark in marks}, {len(marks) if sized else 0})
        self.assertEqual(intra, FRAMES // KEY_INTERVAL)
        self.assertGreater(max(len(data) for data, _ in sets), 3, "sets of several packets")

    def inspected(self, sets):
        """The same frames as lobo pcap inspect reads them."""
        capture = self.folder / "seen.pcap"
        with open(capture, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            for number, (_, frames) in enumerate(sets):
                for frame in frames:
                    out.write(struct.pack("<IIII", number // 30, number % 30 * 33333, len(frame), len(frame)) + frame)
        text = self.lobo("pcap", "inspect", capture, "-o", "csv", *self.reading)
        return text.splitlines()

    @staticmethod
    def from_header(data, _frames):
        return [xrm_decoder.read_rtp_mark(xrm_decoder.read_rtp(one), 1) for one in data]

    def test_the_plugin_tells_what_it_has(self):
        for element, said in (("rtphdrextpduset", "urn:3gpp:pdu-set-marking:rel-18"),
                              ("lobopdusetsizer", "headers-bytes"), ("loboudpoptionsink", "keys")):
            told = subprocess.run(["gst-inspect-1.0", element], capture_output=True, text=True, check=True).stdout
            self.assertIn(said, told)
            self.assertIn("libgstlobodon.so", told)

    def test_a_payloader_writes_what_it_can_know(self):
        sets = self.sent_by(f"udpsink host={live_net.FAR} port={live_net.PORT}",
                            PAYLOADER + " auto-header-extension=true", EXTENSION)
        self.check(sets, self.from_header, sized=False)

    def test_the_sizer_behind_it_fills_in_sizes_and_bursts(self):
        sets = self.sent_by(f"udpsink host={live_net.FAR} port={live_net.PORT}",
                            PAYLOADER + " auto-header-extension=true", EXTENSION, "lobopdusetsizer")
        self.check(sets, self.from_header)
        for data, frames in sets:
            self.assertEqual([mark["D"] for mark in self.from_header(data, frames)], [0] * (len(data) - 1) + [1])

    def test_a_slice_can_be_a_pdu_set(self):
        far = self.far()
        child = self.begin(" ! ".join([SOURCE, ENCODER + " sliced-threads=true threads=2",
                                      f"{PAYLOADER} auto-header-extension=true", EXTENSION,
                                      "lobopdusetsizer set=slice",
                                      f"udpsink host={live_net.FAR} port={live_net.PORT}"]))
        ends, sets = 0, set()
        while ends < FRAMES:
            data, _ = far.take(1)
            mark, = self.from_header(data, None)
            sets.add(mark["PSSN"])
            ends += data[0][1] >> 7
        self.end(child)
        self.assertEqual(len(sets), 2 * FRAMES, "two slices a frame")

    def test_the_sink_adds_options_and_both_readers_agree(self):
        self.reading = []
        sets = self.sent_by(f"loboudpoptionsink host={live_net.FAR} port={live_net.PORT}", PAYLOADER)
        self.check(sets, lambda _, frames: [xrm_decoder.decode(one)["xrm"]["mark"] for one in frames])
        self.assertEqual(len(self.inspected(sets)), 1 + sum(len(data) for data, _ in sets))

    def test_the_sink_protects_them_with_a_key_file(self):
        keys = self.folder / "keys"
        keys.write_text(pcap_case.KEYS)
        contexts = xrm_decoder.read_keys(pcap_case.KEYS)
        self.reading = ["--keys", keys, "--protected-only"]
        sets = self.sent_by(f"loboudpoptionsink host={live_net.FAR} port={live_net.PORT} keys={keys}",
                            PAYLOADER)
        self.check(sets, lambda _, frames: [xrm_decoder.decode(one, contexts=contexts)["xrm"]["mark"]
                                            for one in frames])
        self.assertEqual(len(self.inspected(sets)), 1 + sum(len(data) for data, _ in sets))
        used = int(re.search(r"\d+\n$", (self.folder / "keys.7-1.counter").read_text())[0])
        self.assertEqual(used, sum(len(data) for data, _ in sets))

    def test_what_is_wrong_is_said_on_the_bus(self):
        said = self.end(self.begin(f"{SOURCE} ! {ENCODER} ! {PAYLOADER} ! loboudpoptionsink host=nowhere"), 1)
        self.assertIn("host wants an IP address, not 'nowhere'", said)


if __name__ == "__main__":
    need_tools()
    live_net.enter()
    unittest.main()
