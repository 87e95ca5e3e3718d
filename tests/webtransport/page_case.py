"""A page in Debian's Chromium that tells what it saw by posting it to where it came from."""

import functools
import http.server
import json
import pathlib
import queue
import subprocess
import threading

import harness

PATIENCE = 60


class Pages(http.server.SimpleHTTPRequestHandler):
    """Serves pages, and keeps what they post."""

    def __init__(self, *arguments, seen, folder, **words):
        self.seen = seen
        super().__init__(*arguments, directory=str(folder), **words)

    def do_POST(self):
        self.seen.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Case(harness.Case):
    FOLDER = pathlib.Path(__file__).resolve().parent  # of the pages

    def setUp(self):
        super().setUp()
        self.seen = queue.Queue()
        self.pages = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Pages, seen=self.seen, folder=self.FOLDER))
        self.addCleanup(self.pages.server_close)
        self.addCleanup(self.pages.shutdown)
        threading.Thread(target=self.pages.serve_forever, daemon=True).start()
        self.origin = f"http://127.0.0.1:{self.pages.server_address[1]}"

    def visit(self, page, *words):
        """What the page saw; the words stand behind the hash of its URL."""
        with (self.folder / "browser.log").open("w") as log:
            browser = subprocess.Popen(
                ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 f"--user-data-dir={self.folder / 'profile'}", f"{self.origin}/{page}#{','.join(words)}"],
                stdout=log, stderr=log)
        try:
            return self.seen.get(timeout=PATIENCE)
        except queue.Empty:
            self.fail(f"the page said nothing:\n{(self.folder / 'browser.log').read_text()[-3000:]}")
        finally:
            browser.terminate()
            browser.wait(20)
