"""Write lambda/<package>.zip for build.sh: only what it imports, the same bytes each time.

It runs in an isolated interpreter of Python 3.12 with nothing installed.
"""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Each package with its handlers: functions that share most of their code share a package.
_ONE: Final = ("extractor", "notifier", "approval_handler", "poster", "mirror", "api", "intake")
PACKAGES: Final = {
    **{name: (name,) for name in _ONE},
    "webhook": ("webhook", "webhook_feed"),
}
OURS: Final = Path("lambda")
WORK: Final = Path(".build")
# Part of AWS's Python runtime; dateutil comes with boto3 and brings the time zones.
FROM_RUNTIME: Final = {"boto3", "botocore", "dateutil"}
# Files that a function serves, of wheels whose modules beside them it does not import.
SERVED: Final = {
    "api": tuple(
        f"aws_lambda_powertools/event_handler/openapi/swagger_ui/{name}"
        for name in ("swagger-ui-bundle.min.js", "swagger-ui.min.css")
    )
}
# Powertools imports its web framework there, but only for pydantic models, which we do not use.
NEVER: Final = {"aws_lambda_powertools.shared.functions": "aws_lambda_powertools.event_handler"}


def build(package: str) -> str:
    """Write a package's zip, unless it is up to date; returns what was done."""
    target, requirements = OURS / f"{package}.zip", OURS / f"{package}.requirements.txt"
    made_from = hashlib.sha256(sys.version.encode())
    program = [Path("build.sh"), OURS / "pack.py"]
    handlers = [OURS / f"{handler}.py" for handler in PACKAGES[package]]
    shared = (p for p in OURS.glob("*/**/*") if p.is_file() and p.suffix != ".pyc")
    for path in sorted([*program, requirements, *handlers, *shared]):
        if not path.is_file():
            sys.exit(f"{path} is missing: {target} cannot be built.")
        made_from.update(f"{path}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    note = WORK / f"{package}.made-from"
    state = "unchanged"
    if not (target.exists() and note.exists() and note.read_text() == made_from.hexdigest()):
        note.unlink(missing_ok=True)
        wheels = installed(requirements)
        served = {name: wheels / name for name in SERVED.get(package, ())}
        pack(reached(package, [OURS, wheels]) | served, target)
        note.write_text(made_from.hexdigest())
        state = "built"
    return f"{target}  {target.stat().st_size / 1e6:.2f} MB  {state}"


def installed(requirements: Path) -> Path:
    """The folder that holds exactly these requirements, from pure wheels with known hashes."""
    key = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    folder = WORK / f"wheels-{requirements.name.split('.')[0]}-{key}"
    if not folder.exists():
        options = (
            *("--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:"),
            *("--platform=any", "--implementation=py", "--abi=none", "--python-version=3.12"),
        )
        with tempfile.TemporaryDirectory(dir=WORK) as scratch:
            fresh = Path(scratch, "wheels")
            pip = [pip_python(), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
            run([*pip, *options, "--target", str(fresh), "--requirement", str(requirements)])
            if not folder.exists():  # another build may have made it meanwhile
                fresh.rename(folder)
    return folder


def pip_python() -> str:
    """A Python with pip: this one, or one in a new virtual environment."""
    asked = [sys.executable, "-m", "pip", "--version"]
    if not subprocess.run(asked, capture_output=True, check=False).returncode:
        return sys.executable
    python = WORK / "pip" / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", str(WORK / "pip")])
    return str(python)


def reached(package: str, roots: Sequence[Path]) -> dict[str, Path]:
    """Every file that importing a package's handlers may need, by its name in the zip."""
    found: dict[str, Path] = {}
    waiting: list[tuple[str, Path | None]] = [(handler, None) for handler in PACKAGES[package]]
    while waiting:
        module, importer = waiting.pop()
        path, root = locate(module, roots)
        if path is None or root is None:
            if importer in {None, OURS} and not is_known(module, roots):
                sys.exit(
                    f"{package} needs {module}, which is neither in {OURS}/ nor pinned in "
                    f"{OURS}/{package}.requirements.txt."
                )
            continue
        if str(path.relative_to(root)) in found:
            continue
        beside = [path]
        if path.parent != OURS:  # tables and pages lie beside the module that reads them
            code = {".py", ".pyc", ".typed", ".pth"}
            beside += [p for p in path.parent.iterdir() if p.is_file() and p.suffix not in code]
        found |= {str(p.relative_to(root)): p for p in beside}
        never = NEVER.get(module, " ")
        waiting += [(n, root) for n in imports(path, module) if not n.startswith(never)]
    return dict(sorted(found.items()))


def is_known(module: str, roots: Sequence[Path]) -> bool:
    """Whether a module that is not packed is part of the runtime or of Python."""
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names | FROM_RUNTIME or locate(top, roots)[1] is not None


def locate(module: str, roots: Sequence[Path]) -> tuple[Path | None, Path | None]:
    """The module's file and its root; a folder without __init__.py has a root but no file."""
    for root in roots:
        place = root.joinpath(*module.split("."))
        for path in (place / "__init__.py", place.with_name(place.name + ".py")):
            if path.is_file():
                return path, root
        if place.is_dir():
            return None, root
    return None, None


def imports(path: Path, module: str) -> Iterator[str]:
    """The names a module's code imports, also inside functions, but not for type checkers only."""
    is_package = path.name == "__init__.py"
    waiting: list[ast.AST] = list(ast.parse(path.read_bytes()).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and is_for_type_checkers(node.test):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        names: list[str] = []
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


def is_for_type_checkers(test: ast.expr) -> bool:
    """Whether it is the condition of `if TYPE_CHECKING:`."""
    return not isinstance(test, ast.UnaryOp) and ast.unparse(test).endswith("TYPE_CHECKING")


def pack(sources: Mapping[str, Path], target: Path) -> None:
    """Zip the sources and their compiled files with one time, one mode and sorted names."""
    with tempfile.TemporaryDirectory(dir=WORK) as scratch:
        stage = Path(scratch, "stage")
        for name, path in sources.items():
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, stage / name)
        compile_all(stage)
        made = Path(scratch, "made.zip")
        with zipfile.ZipFile(made, "w") as package:
            for path in sorted(p for p in stage.rglob("*") if p.is_file()):
                entry = zipfile.ZipInfo(str(path.relative_to(stage)), (1980, 1, 1, 0, 0, 0))
                entry.external_attr = 0o644 << 16
                package.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
        made.replace(target)


def compile_all(stage: Path) -> None:
    """Put a compiled file beside each source.

    An unchecked-hash .pyc is used without looking at file times, which a zip does not keep. A fresh
    interpreter with a fixed hash seed orders constants the same way each time. Other PYTHON…
    variables are removed: they could put the files elsewhere or rename them.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    run(
        [
            *(sys.executable, "-m", "compileall", "-q", "-f", "-s", str(stage)),
            *("--invalidation-mode", "unchecked-hash", str(stage)),
        ],
        environment | {"PYTHONHASHSEED": "0"},
    )


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a program; exit if it fails."""
    if subprocess.run(command, env=environment, check=False).returncode:
        sys.exit(f"This failed: {' '.join(command)}")


def main(packages: Sequence[str]) -> None:
    """Build these packages, or all."""
    WORK.mkdir(exist_ok=True)
    for package in packages or PACKAGES:
        if package not in PACKAGES:
            sys.exit(f"There is no package {package}: {', '.join(PACKAGES)}.")
        print(build(package))


if __name__ == "__main__":
    main(sys.argv[1:])
