#!/usr/bin/env python3
"""The metaverse enabler's server as a process, over a SEALDD server of Python's own: sessions by hand and by HTTP,
events, a kill in mid-life, and a teardown that leaves nothing behind."""

import http.server
import json
import signal
import threading
import time
import unittest
import urllib.request

import harness

SERVER = """
metaverse:
  server:
    - {{address: 127.0.0.1, port: 0}}
  metrics:
    server:
      - {{address: 127.0.0.1, port: 0}}
  store:
    path: {folder}/metaverse.sqlite
  auth:
    mode: "off"
  media:
    path: {folder}/media
  callback_base: http://127.0.0.1:{callbacks}
  sealdd:
    uri: {sealdd}
    http2: false
  sinks:
    allow: [127.0.0.0/8]
    https_only: false
"""

LADDER = {"match": {"valServiceId": "xr"}, "qosCeil": {"mbrDl": "4 Mbps"},
          "ladder": [{"updateRateHz": 15}], "thresholds": {"lossPermille": 20}}


class Sealdd(http.server.BaseHTTPRequestHandler):
    """Connections and what is beside them, in memory; `sink` hears the enabler's notifications."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=None, **headers):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"null")

    def do_POST(self):
        held, body = self.server.held, self.body()
        if self.path == "/sink":
            self.server.heard.append(body)
            with self.server.changed:
                self.server.changed.notify_all()
            return self.answer(204)
        key = self.headers["idempotency-key"]
        path, made = next(((path, one) for path, one in held.items() if one["key"] == key), (None, None))
        if made is None:
            path = f"{self.path}/{len(held) + 1}"
            made = held[path] = {"key": key, "asked": body, "shown": body}
            if "connections" in self.path:
                made["shown"] = {
                    "self": self.server.root + path, "connectionId": path.rsplit("/")[-1], "state": "CONNECTING",
                    "epoch": 1, "token": "secret", "nodeId": "n1",
                    "ddServerConnInfo": {"ipv4Addr": "127.0.0.68", "port": 4433},
                    **{name: body[name] for name in ("room", "valServiceId", "valServerId", "valTargetUe", "expTime")},
                    "flows": {asset: {**flow, "flowIds": [7], "alias": 1, "state": "INIT"}
                              for asset, flow in body["flows"].items()}}
        return self.answer(201, made["shown"], location=self.server.root + path)

    def do_PATCH(self):
        made, patch = self.server.held[self.path], self.body()
        for asset, flow in patch.get("flows", {}).items():
            made["shown"]["flows"][asset].update(flow)
        return self.answer(200, made["shown"])

    def do_DELETE(self):
        self.server.held.pop(self.path, None)
        return self.answer(204)


class Enabler(harness.Case):
    def setUp(self):
        super().setUp()
        self.sealdd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sealdd)
        self.sealdd.held, self.sealdd.heard, self.sealdd.changed = {}, [], threading.Condition()
        self.sealdd.root = f"http://127.0.0.1:{self.sealdd.server_port}"
        threading.Thread(target=self.sealdd.serve_forever, daemon=True).start()
        self.addCleanup(self.sealdd.server_close)
        self.addCleanup(self.sealdd.shutdown)
        self.begin()

    def begin(self):
        self.config = self.write("metaverse.yaml", SERVER.format(
            folder=self.folder, sealdd=self.sealdd.root, callbacks=9))
        self.server = self.start("serve", "-c", self.config)
        self.url, self.admin_url = self.server.ready()[:2]

    def mm(self, *words, **more):
        return self.lobo("mm", *words, "--server", self.url, **more)

    def connections(self):
        return {path: one for path, one in self.sealdd.held.items() if "connections" in path}

    def call_back(self, what, body):
        """As SEALDD would; the address that it was told is behind a proxy in this test."""
        uri = next(iter(self.connections().values()))["asked"]["notifUri"]
        path = uri.split("/", 3)[3].rsplit("/", 1)[0]
        answer = self.ask("POST", f"/{path}/{what}", body=body)
        self.assertEqual(answer.status, 204, answer.text)

    def flow(self, state, seq):
        self.call_back("connection", {"connectionId": next(iter(self.connections())).rsplit("/")[-1], "seq": seq,
                                      "ts": "2026-01-01T00:00:00Z", "state": "ESTABLISHED",
                                      "flows": {"urn:avatar:alice": state}})

    def events(self, wanted):
        with self.sealdd.changed:
            done = self.sealdd.changed.wait_for(lambda: wanted in self.told(), harness.PATIENCE)
        self.assertTrue(done, f"{wanted} is not among {self.told()}")

    def told(self):
        return [event["event"] for one in self.sealdd.heard for event in one["events"]]

    def create(self):
        text = self.mm("session", "create", "--service", "xr", "--asset", "urn:avatar:alice", "--ue", "ue1",
                       "--rate", "60", "--bit-rate", "8 Mbps", "--notify", self.sealdd.root + "/sink", "-o", "json")
        return json.loads(text)

    def test_a_session_lives_adapts_survives_a_kill_and_leaves_nothing_behind(self):
        policy = self.write("policy.json", json.dumps(LADDER))
        self.mm("policy", "create", "--file", policy)
        session = self.create()
        granted = session["granted"][0]
        self.assertEqual((granted["decision"], granted["grantedQos"]["mbrDl"], granted["token"]),
                         ("TRIM", "4 Mbps", "secret"))
        self.assertEqual(session["state"], "CONNECTING")
        at = "/mm-das/v1/sessions/" + session["sessionId"]
        self.flow("UP", 1)
        self.assertEqual(self.ask("GET", at).json["state"], "ACTIVE")
        self.events("FLOW_STATE")

        for _ in range(2):
            self.call_back("measurements", {"reports": [{"measData": {"avgPackLossRate": 50}}]})
        self.events("TIER_CHANGE")
        until = time.monotonic() + harness.PATIENCE
        connection = next(iter(self.connections().values()))["shown"]
        while connection["flows"]["urn:avatar:alice"]["tier"] != 1:
            self.assertLess(time.monotonic(), until)

        self.server.signal(signal.SIGKILL)
        self.server.wait()
        self.begin()
        again = self.ask("GET", at).json
        self.assertEqual((again["state"], again["granted"][0]["tier"]), ("DEGRADED", 1))
        self.assertIn(session["sessionId"], self.mm("session", "list"))

        self.mm("session", "delete", session["sessionId"])
        self.assertEqual(self.sealdd.held, {})
        self.events("SESSION_ENDING")
        # At least once, in order: what was on its way when the server died may come twice.
        seen = list(dict.fromkeys(one["seq"] for one in self.sealdd.heard))
        self.assertEqual(seen, list(range(1, len(seen) + 1)))
        self.assertEqual(self.ask("GET", at).json["state"], "RELEASED")

    def test_what_policies_refuse_is_said_with_the_policy_that_refuses(self):
        policy = self.write("policy.json", json.dumps({"match": {}, "effect": "DENY"}))
        made = json.loads(self.mm("policy", "create", "--file", policy, "-o", "json"))
        done = self.run_lobo("mm", "session", "create", "--asset", "urn:a", "--ue", "ue1", "--server", self.url)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(made["policyId"], done.stderr)
        self.mm("policy", "delete", made["policyId"])
        self.assertIn("CONNECTING", self.mm("session", "create", "--asset", "urn:a", "--ue", "ue1"))

    def media(self, method, at, data=None, **headers):
        request = urllib.request.Request(self.url + at + "/media", data=data, method=method, headers={
            name.replace("_", "-"): value for name, value in headers.items()})
        with urllib.request.urlopen(request, timeout=harness.PATIENCE) as answer:
            return answer.status, answer.read()

    def test_an_upload_goes_on_after_a_kill_and_comes_back_by_range(self):
        block = self.ask("POST", "/mm-mdrb/v1/blocks", body={"name": "hall"}).json["blockId"]
        self.assertEqual(self.ask("POST", "/mm-mdrb/v1/assets", body={
            "blockId": block, "name": "alice", "assetId": "urn:avatar:alice"}).status, 201)
        at = "/mm-mdrb/v1/assets/urn%3Aavatar%3Aalice"
        octets = bytes(range(256)) * 20000  # More than one part may have.
        half, end = 3_000_000, len(octets)
        glb = {"content_type": "model/gltf-binary"}
        self.media("PUT", at, octets[:half], content_range=f"bytes 0-{half - 1}/{end}", **glb)
        self.server.signal(signal.SIGKILL)
        self.server.wait()
        self.begin()
        self.assertEqual(self.ask("GET", at).json["upload"]["received"], half)
        self.media("PUT", at, octets[half:], content_range=f"bytes {half}-{end - 1}/{end}", **glb)
        self.assertEqual(self.media("GET", at), (200, octets))
        self.assertEqual(self.media("GET", at, range="bytes=255-257"), (206, b"\xff\x00\x01"))
        self.assertEqual(len(list((self.folder / "media").iterdir())), 1)
        self.assertEqual(self.ask("DELETE", at).status, 204)
        self.assertEqual(list((self.folder / "media").iterdir()), [])

    def test_media_go_up_and_come_down_by_hand(self):
        block = json.loads(self.mm("block", "create", "--name", "hall", "-o", "json"))["blockId"]
        self.mm("asset", "create", "--block", block, "--name", "alice", "--asset", "urn:a")
        octets = bytes(range(256)) * 20000
        (self.folder / "a.glb").write_bytes(octets)
        self.mm("asset", "upload", "urn:a", "--file", self.folder / "a.glb")
        self.mm("asset", "download", "urn:a", "--to", self.folder / "b.glb")
        self.assertEqual((self.folder / "b.glb").read_bytes(), octets)
        self.assertIn("model/gltf-binary", self.mm("asset", "list"))
        self.mm("asset", "delete", "urn:a")
        self.mm("block", "delete", block)

    def test_administration_shows_what_it_does(self):
        self.create()
        metrics = harness.ask(self.admin_url + "/metrics").text
        self.assertIn('operation="CreateSyncSession"', metrics)
        self.assertEqual(harness.ask(self.admin_url + "/status/ready").status, 200)


if __name__ == "__main__":
    unittest.main()
