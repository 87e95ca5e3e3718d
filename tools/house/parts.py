"""The shape of a service, the protection of operations, and the packages that a build needs."""

import ast
import re
import sys

from house.includes import INCLUDE, SOURCES, layer_of_include, third_party_of
from house.tree import Finding, code_only, numbered

# ---- a service folder has the same files everywhere ------------------------------------------------

SERVICE_FILES = ("README.md", "ports.hpp", "routes.hpp", "routes.cpp", "checks.hpp", "checks.cpp",
                 "golden/")


def service_shape(tree):
    """Each file of the shape is there, or the README says "No `FILE`: why"."""
    folders = {}
    for path in tree.files:
        parts = path.split("/")
        if parts[:2] == ["src", "services"] and len(parts) > 3:
            folders.setdefault(parts[2], set()).add("/".join(parts[3:]))
    for name, files in sorted(folders.items()):
        if not any(file.endswith(SOURCES) for file in files):
            continue  # nothing has been built there yet
        folder = f"src/services/{name}"
        readme = tree.files.get(f"{folder}/README.md") or ""
        for wanted in SERVICE_FILES:
            there = any(file.startswith(wanted) for file in files) if wanted.endswith("/") else wanted in files
            if not there and not re.search(rf"No `{re.escape(wanted)}`: \w", readme):
                yield Finding(f"{folder}/{wanted}", 1, "service",
                              f"is missing, and {folder}/README.md does not say why (No `{wanted}`: …)")
        if not any(file.endswith("_test.cpp") for file in files):
            yield Finding(folder, 1, "service", "has no *_test.cpp")


# ---- api/*.yaml --------------------------------------------------------------------------------------

METHODS = ("get", "put", "post", "delete", "patch", "options", "head", "trace")
PROTECTION_KEY = "x-lobo-protection"
PROTECTIONS = ("token", "secret", "loopback", "none")


def _protected(operation, document):
    """A scheme by name means a token; what needs none says so in our own extension. What stands at the
    top of the document holds for each operation that says nothing (OpenAPI 3.0)."""
    if PROTECTION_KEY in operation:
        return operation[PROTECTION_KEY] in PROTECTIONS
    return any(operation.get("security", document.get("security")) or [])


def operations(tree):
    """Each operation has an id of its own and says how it is protected."""
    documents = list(tree.texts(".yaml", under=("api/",)))
    if not documents:
        return
    import yaml  # Debian's python3-yaml; the generator of the API types needs it as well
    seen = {}
    for path, text in documents:
        document = yaml.safe_load(text)
        for template, item in ((document or {}).get("paths") or {}).items():
            for method, operation in item.items():
                if method not in METHODS:
                    continue
                where = f"{method.upper()} {template}"
                line = next((n for n, content in numbered(text) if content.strip().startswith(f"{template}:")
                             or content.strip().startswith(f'"{template}":')), 1)
                name = operation.get("operationId")
                if not name:
                    yield Finding(path, line, "api", f"{where} has no operationId")
                elif name in seen:
                    yield Finding(path, line, "api", f"operationId {name} is taken by {seen[name]}")
                else:
                    seen[name] = f"{path} {where}"
                if not _protected(operation, document):
                    yield Finding(path, line, "api", f"{where} must declare its `security`, or "
                                  f"{PROTECTION_KEY}: {', '.join(PROTECTIONS)}")


# ---- packages ----------------------------------------------------------------------------------------

PACKAGES = "tools/packages.txt"
# What CMake asks for -> the Debian package that brings it. None: a part of CMake or of the compiler.
CMAKE_PACKAGES = {
    "fmt": "libfmt-dev", "simdjson": "libsimdjson-dev", "tl-expected": "libexpected-dev",
    "Boost": "libboost1.81-dev", "OpenSSL": "libssl-dev", "SQLite3": "libsqlite3-dev",
    "spdlog": "libspdlog-dev", "yaml-cpp": "libyaml-cpp-dev", "CLI11": "libcli11-dev",
    "prometheus-cpp": "prometheus-cpp-dev", "GTest": "libgtest-dev", "rapidcheck": "librapidcheck-dev",
    "benchmark": "libbenchmark-dev", "Threads": None, "Python3": "python3", "PkgConfig": "pkg-config",
    "pugixml": "libpugixml-dev", "ZLIB": "zlib1g-dev",
}
PKG_CONFIG_MODULES = {
    "libnghttp2": "libnghttp2-dev", "cjose": "libcjose-dev", "jansson": "libcjose-dev",
    "sqlite3": "libsqlite3-dev", "openssl": "libssl-dev", "libssl": "libssl-dev",
    "libcrypto": "libssl-dev", "simdjson": "libsimdjson-dev", "fmt": "libfmt-dev",
    "prometheus-cpp-core": "prometheus-cpp-dev", "spdlog": "libspdlog-dev", "yaml-cpp": "libyaml-cpp-dev",
    "gstreamer-rtp-1.0": "libgstreamer-plugins-base1.0-dev",
    "gstreamer-base-1.0": "libgstreamer-plugins-base1.0-dev", "libcbor": "libcbor-dev",
    "libxdp": "libxdp-dev", "libbpf": "libbpf-dev", "libdpdk": "libdpdk-dev",
}
PYTHON_MODULES = {"yaml": "python3-yaml", "h2": "python3-h2", "hpack": "python3-h2",
                  "hyperframe": "python3-h2", "jsonschema": "python3-jsonschema", "jwcrypto": "python3-jwcrypto",
                  "cryptography": "python3-cryptography"}
# What `make build` does not install: its size is out of proportion, and only who asks for it has it built in.
LEFT_TO_NIGHTLY = {"libdpdk-dev"}
# A header that is neither ours nor a library's: the language, C, POSIX or Linux.
SYSTEM_HEADER = re.compile(r"([a-z_0-9]+(\.h)?|(sys|netinet|arpa|linux|net|sanitizer)/[\w/]+(\.h)?)$")


def listed_packages(text):
    """name -> (line, group, reason)"""
    found = {}
    for line, content in numbered(text):
        fields = content.split(None, 2)
        if fields and not fields[0].startswith("#"):
            found[fields[0]] = (line, fields[1] if len(fields) > 1 else "",
                                fields[2] if len(fields) > 2 else "")
    return found


def _wanted_by_cmake(tree):
    for path, text in tree.texts("CMakeLists.txt", ".cmake"):
        for line, content in numbered(text):
            content = content.split("#")[0]
            for name in re.findall(r"\bfind_package\s*\(\s*([\w.+-]+)", content):
                yield path, line, name, CMAKE_PACKAGES
            match = re.search(r"\bpkg_(?:check|search)_modules?\s*\(\s*\w+([^)]*)", content)
            for word in (match.group(1).split() if match else ()):
                if word not in ("REQUIRED", "IMPORTED_TARGET", "QUIET", "GLOBAL"):
                    yield path, line, re.split(r"[<>=]", word)[0], PKG_CONFIG_MODULES


def _wanted_by_python(tree):
    own = {path.split("/")[-1].removesuffix(".py") for path in tree.files if path.endswith(".py")}
    own |= {path.split("/")[-2] for path in tree.files if path.count("/") and path.endswith(".py")}
    for path, text in tree.texts(".py"):
        for node in ast.walk(ast.parse(text, path)):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            for name in {name.split(".")[0] for name in names}:
                if name not in sys.stdlib_module_names and name not in own:
                    yield path, node.lineno, name


def packages(tree):
    """What the build, the sources and the scripts use is in tools/packages.txt, with group and reason."""
    if PACKAGES not in tree.files:
        yield Finding(PACKAGES, 1, "packages", "is missing")
        return
    listed = listed_packages(tree.files[PACKAGES])
    for name, (line, group, reason) in listed.items():
        if group not in ("build", "test", "players", "nightly") or not reason:
            yield Finding(PACKAGES, line, "packages",
                          f"{name} needs a group (build, test, players, nightly) and a reason")

    def needs(path, line, what, package, in_build=False):
        if package is None:
            return
        if package not in listed:
            yield Finding(path, line, "packages", f"{what} needs {package}, which {PACKAGES} does not list")
        elif in_build and listed[package][1] != "build":
            yield Finding(path, line, "packages", f"{what} needs {package} in group build")

    for path, line, name, table in _wanted_by_cmake(tree):
        if name in table:
            yield from needs(path, line, name, table[name])
        else:
            yield Finding(path, line, "packages", f"{name} is not in the tables of tools/house/parts.py")
    for path, text in tree.texts(*SOURCES):
        of_tests = path.endswith(("_test.cpp", "_test_support.hpp"))
        shipped = path.startswith(("src/", "apps/")) and not of_tests
        for line, content in numbered(code_only(text)):
            match = INCLUDE.match(content)
            if not match or match.group(1) == '"' or layer_of_include(match.group(2)) is not None:
                continue
            name = match.group(2)
            if f"include/{name}" in tree.files:  # ours, as programs outside write it
                continue
            entry = third_party_of(name)
            if entry:
                yield from needs(path, line, f"<{name}>", entry[1], shipped and entry[1] not in LEFT_TO_NIGHTLY)
            elif not SYSTEM_HEADER.match(name):
                yield Finding(path, line, "packages", f"<{name}> is of no library known to tools/house")
    for path, line, name in _wanted_by_python(tree):
        if name in PYTHON_MODULES:
            yield from needs(path, line, f"module {name}", PYTHON_MODULES[name])
        else:
            yield Finding(path, line, "packages", f"module {name} is not known to tools/house")


RULES = (service_shape, operations, packages)
