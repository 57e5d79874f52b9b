"""Draws that Stan gave: indices and chains in their places, warm-up left out, mistakes told."""

import numpy as np
import pytest

import backrisk as br
from backrisk.errors import PosteriorError

GRAPH = br.CausalGraph.from_edges(
    [("a", "c"), ("b", "c")],
    {"a": ["no", "yes"], "b": ["low", "mid", "high"], "c": ["none", "some", "much"]},
)


def written(folder, draws=4, chains=2, warmup=0, seed=1):
    """Write chains of random tables as CmdStan does, and return them with their paths."""
    rng = np.random.default_rng(seed)
    shape = (chains, warmup + draws)
    a, b, c = (
        rng.random(shape),
        rng.dirichlet([1] * 3, shape),
        rng.dirichlet([1] * 3, (*shape, 2, 3)),
    )
    # Stan writes arrays with their first index fastest.
    places = [(i, j, k) for k in range(3) for j in range(3) for i in range(2)]
    head = ["lp__", "divergent__", "theta_a", *(f"b.{k + 1}" for k in range(3))]
    head += [f"cpt_c.{i + 1}.{j + 1}.{k + 1}" for i, j, k in places]
    paths = []
    for chain in range(chains):
        lines = ["# method = sample", f"#     save_warmup = {int(warmup > 0)}", ",".join(head)]
        for draw in range(shape[1]):
            if draw == warmup:
                lines += ["# Adaptation terminated", "# Step size = 0.8"]
            row = [-7.0, float(chain == 1 and draw == warmup), a[chain, draw], *b[chain, draw]]
            row += [c[chain, draw, i, j, k] for i, j, k in places]
            lines.append(",".join(map(repr, map(float, row))))
        paths.append(folder / f"chain_{chain}.csv")
        paths[-1].write_text("\n".join([*lines, "#", "#  Elapsed Time: 1 seconds"]) + "\n")
    kept = slice(warmup, None)
    return paths, a[:, kept].ravel(), b[:, kept].reshape(-1, 3), c[:, kept].reshape(-1, 2, 3, 3)


@pytest.mark.parametrize("warmup", [0, 3])
def test_draws_of_stan_are_read(warmup, tmp_path):
    paths, a, b, c = written(tmp_path, warmup=warmup)
    posterior = br.from_cmdstan_csv(paths, GRAPH, {"a": "theta_a"})
    assert posterior.draws == 8
    np.testing.assert_allclose(posterior.cpt("a"), np.stack([1 - a, a], -1))
    np.testing.assert_allclose(posterior.cpt("b"), b)
    np.testing.assert_allclose(posterior.cpt("c"), c)
    assert any("1 transition" in each for each in posterior.diagnostics.cautions)
    posterior.save(tmp_path / "model.nc")
    back = br.load_posterior(tmp_path / "model.nc")
    assert np.array_equal(br.risk(back, {"a": "yes"}).draws, br.risk(posterior, {"a": "yes"}).draws)


def test_bad_files_are_told_in_a_sentence(tmp_path):
    paths, *_ = written(tmp_path)
    text = paths[0].read_text()
    names = {"a": "theta_a"}
    with pytest.raises(PosteriorError, match="no variable 'cpt_d' for node 'c'"):
        br.from_cmdstan_csv(paths, GRAPH, {**names, "c": "cpt_d"})
    with pytest.raises(PosteriorError, match="names 'z', which is not a node"):
        br.from_cmdstan_csv(paths, GRAPH, {"z": "theta_a"})
    with pytest.raises(PosteriorError, match="has shape"):
        br.from_cmdstan_csv(paths, GRAPH, {**names, "c": "b"})
    for changed, said in [
        (text[: text.rindex(",")], "expected 24 numbers; the file may have been cut short"),
        (text.replace("-7.0,", "-7.0,x,", 1), "line 6: expected 24 numbers"),
        ("\n".join(text.splitlines()[:3]), "holds no draws"),
        (text.replace("cpt_c.1.1.1", "cpt_c.9.1.1"), "elements of 'cpt_c' are missing"),
    ]:
        paths[0].write_text(changed)
        with pytest.raises(PosteriorError, match=said):
            br.from_cmdstan_csv(paths[0], GRAPH, names)
    paths[0].write_text("\n".join(text.splitlines()[:-3]))
    with pytest.raises(PosteriorError, match="another number of draws"):
        br.from_cmdstan_csv(paths, GRAPH, names)
    with pytest.raises(PosteriorError, match="no such file"):
        br.from_cmdstan_csv(tmp_path / "gone.csv", GRAPH)
    with pytest.raises(PosteriorError, match="No file of draws"):
        br.from_cmdstan_csv([], GRAPH)
