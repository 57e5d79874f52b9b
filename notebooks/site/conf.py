"""How the documentation is built: `make docs`."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from gallery import draw_gallery
from reference import write_reference

project = "backrisk"
author = "the backrisk developers"
copyright = f"2026, {author}"
version = release = version_of("backrisk")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
]
root_doc = "index"
exclude_patterns = ["**/.ipynb_checkpoints"]
default_role = "py:obj"  # what docstrings name between single backticks

# Notebooks are shown as they were run: their outputs are stored with them.
nb_execution_mode = "off"
nb_render_image_options = {"alt": "What the code above draws."}
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
suppress_warnings = ["mystnb.unknown_mime_type"]

autodoc_typehints = "none"  # types stand in the docstrings, in words
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"backrisk {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_theme_options = {"source_repository": "", "navigation_with_keys": True}
html_show_sphinx = False
html_show_search_summary = False  # a page opened from a disk may not fetch others


def setup(app):
    """Write what is made from the code before pages are read."""
    app.connect("builder-inited", lambda _: write_reference(HERE / "made"))
    app.connect("builder-inited", lambda _: draw_gallery(HERE / "made"))
