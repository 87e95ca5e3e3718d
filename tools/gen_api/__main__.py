"""Writes C++ types, JSON tables and route tables from the OpenAPI documents of api/.

    python3 tools/gen_api --root api --formats src/wire/json/formats.hpp --out DIR

reads every *.yaml below --root and writes DIR/api/NAME.hpp and .cpp for each, only where the text
changes. What the generator does not know is an error with file and place, never ignored.
"""

import argparse
import sys
from pathlib import Path

from document import Library
from emit_cpp import cpp_text, index_texts
from emit_hpp import hpp_text
from errors import Refusal
from formats import read_formats
from model import build_module


def write_if_changed(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def generate(root, formats_path, out):
    library = Library(root, read_formats(formats_path))
    if "documents" in library.names():
        raise Refusal(root, "documents.yaml would hide api/documents.hpp, the table of all documents")
    modules = [build_module(library, name) for name in library.names()]
    for module in modules:
        write_if_changed(out / "api" / (module.name + ".hpp"), hpp_text(module))
        write_if_changed(out / "api" / (module.name + ".cpp"), cpp_text(module))
    hpp, cpp = index_texts(modules)
    write_if_changed(out / "api" / "documents.hpp", hpp)
    write_if_changed(out / "api" / "documents.cpp", cpp)
    return modules


def main(arguments):
    parser = argparse.ArgumentParser(prog="gen_api", description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--formats", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        generate(options.root, options.formats, options.out)
    except Refusal as refusal:
        print(f"gen_api: {refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
