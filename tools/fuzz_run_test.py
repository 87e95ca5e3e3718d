#!/usr/bin/env python3
"""A fuzz run is recorded as what it was: counted, with its findings, and interrupted where it was."""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import fuzz_run  # noqa: E402

OPTIONS = argparse.Namespace(runs=1000, seconds=0)
ENDED = """#2\tINITED cov: 5 ft: 6 corp: 1/1b exec/s: 0 rss: 40Mb
#1000\tDONE   cov: 9 ft: 12 corp: 3/9b lim: 4 exec/s: 0 rss: 40Mb
stat::number_of_executed_units: 1000
"""


class Runs(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch.object(fuzz_run, "BUILD", self.folder))
        self.enterContext(mock.patch.object(fuzz_run, "machine", lambda: {"commit": "c", "date": "2026-01-02T03:04:05Z"}))

    def program(self, script):
        path = self.folder / "shape_fuzz"
        path.write_text("#!/usr/bin/env bash\n" + script, encoding="utf-8")
        path.chmod(0o755)
        return path

    def run_of(self, script):
        return fuzz_run.run("shape", self.program(script), OPTIONS, fuzz_run.Interruption())

    def test_the_statistics_at_the_end_are_what_counts(self):
        record, found = self.run_of(f"cat <<'END'\n{ENDED}END\n")
        self.assertEqual((1000, 0, False, []), (record["executions"], record["findings"], record["interrupted"], found))

    def test_without_statistics_the_last_printed_count_is_taken(self):
        self.assertEqual(65536, fuzz_run.executions("#2\tINITED cov: 5\n#65536\tpulse  cov: 5\n"))
        self.assertEqual(0, fuzz_run.executions("no such file\n"))

    def test_an_input_that_was_kept_is_a_finding_and_an_old_one_is_not(self):
        (self.folder / "findings" / "shape").mkdir(parents=True)
        (self.folder / "findings" / "shape" / "crash-old").touch()
        record, found = self.run_of(f"touch {self.folder}/findings/shape/crash-new; exit 77\n")
        self.assertEqual((1, ["crash-new"]), (record["findings"], found))

    def test_a_target_that_fails_without_an_input_is_a_finding(self):
        self.assertEqual(1, self.run_of("exit 1\n")[0]["findings"])

    def test_a_timeout_stands_only_if_the_input_takes_that_long_by_itself(self):
        keeps = f"[ -f \"$1\" ] && {{ %s }}; touch {self.folder}/findings/shape/timeout-new; exit 70\n"
        record, found = self.run_of(keeps % "exit 0;")
        self.assertEqual((0, []), (record["findings"], found))
        with mock.patch.object(fuzz_run, "INPUT_SECONDS_MAX", 1):
            record, found = self.run_of(keeps % "while :; do :; done;")
        self.assertEqual((1, ["timeout-new"]), (record["findings"], found))

    def test_a_target_is_told_its_limits(self):
        words = fuzz_run.command("p", "shape", self.folder, argparse.Namespace(runs=7, seconds=9))
        self.assertIn("-runs=7", words)
        self.assertIn("-max_total_time=9", words)
        words = fuzz_run.command("p", "shape", self.folder, argparse.Namespace(runs=0, seconds=9))
        self.assertFalse([word for word in words if word.startswith("-runs")])

    def test_only_built_targets_are_found(self):
        self.program("")
        (self.folder / "not_a_target").touch()
        self.assertEqual(["shape"], list(fuzz_run.targets()))

    def test_the_sanitizers_are_those_of_the_build(self):
        self.assertEqual(["address", "undefined"], fuzz_run.sanitizers())

    def test_the_table_shows_the_newest_record_of_each_target(self):
        lines = [f'{{"target": "{name}", "executions": {count}, "seconds": 1, "findings": 0, '
                 f'"sanitizers": ["address"], "date": "2026-01-02T03:04:05Z"}}'
                 for name, count in (("b", 1), ("a", 2), ("b", 3000))]
        rows = fuzz_run.table(fuzz_run.newest(lines)).splitlines()[1:]
        self.assertEqual([["a", "2", "2"], ["b", "3,000", "3,001"]], [[*row.split()[:2], row.split()[-1]] for row in rows])


class Interruption(unittest.TestCase):
    def test_an_interrupted_target_ends_in_its_own_way_and_is_recorded(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "shape_fuzz").write_text(
                f"#!{sys.executable}\nimport pathlib, signal, sys\n"
                "def end(*_):\n    print('stat::number_of_executed_units: 42', flush=True)\n    sys.exit(0)\n"
                "signal.signal(signal.SIGINT, end)\n"
                f"pathlib.Path({str(folder / 'started')!r}).touch()\nwhile True:\n    signal.pause()\n",
                encoding="utf-8")
            (folder / "shape_fuzz").chmod(0o755)
            results = folder / "results"
            script = (f"import sys, pathlib; sys.path.insert(0, {str(pathlib.Path(fuzz_run.__file__).parent)!r})\n"
                      f"import fuzz_run\nfuzz_run.BUILD = pathlib.Path({str(folder)!r})\n"
                      f"sys.argv = ['fuzz_run', '--results', {str(results)!r}]\nsys.exit(fuzz_run.main())\n")
            child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
            end = time.monotonic() + 30
            while not (folder / "started").exists() and time.monotonic() < end:
                os.sched_yield()
            child.terminate()
            printed, _ = child.communicate(timeout=30)
            self.assertEqual(130, child.returncode, printed)
            self.assertIn('"executions": 42', results.read_text(encoding="utf-8"))
            self.assertIn('"interrupted": true', results.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
