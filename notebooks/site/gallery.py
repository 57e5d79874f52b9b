"""The figures of the gallery, drawn from the packaged example when the pages are built."""

import warnings
from pathlib import Path

import matplotlib

matplotlib.use("agg")

import backrisk as br
from backrisk import plotting


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
    yield (
        "effects",
        "Every edge as an odds ratio, prior beside posterior and published figure",
        "plotting.plot_odds_ratios(br.effects(posterior), posterior.graph)",
        plotting.plot_odds_ratios(br.effects(posterior), posterior.graph),
    )
    yield (
        "cascade",
        "The graph, with what is likely in one person",
        "plotting.plot_cascade(posterior, br.diagnose(posterior, person))",
        plotting.plot_cascade(posterior, br.diagnose(posterior, person)),
    )


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
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, title, lines, figure in figures():
            figure.savefig(folder / f"{name}.png", dpi=110, bbox_inches="tight")
            parts += [
                f"## {title}\n",
                f"```python\n{lines}\n```\n",
                f"![{title}]({name}.png)\n",
            ]
    page.write_text("\n".join(parts), encoding="utf-8")
