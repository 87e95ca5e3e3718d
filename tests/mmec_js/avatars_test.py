#!/usr/bin/env python3
"""`lobo demo avatars --check`: three tabs and native clients in one room, a network that gets worse, a tab without UDP, a teardown; its
steps, its artefacts, and nothing left running."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parents[0] / "e2e"))
import harness  # noqa: E402  (the path above comes first)


# Seconds: the demo's own waits, one after the other, at their longest.
WITHIN = 900


class Avatars(harness.Case):
    def test_everybody_sees_everybody_and_what_is_shown_is_what_was_injected(self):
        out = self.folder / "avatars"
        done = subprocess.run([harness.LOBO, "demo", "avatars", "--check", "--out", str(out)], capture_output=True, text=True,
                              timeout=WITHIN)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        summary = json.loads((out / "summary.json").read_text())
        self.assertEqual((summary["demo"], summary["ok"]), ("avatars", True))
        figures = summary["figures"]
        self.assertLess(figures["calm_loss_percent"], 5)
        self.assertGreater(figures["bad_native_to_tab_loss_percent"], figures["calm_loss_percent"])
        self.assertGreater(figures["bad_native_to_tab_delay_p50_ms"], 0.8 * figures["bad_injected_delay_ms"])
        self.assertGreater(figures["full_tier_after_seconds"], 8)  # ten good windows a step
        steps = [one["name"] for one in summary["steps"]]
        for wanted in ("the node registers at SEALDD", "the tier falls, and the application is told why", "the tier rises to the top again",
                       "teardown leaves nothing at SEALDD"):
            self.assertIn(wanted, steps)
        for picture in ("page.png", "page-2.png"):
            self.assertGreater((out / picture).stat().st_size, 20000)
        page = (out / "report.html").read_text()
        self.assertIn("<svg", page)
        self.assertNotRegex(page, r"(src|href)=\"?https?://")
        self.assertFalse((out / "profile").exists())
        self.assertIn("Establish", (out / "trace.mmd").read_text())


if __name__ == "__main__":
    for program in ("chromium", "node"):
        if not shutil.which(program):
            print(f"SKIP: {program} is missing")
            sys.exit(77)
    version = subprocess.run([harness.LOBO, "version", "-o", "json"], capture_output=True, text=True, check=True, env=os.environ)
    if '"QUIC","value":"off' in version.stdout.replace(": ", ":").replace(", ", ","):
        print("SKIP: built without QUIC")
        sys.exit(77)
    harness.main()
