"""The check that travels with a report: it names what was changed, and needs nothing but Python."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evidence import verify
from evidence.records import Record, sealed

pytestmark = pytest.mark.unit
DEFINITION = {
    **dict.fromkeys(verify.DEFINED, "x"),
    "title": "Cost is £310m, “modelled”.",
    "source": "study study-1a2b",
    "basis": {},
    "notes": [],
}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A sealed folder with one exhibit and the check itself."""
    data = "year,cost\n2028-29,310\n"
    sha256 = verify.content_hash(DEFINITION, data, "study-1a2b")
    evidence_id = f"E-{sha256[:6].upper()}"
    record = Record("report-1", "report", "t", settings={}, assumptions={}, model_version="m", packages={})
    with sealed(tmp_path, record) as partial:
        shutil.copyfile(verify.__file__, partial / "verify.py")
        exhibits = partial / "exhibits"
        exhibits.mkdir()
        (exhibits / f"{evidence_id}.csv").write_text(data)
        files = {f"{evidence_id}.csv": verify.file_sha256(exhibits / f"{evidence_id}.csv")}
        entry = {"id": evidence_id, "sha256": sha256, "study": "study-1a2b", "files": files, **DEFINITION}
        (exhibits / "exhibits.json").write_text(json.dumps([entry]))
    return tmp_path / "report-1"


def alone(folder: Path, *words: str) -> tuple[int, str]:
    """Run the copy in the folder as somebody who has only the folder and Python."""
    command = [sys.executable, "-I", "-S", "verify.py", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert not done.stderr
    return done.returncode, done.stdout


def evidence_id(folder: Path) -> str:
    return next((folder / "exhibits").glob("E-*.csv")).stem


def test_an_untouched_folder_is_as_it_was_made(folder):
    assert alone(folder) == (0, "All 4 files are as they were made.\n")
    code, said = alone(folder, evidence_id(folder))
    assert code == 0 and said.startswith(evidence_id(folder))


def test_every_single_flipped_byte_is_found_in_the_right_file(folder):
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name, content = path.relative_to(folder).as_posix(), path.read_bytes()
        for at in range(0, len(content), max(1, len(content) // 40)):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            found = verify.problems(folder)
            assert found and all(name in line for line in found), (name, at, found)
        path.write_bytes(content)
    assert verify.problems(folder) == []


def test_missing_extra_and_linked_files_are_named(folder):
    (folder / "verify.py").rename(folder / "check.py")
    assert verify.problems(folder) == ["check.py: extra, it was not there when made", "verify.py: missing"]
    (folder / "check.py").rename(folder / "verify.py")
    (folder / "exhibits" / "exhibits.json").unlink()
    (folder / "exhibits" / "exhibits.json").symlink_to("/dev/null")
    assert verify.problems(folder) == [
        "exhibits/exhibits.json: is a link to another place, not a file of this folder"
    ]
    (folder / "SHA256SUMS").unlink()
    assert alone(folder) == (1, "SHA256SUMS: missing, so nothing can be checked\n")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/../../b", "C:x", "a\\b"])
def test_a_checksum_list_cannot_lead_out_of_the_folder(folder, name):
    with (folder / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  {name}\n")
    assert verify.problems(folder) == ["SHA256SUMS: line 5 is not a checksum and a file's name"]


def test_an_id_that_does_not_fit_its_words_or_numbers_is_found(folder):
    name = evidence_id(folder)
    index = folder / "exhibits" / "exhibits.json"
    index.write_text(index.read_text().replace("310m", "311m"))
    assert alone(folder, name) == (1, f"exhibits/exhibits.json: {name} does not fit its words and numbers\n")
    index.write_text(index.read_text().replace("311m", "310m"))
    (folder / "exhibits" / f"{name}.csv").write_text("year,cost\n2028-29,311\n")
    assert [line.partition(":")[0] for line in verify.exhibit_problems(folder, name)] == [
        f"exhibits/{name}.csv", "exhibits/exhibits.json",
    ]  # fmt: skip
    assert alone(folder, "E-000000")[0] == 2
