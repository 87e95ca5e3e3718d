#!/usr/bin/env python3
"""Players as they are, in Debian's Chromium, steered by `lobo energy steer`: the plan changes, each of them
moves to the other location within a TTL and a segment, does not stall, and asks the old one for nothing more."""

import time

import stage
from stage import AFTERWARDS, JITTER, LOCATIONS, SEGMENT, SLACK, TTL


class Players(stage.Stage):
    def moves(self, player):
        self.play(player)
        self.assertEqual({address for _, address, _ in self.media_requests()}, {LOCATIONS["SL1"]})
        changed = time.time()
        self.change_plan("SL2")
        limit = TTL * (1 + JITTER) + SEGMENT
        moved = self.wait_for_move("SL2", limit + SLACK)
        self.nginx.selector.select(AFTERWARDS)
        end = self.told()
        late = [one for one in self.media_requests() if one[0] > moved and one[1] != LOCATIONS["SL2"]]
        refused = [one for one in self.media_requests() if one[2] >= 400]
        print(f"{player}: moved {moved - changed:.2f} s after the plan changed (TTL {TTL} s +- {JITTER:.0%}, "
              f"segments of {SEGMENT} s), {end['waiting']} stalls, {len(late)} requests elsewhere afterwards")
        self.assertEqual(end["errors"], [])
        self.assertEqual(end["waiting"], 0, "it stalled")
        self.assertEqual(late, [], "requests to another location after the first to the new one")
        self.assertEqual(refused, [])
        self.assertFalse(end["paused"])

    def test_dash_js_moves_and_does_not_stall(self):
        self.moves("dash.js")

    def test_hls_js_moves_and_does_not_stall(self):
        self.moves("hls.js")

    def test_shaka_moves_and_does_not_stall(self):
        self.moves("shaka")


if __name__ == "__main__":
    stage.main()
