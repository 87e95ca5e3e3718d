"""What code may not contain: the world inside the domain, and habits that reviewers send back."""

import re

from house.includes import INCLUDE, SOURCES, layer_of_source
from house.tree import Finding, code_only, numbered

# Everything of src/ but adapters/ runs in the simulator as well, on its clock and its network.
PURE = ("base", "model", "wire", "sync", "services", "dataplane", "relay", "mmec", "energy", "runtime", "sim")

WORLD_HEADERS = re.compile(
    r"(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|iostream|fstream|"
    r"filesystem|random|ctime|time\.h|syslog\.h|unistd\.h|fcntl\.h|poll\.h|signal\.h|netdb\.h|"
    r"pthread\.h|sys/.*|netinet/.*|arpa/.*|linux/.*|net/.*)$")
WORLD_WORDS = (
    (re.compile(r"\b(system_clock|steady_clock|high_resolution_clock|utc_clock)\s*::\s*now\b"),
     "reads a clock: time is an argument"),
    (re.compile(r"\b(clock_gettime|gettimeofday|localtime|gmtime)\s*\(|(?<![.>\w])time\s*\(\s*(nullptr|NULL|0)\s*\)"),
     "reads a clock: time is an argument"),
    (re.compile(r"\brandom_device\b|\bs?rand\s*\(\s*\)|\bgetrandom\s*\("),
     "takes randomness from the machine: use the Rng that was handed in"),
    (re.compile(r"\b(secure_)?getenv\s*\("), "reads the environment: configuration arrives as values"),
    (re.compile(r"\bstd\s*::\s*(cout|cerr|clog)\b|\b(std\s*::\s*)?(printf|puts|fprintf)\s*\("),
     "writes to a stream: logging happens at the edges"),
    (re.compile(r"\bstd\s*::\s*j?thread\b|\bstd\s*::\s*async\b"), "starts a thread"),
    (re.compile(r"(?<![\w.>])::(socket|connect|bind|accept|send|recv|open|close|read|write)\s*\("),
     "talks to the operating system"),
)
# The one place that may print before it stops the process.
WORLD_ALLOWED = {"src/base/require.cpp"}


def pure(tree):
    """The domain opens no socket, reads no clock, starts no thread, writes no log."""
    for path, text in tree.texts(*SOURCES, under=("src/",)):
        layer = layer_of_source(path)
        if layer is None or layer.split("/")[0] not in PURE or path in WORLD_ALLOWED:
            continue
        for line, content in numbered(code_only(text)):
            match = INCLUDE.match(content)
            if match and match.group(1) == "<" and WORLD_HEADERS.match(match.group(2)):
                yield Finding(path, line, "pure", f"<{match.group(2)}> has no place in {layer}")
            for pattern, why in WORLD_WORDS:
                if pattern.search(content):
                    yield Finding(path, line, "pure", why)


ASSERT = re.compile(r"(?<![\w_])assert\s*\(")


def no_assert(tree):
    """assert() vanishes in some builds and kills on a peer's input in others."""
    for path, text in tree.texts(*SOURCES, under=("src/", "apps/")):
        for line, content in numbered(code_only(text)):
            if ASSERT.search(content) or re.match(r"\s*#\s*include\s*<(cassert|assert\.h)>", content):
                yield Finding(path, line, "assert", "use require() for promises of ours, an Error for "
                              "what a peer can cause")


USING = re.compile(r"\busing\s+namespace\s+([\w:]+)")


def headers(tree):
    """Each header guards itself and pulls no names into its users."""
    for path, text in tree.texts(".hpp", ".h"):
        code = code_only(text)
        first = next(((line, content) for line, content in numbered(code) if content.strip()), (1, ""))
        if not re.match(r"\s*#\s*pragma\s+once\b", first[1]):
            yield Finding(path, first[0], "header", "a header begins with #pragma once")
    for path, text in tree.texts(*SOURCES):
        header = path.endswith((".hpp", ".h"))
        for line, content in numbered(code_only(text)):
            match = USING.search(content)
            if match and (header or not match.group(1).endswith("literals")):
                yield Finding(path, line, "using", "no `using namespace` (literals in a .cpp excepted)")


SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>])(::)?sleep\s*\(")


def tests_never_sleep(tree):
    for path, text in tree.texts(*SOURCES):
        if not path.endswith("_test.cpp") and not path.startswith("tests/"):
            continue
        for line, content in numbered(code_only(text)):
            if SLEEP.search(content):
                yield Finding(path, line, "sleep", "tests own time; they never sleep")


NAMESPACE = re.compile(r"namespace (lobo[\w:]*) \{")
TYPE = re.compile(r"(?:struct|class) (\w+)(?: final)?(?: : [^{;]*)? \{")


def one_type_of_a_name(tree):
    """Two types of one name in one namespace are whatever the linker makes of them, without a word.

    Headers of the same program, that is; of sources only what stands outside their unnamed namespace.
    """
    first = {}
    for path, text in tree.texts(".hpp", ".cpp", under=("src/", "apps/")):
        space, unnamed, raw = None, False, text.splitlines()
        for line, content in numbered(code_only(text)):
            match = NAMESPACE.match(content)
            if match:
                space, unnamed = match.group(1), False
            elif content.startswith("namespace {"):
                unnamed = True
            elif raw[line - 1] == "}  // namespace":
                unnamed = False
            match = TYPE.match(content)
            if match is None or space is None or unnamed or path.endswith("_test.cpp"):
                continue
            other = first.setdefault((space, match.group(1)), path)
            if other != path:
                yield Finding(path, line, "one type", f"{space}::{match.group(1)} is a type of {other}, too")


LINES_MAX = 600
# path -> why it may be longer. Short on purpose.
LONG_FILES = {}


def length(tree):
    for path, text in tree.texts(*SOURCES, ".py", ".sh", ".cmake"):
        lines = text.count("\n")
        if lines > LINES_MAX and path not in LONG_FILES:
            yield Finding(path, lines, "length", f"{lines} lines; split it by clause or stage "
                          f"(at most {LINES_MAX})")


RULES = (pure, no_assert, headers, tests_never_sleep, one_type_of_a_name, length)
