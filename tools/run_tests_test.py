#!/usr/bin/env python3
"""What was skipped is counted and its reason is found, however the test said it."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import run_tests  # noqa: E402

REPORT = """<?xml version="1.0"?>
<testsuite>
 <testcase name="base/ok"><system-out>fine</system-out></testcase>
 <testcase name="api/a"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/><system-out>
/x/a_test.cpp:7: Skipped
no official documents
beside the checkout

[  SKIPPED ] a.b (0 ms)</system-out></testcase>
 <testcase name="api/b"><skipped message="SKIP_RETURN_CODE=77"/><system-out>SKIP: no network namespace
</system-out></testcase>
 <testcase name="api/c"><skipped message="SKIP_RETURN_CODE=77"/><system-out></system-out></testcase>
 <testcase name="api/d"><skipped message="Disabled"/></testcase>
</testsuite>"""


class Skips(unittest.TestCase):
    def skipped(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as report:
            report.write(text)
            report.flush()
            return run_tests.skipped(report.name)

    def test_reasons_are_gathered(self):
        self.assertEqual({"no official documents beside the checkout": ["api/a"],
                          "no network namespace": ["api/b"], run_tests.NO_REASON: ["api/c"],
                          "disabled in the sources": ["api/d"]}, dict(self.skipped(REPORT)))

    def test_the_most_frequent_reason_stands_first(self):
        self.assertEqual("skipped: 3 tests: 2 because: a; 1 because: b",
                         run_tests.summary({"b": ["x"], "a": ["y", "z"]}))
        self.assertEqual("skipped: 0 tests", run_tests.summary({}))


if __name__ == "__main__":
    unittest.main()
