#!/usr/bin/env python3
"""A policy suspends the session of a user who agreed: share/web/lobo-energy.js has the player stop fetching, and play
on when the media AF says so, after no more than `maxDuration`, or when the AF is gone."""

import time

import shim_test
import stage
from shim_test import CROSSING, HOT
from stage import SEGMENT, SLACK, harness

LONGEST = 12  # seconds of a suspension


class Suspend(shim_test.Shim):
    def policy_body(self):
        return {**super().policy_body(), "adaptationGuidance": [],
                "suspensionPolicy": {"conditions": ["hot"], "target": "SESSION", "maxDuration": LONGEST}}

    test_hls_js_moves_by_one_line = test_dash_js_moves_by_one_line = None

    def segments(self):
        return len(self.media_requests())

    def following(self):
        return self.told()["following"]

    def suspended(self, player, consent):
        self.assertGreater(HOT, CROSSING)
        self.play(f"{player},{self.url},{self.session}{consent}")
        self.until(lambda: any(step.startswith("8 ") for step in self.following()["steps"]), True)
        for name in self.meters.watts:
            self.meters.watts[name] = HOT

    def stops(self):
        self.until(lambda: self.following()["suspended"], True)
        begun = time.monotonic()
        self.nginx.selector.select(SEGMENT)  # what was under way comes
        before, at = self.segments(), self.told()["at"]
        self.nginx.selector.select(2 * SEGMENT)
        self.assertEqual(self.segments(), before, "it goes on fetching")
        self.assertLess(self.told()["at"] - at, 0.5, "it goes on playing")
        return begun, before

    def plays_on(self, before):
        self.until(lambda: self.following()["suspended"], False)
        self.until(lambda: self.segments() > before, True)
        self.until(lambda: self.told()["paused"], False)
        self.assertEqual(self.told()["errors"], [])

    def comes_back(self, player):
        self.suspended(player, ",consent")
        begun, before = self.stops()
        self.plays_on(before)
        self.assertLess(time.monotonic() - begun, LONGEST + SLACK)
        print(f"{player}: suspended and back after {time.monotonic() - begun:.1f} s")

    def test_hls_js_stops_and_plays_on(self):
        self.comes_back("hls.js")

    def test_dash_js_stops_and_plays_on(self):
        self.comes_back("dash.js")

    def test_it_plays_on_when_the_af_is_gone(self):
        self.suspended("hls.js", ",consent")
        _, before = self.stops()
        self.af.signal(harness.SIGKILL)
        self.af.wait()
        self.plays_on(before)

    def test_who_did_not_agree_is_left_alone(self):
        self.suspended("hls.js", "")
        heard = self.following()["reports"]
        self.until(lambda: self.following()["reports"] > heard + 3, True)
        self.assertFalse(self.following()["suspended"])
        self.assertFalse(self.told()["paused"])


if __name__ == "__main__":
    stage.main()
