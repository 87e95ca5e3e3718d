#!/usr/bin/env python3
"""Checks the rules of the house on a tree: tools/house_rules.py [ROOT]

Prints one line a finding (path:line: [rule] what) and exits with 1 if there is any. The rules
stand in tools/house/, one module a subject; tools/house_rules_test.py proves that each can fail.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from house import code, includes, parts, texts  # noqa: E402  (the path above comes first)
from house.tree import Tree  # noqa: E402

RULES = includes.RULES + code.RULES + texts.RULES + parts.RULES


def findings(tree):
    found = []
    for rule in RULES:
        found += rule(tree)
    return sorted(set(found))


def main(arguments):
    root = pathlib.Path(arguments[1]) if len(arguments) > 1 else pathlib.Path(__file__).resolve().parents[1]
    tree = Tree.read(root)
    if not tree.files:
        print(f"house_rules: {root} holds no files", file=sys.stderr)
        return 2
    found = findings(tree)
    for finding in found:
        print(finding)
    print(f"house_rules: {len(tree.files)} files, {len(RULES)} rules, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
