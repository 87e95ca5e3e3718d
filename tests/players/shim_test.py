#!/usr/bin/env python3
"""One line in a page: share/web/lobo-energy.js listens to the media AF (E5) and moves the page's player when the AF
recommends it: within a segment and half a second, whatever the TTL of content steering, and stays there."""

import shutil
import time

import stage
from energy_test import POLICY, EnergyStage
from stage import AFTERWARDS, LOCATIONS, SEGMENT, SLACK

HALF = 0.5
CROSSING, HOT = 300.0, 420.0


class Shim(EnergyStage):
    page = "shim.html"
    # The plan stays what it is for longer than the test: only the threshold, so only E5, leads away from SL1.
    planning = "every: 1s, spacing: 10min, release_share: 1, steering_ttl: 30s, stand_by: false"

    def setUp(self):
        super().setUp()
        shutil.copy(stage.HERE.parents[1] / "share" / "web" / "lobo-energy.js", self.www / "players")

    def policy_body(self):
        return {**POLICY, "externalReference": "eco",
                "thresholds": [{"thresholdRef": "hot", "metric": "POWER_W", "direction": "UP", "crossing": CROSSING,
                                "clear": 200}],
                "adaptationGuidance": [{"action": "RESELECT_SERVICE_LOCATION", "triggerThresholdRef": "hot"}]}

    def moves(self, player, transport="SSE"):
        self.play(f"{player},{self.url},{self.session},,{transport}")
        self.until(lambda: any(step.startswith("8 ") for step in self.told()["following"]["steps"]), True)
        self.assertEqual(self.told()["following"]["location"], "SL1")
        self.assertIn("MEASURED_RAPL", self.told()["following"]["classes"], "M6: how the figures are known")
        self.meters.watts["SL1"] = HOT
        self.until(lambda: any(step.startswith("35b") for step in self.told()["following"]["steps"]), True)
        asked = time.time()
        to = next(step for step in self.told()["following"]["steps"] if step.startswith("35b")).rsplit(" ", 1)[1]
        moved = self.wait_for_move(to, SEGMENT + HALF + SLACK)
        self.nginx.selector.select(AFTERWARDS)
        end = self.told()
        late = [one for one in self.media_requests() if one[0] > moved + HALF and one[1] != LOCATIONS[to]]
        print(f"{player}, pushed: at most {max(0.0, moved - asked):.2f} s after it was asked to move, "
              f"{end['waiting']} stalls, {len(late)} requests elsewhere afterwards")
        self.assertLessEqual(moved - asked, SEGMENT + HALF)
        self.assertEqual(end["errors"], [])
        self.assertEqual(end["waiting"], 0, "it stalled")
        self.assertEqual(late, [], end["following"])
        self.assertEqual(end["following"]["moves"], 1, end["following"])
        self.assertEqual(end["following"]["transport"], transport)
        self.until(lambda: "service location changed" in (self.folder / "serve.log").read_text(), True)

    def test_hls_js_moves_by_one_line(self):
        self.moves("hls.js")

    def test_dash_js_moves_by_one_line(self):
        self.moves("dash.js")

    def test_hls_js_moves_by_the_long_poll_too(self):
        self.moves("hls.js", "LONG_POLL")


if __name__ == "__main__":
    stage.main()
