"""The formats and patterns that the codec knows, read from the comments of formats.hpp."""

import re
from dataclasses import dataclass, field

from errors import Refusal


@dataclass(frozen=True)
class Matcher:
    function: str
    must_be: str


@dataclass
class Formats:
    by_pattern: dict = field(default_factory=dict)
    by_format: dict = field(default_factory=dict)
    path: str = ""


def read_formats(path):
    formats = Formats(path=str(path))
    pending = []
    for line in path.read_text(encoding="utf-8").splitlines():
        comment = re.match(r"/// (pattern|format|must be): (.*)$", line)
        declaration = re.match(r"bool (\w+)\(std::string_view text\);$", line)
        if comment:
            pending.append(comment.groups())
        elif declaration and pending:
            must_be = [text for kind, text in pending if kind == "must be"]
            if len(must_be) != 1:
                raise Refusal(path, f"{declaration[1]} needs one '/// must be:' line")
            matcher = Matcher(declaration[1], must_be[0])
            for kind, text in pending:
                table = {"pattern": formats.by_pattern, "format": formats.by_format}.get(kind)
                if table is not None:
                    if text in table:
                        raise Refusal(path, f"{kind} {text} is declared twice")
                    table[text] = matcher
            pending = []
        elif line and not line.startswith("///"):
            pending = []
    return formats
