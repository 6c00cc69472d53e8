"""Pages: HTML from a template with nothing left out, and a PDF that a screen reader can follow."""

import pytest
from jinja2 import UndefinedError
from pypdf import PdfReader

from evidence.reporting import pages

pytestmark = pytest.mark.unit
PAGE = (
    '<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>Cost of dispersal</title></head>'
    "<body><main><h1>Cost</h1><table><caption>Cost</caption><tr><th scope='col'>Year</th></tr></table></main></body>"
)


@pytest.mark.skipif(pages.browser() is None, reason="Chromium is not on this machine")
def test_a_pdf_is_tagged_and_has_language_and_title(tmp_path):
    page, target = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(PAGE, encoding="utf-8")
    assert pages.write_pdf(page, target) is None
    reader = PdfReader(target)
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root
    assert root["/Lang"] == "en-GB" and reader.metadata.title == "Cost of dispersal"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "page.pdf"]


def test_without_a_browser_one_sentence_says_so_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pages.write_pdf(tmp_path / "page.html", tmp_path / "page.pdf") == pages.NO_BROWSER
    assert not list(tmp_path.iterdir())


def test_a_browser_that_prints_nothing_is_an_error(tmp_path, monkeypatch):
    idle = tmp_path / "chromium"
    idle.write_text("#!/bin/sh\nexit 1\n")
    idle.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(pages.RunError, match="page.html: chromium printed no PDF of it"):
        pages.write_pdf(tmp_path / "page.html", tmp_path / "page.pdf")
    assert not (tmp_path / "page.pdf").exists()


def test_a_page_that_lacks_a_value_is_an_error(tmp_path):
    with pytest.raises(UndefinedError):
        pages.write_html("report.html.j2", tmp_path / "page.html")
    assert not list(tmp_path.iterdir())
