"""How `make docs` builds the pages: MyST pages and notebooks, executed, into one folder that needs no network."""

import hashlib
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path[:0] = [str(REPOSITORY), str(HERE / "_ext")]



def _code() -> str:
    """Digest of everything a notebook's outputs come from but the notebook itself: another digest, another cache."""
    found = hashlib.sha256()
    for room in ("params", "forecasts", "sim", "evidence"):
        for path in sorted((REPOSITORY / room).rglob("*")):
            if path.suffix in (".py", ".toml", ".csv", ".json"):
                found.update(path.read_bytes())
    return found.hexdigest()[:16]


project = "Dispersal workbench"
author = "the dispersal workbench's authors"
copyright = "the dispersal workbench's authors. Modelled estimates, not official statistics"  # noqa: A001
release = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
language = "en_GB"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "register", "offline"]
exclude_patterns = ["_ext", ".ipynb_checkpoints", "**/.ipynb_checkpoints"]
nitpicky = True
# Types that annotations name are not looked up: most are of libraries, whose pages are on the network, or of parts of
# the project that no page shows. Every other reference must arrive.
nitpick_ignore_regex = [(r"py:(class|exc)", r".*")]

myst_enable_extensions = ["colon_fence", "deflist", "attrs_inline"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(REPOSITORY / "runs" / ".site" / _code())
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_ipywidgets_js = {}  # its default loads from a network

default_role = "code"  # one backtick in a docstring
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
toc_object_entries_show_parents = "hide"
smartquotes = False

html_theme = "furo"
html_title = "Dispersal workbench"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False


def setup(sphinx):  # type: ignore[no-untyped-def]
    """Two things the extensions leave: a level for the navigation's captions, and properties as sentences."""

    def levelled(app, page, template, context, doctree):  # type: ignore[no-untyped-def]
        tree = context.get("furo_navigation_tree", "")
        context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')

    def sentence(app, what, name, thing, options, lines):  # type: ignore[no-untyped-def]
        # Before napoleon, which would take what stands before a colon for the property's type.
        if what == "property" and lines:
            lines[0] = lines[0].replace(": ", "; ", 1)

    sphinx.connect("html-page-context", levelled, priority=900)
    sphinx.connect("autodoc-process-docstring", sentence, priority=100)
