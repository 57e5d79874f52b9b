"""Text without HTML."""

import pytest

from backrisk.survey.forms.fields import plain


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Age", "Age"),
        ('<div class="x"><p>How <b>tired</b>?</p><p>Mark</p></div>', "How tired? Mark"),
        ("a<br/>b\r\n  c", "a b c"),
        ("x < 3 and y > 2", "x < 3 and y > 2"),
        ("5 <3", "5 <3"),
        ("R&amp;D &nbsp; &lt;b&gt;", "R&D <b>"),
        ("<!-- no -->yes", "yes"),
        ("", ""),
    ],
)
def test_html_is_taken_out_and_signs_stay(text, read):
    assert plain(text) == read
