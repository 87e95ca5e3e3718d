#!/usr/bin/env python3
"""Debian's Chromium against our HTTP/3 and WebTransport: a session of a page with datagrams, streams of both ends,
and its ends; what a page of another origin or path gets. The page tells what it saw by posting it."""

import functools
import http.server
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parents[0] / "e2e"))
import harness  # noqa: E402  (the path above comes first)

ECHO = os.environ.get("WEBTRANSPORT_ECHO") or str(
    HERE.parents[1] / "build" / "dev" / "tests" / "webtransport" / "webtransport_echo")
PATIENCE = 60


class Pages(http.server.SimpleHTTPRequestHandler):
    """Serves the page, and keeps what it posts."""

    def __init__(self, *arguments, seen, **words):
        self.seen = seen
        super().__init__(*arguments, directory=str(HERE), **words)

    def do_POST(self):
        self.seen.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Browser(harness.Case):
    def setUp(self):
        super().setUp()
        self.seen = queue.Queue()
        self.pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Pages, seen=self.seen))
        self.addCleanup(self.pages.server_close)
        self.addCleanup(self.pages.shutdown)
        threading.Thread(target=self.pages.serve_forever, daemon=True).start()
        self.origin = f"http://127.0.0.1:{self.pages.server_address[1]}"

    def visit(self, allowed):
        """What the page saw of a server that lets pages of that origin in, and what the server said."""
        server = harness.Process([ECHO, str(self.folder), allowed], self.folder / "echo.log")
        self.addCleanup(server.end)
        url, digest = server.ready()
        with (self.folder / "browser.log").open("w") as log:
            browser = subprocess.Popen(
                ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 f"--user-data-dir={self.folder / 'profile'}", f"{self.origin}/page.html#{url},{digest}"],
                stdout=log, stderr=log)
        try:
            seen = self.seen.get(timeout=PATIENCE)
        except queue.Empty:
            self.fail(f"the page said nothing:\n{(self.folder / 'browser.log').read_text()[-3000:]}")
        finally:
            browser.terminate()
            browser.wait(20)
        server.signal(harness.signal.SIGTERM)
        server.wait()
        return seen, (server.unread + server.child.stdout.read()).decode().splitlines()

    def test_a_page_sends_and_gets_datagrams_and_streams(self):
        seen, said = self.visit(self.origin)
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
        seen, said = self.visit("https://app.example")
        self.assertEqual(len(seen["errors"]), 1)
        self.assertIn("WebTransport", seen["errors"][0])
        self.assertEqual(said, [])


if __name__ == "__main__":
    if not shutil.which("chromium"):
        print("SKIP: chromium is missing")
        sys.exit(77)
    harness.main()
