"""Checks what we depend on, from `cargo metadata`: licences, sources, crates that nobody uses, and the direction in
which our own crates depend on each other.

    cargo metadata --format-version 1 | python3 tests/dependencies.py
"""

import json
import pathlib
import re
import sys

LICENCES = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-1-Clause", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0",
    "CC0-1.0", "ISC", "MIT", "MIT-0", "Unicode-3.0", "Unlicense", "Zlib",
}
# What each of our crates may use of the others (docs/architecture.md).
ARROWS = {
    "abi": set(),
    "kernel": {"abi"},
    "kernel-elf": {"kernel"},
    "image": {"abi"},
    "fileserver": {"abi"},
    "monitor": {"abi", "image", "fileserver"},
    "gateway": {"abi", "image", "monitor"},
    "catalyzer": {"abi", "image", "fileserver", "monitor", "gateway"},
}


def allowed(expression):
    """Whether one of the alternatives of a licence expression is free of conditions that we could not keep."""
    words = expression.replace("/", " OR ").replace("(", " ( ").replace(")", " ) ")
    names = sorted(LICENCES, key=len, reverse=True)
    pattern = "|".join(map(re.escape, names))
    logic = re.sub(rf"(?<![\w.-])({pattern})(?![\w.-])", "True", words)
    logic = re.sub(r"\b(?!True\b|OR\b|AND\b)[\w.+-]+( WITH [\w.+-]+)?", "False", logic)
    return eval(logic.replace("OR", "or").replace("AND", "and"), {"__builtins__": {}})


def uses(package, dependency):
    name = (dependency["rename"] or dependency["name"]).replace("-", "_")
    folder = pathlib.Path(package["manifest_path"]).parent
    word = re.compile(rf"\b{name}\b")
    return any(word.search(file.read_text()) for file in folder.rglob("*.rs"))


def main():
    metadata = json.load(sys.stdin)
    ours = set(metadata["workspace_members"])
    wrong = []
    for package in metadata["packages"]:
        name = f"{package['name']} {package['version']}"
        if package["id"] in ours:
            for dependency in package["dependencies"]:
                if not uses(package, dependency):
                    wrong.append(f"{package['name']} does not use {dependency['name']}")
            arrows = {d["name"] for d in package["dependencies"] if d.get("path") and d["kind"] is None}
            forbidden = arrows - ARROWS.get(package["name"], arrows)
            if forbidden:
                wrong.append(f"{package['name']} may not depend on {', '.join(sorted(forbidden))}")
        elif not (package["source"] or "").startswith("registry+"):
            wrong.append(f"{name} does not come from the registry")
        if not package["license"] or not allowed(package["license"]):
            wrong.append(f"{name} has the licence {package['license']}")
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(metadata['packages'])} packages looked at, {len(wrong)} objections")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
