#!/usr/bin/env python3
"""gen_capabilities.py tells what the spec map says, and refuses a promise without a test."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import gen_capabilities as gen  # noqa: E402  (the path above comes first)

HEADING = ("| T | Clause | Information flow | Direction | Operation | State | Test | Reading |\n"
           "| --- | --- | --- | --- | --- | --- | --- | --- |\n")


class Flows(unittest.TestCase):
    def test_a_row_that_is_done_carries_its_tests(self):
        rows = gen.flows(HEADING + "| T7 | .6 | Ask | V>S | POST /x | done | `a.b`, `c.d` | - |\n")
        self.assertEqual(rows[0]["tests"], ["a.b", "c.d"])
        self.assertTrue(rows[0]["done"])
        self.assertEqual(rows[0]["clause"], "TS 23.434 clause 14.3.2.6")

    def test_a_row_that_is_done_without_a_test_is_refused(self):
        with self.assertRaises(gen.Broken):
            gen.flows(HEADING + "| T7 | .6 | Ask | V>S | POST /x | done | - | - |\n")

    def test_an_unknown_state_and_a_missing_table_are_refused(self):
        with self.assertRaises(gen.Broken):
            gen.flows(HEADING + "| T7 | .6 | Ask | V>S | POST /x | perhaps | - | - |\n")
        with self.assertRaises(gen.Broken):
            gen.flows("no table here\n")

    def test_the_map_of_this_repository_has_its_71_tables(self):
        root = pathlib.Path(__file__).resolve().parents[1]
        rows = gen.flows((root / "docs" / "spec-map.md").read_text(encoding="utf-8"))
        self.assertEqual([row["id"] for row in rows], [f"T{n}" for n in range(1, 72)])

    def test_quotes_in_a_name_stay_in_the_literal(self):
        self.assertEqual(gen.quoted('a "b" \\'), '"a \\"b\\" \\\\"')


if __name__ == "__main__":
    unittest.main()
