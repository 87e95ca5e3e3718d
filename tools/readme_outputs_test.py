#!/usr/bin/env python3
"""Blocks of output are replaced as a whole, and only by a command that succeeded."""

import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import readme_outputs  # noqa: E402

DOCUMENT = "before\n<!-- output: make it, last 2 lines -->\nold\n<!-- /output -->\nafter\n"


def runner(code, output):
    return lambda command: subprocess.CompletedProcess(command, code, output)


class Outputs(unittest.TestCase):
    def test_a_block_gets_the_command_and_the_end_of_its_output(self):
        text, failed = readme_outputs.refresh(DOCUMENT, runner(0, "1\n2\n\x1b[32m3\x1b[0m\n"))
        self.assertEqual([], failed)
        self.assertEqual("before\n<!-- output: make it, last 2 lines -->\n```console\n$ make it\n…\n2\n3\n```\n"
                         "<!-- /output -->\nafter\n", text)

    def test_refreshing_twice_changes_nothing_more(self):
        once, _ = readme_outputs.refresh(DOCUMENT, runner(0, "1\n"))
        twice, _ = readme_outputs.refresh(once, runner(0, "1\n"))
        self.assertEqual(once, twice)

    def test_a_command_that_fails_leaves_its_block(self):
        text, failed = readme_outputs.refresh(DOCUMENT, runner(2, "no\n"))
        self.assertEqual(DOCUMENT, text)
        self.assertEqual([("make it", 2, "no\n")], failed)

    def test_other_commands_can_be_left_alone(self):
        text, _ = readme_outputs.refresh(DOCUMENT, runner(0, "new\n"), only="something else")
        self.assertEqual(DOCUMENT, text)

    def test_empty_and_open_blocks_are_faults(self):
        self.assertEqual([], readme_outputs.faults(DOCUMENT))
        self.assertEqual(1, len(readme_outputs.faults(DOCUMENT.replace("old\n", ""))))
        self.assertEqual(1, len(readme_outputs.faults(DOCUMENT.replace("<!-- /output -->", ""))))


if __name__ == "__main__":
    unittest.main()
