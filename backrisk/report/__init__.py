"""Reports to hand on: one person, a cohort, a model card; as HTML, PDF, spreadsheet, CSV, Markdown.

A report is made in two steps, so that each can be used alone: answers are asked
(`person_answers`, `cohort_answers`), and then laid out (`render_person`, or `render` of a
document). The second computes nothing but words.
"""

from backrisk.report.card import card_document, model_card
from backrisk.report.cohort import CohortAnswers, cohort_answers, cohort_document, report_cohort
from backrisk.report.person import (
    PersonAnswers,
    person_answers,
    person_document,
    render_person,
    report_person,
)
from backrisk.report.render import render
from backrisk.report.words import Words, read_words

__all__ = [
    "CohortAnswers",
    "PersonAnswers",
    "Words",
    "card_document",
    "cohort_answers",
    "cohort_document",
    "model_card",
    "person_answers",
    "person_document",
    "read_words",
    "render",
    "render_person",
    "report_cohort",
    "report_person",
]
