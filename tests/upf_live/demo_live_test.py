#!/usr/bin/env python3
"""The live demo on a short video: its figures are consistent, the application was told, nothing is left; and where
namespaces may be made, it made them. The same story over memory rings, where no privilege is needed."""

import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import harness  # noqa: E402  (the path above comes first)

STEPS = 10
PASSES = ("plain", "pdu_sets", "well")
PICTURES = b"\x89PNG\r\n\x1a\n"


def may_make_namespaces():
    """Asked of the kernel by another program than ours."""
    return any(subprocess.run(["unshare", *flags, "true"], capture_output=True, check=False).returncode == 0
               for flags in (("-n",), ("-Urn",)))


@unittest.skipUnless(shutil.which("ffmpeg"), "ffmpeg is not installed")
class Live(harness.Case):
    def play(self, *words):
        out = self.folder / "live"
        done = subprocess.run([harness.LOBO, "demo", "live", "--seconds", "3", "--height", "180", "--rate", "1500",
                               "--check", "--out", str(out), *words],
                              capture_output=True, text=True, timeout=400, check=False, stdin=subprocess.DEVNULL)
        logs = "".join(f"\n{log.name}:\n{log.read_text()[-1500:]}" for log in sorted(out.glob("*.log")))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + logs)
        self.said = done.stdout
        return out, json.loads((out / "summary.json").read_text())

    def check_story(self, out, summary, network):
        self.assertEqual((summary["demo"], summary["ok"], summary["network"]), ("live", True, network))
        self.assertEqual(len(summary["steps"]), STEPS)
        for step in summary["steps"]:
            self.assertTrue(step["ok"] and step["clause"] and step["name"], step)
        figures = summary["figures"]
        for name in PASSES:
            shares = [figures[f"{kind}_{name}"] for kind in ("bit_exact", "damaged", "lost")]
            self.assertAlmostEqual(sum(shares), 1, places=3, msg=name)
            self.assertLessEqual(figures[f"packets_delivered_{name}"], figures[f"packets_{name}"])
            self.assertLessEqual(figures[f"sets_delivered_{name}"], figures[f"sets_{name}"])
            self.assertGreaterEqual(figures[f"packets_{name}"], figures["frames"])
        self.assertGreater(figures["bit_exact_pdu_sets"], figures["bit_exact_plain"])
        self.assertGreaterEqual(figures["bit_exact_well"], figures["bit_exact_pdu_sets"])
        self.assertLess(figures["packets_delivered_plain"], figures["packets_plain"])
        self.assertAlmostEqual(figures["cell_bits_per_second"] * 1.2, figures["offered_bits_per_second"], delta=2)
        self.assertEqual(figures["left_behind"], 0)
        self.assertLess(figures["notice_to_notification_ms"], 5000)
        self.check_artefacts(out, figures)

    def check_artefacts(self, out, figures):
        page = (out / "report.html").read_text()
        self.assertIn("data:image/jpeg;base64,", page)
        self.assertNotRegex(page, r"(src|href)=\"?https?://")
        self.assertTrue((out / "before.png").read_bytes().startswith(PICTURES))
        self.assertTrue((out / "after.png").read_bytes().startswith(PICTURES))
        self.assertIn("<svg", (out / "timeline.svg").read_text())
        trace = (out / "trace.mmd").read_text()
        self.assertTrue(trace.startswith("sequenceDiagram"))
        self.assertIn("QOS_NOT_GUARANTEED", page + trace + self.said)
        sent = sum(figures[f"packets_{name}"] for name in PASSES)
        for side in ("n6", "n3"):
            self.assertGreaterEqual(self.frames(out / f"{side}.pcap"), sent, side)
            self.assertEqual(self.frames(out / f"{side}.pcap"), figures[f"{side}_frames_captured"])
        self.assertEqual(list(out.glob("received-*")), [])

    @staticmethod
    def frames(path):
        """How many records a classic capture holds; each must be whole."""
        data = path.read_bytes()
        at, count = 24, 0
        while at < len(data):
            at, count = at + 16 + struct.unpack_from("<I", data, at + 8)[0], count + 1
        assert at == len(data)
        return count


class InNamespaces(Live):
    def test_the_story_in_namespaces_of_this_machine_ends_well_and_leaves_nothing(self):
        if not may_make_namespaces():
            self.skipTest("no network namespaces may be made here")
        before = set(subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout.splitlines())
        out, summary = self.play()
        self.assertNotIn("fallback", summary, "it fell back, though namespaces may be made")
        self.check_story(out, summary, "namespaces")
        self.assertTrue(all(step["real"] for step in summary["steps"]))
        trace = (out / "trace.mmd").read_text()
        for party in ("application", "lobo serve", "netsim", "upf", "gnb", "eas", "ue"):
            self.assertRegex(trace, rf"participant p\d+ as {re.escape(party)}\n")
        self.assertIn("session_establishment_request", trace)
        self.assertEqual(set(subprocess.run(["ip", "-o", "link"], capture_output=True, text=True,
                                            check=True).stdout.splitlines()), before)
        inspected = subprocess.run([harness.LOBO, "pcap", "inspect", str(out / "n3.pcap"), "--summary", "-o", "json"],
                                   capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("marked", inspected.stdout + inspected.stderr)


class InMemory(Live):
    def test_the_same_over_memory_rings_says_that_it_is_no_network(self):
        out, summary = self.play("--memory")
        self.check_story(out, summary, "memory")
        self.assertIn("fallback", summary)
        self.assertEqual(summary["figures"]["bit_exact_well"], 1, "time is virtual: nothing is late for want of a processor")
        self.assertFalse(any(step["real"] for step in summary["steps"]))
        self.assertIn("no packet was on a network", self.said)

    def test_where_no_namespace_may_be_made_it_says_what_is_missing(self):
        if not shutil.which("setpriv"):
            self.skipTest("setpriv is not installed")
        out = self.folder / "denied"
        words = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]
        done = subprocess.run(["sh", "-c", 'ulimit -u 4096; exec "$@"', "sh", *words, "true"], capture_output=True,
                              check=False)
        if done.returncode:
            self.skipTest("capabilities cannot be given up here")
        probe = subprocess.run([*words, "unshare", "-Urn", "true"], capture_output=True, check=False)
        if probe.returncode == 0:
            self.skipTest("user namespaces need no capability here")
        done = subprocess.run([*words, harness.LOBO, "demo", "live", "--seconds", "2", "--height", "90", "--rate", "400",
                               "--check", "--out", str(out)], capture_output=True, text=True, timeout=400, check=False,
                              stdin=subprocess.DEVNULL)
        self.assertIn("CAP_SYS_ADMIN", done.stdout)
        self.assertEqual(json.loads((out / "summary.json").read_text())["network"], "memory")


del Live  # what the two have in common is no test


if __name__ == "__main__":
    harness.main()
