#!/usr/bin/env python3
"""A slider of `lobo demo green`'s page is moved in Chromium: that place's grid is held at its worst, the plan takes its
share away, and the players leave it; let go, the grid follows the day again."""

import json
import os
import select
import subprocess
import urllib.request

import stage
from stage import HERE, harness

PATIENCE = 90.0  # seconds: TTL, drain and wake are 20 s each in the demo


class Sliders(harness.Case):
    def state(self):
        select.select([], [], [], 0.2)  # the demo and three players need the processors more
        with urllib.request.urlopen(self.url + "green/state", timeout=10) as answer:
            return json.loads(answer.read())

    def ask_hand(self, line=None):
        if line is not None:
            self.hand.stdin.write(line + "\n")
            self.hand.stdin.flush()
        return json.loads(self.hand.stdout.readline() or "{}")

    def ends(self, process):
        if process.stdin:
            process.stdin.close()
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        process.stdout.close()

    def test_a_slider_moves_the_plan_and_the_players(self):
        out = self.folder / "green"
        demo = subprocess.Popen([harness.LOBO, "demo", "green", "--check", "--seconds", "240", "--out", str(out),
                                 "--players", str(HERE)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.ends, demo)
        for line in demo.stdout:
            if line.startswith("the page: "):
                self.url = line.split()[2]
                break
        else:
            self.fail("the demo said no page")
        self.until(lambda: self.shares_are_known(), True, PATIENCE)
        before = self.state()
        best = max(range(3), key=lambda i: before["places"][i]["share"])
        place = before["places"][best]["id"]
        self.hand = subprocess.Popen(["node", str(HERE / "slide.mjs"), self.url, str(self.folder / "hand"), place],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                     env={**os.environ, "HOME": str(self.folder)})
        self.addCleanup(self.ends, self.hand)
        held = self.ask_hand()
        self.assertEqual(held.get("event"), "held", held)
        self.assertIn("800 gCO2e/kWh", held["label"])
        self.assertTrue(self.state()["places"][best]["fixed"])
        self.assertEqual(self.state()["places"][best]["grid"], 800)
        self.until(lambda: self.state()["places"][best]["share"] < 0.05, True, PATIENCE)
        self.until(lambda: best in self.state()["players"], False, PATIENCE)
        print(f"{place} held at 800 g/kWh: share {before['places'][best]['share']:.2f} to "
              f"{self.state()['places'][best]['share']:.2f}, players at {self.state()['players']}")
        free = self.ask_hand("let go")
        self.assertEqual(free.get("event"), "let go", free)
        self.assertFalse(self.state()["places"][best]["fixed"])

    def shares_are_known(self):
        """The plan has a favourite, and a player is there."""
        try:
            now = self.state()
        except OSError:
            return False
        best = max(range(3), key=lambda i: now["places"][i]["share"])
        return now["places"][best]["share"] > 0.5 and best in now["players"]


if __name__ == "__main__":
    stage.main()
