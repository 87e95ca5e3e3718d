#!/usr/bin/env python3
"""The night's summary is there and true, whatever became of its steps."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import nightly  # noqa: E402


class Night(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.object(nightly, "ROOT", self.root))
        self.enterContext(mock.patch.object(nightly, "OUT", self.root / "out"))
        (self.root / "out").mkdir()

    def night(self, **steps):
        with mock.patch.object(nightly, "STEPS", steps), mock.patch.object(sys, "argv", ["nightly"]):
            code = nightly.main()
        return code, json.loads((self.root / "out" / "summary.json").read_text())["steps"]

    def test_a_failed_step_does_not_keep_the_next_from_running(self):
        code, steps = self.night(first=lambda _: nightly.run("first", ["true"], ["false"], ["true"]),
                                 second=lambda _: nightly.run("second", ["true"]))
        self.assertEqual((1, ["failed", "passed"]), (code, [step["state"] for step in steps]))
        self.assertEqual(["true", "false"], [command for command, _ in steps[0]["commands"]])

    def test_a_program_that_is_not_there_fails_its_step(self):
        code, steps = self.night(one=lambda _: nightly.run("one", [str(self.root / "nothing")]))
        self.assertEqual((1, "failed"), (code, steps[0]["state"]))
        self.assertIn("did not start", steps[0]["remark"])

    def test_a_step_that_hangs_is_ended_and_has_failed(self):
        with mock.patch.object(nightly, "STEP_SECONDS_MAX", 0.1):
            outcome = nightly.run("one", ["tail", "-f", "/dev/null"], ["true"])
        self.assertEqual(("failed", 1), (outcome.state, len(outcome.commands)))
        self.assertIn("was ended", outcome.remark)

    def test_a_command_is_ended_with_all_that_it_started(self):
        child = nightly.INTERRUPTION.start(["bash", "-c", "tail -f /dev/null & echo $!; wait"],
                                           stdout=subprocess.PIPE, text=True)
        status = pathlib.Path("/proc", child.stdout.readline().strip(), "status")
        nightly.end_group(child)
        child.stdout.close()
        end = time.monotonic() + 20
        while status.exists() and "zombie" not in status.read_text() and time.monotonic() < end:
            os.sched_yield()
        self.assertTrue(not status.exists() or "zombie" in status.read_text())

    def test_the_summary_says_what_passed_and_how_long_each_command_took(self):
        self.night(one=lambda _: nightly.run("one", ["true"]))
        text = (self.root / "out" / "summary.md").read_text()
        self.assertIn("| one | passed |", text)
        self.assertRegex(text, r"\| one \| `true` \| \d+ \|")

    def test_nothing_to_run_is_no_success(self):
        self.assertEqual(1, self.night(one=lambda _: nightly.Outcome("one", "absent"))[0])

    def test_an_interrupted_night_says_where_it_stood(self):
        script = (f"import sys, pathlib; sys.path.insert(0, {str(pathlib.Path(nightly.__file__).parent)!r})\n"
                  f"import nightly\nnightly.ROOT = pathlib.Path({str(self.root)!r})\n"
                  "nightly.OUT = nightly.ROOT / 'out'\nsys.argv = ['nightly']\n"
                  "nightly.STEPS = {'a': lambda _: nightly.run('a', ['true']),\n"
                  f"  'b': lambda _: nightly.run('b', ['bash', '-c', 'echo > {self.root}/started; exec tail -f /dev/null']),\n"
                  "  'c': lambda _: nightly.run('c', ['true'])}\nsys.exit(nightly.main())\n")
        child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        end = time.monotonic() + 30
        while not (self.root / "started").exists() and time.monotonic() < end:
            os.sched_yield()
        self.assertEqual(["passed", "running", "waiting"], self.states())
        child.terminate()
        printed, _ = child.communicate(timeout=30)
        self.assertEqual(130, child.returncode, printed)
        self.assertEqual(["passed", "interrupted", "waiting"], self.states())

    def states(self):
        return [step["state"] for step in json.loads((self.root / "out" / "summary.json").read_text())["steps"]]


if __name__ == "__main__":
    unittest.main()
