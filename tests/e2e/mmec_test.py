#!/usr/bin/env python3
"""The enabler's client as others use it: installed, linked by programs in C and C++ that know nothing else of the tree,
in one room with `lobo mm join`, over the servers as processes."""

import base64
import json
import pathlib
import subprocess
import threading
import time

import harness
import metaverse_test
import sealdd_test

ROOT = pathlib.Path(__file__).resolve().parents[2]
RELAY = """
relay:
  node: n1
  server: {{address: 127.0.0.1, port: {port}}}
  tls: {{cert: pki/server.pem, key: pki/server.key}}
  reset_key: reset.key
  token_keys: [flow/flow.pub]
"""


class Registrar(threading.Thread):
    """Tells SEALDD of a node, again and again, until stop()."""

    def __init__(self, sealdd, port, digest):
        super().__init__(daemon=True)
        self.url = sealdd + "/sdd-rly/v1/nodes/n1"
        self.body = {"connInfo": {"ipv4Addr": "127.0.0.1", "port": port}, "bootId": "b1", "capacity": {"flows": 1000},
                     "certificateHash": base64.b64encode(bytes.fromhex(digest)).decode()}
        self.over = threading.Event()
        self.tell()

    def tell(self):
        answer = harness.ask(self.url, "PUT", body=self.body)
        if answer.status not in (200, 201):
            raise AssertionError(answer.text)
        seen = [order["order"] for order in answer.json.get("orders", [])]
        self.body["ordersSeen"] = max(seen + [self.body.get("ordersSeen", 0)])

    def run(self):
        while not self.over.wait(0.7):
            self.tell()

    def stop(self):
        self.over.set()
        self.join()


class MmecStage(harness.Case):
    """The servers that a client needs; no tests."""

    def setUp(self):
        super().setUp()
        rows = {row["part"]: row["value"] for row in json.loads(self.lobo("version", "-o", "json"))}
        if rows["QUIC"].startswith("off") or rows["sanitizers"] != "off":
            self.skipTest("built without QUIC, or with sanitizers that a program outside would have to have")
        self.lobo("pki", "init", self.folder / "pki")
        self.lobo("pki", "flow-key", self.folder / "flow")

    def relay(self, port=0):
        process = self.start("relay", "-c", self.write("relay.yaml", RELAY.format(port=port)))
        quic, _, digest = process.ready()[:3]
        return process, quic, digest.removeprefix("sha256:")

    def servers(self):
        _, quic, digest = self.relay()
        sealdd = self.start("serve", "-c", self.write("sealdd.yaml", sealdd_test.SERVER.format(
            folder=self.folder, lease="5s", port=0) + "  tokens:\n    keys: flow\n")).ready()[0]
        registrar = Registrar(sealdd, int(quic.rsplit(":", 1)[1]), digest)
        registrar.start()
        self.addCleanup(registrar.stop)
        return self.start("serve", "-c", self.write("metaverse.yaml", metaverse_test.SERVER.format(
            folder=self.folder, sealdd=sealdd, callbacks=0).replace("  callback_base: http://127.0.0.1:0\n", ""))).ready()[0]

    def join(self, *words):
        return self.start("mm", "join", "-o", "json", *words)

    def heard(self, process, name, patience=harness.PATIENCE, **members):
        until = time.monotonic() + patience
        while time.monotonic() < until:
            line = process.line(patience)
            if line.startswith("{") and (told := json.loads(line))["event"] == name:
                if all(told.get(key) == value for key, value in members.items()):
                    return told
        raise AssertionError(f"no {name} {members}")


class Mmec(MmecStage):
    def test_programs_in_c_and_cpp_link_the_installed_library_and_see_each_other_and_a_third(self):
        build = pathlib.Path(harness.LOBO).parent
        prefix = self.folder / "usr"
        subprocess.run(["cmake", "--install", build, "--component", "mmec", "--prefix", prefix], check=True,
                       stdout=subprocess.DEVNULL)
        packages = next(prefix.rglob("lobodon-mmec.pc")).parent
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "lobodon-mmec"], check=True, capture_output=True, text=True,
                               env={"PKG_CONFIG_PATH": str(packages), "PATH": "/usr/bin:/bin"}).stdout.split()
        examples = ROOT / "examples" / "mmec"
        strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-missing-field-initializers"]
        for compiler, source, program in ((["cc", "-std=c99", "-D_DEFAULT_SOURCE"], "avatar.c", "in_c"),
                                          (["c++", "-std=c++17"], "avatar.cpp", "in_cpp")):
            done = subprocess.run([*compiler, *strict, examples / source, "-o", self.folder / program, *flags],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        enabler = self.servers()
        joined = self.join("--server", enabler, "--ue", "carol", "--room", "hall", "--for", "12s")
        self.heard(joined, "up")
        programs = {}
        for program, ue in (("in_c", "alice"), ("in_cpp", "bob")):
            programs[ue] = subprocess.Popen([self.folder / program, enabler, ue, "hall", "4"], stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, text=True)
        here = {self.heard(joined, "asset_here")["asset"] for _ in programs}  # in whichever order they came
        self.assertEqual(here, {"urn:avatar:alice", "urn:avatar:bob"})
        for ue, others in (("alice", ("bob", "carol")), ("bob", ("alice", "carol"))):
            told, errors = programs[ue].communicate(timeout=harness.PATIENCE)
            self.assertEqual(programs[ue].returncode, 0, errors)
            for other in others:
                self.assertGreater(told.count(f"urn:avatar:{other} is at"), 20, told + errors)
        sessions = harness.ask(enabler + "/mm-das/v1/sessions").json["items"]
        self.assertEqual(len(sessions), 3)

    def test_what_is_wrong_is_said_with_its_place(self):
        process = self.join("--server", "http://127.0.0.1:1", "--ue", "alice", "--for", "2s")
        refused = self.heard(process, "refused")
        self.assertEqual(refused["error"], "unavailable")
        self.assertIn("http://127.0.0.1:1/mm-pol/v1/policies", refused["detail"])
        self.lobo("mm", "join", "--token", "abc", "--node", "127.0.0.1:1", exit_code=2)
        self.lobo("mm", "join", "--token", "@nothing", "--node", "127.0.0.1:1", exit_code=2)
        self.assertIn("cannot read nothing", self.last_error)

    def test_a_policy_refuses_before_anybody_is_asked_and_a_session_is_joined_and_left(self):
        enabler = self.servers()
        alice = self.join("--server", enabler, "--ue", "alice")
        self.heard(alice, "up")
        session = self.heard(alice, "stats")["session"]
        bob = self.join("--server", enabler, "--ue", "bob", "--session", session)
        self.heard(alice, "asset_here", asset="urn:avatar:bob")
        self.heard(bob, "asset_here", asset="urn:avatar:alice")
        granted = harness.ask(f"{enabler}/mm-das/v1/sessions/{session}").json["granted"]
        self.assertEqual({one["hostUe"]["valUeId"] for one in granted}, {"alice", "bob"})
        bob.signal(harness.SIGTERM)
        self.assertEqual(bob.wait(), 0)
        granted = harness.ask(f"{enabler}/mm-das/v1/sessions/{session}").json["granted"]
        self.assertEqual({one["hostUe"]["valUeId"] for one in granted}, {"alice"}, "what it brought along it takes away")
        policy = harness.ask(enabler + "/mm-pol/v1/policies", "POST", body={
            "match": {"assetIds": ["urn:avatar:carol"]}, "effect": "DENY"})
        self.assertEqual(policy.status, 201, policy.text)
        before = len(harness.ask(enabler + "/mm-das/v1/sessions").json["items"])
        ended = self.heard(self.join("--server", enabler, "--ue", "carol"), "ended")
        self.assertEqual(ended["error"], "refused")
        self.assertIn(policy.json["policyId"], ended["at /assets/0"])
        self.assertEqual(len(harness.ask(enabler + "/mm-das/v1/sessions").json["items"]), before)

    def test_both_are_back_after_their_node_was_killed_without_a_new_session(self):
        relay, quic, digest = self.relay()
        words = {}
        for alias, ue in ((1, "alice"), (2, "bob")):
            token = self.lobo("mm", "token", "--key", self.folder / "flow" / "flow.key", "--node", "n1", "--ue", ue,
                              "--asset", f"urn:avatar:{ue}", "--alias", alias).strip()
            words[ue] = ("--token", token, "--node", quic, "--certificate", digest)
        alice, bob = self.join(*words["alice"]), self.join(*words["bob"])
        self.heard(alice, "asset_here", asset="urn:avatar:bob")
        self.heard(bob, "asset_here", asset="urn:avatar:alice")
        relay.signal(harness.SIGKILL)
        relay.wait()
        self.relay(int(quic.rsplit(":", 1)[1]))
        for process in (alice, bob):
            self.assertIn("127.0.0.1", self.heard(process, "down")["detail"])
            self.heard(process, "up", patience=5)
            before = self.heard(process, "stats", connections=2)["received"]["states"]
            self.assertGreater(self.heard(process, "stats", connections=2)["received"]["states"], before)


if __name__ == "__main__":
    harness.main()
