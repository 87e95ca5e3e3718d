"""What the tests of players share: content, three service locations, steering, and a player in Chromium.

Three service locations are one nginx on three addresses with one port. What is served by which is read from its
access log, never from the player."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parents[0] / "e2e"))
import harness  # noqa: E402  (the path above comes first)

LOCATIONS = {"SL1": "127.0.1.1", "SL2": "127.0.1.2", "SL3": "127.0.1.3"}
TTL, JITTER, SEGMENT = 5.0, 0.2, 2.0
LENGTH, RATE = 90, 15  # seconds of content, pictures a second
# What a machine with two busy processors may add to a timer of a browser.
SLACK = 6.0
AFTERWARDS = 8.0  # how long the old location is watched after the move
DISTRIBUTIONS = {"dash.all.min.js": "dashjs/dist/modern/umd/dash.all.min.js", "hls.min.js": "hls.js/dist/hls.min.js",
                 "shaka-player.compiled.js": "shaka-player/dist/shaka-player.compiled.js"}

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
  types {{ text/html html; application/dash+xml mpd; application/vnd.apple.mpegurl m3u8; video/mp4 m4s mp4;
           application/javascript js; }}
  log_format lobo '$msec $server_addr $server_port $status $bytes_sent $request_length $host $request_uri '
                  '"$http_cmcd_session"';
  access_log {folder}/access.log lobo;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{
    listen 127.0.0.1:{port}; listen 127.0.1.1:{port}; listen 127.0.1.2:{port}; listen 127.0.1.3:{port};
    root {folder}/www;
    add_header Access-Control-Allow-Origin * always;
    add_header Access-Control-Expose-Headers 'Content-Length, Date' always;
    add_header Cache-Control no-store;
  }}
}}
"""


def why_not():
    """Why the players cannot be run here; nothing where they can."""
    for program in ("node", "chromium", "nginx", "ffmpeg"):
        if not shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin"):
            return f"{program} is missing"
    for part in ("playwright-core", *DISTRIBUTIONS.values()):
        if not (HERE / "node_modules" / part).exists():
            return "the players are not installed (tools/install_packages.sh players)"
    return None


def free_port():
    """A port that is free on all addresses."""
    for _ in range(20):
        sockets = []
        try:
            port = 0
            for address in ("127.0.0.1", *LOCATIONS.values()):
                one = socket.socket()
                sockets.append(one)
                one.bind((address, port))
                port = one.getsockname()[1]
            return port
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
    raise AssertionError("no port is free on four addresses")


class Stage(harness.Case):
    steering_query = ""
    length = LENGTH
    page = "page.html"

    @classmethod
    def setUpClass(cls):
        """Content is made once: video and audio, as DASH and HLS with the same segments."""
        cls.media = pathlib.Path(tempfile.mkdtemp(prefix="lobo-players-"))
        cls.addClassCleanup(shutil.rmtree, cls.media, ignore_errors=True)
        frames = int(RATE * SEGMENT)
        subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size=256x144:rate={RATE}:duration={cls.length}",
             "-f", "lavfi", "-i", f"sine=frequency=440:duration={cls.length}", "-map", "0:v", "-map", "1:a",
             "-c:v", "libx264", "-preset", "ultrafast", "-g", str(frames), "-keyint_min", str(frames),
             "-sc_threshold", "0", "-pix_fmt", "yuv420p", "-b:v", "150k", "-c:a", "aac", "-b:a", "64k",
             "-seg_duration", str(int(SEGMENT)), "-adaptation_sets", "id=0,streams=v id=1,streams=a",
             "-hls_playlist", "1", "-f", "dash", str(cls.media / "plain.mpd")], check=True, timeout=600)

    def setUp(self):
        super().setUp()
        self.www = self.folder / "www"
        shutil.copytree(self.media, self.www)
        for folder in (self.folder, self.www):
            os.chmod(folder, 0o755)  # workers of nginx are somebody else where the test is root
        (self.www / "players").mkdir()
        for name, source in DISTRIBUTIONS.items():
            shutil.copy(HERE / "node_modules" / source, self.www / "players" / name)
        shutil.copy(HERE / self.page, self.www / "page.html")
        self.port = free_port()
        self.start_nginx()
        self.start_steering()
        self.tag_manifests()

    def start_nginx(self):
        conf = self.write("nginx.conf", NGINX.format(folder=self.folder, port=self.port))
        self.nginx = harness.Process(["nginx", "-c", str(conf), "-e", str(self.folder / "nginx-error.log")],
                                     self.folder / "nginx.log")
        self.addCleanup(self.nginx.end)
        self.until(lambda: self.listens(), True)

    def listens(self):
        try:
            socket.create_connection(("127.0.1.3", self.port), 1).close()
            return True
        except OSError:
            return False

    def plan(self, best):
        others = {name: 1 for name in LOCATIONS if name != best}
        self.version = getattr(self, "version", 0) + 1
        return json.dumps({
            "version": self.version, "validUntil": "2100-01-01T00:00:00Z", "ttl": int(TTL),
            "locations": [{"id": name, "baseUrl": f"http://{address}:{self.port}/"}
                          for name, address in LOCATIONS.items()],
            "groups": [{"id": "all", "shares": {best: 1}, "reserve": others}]})

    def start_steering(self):
        self.plan_file = self.write("plan.json", self.plan("SL1"))
        config = self.write("steer.yaml", "energy_steering:\n  server: {address: 127.0.0.1, port: 0}\n  plan: plan.json\n")
        self.steering = self.start("energy", "steer", "-c", config)
        self.steer_url = self.steering.ready()[0]

    def change_plan(self, best):
        fresh = self.folder / "plan.new"
        fresh.write_text(self.plan(best), encoding="utf-8")
        fresh.replace(self.plan_file)
        self.steering.signal(harness.SIGHUP)

    def tag_manifests(self):
        locations = [word for name, address in LOCATIONS.items()
                     for word in ("--location", f"{name}=http://{address}:{self.port}/")]
        for source, out, kind in (("plain.mpd", "steered.mpd", "dash"), ("master.m3u8", "steered.m3u8", "hls")):
            self.lobo("energy", "manifest", self.www / source, "-o", self.www / out, *locations,
                      "--steering", f"{self.steer_url}/steer/{kind}{self.steering_query}")

    def media_requests(self):
        """(time, address) of each request for a segment, in order."""
        found = []
        for line in (self.folder / "access.log").read_text().splitlines():
            msec, address, _, status, _, _, _, uri, _ = line.split(" ", 8)
            uri = uri.split("?")[0]
            if uri.endswith(".m4s") and "init" not in uri and address in LOCATIONS.values():
                found.append((float(msec), address, int(status)))
        return found

    def play(self, player):
        self.browser_log = (self.folder / "browser.log").open("w")
        self.addCleanup(self.browser_log.close)
        self.browser = subprocess.Popen(
            ["node", str(HERE / "drive.mjs"), f"http://127.0.0.1:{self.port}/page.html#{player}",
             str(self.folder / "profile")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.browser_log, text=True)
        self.addCleanup(self.end_browser)
        begun = json.loads(self.browser.stdout.readline() or "{}")
        self.assertEqual(begun.get("event"), "playing", f"{player}: {begun}, nginx served:\n"
                         f"{(self.folder / 'access.log').read_text()[-2000:]}")
        self.assertEqual(begun["errors"], [])

    def told(self):
        self.browser.stdin.write("?\n")
        self.browser.stdin.flush()
        return json.loads(self.browser.stdout.readline())

    def end_browser(self):
        if self.browser.poll() is None:
            self.browser.stdin.close()
            try:
                self.browser.wait(20)
            except subprocess.TimeoutExpired:
                self.browser.kill()
                self.browser.wait()
        self.browser.stdout.close()

    def wait_for_move(self, to, patience):
        """The time of the first request for a segment at that address. Looks at the log; limited."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            for at, address, _ in self.media_requests():
                if address == LOCATIONS[to]:
                    return at
            self.nginx.selector.select(0.1)  # nginx says nothing: a pause that ends early if it does
        self.fail(f"no request at {to} within {patience} s: {self.told()}")


def main():
    missing = why_not()
    if missing:
        print(f"SKIP: {missing}")
        sys.exit(77)
    harness.main()
