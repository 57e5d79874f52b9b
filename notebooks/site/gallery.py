"""The figures of the gallery, drawn from the packaged example when the pages are built."""

import warnings
from pathlib import Path
from textwrap import wrap

import matplotlib

matplotlib.use("agg")

import backrisk as br
from backrisk import plotting

NARROW = 4.2  # inches, of a figure on a phone: its letters are then nearly those of the text
LETTERS = 52  # of the axis' name, which fit beside each other then
WHOLE = {"cascade"}


def figures():
    """Yield a name, a title, the lines that draw a figure, and the figure."""
    posterior = br.example_posterior()
    person = br.example_person("weak_core")
    hurting = br.example_person("in_pain")
    yield (
        "risk",
        "How likely the outcome is, beside the population surveyed",
        "br.risk(posterior, person).plot()",
        br.risk(posterior, person).plot(),
    )
    yield (
        "shares",
        "Where the risk comes in: shares of causes",
        "br.attribute(posterior, person).plot()",
        br.attribute(posterior, person).plot(),
    )
    yield (
        "necessity",
        "What it took, for someone in pain: probability of necessity with its bounds",
        'br.attribute(posterior, hurting, method="necessity", level="proximal").plot()',
        br.attribute(posterior, hurting, method="necessity", level="proximal").plot(),
    )
    yield (
        "advice",
        "What a person could change",
        "br.recommend(posterior, person).plot()",
        br.recommend(posterior, person).plot(),
    )
    yield (
        "next",
        "Which question to ask next",
        "br.ask_next(posterior, person).plot()",
        br.ask_next(posterior, person).plot(),
    )
    yield (
        "doing",
        "What a change would do",
        'br.intervene(posterior, {}, {"strength_training": "regular"}).plot()',
        br.intervene(posterior, {}, {"strength_training": "regular"}).plot(),
    )
    yield (
        "mediation",
        "Through what an effect goes",
        'br.mediate(posterior, {}, "strength_training", "core_strength").plot()',
        br.mediate(posterior, {}, "strength_training", "core_strength").plot(),
    )
    direct = br.effects(posterior).query("effect == 'pain'")
    yield (
        "effects",
        "Edges as odds ratios, prior beside posterior and published figure",
        "direct = br.effects(posterior).query(\"effect == 'pain'\")\n"
        "plotting.plot_odds_ratios(direct, posterior.graph)",
        plotting.plot_odds_ratios(direct, posterior.graph),
    )
    yield (
        "cascade",
        "The graph, with what is likely in one person",
        "plotting.plot_cascade(posterior, br.diagnose(posterior, person))",
        plotting.plot_cascade(posterior, br.diagnose(posterior, person)),
    )


def show(name, title, lines):
    """Return the part of the page on one figure, drawn for a wide page and for a narrow one.

    A whole graph is drawn once, in its own size: it scrolls on every page.
    """
    part = f"## {title}\n\n```python\n{lines}\n```\n"
    shown = [(f"{name}.png", "wide"), (f"{name}_narrow.png", "narrow")]
    if name in WHOLE:
        part += "\nIt is wider than the page: scroll it sideways.\n\n::::{container} scrolls"
        shown = [(f"{name}.png", "whole")]
    for file, kind in shown:
        options = f":alt: {title}\n:class: {kind}\n:target: ../../_images/{file}"
        part += f"\n:::{{image}} {file}\n{options}\n:::\n"
    return part + ("::::\n" if name in WHOLE else "")


def narrowed(figure):
    """Return a figure as wide as a phone, with the name of its axis below all of it, in lines."""
    figure.set_figwidth(NARROW)
    for axes in figure.axes:
        lines = [part for line in axes.get_xlabel().splitlines() for part in wrap(line, LETTERS)]
        figure.supxlabel("\n".join(lines), size=axes.xaxis.label.get_size())
        axes.set_xlabel("")
    return figure


def draw_gallery(folder):
    """Draw the figures, and write the page that shows them, unless they are newer than the code."""
    folder.mkdir(exist_ok=True)
    page = folder / "gallery.md"
    made_from = [Path(__file__), *Path(br.__file__).parent.rglob("*.py")]
    if page.exists() and page.stat().st_mtime > max(path.stat().st_mtime for path in made_from):
        return
    parts = [
        "# Gallery\n",
        "Figures of the packaged example, whose survey is **synthetic**. Each begins with\n",
        "```python\nimport backrisk as br\nfrom backrisk import plotting\n\n"
        "posterior = br.example_posterior()\n"
        'person = br.example_person("weak_core")\nhurting = br.example_person("in_pain")\n```\n',
        "A click on a figure opens it in full size.\n",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, title, lines, figure in figures():
            whole = name in WHOLE
            figure.savefig(folder / f"{name}.png", dpi=100 if whole else 200, bbox_inches="tight")
            if not whole:
                narrowed(figure).savefig(folder / f"{name}_narrow.png", dpi=200)
            parts.append(show(name, title, lines))
    page.write_text("\n".join(parts), encoding="utf-8")
