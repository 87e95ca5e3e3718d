#!/usr/bin/env python3
"""Files of share/web as string literals, so that a demo needs nothing beside the program.

    gen_web_files.py OUT.cpp FOLDER NAME…
"""

import pathlib
import sys

DELIMITER = "lobo_file"
PIECE = 16000  # octets of one literal: compilers need not take longer ones than 65,536


def literal(text):
    if f"){DELIMITER}\"" in text:
        raise SystemExit("a file holds the end of its own literal")
    pieces = [text[at:at + PIECE] for at in range(0, max(len(text), 1), PIECE)]
    return "\n".join(f'R"{DELIMITER}({piece}){DELIMITER}"' for piece in pieces)


def main(out, folder, *names):
    rows = "".join(f'    {{"{name}", {literal((pathlib.Path(folder) / name).read_text(encoding="utf-8"))}}},\n'
                   for name in names)
    pathlib.Path(out).write_text(
        "// Made by tools/gen_web_files.py.\n#include \"demo_avatars/web_files.hpp\"\n\n#include <array>\n#include <optional>\n"
        "#include <string_view>\n#include <utility>\n\nnamespace lobo::app {\nnamespace {\n\nusing Named = std::pair<std::string_view, "
        f"std::string_view>;\nconstexpr std::array<Named, {len(names)}> files{{{{\n{rows}}}}};\n\n}}  // namespace\n\n"
        "std::optional<std::string_view> web_file(std::string_view name) {\n  for (const auto& [known, text] : files)\n"
        "    if (known == name) return text;\n  return std::nullopt;\n}\n\n}  // namespace lobo::app\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
