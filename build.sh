#!/usr/bin/env bash
# Build lambda/<function>.zip: the handler, and of our modules and the pinned wheels only what it
# imports, as sources with compiled files beside them. The same sources give the same bytes.
#
#   ./build.sh [FUNCTION…]   build all four, or those named
#   ./build.sh --python      print the Python 3.12 it would use
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.12 \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12*/bin/python3.12 \
    "${UV_PYTHON_INSTALL_DIR:-$HOME/.local/share/uv/python}"/cpython-3.12*/bin/python3.12 \
    python3 python; do
    # A shim may stand there without an interpreter behind it, so each candidate has to answer.
    "$candidate" -c 'import sys; sys.version_info[:2] == (3, 12) or sys.exit(1)
print(sys.executable)' 2>/dev/null && return
  done
  echo "Python 3.12 was not found: install it, or name one in the variable PYTHON." >&2
  return 1
}

python=$(find_python)
if [[ ${1:-} == --python ]]; then
  echo "$python"
  exit
fi

exec "$python" -I - "$@" <<'PYTHON'
import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

FUNCTIONS = ("extractor", "notifier", "approval_handler", "poster")
OURS = Path("lambda")
WORK = Path(".build")
# AWS keeps these beside every Python function; dateutil comes with boto3 and brings the time zones.
FROM_RUNTIME = {"boto3", "botocore", "dateutil"}
# Powertools turns to its web framework there, but only for a pydantic model: we have none.
NEVER = {"aws_lambda_powertools.shared.functions": "aws_lambda_powertools.event_handler"}


def build(function):
    """Write lambda/<function>.zip, unless it was already made from what is here now."""
    target, requirements = OURS / f"{function}.zip", OURS / f"{function}.requirements.txt"
    made_from = hashlib.sha256(sys.version.encode())
    for path in sorted([Path("build.sh"), requirements, OURS / f"{function}.py",
                        *OURS.glob("*/**/*.py")]):
        if not path.is_file():
            sys.exit(f"{path} is missing: {target} cannot be built.")
        made_from.update(f"{path}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    note = WORK / f"{function}.made-from"
    state = "unchanged"
    if not (target.exists() and note.exists() and note.read_text() == made_from.hexdigest()):
        note.unlink(missing_ok=True)
        pack(reached(function, [OURS, installed(requirements)]), target)
        note.write_text(made_from.hexdigest())
        state = "built"
    print(f"{target}  {target.stat().st_size / 1e6:.2f} MB  {state}")


def installed(requirements):
    """The folder that holds exactly these requirements, from pure wheels with known hashes."""
    key = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    folder = WORK / f"wheels-{requirements.name.split('.')[0]}-{key}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=WORK) as scratch:
            fresh = Path(scratch, "wheels")
            run(
                pip_python(), "-m", "pip", "install", "-qq", "--disable-pip-version-check",
                "--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:",
                "--platform=any", "--implementation=py", "--abi=none", "--python-version=3.12",
                "--target", str(fresh), "--requirement", str(requirements),
            )
            if not folder.exists():  # another build may have been quicker
                fresh.rename(folder)
    return folder


def pip_python():
    """A Python that has pip: ours, or one in an environment of its own."""
    if not subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode:
        return sys.executable
    python = WORK / "pip" / "bin" / "python"
    if not python.exists():
        run(sys.executable, "-m", "venv", str(WORK / "pip"))
    return str(python)


def reached(function, roots):
    """Every file that `import <function>` may come to need, by its name in the zip."""
    found, waiting = {}, [(function, None)]
    while waiting:
        module, importer = waiting.pop()
        path, root = locate(module, roots)
        if path is None:
            top = module.partition(".")[0]
            known = sys.stdlib_module_names | FROM_RUNTIME
            if importer in (None, OURS) and top not in known and not locate(top, roots)[1]:
                sys.exit(f"{function} needs {module}, which is neither in {OURS}/ nor pinned in "
                         f"{OURS}/{function}.requirements.txt.")
            continue
        if str(path.relative_to(root)) in found:
            continue
        beside = [path]
        if root != OURS:  # a wheel's certificates and tables lie beside the module that reads them
            beside += [p for p in path.parent.iterdir()
                       if p.is_file() and p.suffix not in {".py", ".pyc", ".typed", ".pth"}]
        found.update({str(p.relative_to(root)): p for p in beside})
        is_package = path.name == "__init__.py"
        never = NEVER.get(module, " ")
        waiting += [(name, root) for name in imports(path, module, is_package)
                    if not name.startswith(never)]
    return dict(sorted(found.items()))


def locate(module, roots):
    """The module's file and its root; a folder without __init__.py has a root but no file."""
    for root in roots:
        place = root.joinpath(*module.split("."))
        for path in (place / "__init__.py", place.with_name(place.name + ".py")):
            if path.is_file():
                return path, root
        if place.is_dir():
            return None, root
    return None, None


def imports(path, module, is_package):
    """The names a module's code imports, also inside functions, but not for type checkers only."""
    waiting = list(ast.parse(path.read_bytes()).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING") \
                and not isinstance(node.test, ast.UnaryOp):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".")
            parents = parents[: len(parents) - node.level + is_package] if node.level else []
            base = ".".join(parents + ([node.module] if node.module else []))
            names = [base, *(f"{base}.{alias.name}" for alias in node.names if alias.name != "*")]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[: n + 1]) for n in range(len(parts)))


def pack(sources, target):
    """Zip the sources and their compiled files with one time, one mode and sorted names."""
    with tempfile.TemporaryDirectory(dir=WORK) as scratch:
        stage = Path(scratch, "stage")
        for name, path in sources.items():
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, stage / name)
        # An unchecked-hash .pyc is used without looking at times, which a zip does not keep. A
        # fresh interpreter with a fixed hash seed lays constants out alike each time.
        run(
            sys.executable, "-m", "compileall", "-q", "-f", "-s", str(stage),
            "--invalidation-mode", "unchecked-hash", str(stage),
            env=os.environ | {"PYTHONHASHSEED": "0"},
        )
        made = Path(scratch, "made.zip")
        with zipfile.ZipFile(made, "w") as package:
            for path in sorted(p for p in stage.rglob("*") if p.is_file()):
                entry = zipfile.ZipInfo(str(path.relative_to(stage)), (1980, 1, 1, 0, 0, 0))
                entry.external_attr = 0o644 << 16
                package.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
        made.replace(target)


def run(*command, env=None):
    if subprocess.run(command, env=env).returncode:
        sys.exit(f"This failed: {' '.join(command)}")


WORK.mkdir(exist_ok=True)
for function in sys.argv[1:] or FUNCTIONS:
    if function not in FUNCTIONS:
        sys.exit(f"There is no function {function}: {', '.join(FUNCTIONS)}.")
    build(function)
PYTHON
