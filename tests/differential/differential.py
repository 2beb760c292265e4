#!/usr/bin/env python3
"""Compiles random projects with trueup and with the real Dataform compiler, and shows where the graphs differ.

See README.md. `--help` lists the arguments.
"""

import argparse
import collections
import difflib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import known
from generate import BASE, Generator

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CLI, CORE = "3.0.69", "3.0.62"
LISTS = ["tables", "operations", "assertions", "tests", "declarations", "notebooks", "dataPreparations", "propertyGraphs"]
# Dataform does not read SQL, so mistakes in that do not count.
OF_SQL = re.compile(r"\[(sql-syntax|outer-name|untranslatable)\]|a query is one statement, and here another begins")
# What Dataform finds when a name is looked up it reports at a file that is not there; this is how trueup says it.
OF_LOOKUP = re.compile(r"\[(unknown-ref|ambiguous-ref|missing-input|unknown-input)\]|`(self|database)\(\)` has no meaning")
GENERATED = re.compile(r"f\d+(?=\D|$)")

File = collections.namedtuple("File", "ending text")
# Of one file: the errors, and what it makes: a list of its entries, each under the name of its list.
Outcome = collections.namedtuple("Outcome", "errors entries")


class Compilers:
    """Both compilers, and the folder in which they compile."""

    def __init__(self, modules, trueup, folder):
        self.folder = folder
        self.trueup = trueup
        self.dataform = next(path / ".bin/dataform" for path in modules if (path / ".bin/dataform").exists())
        core = next(path / "@dataform/core" for path in modules if (path / "@dataform/core").exists())
        shutil.copytree(core, folder / "node_modules/@dataform/core")
        version = json.loads((core / "package.json").read_text())["version"]
        (folder / "package.json").write_text(json.dumps({"dependencies": {"@dataform/core": version}}))
        for path, text in BASE.items():
            write(folder / path, text)

    def compile(self, settings, files):
        """Both outcomes of each file, by name."""
        shutil.rmtree(self.folder / "definitions/fuzz", ignore_errors=True)
        write(self.folder / "workflow_settings.yaml", settings)
        paths = {}
        for name, file in files.items():
            path = f"definitions/fuzz/{name}.{file.ending}"
            write(self.folder / path, file.text.replace("@@", name))
            paths[path] = name
        theirs, ours = self.run_dataform(paths), self.run_trueup(paths)
        for name in files if theirs and ours and self.has_lookups else []:
            if not theirs[name].errors and any(OF_LOOKUP.search(message) for message in ours[name].errors):
                theirs[name].errors.append("perhaps an error at index.js")
        if theirs is not None and ours is not None:
            return {name: (theirs[name], ours[name]) for name in files}
        if len(files) == 1:
            name = next(iter(files))
            gone = Outcome(["no graph at all"], [])
            return {name: (gone if theirs is None else theirs[name], gone if ours is None else ours[name])}
        # One file takes all others with it: find out which.
        names = list(files)
        half = len(names) // 2
        found = {}
        for some in names[:half], names[half:]:
            found |= self.compile(settings, {name: files[name] for name in some})
        return found

    def run_dataform(self, paths):
        command = ["node", str(self.dataform), "compile", str(self.folder), "--json", "--timeout=300s"]
        printed = run(command, self.folder)
        start = 0 if printed.startswith("{\n") else printed.find("\n{\n")
        try:
            graph = json.loads(printed[start:]) if start >= 0 else {}
        except ValueError:
            graph = {}
        if not graph:
            return None
        errors = graph.get("graphErrors", {}).get("compilationErrors", [])
        places = [(error.get("fileName", ""), error.get("message", "")) for error in errors]
        self.has_lookups = any(path == "index.js" for path, _ in places)
        return outcomes(graph, places, paths)

    def run_trueup(self, paths):
        command = [str(self.trueup), "compile", "--project", str(self.folder), "--format"]
        places = []
        for line in run([*command, "json"], self.folder).split("\n")[:-1]:
            found = json.loads(line)
            message = f"[{found.get('code')}] {found.get('message')}"
            if found.get("severity") == "error" and not OF_SQL.search(message):
                labels = found["labels"] if found["code"] == "duplicate-action" else found["labels"][:1]
                places += [(label["file"], message) for label in labels]
        try:
            return outcomes(json.loads(run([*command, "dataform"], self.folder)), places, paths)
        except ValueError:
            return None


def run(command, folder):
    # Bytes, so that nothing becomes of the line ends.
    done = subprocess.run(command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return done.stdout.decode(errors="replace")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def outcomes(graph, places, paths):
    found = {name: Outcome([], []) for name in paths.values()}
    for path, message in places:
        if path in paths:
            found[paths[path]].errors.append(message)
    for kind in LISTS:
        for entry in graph.get(kind, []):
            if entry.get("fileName") in paths:
                name = paths[entry["fileName"]]
                found[name].entries.append((kind, normal(entry, name)))
    return found


def normal(value, name):
    """Without what hangs on other files, and without the name of the file itself. What is empty is not set."""
    if isinstance(value, dict):
        kept = {key: inner for key, inner in value.items() if inner is not False and inner not in ("", {}, [])}
        targets = kept.get("dependencyTargets", [])
        others = [target for target in targets if set(GENERATED.findall(target.get("name", ""))) - {name}]
        if others:
            kept["dependencyTargets"] = [target for target in targets if target not in others]
            if not kept["dependencyTargets"]:
                del kept["dependencyTargets"]
        return {key: normal(inner, name) for key, inner in kept.items()}
    if isinstance(value, list):
        return [normal(inner, name) for inner in value]
    return re.sub(rf"{name}(?=\D|$)", "@@", value) if isinstance(value, str) else value


def difference(theirs, ours):
    """What kind of difference there is, or None."""
    if theirs.errors and ours.errors:
        return None
    if theirs.errors or ours.errors:
        # Without the names in it, so that shrinking a file keeps it.
        message = re.sub(r"""[`"'{].*[`"'}]|\d+|See http.*""", "…", (theirs.errors or ours.errors)[0].split("\n")[0])
        return f"error in {'Dataform' if theirs.errors else 'trueup'} only: {message}"
    names = [[(kind, entry.get("target", entry.get("name"))) for kind, entry in outcome.entries] for outcome in (theirs, ours)]
    if names[0] != names[1]:
        return "other actions"
    for (kind, expected), (_, found) in zip(theirs.entries, ours.entries):
        for key in sorted(expected.keys() | found.keys()):
            if expected.get(key) != found.get(key):
                return f"{kind}.{key}"
    return None


def judged(file, theirs, ours):
    """The difference, and why it is meant if it is."""
    kind = difference(theirs, ours)
    return kind, kind and known.reason(kind, file, theirs, ours)


def smaller(text):
    """Texts with something less, the biggest cuts first."""
    lines = text.splitlines(keepends=True)
    size = len(lines) // 2
    while size >= 1:
        yield from ("".join(lines[:at] + lines[at + size:]) for at in range(0, len(lines), size))
        size //= 2
    size = min(len(text) // 2, 64)
    while size >= 1:
        yield from (text[:at] + text[at + size:] for at in range(0, len(text), size))
        size //= 2


def shrink(compilers, settings, file, kind):
    """The smallest text that still differs in this way. Many candidates are compiled at once, each as a file."""
    while True:
        candidates = list(dict.fromkeys(smaller(file.text)))
        better = None
        for start in range(0, len(candidates), 100):
            files = {f"f{at}": File(file.ending, text) for at, text in enumerate(candidates[start:start + 100])}
            found = compilers.compile(settings, files)
            kept = [files[name] for name, both in found.items() if judged(files[name], *both) == (kind, None)]
            if kept:
                better = min(kept, key=lambda file: len(file.text))
                break
        if better is None:
            return file
        file = better


def show(settings, file, theirs, ours):
    print(f"--- {file.ending}\n{file.text}\n---")
    if theirs.errors or ours.errors:
        print("Dataform:", *(theirs.errors or ["no error"]), sep="\n  ")
        print("trueup:", *(ours.errors or ["no error"]), sep="\n  ")
    else:
        both = [json.dumps(outcome.entries, indent=1, sort_keys=True, ensure_ascii=False).splitlines() for outcome in (theirs, ours)]
        print("\n".join(difflib.unified_diff(*both, "Dataform", "trueup", lineterm="", n=1)))
    print(flush=True)


def modules_folders():
    """The node_modules with the compiler in them, or None."""
    named = os.environ.get("TRUEUP_DATAFORM")
    if named:
        return [pathlib.Path(part).resolve() for part in named.split(os.pathsep)]
    installed = ROOT / "target/differential/node_modules"
    if not (installed / ".bin/dataform").exists() and shutil.which("npm"):
        installed.mkdir(parents=True, exist_ok=True)
        packages = [f"@dataform/cli@{CLI}", f"@dataform/core@{CORE}"]
        subprocess.run(["npm", "install", "--no-save", "--no-package-lock", "--ignore-scripts", *packages], cwd=installed.parent, check=False)
    return [installed]


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--files", type=int, default=2000, help="how many files")
    arguments.add_argument("--seed", type=int, default=1, help="what is made; the same seed makes the same files")
    arguments.add_argument("--batch", type=int, default=100, help="files that are compiled at once")
    arguments.add_argument("--shown", type=int, default=1, help="differences of one kind that are shown")
    arguments.add_argument("--no-shrink", action="store_true", help="show the files as they were made")
    arguments.add_argument("--trueup", type=pathlib.Path, default=ROOT / "target/debug/trueup", help="the binary")
    chosen = arguments.parse_args()
    modules = modules_folders()
    here = lambda path: any((folder / path).exists() for folder in modules)
    if not (shutil.which("node") and here(".bin/dataform") and here("@dataform/core")):
        print("the compiler of Dataform is not available: nothing is compared (see tests/differential/README.md)")
        return 0
    if not chosen.trueup.exists():
        print(f"there is no {chosen.trueup}: run `cargo build`")
        return 2
    started, compared, failed = time.monotonic(), 0, 0
    kinds, reasons = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        compilers = Compilers(modules, chosen.trueup, pathlib.Path(folder).resolve())
        for batch in range(-(-chosen.files // chosen.batch)):
            generator = Generator(f"{chosen.seed}:{batch}")
            settings = generator.settings()
            files = {f"f{at}": File(*generator.file()) for at in range(chosen.batch)}
            for name, both in compilers.compile(settings, files).items():
                compared += 1
                failed += bool(both[0].errors)
                kind, why = judged(files[name], *both)
                if kind and not why:
                    # Code of Dataform changes what includes share, so that files have a part in what becomes of others.
                    (alone,) = compilers.compile(settings, {"f0": files[name]}).values()
                    kind, why = judged(files[name], *alone)
                    why = why if kind else known.SHARED
                if why:
                    reasons[why] += 1
                elif kind:
                    kinds[kind] += 1
                    if kinds[kind] <= chosen.shown:
                        print(f"=== {kind} (seed {chosen.seed}, batch {batch}, file {name})")
                        file = files[name]
                        if not chosen.no_shrink:
                            file = shrink(compilers, settings, file, kind)
                        (found,) = compilers.compile(settings, {"f0": file}).values()
                        show(settings, file, *found)
    print(f"{compared} files in {time.monotonic() - started:.0f} s, {failed} of them with errors in Dataform")
    for title, counter in [("differences that are meant", reasons), ("other differences", kinds)]:
        print(f"{counter.total()} {title}")
        for what, count in counter.most_common():
            print(f"{count:6} {what}")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
