"""Calls with the wrong type of argument: one sentence, as everywhere."""

import pytest

import backrisk as br
from backrisk import fhir


@pytest.mark.parametrize(
    ("name", "argument", "right"),
    [
        ("questionnaire", "posterior", {}),
        ("questionnaire", "url", {}),
        ("questionnaire_response", "posterior", {"person": {}}),
        ("questionnaire_response", "subject", {"person": {}}),
        ("read_response", "posterior", {"response": {}}),
        ("risk_assessment", "target", {"response": {}}),
        ("guidance_response", "url", {"response": {}}),
        ("cds_services", "posterior", {}),
        ("operation_definition", "name", {"name": "assess"}),
        ("capability_statement", "base", {"base": "https://example.org/fhir"}),
    ],
)
def test_a_wrong_type_is_refused_in_a_sentence(small, name, argument, right):
    with pytest.raises(br.ArgumentError, match=f"{name}: '{argument}' should be"):
        getattr(fhir, name)(**{"posterior": small, **right, argument: 7})
