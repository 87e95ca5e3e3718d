#!/usr/bin/env python3
"""`lobo demo session` unattended: every act happened, its figures fit together, nothing is left; and an act that does not happen is
no success. Over namespaces where they may be made, else (or with `memory` as an argument) over memory rings."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import harness  # noqa: E402  (the path above comes first)

MEMORY = "memory" in sys.argv[1:]
WITHIN = 240  # seconds: twice and more what it takes on a busy machine; its own waits are bounded
ACTS = ("SEALDD, the enabler and two relay nodes start",
        "an asset stands in the MDRB: a screen with a video texture", "an operator's policies",
        "a VAL server asks for a session, and policy decides what it gets",
        "NRM asks the core, and the packets of the UE behind the cell get a QoS flow",
        "SEALDD has connections, a node that carries the room, and tokens for it",
        "two avatars move and see each other: the session is ACTIVE",
        "the application asks for PDU Set QoS and the packets of its flow get it",
        "the cell is congested: the video with plain scheduling",
        "the session goes a tier down, and application and UE are told why",
        "the same video, rate and queue with PDU-Set handling",
        "the first tier is back, and application and UE are told",
        "the room goes to another node while states flow",
        "the VAL server ends the session, and every layer lets go",
        "the application releases it, and nothing is left in network, UPF and kernel",
        "the servers end, and their stores are opened",
        "the receiver's pictures are held against the pictures that were sent, bit for bit")


def processes_of(folder):
    """Who still runs with something of that folder in its words."""
    found = []
    for words in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = words.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in text and "python" not in text:
            found.append(text)
    return found


class Session(harness.Case):
    def words(self, out):
        return [harness.LOBO, "demo", "session", "--seconds", "3", "--height", "180", "--rate", "1500", "--check",
                "--out", str(out), *(["--memory"] if MEMORY else [])]

    def test_every_act_happens_and_nothing_is_left(self):
        out = self.folder / "session"
        done = subprocess.run(self.words(out), capture_output=True, text=True, timeout=WITHIN, stdin=subprocess.DEVNULL)
        print(done.stdout)
        logs = "".join(f"\n{log.name}:\n{log.read_text()[-1500:]}" for log in sorted(out.glob("*.log")))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + logs)
        summary = json.loads((out / "summary.json").read_text())
        self.assertEqual((summary["demo"], summary["ok"]), ("session", True))
        names = [one["name"] for one in summary["steps"]]
        self.assertEqual([act for act in ACTS if act in names], list(ACTS))
        self.assertEqual(sorted(names.index(act) for act in ACTS), [names.index(act) for act in ACTS], "in this order")
        self.check_figures(summary["figures"], summary["network"] == "namespaces")
        page = (out / "report.html").read_text()
        self.assertIn("<svg", page)
        self.assertNotRegex(page, r"(src|href)=\"?https?://")
        trace = (out / "trace.mmd").read_text()
        for party in ("application", "enabler", "SEALDD", "lobo serve", "netsim", "relay", "ue"):
            self.assertRegex(trace, rf"participant p\d+ as {re.escape(party)}\n")
        for said in ("POST /mm-das/v1/sessions", "POST /ss-nra/v1/mm-qos", "POST /sdd-trans/v1/connections",
                     "POST /3gpp-as-session-with-qos/v1", "DELETE /mm-das/v1/sessions"):
            self.assertIn(said, trace)
        self.assertEqual(processes_of(self.folder), [])

    def check_figures(self, figures, behind_a_cell):
        self.assertEqual((figures["left_behind"], figures["left_in_stores"]), (0, 0))
        self.assertLess(figures["relocation_silence_ms"], 1000)
        self.assertGreater(figures["tier_change_after_seconds"], 0)
        self.assertGreater(figures["bit_exact_pdu_sets"], figures["bit_exact_plain"])
        if behind_a_cell:
            self.assertGreater(figures["congested_delay_p50_ms"], 2 * figures["calm_delay_p50_ms"])
            self.assertGreater(figures["congested_delay_p50_ms"], 2 * figures["handled_delay_p50_ms"])

    def test_one_that_is_interrupted_is_no_success_and_leaves_no_process(self):
        out = self.folder / "session"
        demo = self.start(*self.words(out)[1:])
        while " 8. " not in demo.line(60):
            pass
        demo.signal(signal.SIGINT)
        self.assertEqual(demo.wait(60), 130)
        self.assertFalse(json.loads((out / "summary.json").read_text())["ok"])
        self.until(lambda: processes_of(self.folder), [])

    @unittest.skipUnless(MEMORY, "by night: it waits for what does not come")
    def test_an_act_that_does_not_happen_is_said_and_no_success(self):
        out = self.folder / "session"
        demo = self.start(*self.words(out)[1:])
        while not demo.line(60).startswith(" 9. two avatars"):
            pass
        children = pathlib.Path(f"/proc/{demo.child.pid}/task/{demo.child.pid}/children").read_text().split()
        joined = [int(pid) for pid in children if b"--token" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
        self.assertEqual(len(joined), 2)
        for pid in joined:
            os.kill(pid, signal.SIGKILL)
        self.assertEqual(demo.wait(WITHIN), 1)
        summary = json.loads((out / "summary.json").read_text())
        self.assertFalse(summary["ok"])
        self.assertEqual([one["ok"] for one in summary["steps"]][-1], False)
        self.assertTrue(all(one["ok"] for one in summary["steps"][:-1]))
        self.until(lambda: processes_of(self.folder), [])


if __name__ == "__main__":
    if not shutil.which("ffmpeg"):
        print("SKIP: ffmpeg is missing")
        sys.exit(77)
    version = subprocess.run([harness.LOBO, "version", "-o", "json"], capture_output=True, text=True, check=True)
    if any(row["part"] == "QUIC" and row["value"].startswith("off") for row in json.loads(version.stdout)):
        print("SKIP: built without QUIC")
        sys.exit(77)
    sys.argv = sys.argv[:1]
    harness.main()
