"""A REDCap project that nobody has: its data dictionary, and its data exported in two ways."""

import csv
import io

import numpy as np

from backrisk.graph import CausalGraph

GRAPH = CausalGraph.from_edges(
    [("sex", "fatigue"), ("age", "fatigue"), ("smoker", "pain"), ("fatigue", "pain"),
     ("cycling", "pain"), ("injured", "time_lost"), ("time_lost", "pain")],
    {
        "sex": ["male", "female"],
        "age": ["under_40", "40_plus"],
        "smoker": ["no", "yes"],
        "cycling": ["no", "yes"],
        "injured": ["no", "yes"],
        "time_lost": ["none", "some", "long"],
        "fatigue": ["low", "high"],
        "pain": ["none", "not_limiting", "limiting"],
    },
)  # fmt: skip

HEADER = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note",
    "Text Validation Type OR Show Slider Number", "Text Validation Min", "Text Validation Max",
    "Identifier?", "Branching Logic (Show field only if...)", "Required Field?",
    "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?",
    "Field Annotation",
)  # fmt: skip
# name, form, type, label, choices, validation, min, max, identifier, branching
FIELDS = [
    ("record_id", "consent", "text", "Record ID"),
    ("intro", "consent", "descriptive", "<h2>Welcome</h2><p>Thank you, all of you.</p>"),
    ("full_name", "consent", "text", "Name", "", "", "", "", "y"),
    ("email", "consent", "text", "E-mail", "", "email", "", "", "y"),
    ("consent_date", "consent", "text", "Date", "", "date_ymd", "2020-01-01", "2030-12-31"),
    ("consent_pdf", "consent", "file", "Consent, signed"),
    ("signed", "consent", "file", "Signature", "", "signature"),
    ("age_years", "about", "text", "Age in <b>years</b>", "", "integer", "18", "99"),
    ("sex", "about", "radio", "Sex", "1, Male | 2, Female | 9, Prefer not to say"),
    ("height", "about", "text", "Height (cm)", "", "number", "120", "220"),
    ("weight", "about", "text", "Weight (kg)", "", "number_1dp", "30", "200"),
    ("bmi_calc", "about", "calc", "BMI", "round([weight] / ([height]/100)^2, 1)"),
    ("country", "about", "dropdown", "Country of residence", "CH, Switzerland | DE, Germany"),
    ("schooling", "about", "dropdown", "Schooling",
     "1, None, or less than a year | 2, School, nine years|ten | 3, More"),
    ("phone", "about", "text", "Phone", "", "phone", "", "", "y"),
    ("postcode", "about", "text", "Postcode", "", "zipcode"),
    ("smoker", "habits", "yesno", "Do you smoke?"),
    ("sports", "habits", "checkbox", "Which sports do you do?",
     "1, Swimming | 2, Cycling | 3, Rowing | -99, None of these"),
    ("sports_other", "habits", "text", "Other, please say", "", "", "", "", "",
     "[sports(3)] = '1'"),
    ("weekly_km", "habits", "text", "Kilometres a week", "", "number", "0", "400"),
    ("sleep_hours", "habits", "text", "Hours of sleep", "", "number_1dp", "0", "24"),
    ("clinic_list", "habits", "sql", "Clinic", "SELECT value, label FROM clinics"),
    ("motivation", "habits", "slider", "Motivation", "none | some | all", "number", "0", "10"),
    ("fatigue", "habits", "slider", "How <i>tired</i> are you?<br>Mark the line.",
     "not at all | | very"),
    ("injured", "injury", "truefalse", "Were you injured this year?"),
    ("injury_site", "injury", "radio", "Where?", "1, Knee | 2, Back, lower | 3, Elsewhere",
     "", "", "", "", "[injured] = '1'"),
    ("time_lost", "injury", "radio", "How much training did you lose?",
     "1, Some | 2, Long | 3, None", "",
      "", "", "", "[injured] = '1' and [injury_site] <> ''"),
    ("onset", "injury", "text", "Date", "", "date_dmy", "", "", "", "[injured] = \"1\""),
    ("pain", "injury", "radio", "Pain now",
     "0, None | 1, Not limiting | 2, Limiting | -8, Don't know"),
    ("pain_notes", "injury", "notes", "Anything else, about the pain?"),
    ("pain_picture", "injury", "file", "Picture"),
    ("mood_1", "injury", "radio", "I felt calm", "1, Never | 2, Sometimes | 3, Often"),
    ("mood_2", "injury", "radio", "I felt cheerful", "1, Never | 2, Sometimes | 3, Often"),
    ("mood_sum", "injury", "calc", "Mood", "sum([mood_1], [mood_2])"),
    ("drug", "drugs", "text", "Name of the drug"),
    ("dose", "drugs", "text", "Dose", "", "number", "0", ""),
    ("visit_date", "later", "text", "Date", "", "datetime_ymd"),
    ("again", "later", "yesno", "Injured again?"),
    ("later_notes", "later", "notes", "Other, please say"),
    ("rating", "later", "dropdown", "Rating of the study", "1, * | 2, ** | 3, ***"),
]  # fmt: skip
FORMS = list(dict.fromkeys(field[1] for field in FIELDS))
BASELINE = ("consent", "about", "habits", "injury")


def dictionary():
    """Return the data dictionary, as REDCap downloads it."""
    rows = []
    for field in FIELDS:
        name, form, kind, label, choices, check, low, high, known, when = (*field, *[""] * 6)[:10]
        matrix = "mood" if name.startswith("mood_") and kind == "radio" else ""
        rows.append([name, form, "", kind, label, choices, "", check, low, high, known, when,
                     "", "", "", matrix, "", ""])  # fmt: skip
    return written([HEADER, *rows])


def written(rows):
    """Return rows as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def columns():
    """Yield field, code of a box, name and label of each column of an export."""
    for field in FIELDS:
        name, _, kind, label, *rest = field
        label = {"fatigue": "How tired are you? Mark the line.", "age_years": "Age in years"}.get(
            name, label
        )
        if kind == "descriptive":
            continue
        if kind == "checkbox":
            for part in rest[0].split(" | "):
                code, text = part.split(", ", 1)
                yield field, code, f"{name}___{code.replace('-', '_')}", f"{label} (choice={text})"
        else:
            yield field, None, name, label
        if field is [each for each in FIELDS if each[1] == field[1]][-1]:
            yield None, field[1], f"{field[1]}_complete", "Complete?"


LABELS = {
    "yesno": {"1": "Yes", "0": "No"},
    "truefalse": {"1": "True", "0": "False"},
    "checkbox": {"1": "Checked", "0": "Unchecked"},
    "complete": {"0": "Incomplete", "1": "Unverified", "2": "Complete"},
    "event": {"baseline_arm_1": "Baseline", "followup_arm_1": "Follow-up"},
    "repeat": {"drugs": "Drugs", "": ""},
    "schooling": {"1": "None, or less than a year", "2": "School, nine years|ten", "3": "More"},
    "injury_site": {"1": "Knee", "2": "Back, lower", "3": "Elsewhere"},
}


def labelled(field, text):
    """Return what an export with labels has in place of a code."""
    name, kind = field[0], field[2]
    if text == "" or kind in ("text", "calc", "slider", "notes", "file", "sql"):
        return text
    if name in LABELS or kind in LABELS:
        return LABELS.get(name, LABELS.get(kind))[text]
    return dict(part.split(", ", 1) for part in field[4].split(" | ")).get(text, text)


def people(n=240, seed=5):
    """Return the rows of an export, each an event, a page repeated, and its answers by column."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(1, n + 1):
        opened = {form: rng.random() < (0.9 if form == "habits" else 1.0) for form in BASELINE}
        injured, age = rng.random() < 0.4, int(rng.integers(18, 80))
        tired = int(rng.integers(0, 101))
        lost = rng.choice(["1", "2", "3"], p=[0.5, 0.3, 0.2]) if injured else ""
        limits = 0.2 + 0.3 * (tired > 50) + (0.2 if lost == "2" else 0)
        pain = rng.choice(["0", "1", "2"], p=[1 - limits, limits / 2, limits / 2])
        habits = {
            "smoker": str(int(rng.random() < 0.3)),
            "sports___1": str(int(rng.random() < 0.4)),
            "sports___2": str(int(rng.random() < 0.5)),
            "sports___3": str(int(rng.random() < 0.2)),
            "sports____99": "0",
            "weekly_km": "-99" if rng.random() < 0.05 else str(int(rng.integers(5, 90))),
            "sleep_hours": f"{rng.uniform(5, 9):.1f}",
            "motivation": str(int(rng.integers(0, 11))),
            "fatigue": str(tired),
        }
        base = {
            "full_name": f"Person {person}",
            "consent_date": "2024-01-02",
            "age_years": "-99" if rng.random() < 0.05 else str(age),
            "sex": rng.choice(["1", "2", "9"], p=[0.48, 0.48, 0.04]),
            "height": "175",
            "weight": "70.5",
            "bmi_calc": "23.0",
            "country": "CH",
            "schooling": rng.choice(["1", "2", "3"]),
            "injured": str(int(injured)),
            "injury_site": rng.choice(["1", "2", "3"]) if injured else "",
            "time_lost": lost,
            "onset": "2024-05-01" if injured else "",
            "pain": "-8" if rng.random() < 0.05 else pain,
            "mood_1": "2",
            "mood_2": "3",
            "mood_sum": "5",
        }
        if opened["habits"]:
            base |= habits
        else:
            base |= {name: "0" for name in habits if name.startswith("sports_")}
        base |= {f"{form}_complete": "2" if opened[form] else "0" for form in BASELINE}
        rows.append((str(person), "baseline_arm_1", "", "", base))
        for copy in range(int(rng.integers(0, 3))):
            drug = {"drug": "aspirin", "dose": "100", "drugs_complete": "2"}
            rows.append((str(person), "baseline_arm_1", "drugs", str(copy + 1), drug))
        if rng.random() < 0.7:
            later = {
                "visit_date": "2024-07-01 09:30",
                "again": "1",
                "rating": "2",
                "later_complete": "2",
            }
            rows.append((str(person), "followup_arm_1", "", "", later))
    return rows


def export(labels=False, headers=None, n=240):
    """Return the data as REDCap exports them, with codes or with labels.

    Parameters
    ----------
    labels : bool
    headers : bool, optional
        Whether the header has labels; by default, where the cells have.
    n : int
    """
    headers = labels if headers is None else headers
    named = list(columns())
    first = ("Record ID", "Event Name", "Repeat Instrument", "Repeat Instance") if headers else (
        "record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"
    )  # fmt: skip
    lines = [[*first, *(label if headers else name for _, _, name, label in named[1:])]]
    for person, event, repeated, copy, answers in people(n):
        line = [
            person,
            LABELS["event"][event] if labels else event,
            LABELS["repeat"][repeated] if labels else repeated,
            copy,
        ]
        for field, _, name, _ in named[1:]:
            text = answers.get(name, "")
            if labels:
                text = LABELS["complete"].get(text, "") if field is None else labelled(field, text)
            line.append(text)
        lines.append(line)
    return written(lines)


def decided(text):
    """Return the draft of the project with its two open questions answered."""
    return text.replace('cuts: ["?"]', "cuts: [50]", 1).replace('else: "?"', "else: none", 1)
