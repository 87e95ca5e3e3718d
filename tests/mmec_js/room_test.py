#!/usr/bin/env python3
"""lobo-mmec.js in Debian's Chromium, in a room with a native client: by a token, over WebTransport."""

import json
import os
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(1, str(ROOT / "tests" / "e2e"))
sys.path.insert(1, str(ROOT / "tests" / "webtransport"))
import harness  # noqa: E402  (the path above comes first)
import page_case  # noqa: E402

ROOM = os.environ.get("BROWSER_ROOM") or str(ROOT / "build" / "dev" / "tests" / "relay_node" / "browser_room")
SECONDS = 3


class Room(page_case.Case):
    FOLDER = ROOT

    def test_a_page_joins_by_a_token_sees_who_is_there_is_seen_and_measures(self):
        room = harness.Process([ROOM, "1"], self.folder / "room.log")
        self.addCleanup(room.end)
        url, digest, _, _, token = room.ready()
        seen = self.visit("tests/mmec_js/room.html", url, digest, token, str(SECONDS), "")
        room.signal(harness.signal.SIGTERM)
        room.wait()
        told = json.loads(room.unread + room.child.stdout.read())
        print(json.dumps({"page": seen, "native": told}))
        self.assertEqual(seen["errors"], [])
        self.assertEqual(seen["carrier"], "webtransport")
        # Whoever comes late is told who is there, and what they last were.
        self.assertEqual(seen["assets"][:1], ["urn:asset:1 ue1 true"])
        self.assertLess(seen["firstStateMs"], 1000)
        self.assertEqual(seen["newest"], [0])
        self.assertGreaterEqual(seen["byName"], 0.8 * 60 * SECONDS)  # loads of other tests slow it
        self.assertGreaterEqual(told["of"]["3"], 0.8 * seen["sent"])
        figures = seen["stats"]["assets"]["urn:asset:1"]
        self.assertLess(figures["loss"], 0.1)
        self.assertLess(figures["ageMs"]["p50"], 500)
        self.assertGreater(seen["stats"]["rttMs"], 0)
        self.assertLess(seen["stats"]["clock"]["errorMs"], 100)
        self.assertEqual([seen["links"], seen["leftUp"]], [[True], False])


if __name__ == "__main__":
    if not shutil.which("chromium"):
        print("SKIP: chromium is missing")
        sys.exit(77)
    harness.main()
