"""The form's questions, as the codebook has their columns."""

from backrisk import load_codebook, load_graph
from backrisk.queries import make_form


def test_what_measures_with_error_is_a_sign_of_its_node():
    book = load_codebook("runner")
    form = make_form(book.extend(load_graph("runner")), book)
    sign = {q.name: q.sign for group in form for topic in group.topics for q in topic.questions}
    assert all(sign[name] for name in ("plank_seconds", "sole_wear", "sleep_quality"))
    assert not any(sign[name] for name in ("age_years", "sex", "running_years", "height_cm"))
