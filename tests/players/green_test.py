#!/usr/bin/env python3
"""`lobo demo green`, unattended and in half the time: its steps, its artefacts, and nothing left running."""

import json
import subprocess

import stage
from stage import HERE, harness


class Green(harness.Case):
    def test_the_day_ends_well_and_leaves_its_artefacts(self):
        out = self.folder / "green"
        done = subprocess.run([harness.LOBO, "demo", "green", "--check", "--seconds", "90", "--out", str(out),
                               "--players", str(HERE)], capture_output=True, text=True, timeout=400)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        summary = json.loads((out / "summary.json").read_text())
        self.assertTrue(summary["ok"])
        self.assertEqual(summary["demo"], "green")
        self.assertGreater(summary["figures"]["saved_gco2e"], summary["figures"]["saved_gco2e_off_at_most"])
        self.assertEqual(summary["figures"]["stalls"], 0)
        self.assertGreater((out / "page.png").stat().st_size, 10000)
        page = (out / "report.html").read_text()
        self.assertIn("<svg", page)
        self.assertNotRegex(page, r"(src|href)=\"?https?://")


if __name__ == "__main__":
    stage.main()
