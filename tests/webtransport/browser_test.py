#!/usr/bin/env python3
"""Debian's Chromium against our HTTP/3 and WebTransport: a session of a page with datagrams, streams of both ends,
and its ends; what a page of another origin or path gets. The page tells what it saw by posting it."""

import json
import os
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parents[0] / "e2e"))
import harness  # noqa: E402  (the path above comes first)
import page_case  # noqa: E402

ECHO = os.environ.get("WEBTRANSPORT_ECHO") or str(
    HERE.parents[1] / "build" / "dev" / "tests" / "webtransport" / "webtransport_echo")


class Browser(page_case.Case):
    def meet(self, allowed):
        """What the page saw of a server that lets pages of that origin in, and what the server said."""
        server = harness.Process([ECHO, str(self.folder), allowed], self.folder / "echo.log")
        self.addCleanup(server.end)
        seen = self.visit("page.html", *server.ready())
        server.signal(harness.signal.SIGTERM)
        server.wait()
        return seen, (server.unread + server.child.stdout.read()).decode().splitlines()

    def test_a_page_sends_and_gets_datagrams_and_streams(self):
        seen, said = self.meet(self.origin)
        print(json.dumps(seen))
        self.assertEqual(seen["errors"], [])
        self.assertGreaterEqual(seen["datagrams"], 198)
        self.assertGreaterEqual(seen["datagramMax"], 1150)
        self.assertTrue(seen["streamIntact"])
        self.assertEqual(seen["opened"], "hello")
        self.assertEqual(seen["closed"], {"code": 7, "reason": "as you wished"})
        self.assertEqual(seen["otherPath"], "WebTransportError")
        self.assertEqual(said[0], f"opened webtransport /sdd {self.origin}")
        self.assertIn("closed peer 9 leaving", said)

    def test_a_page_of_another_origin_does_not_come_in(self):
        seen, said = self.meet("https://app.example")
        self.assertEqual(len(seen["errors"]), 1)
        self.assertIn("WebTransport", seen["errors"][0])
        self.assertEqual(said, [])


if __name__ == "__main__":
    if not shutil.which("chromium"):
        print("SKIP: chromium is missing")
        sys.exit(77)
    harness.main()
