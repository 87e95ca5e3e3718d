#!/usr/bin/env python3
"""Debian's Chromium and a native client in one room of a relay node: each sees what the other publishes."""

import json
import os
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parents[0] / "e2e"))
sys.path.insert(1, str(HERE.parents[0] / "webtransport"))
import harness  # noqa: E402  (the path above comes first)
import page_case  # noqa: E402

ROOM = os.environ.get("BROWSER_ROOM") or str(
    HERE.parents[1] / "build" / "dev" / "tests" / "relay_node" / "browser_room")


class Room(page_case.Case):
    FOLDER = HERE

    def test_a_page_and_a_native_client_see_each_other(self):
        room = harness.Process([ROOM], self.folder / "room.log")
        self.addCleanup(room.end)
        seen = self.visit("room.html", *room.ready())
        room.signal(harness.signal.SIGTERM)
        room.wait()
        told = json.loads(room.unread + room.child.stdout.read())
        print(json.dumps({"page": seen, "native": told}))
        self.assertEqual(seen["errors"], [])
        self.assertGreater(seen["control"], 0)
        # The page's own clock is not exact, and two states within a window become one.
        self.assertGreater(seen["sent"], 100)
        self.assertGreaterEqual(told["seen"], 0.9 * seen["sent"])
        self.assertGreaterEqual(seen["texts"], 0.8 * 60 * 4)  # loads of other tests slow it


if __name__ == "__main__":
    if not shutil.which("chromium"):
        print("SKIP: chromium is missing")
        sys.exit(77)
    harness.main()
