"""The files that the rules look at, and what a rule finds in them."""

import dataclasses
import os
import pathlib
import re
import subprocess

# Folders that hold nothing of ours, for a tree that is not a git checkout.
SKIPPED_FOLDERS = {".git", "build", "out", "node_modules", "__pycache__"}


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


class Tree:
    """Paths (relative, with '/') and their text. Files that are not UTF-8 text have no text."""

    def __init__(self, files):
        self.files = dict(files)

    @classmethod
    def read(cls, root):
        root = pathlib.Path(root)
        files = {}
        for path in _paths(root):
            full = root / path
            if not full.is_file() or full.is_symlink():
                continue
            try:
                files[path] = full.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                files[path] = None  # a binary file: it exists, but has no text to check
        return cls(files)

    def texts(self, *suffixes, under=("",)):
        """(path, text) of each text file with one of the suffixes below one of the folders."""
        for path in sorted(self.files):
            text = self.files[path]
            if text is None:
                continue
            if suffixes and not path.endswith(suffixes):
                continue
            if any(path.startswith(folder) for folder in under):
                yield path, text

    def exists(self, path):
        path = path.rstrip("/")
        return path in self.files or any(name.startswith(path + "/") for name in self.files)


def _paths(root):
    """What git would know, new files included; every file where there is no git."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", str(root), "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"], capture_output=True, check=False) if (root / ".git").exists() else None
    if listing is not None and listing.returncode == 0:
        return sorted({name.decode() for name in listing.stdout.split(b"\0") if name})
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(found)


# In the order in which they are tried: a comment, a raw string, a string, a character. A digit
# separator (1'000) is no character, hence the look-behind.
_CPP_TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'", re.DOTALL)


def code_only(text):
    """C++ without comments and literals; lines keep their numbers. #include lines keep their names."""
    def blank(match):
        token = match.group(0)
        start = text.rfind("\n", 0, match.start()) + 1
        if token.startswith('"') and text[start:match.start()].lstrip().startswith("#"):
            return token
        kept = "\n" * token.count("\n")
        return '""' + kept if token[0] in '"R' else kept or " "
    return _CPP_TOKEN.sub(blank, text)


def string_literals(text):
    """(line, text) of each ordinary string literal outside comments."""
    for match in _CPP_TOKEN.finditer(text):
        token = match.group(0)
        if token.startswith('"'):
            yield text.count("\n", 0, match.start()) + 1, token[1:-1]


def numbered(text):
    return enumerate(text.splitlines(), 1)
