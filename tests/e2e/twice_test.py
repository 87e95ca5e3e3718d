#!/usr/bin/env python3
"""Flows that go twice (+D): `lobo mm join` with two ways to a node, each of which loses a fifth both ways, beside the same
with one way; and a way that is gone altogether."""

import json
import signal

import harness
import mmec_test

LOSS = 20
PLAY = "10s"


class Twice(mmec_test.MmecStage):
    def way(self, *options):
        process = self.start("impair", "--to", self.quic.removeprefix("quic://"), "--control", "127.0.0.1:0", *options)
        at, control = process.ready()[:2]
        return process, at.removeprefix("udp://"), control

    def begin(self):
        self.enabler = self.servers()

    def relay(self, port=0):
        process, self.quic, digest = super().relay(port)
        return process, self.quic, digest

    def came(self, told):
        """States, each once."""
        return told["received"]["states"] - told["received"]["copies"]

    def played(self, room, ways):
        """Of what a publisher sent, how much one who looks on got; the loss begins when both have all their ways."""
        words = ["--rate", "60", "--through", ways[0][1]]
        for _, second, _ in ways[1:]:
            words += ["--second", "@" + second]
        looks = self.join("--server", self.enabler, "--ue", "bob-" + room, "--room", room, "--observe", *words)
        plays = self.join("--server", self.enabler, "--ue", "alice-" + room, "--room", room, "--for", PLAY, *words)
        for one in (looks, plays):
            self.heard(one, "stats", ways=len(ways))
        for _, _, control in ways:
            self.assertEqual(harness.ask(control + "/line", "PUT", body={"loss": LOSS}).status, 200)
        sent = self.heard(plays, "end")["sent"]
        looks.signal(signal.SIGTERM)
        told = self.heard(looks, "end")
        for _, _, control in ways:
            harness.ask(control + "/line", "PUT", body={"loss": 0})
        return sent, told["received"], self.came(told) / sent["states"]

    def test_what_one_way_loses_the_other_brings(self):
        self.begin()
        ways = [self.way("--delay", "5", "--seed", str(seed)) for seed in (3, 4)]
        _, _, one_way = self.played("one", ways[:1])
        sent, received, two_ways = self.played("two", ways)
        self.assertGreater(sent["twice"], sent["states"] * 0.9)
        self.assertGreater(received["copies"], 0)
        self.assertLess(one_way, 0.82, "64 % of what went while there was loss, and what was said again")
        self.assertGreater(two_ways, 0.87, "92 % of that")

    def test_a_way_that_is_gone_interrupts_nothing(self):
        self.begin()
        first, through, _ = self.way("--delay", "2")
        _, second, _ = self.way("--delay", "2")
        looks = self.join("--server", self.enabler, "--ue", "bob", "--room", "hall", "--observe", "--rate", "60")
        self.heard(looks, "up")
        plays = self.join("--server", self.enabler, "--ue", "alice", "--room", "hall", "--rate", "60", "--for", "12s",
                          "--through", through, "--second", "@" + second)
        self.heard(plays, "up")
        self.heard(plays, "stats", ways=2)
        first.signal(signal.SIGKILL)
        told = self.heard(plays, "end")
        looks.signal(signal.SIGTERM)
        seen = self.came(self.heard(looks, "end"))
        self.assertEqual(told["connections"], 1, "it never had to come back")
        self.assertGreater(seen, told["sent"]["states"] * 0.97)


if __name__ == "__main__":
    harness.main()
