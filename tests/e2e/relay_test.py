#!/usr/bin/env python3
"""`lobo relay` as a process: files as `lobo pki` makes them, the ready line, the reset key that stays, and refusals."""

import json
import os
import stat

import harness

CONFIG = """
relay:
  node: relay1
  server: {address: 127.0.0.1, port: 0}
  websocket: {address: 127.0.0.1, port: 0}
  tls: {cert: pki/server.pem, key: pki/server.key}
  reset_key: reset.key
  token_keys: [flow/flow.pub]
"""


class Relay(harness.Case):
    def setUp(self):
        super().setUp()
        if "QUIC" not in self.lobo("version") or '"off' in self.quic():
            self.skipTest("built without QUIC")
        self.lobo("pki", "init", self.folder / "pki")
        self.lobo("pki", "flow-key", self.folder / "flow")

    def quic(self):
        rows = json.loads(self.lobo("version", "-o", "json"))
        return '"' + next(row["value"] for row in rows if row["part"] == "QUIC")

    def serve(self):
        process = self.start("relay", "-c", self.write("relay.yaml", CONFIG), "-o", "json")
        return process, process.ready()

    def test_it_says_where_it_is_and_what_it_did(self):
        process, (quic, page, digest, websocket) = self.serve()
        self.assertRegex(websocket, r"^ws://127\.0\.0\.1:\d+/sdd$")
        self.assertRegex(quic, r"^quic://127\.0\.0\.1:\d+$")
        self.assertEqual(page, quic.replace("quic", "https") + "/sdd")
        self.assertRegex(digest, r"^sha256:[0-9a-f]{64}$")
        process.signal(harness.signal.SIGTERM)
        self.assertEqual(process.wait(), 0)
        told = json.loads(process.unread + process.child.stdout.read())
        self.assertEqual(told[0]["node"], "relay1")
        self.assertEqual(told[0]["links"], 0)

    def test_the_reset_key_outlives_a_kill_and_is_its_owners_alone(self):
        process, _ = self.serve()
        key = self.folder / "reset.key"
        before = key.read_bytes()
        self.assertEqual(len(before), 32)
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        process.signal(harness.signal.SIGKILL)
        process.wait()
        self.serve()
        self.assertEqual(key.read_bytes(), before)

    def test_files_that_are_missing_and_keys_that_nobody_knows_are_named(self):
        missing = self.write("missing.yaml", CONFIG.replace("flow.pub", "other.pub"))
        self.lobo("relay", "-c", missing, exit_code=3)
        self.assertIn("relay.token_keys", self.last_error)
        strange = self.write("strange.yaml", CONFIG + "  windw: 4ms\n")
        self.lobo("relay", "-c", strange, exit_code=3)
        self.assertIn("windw", self.last_error)
        nothing = self.write("nothing.yaml", "logger: {level: info}\nnetsim: {server: {address: 127.0.0.1, port: 0}}\n")
        self.lobo("relay", "-c", nothing, exit_code=3)


if __name__ == "__main__":
    harness.main()
