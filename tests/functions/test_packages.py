"""What build.sh makes: small zips of what each function imports, the same bytes each time."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest

from pack import PACKAGES
from sandbox.benchmark.packages import RUNTIME, TARGETS

PROJECT: Final = Path(__file__).parents[2]
FUNCTIONS: Final = tuple(TARGETS)
LIBRARIES: Final = {
    "extractor": {"requests", "urllib3", "certifi", "idna", "charset_normalizer"},
    "intake": {"slack_sdk"},
    "mirror": {"requests", "urllib3", "certifi", "idna", "charset_normalizer"},
    "api": {"fastjsonschema"},
    "webhook": {"requests", "urllib3", "certifi", "idna", "charset_normalizer"},
    "notifier": {"slack_sdk"},
    "approval_handler": {"slack_sdk"},
    "poster": {
        *("requests", "urllib3", "certifi", "idna", "charset_normalizer"),
        *("quickbooks", "intuitlib", "requests_oauthlib", "oauthlib", "jwt", "six"),
    },
}
# Three functions share a package: each is started by a handler of its own.
HANDLERS: Final = {"intake": ("validate_invoice", "process_invoice", "send_notification")}
EVERYWHERE: Final = {"odoo_qb", "aws_lambda_powertools", "jmespath", "typing_extensions"}


def a_copy(folder: Path) -> Path:
    """The project's sources to build from; wheels that were installed before are used again."""
    zips_and_caches = shutil.ignore_patterns("*.zip", "__pycache__")
    shutil.copytree(PROJECT / "lambda", folder / "lambda", ignore=zips_and_caches)
    shutil.copy2(PROJECT / "build.sh", folder)
    (folder / ".build").mkdir()
    for wheels in (PROJECT / ".build").glob("wheels-*"):
        (folder / ".build" / wheels.name).symlink_to(wheels)
    return folder


def build(folder: Path, *functions: str, **settings: str) -> subprocess.CompletedProcess[str]:
    usual = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "PYTHON": sys.executable}
    return subprocess.run(
        ["bash", folder / "build.sh", *functions],
        env=usual | settings,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = a_copy(tmp_path_factory.mktemp("built"))
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def names(built: Path, function: str) -> list[str]:
    return ZipFile(built / "lambda" / f"{function}.zip").namelist()


def pins(requirements: Path) -> dict[str, str]:
    return dict(re.findall(r"^([\w-]+)==(\S+)", requirements.read_text(), re.MULTILINE))


def test_the_same_sources_give_the_same_bytes_elsewhere(built: Path, tmp_path: Path) -> None:
    assert build(a_copy(tmp_path / "elsewhere")).returncode == 0

    for function in FUNCTIONS:
        package = Path("lambda", f"{function}.zip")
        assert (tmp_path / "elsewhere" / package).read_bytes() == (built / package).read_bytes()


@pytest.mark.parametrize(
    "settings", [{"PYTHONPYCACHEPREFIX": "elsewhere"}, {"PYTHONOPTIMIZE": "2"}], ids=str
)
def test_what_somebody_set_for_python_changes_no_package(
    built: Path, tmp_path: Path, settings: dict[str, str]
) -> None:
    folder = a_copy(tmp_path / "project")

    done = build(folder, "notifier", **settings)

    assert done.returncode == 0, done.stderr
    package = Path("lambda", "notifier.zip")
    assert (folder / package).read_bytes() == (built / package).read_bytes()


def test_nothing_is_built_again_until_its_sources_change(tmp_path: Path) -> None:
    folder = a_copy(tmp_path / "project")
    assert build(folder, "extractor", "notifier").stdout.count(" built") == 2
    assert build(folder, "extractor", "notifier").stdout.count(" unchanged") == 2

    with (folder / "lambda" / "notifier.py").open("a") as handler:
        handler.write("CHANGED = True\n")
    again = build(folder, "extractor", "notifier").stdout.splitlines()

    assert [line.split()[-1] for line in again] == ["unchanged", "built"]
    package = ZipFile(folder / "lambda" / "notifier.zip")
    assert package.read("notifier.py").endswith(b"CHANGED = True\n")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_package_holds_only_what_its_function_imports(built: Path, function: str) -> None:
    found = {name.split("/")[0].removesuffix(".py") for name in names(built, function)}

    assert found - {"__pycache__"} == {*PACKAGES[function]} | EVERYWHERE | LIBRARIES[function]
    assert not [n for n in names(built, function) if re.search(r"dist-info|/tests?/|\.so$", n)]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_package_tells_nothing_of_when_and_where_it_was_built(built: Path, function: str) -> None:
    entries = ZipFile(built / "lambda" / f"{function}.zip").infolist()

    assert [e.filename for e in entries] == sorted(e.filename for e in entries)
    assert {(e.date_time, e.external_attr >> 16) for e in entries} == {
        ((1980, 1, 1, 0, 0, 0), 0o644)
    }
    assert not any(
        str(place).encode() in ZipFile(built / "lambda" / f"{function}.zip").read(e)
        for e in entries
        for place in (built, PROJECT)
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_compiled_files_are_used_without_looking_at_their_sources(
    built: Path, function: str
) -> None:
    package = ZipFile(built / "lambda" / f"{function}.zip")
    sources = [n for n in package.namelist() if n.endswith(".py")]
    compiled = [n for n in package.namelist() if n.endswith(".cpython-312.pyc")]

    assert len(compiled) == len(sources)
    # The second word of a .pyc (PEP 552): 1 is a hash, 3 a hash to be checked, 0 a time.
    flags = {int.from_bytes(package.read(name)[4:8], "little") for name in compiled}
    assert flags == {1}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_handler_finds_all_it_needs_in_its_package_and_the_runtime(
    built: Path, tmp_path: Path, function: str
) -> None:
    task, runtime = tmp_path / "task", tmp_path / "runtime"
    ZipFile(built / "lambda" / f"{function}.zip").extractall(task)
    runtime.mkdir()
    for name in RUNTIME:
        files = distribution(name).files or []
        for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            (runtime / top).symlink_to(Path(str(distribution(name).locate_file(top))))
    for handler in PACKAGES[function]:
        code = f"import sys; sys.path[:0] = {[str(task), str(runtime)]}; import {handler} as module"
        handlers = [f"module.{name}" for name in HANDLERS.get(handler, ("lambda_handler",))]

        done = subprocess.run(
            [sys.executable, "-I", "-S", "-W", "error", "-c", "; ".join([code, *handlers])],
            env={},
            capture_output=True,
            text=True,
            check=False,
        )

        assert (done.returncode, done.stderr) == (0, "")


def test_there_is_a_target_for_every_package() -> None:
    assert set(PACKAGES) == set(FUNCTIONS)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_package_is_small(built: Path, function: str) -> None:
    size = (built / "lambda" / f"{function}.zip").stat().st_size

    assert size / 1e6 <= TARGETS[function].zip_megabytes


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_delivered_is_what_was_tested(function: str) -> None:
    delivered = pins(PROJECT / "lambda" / f"{function}.requirements.txt")

    assert delivered
    assert delivered.items() <= pins(PROJECT / "requirements-dev.txt").items()


@pytest.mark.parametrize(
    "requirements",
    [
        PROJECT / "requirements-dev.txt",
        *(PROJECT / "lambda" / f"{function}.requirements.txt" for function in FUNCTIONS),
    ],
    ids=lambda path: path.name,
)
def test_every_requirement_is_pinned_by_hash_and_none_names_a_server(requirements: Path) -> None:
    text = re.sub(r"^#.*\n", "", requirements.read_text(), flags=re.MULTILINE)
    entries = re.split(r"\n(?=\S)", text.strip())

    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    assert "://" not in requirements.read_text()


def test_an_import_that_is_in_no_package_stops_the_build(tmp_path: Path) -> None:
    folder = a_copy(tmp_path / "project")
    (folder / "lambda" / "notifier.py").write_text("def f():\n    import pydantic.main\n")

    done = build(folder, "notifier")

    assert done.returncode == 1
    assert "notifier needs pydantic" in done.stderr
    assert not (folder / "lambda" / "notifier.zip").exists()


def test_what_only_the_type_checker_imports_stays_out(tmp_path: Path) -> None:
    folder = a_copy(tmp_path / "project")
    (folder / "lambda" / "notifier.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import pydantic\n    import slack_sdk\n"
        "else:\n    import odoo_qb.errors\n"
    )

    assert build(folder, "notifier").returncode == 0

    found = ZipFile(folder / "lambda" / "notifier.zip").namelist()
    assert [n for n in found if n.endswith(".py")] == [
        "notifier.py",
        "odoo_qb/__init__.py",
        "odoo_qb/errors.py",
    ]


def test_a_machine_without_python_3_12_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "dirname").symlink_to(shutil.which("dirname") or "")

    done = subprocess.run(
        [shutil.which("bash") or "", PROJECT / "build.sh"],
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Python 3.12 was not found")
