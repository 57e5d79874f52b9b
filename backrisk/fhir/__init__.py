"""FHIR R4 and CDS Hooks. Reading needs the extra ``fhir``; writing needs nothing.

The form as a `Questionnaire`, answers as a `QuestionnaireResponse`, what they say as a
`RiskAssessment`, what to ask next as a `GuidanceResponse`, mistakes as an `OperationOutcome`; and
the cards of a CDS Hooks service. Resources are plain dictionaries, ready for JSON.

Enters: a posterior, a person, resources.
Leaves: resources; a person. Nothing is fetched, kept or sent.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
