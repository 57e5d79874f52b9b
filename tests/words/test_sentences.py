"""Sentences by key: filled in, counted, said again, in the language that is spoken."""

import copy
import json
import pickle
import threading

import pytest

from backrisk.errors import BackriskError
from backrisk.words import (
    Said,
    again,
    capital,
    choices,
    decimal,
    from_plain,
    humanize,
    language,
    languages,
    listed,
    percent,
    plain,
    say,
    speaking,
    suggest,
    whole,
)


@pytest.fixture
def german(tmp_path):
    folder = tmp_path / "de"
    folder.mkdir()
    (folder / "phrases.yaml").write_text(
        "language: Deutsch\n"
        "decimal_mark: ','\nthousands_mark: '.'\n"
        "percent: '{number} vH'\nlisted: '{first} und {last}'\njoined: '{before}; {word}'\n"
        "did_you_mean: (vielleicht '{name}')\n",
        encoding="utf-8",
    )
    (folder / "cli.yaml").write_text(
        "score: {problems: {one: Ein Problem, other: '{n} Probleme'}}\n", encoding="utf-8"
    )
    return folder


@pytest.mark.parametrize(
    ("n", "said"),
    [(1, "1 person."), ("1", "1 person."), (0, "0 people."), ("1,001", "1,001 people.")],
)
def test_a_number_decides_on_the_word_beside_it(n, said):
    assert say("report.card.participants", people=n) == said


def test_a_language_may_have_words_of_its_own_beside_a_number(tmp_path):
    (tmp_path / "phrases.yaml").write_text("language: Deutsch\n", encoding="utf-8")
    told = "card: {participants: '{people} {people:Mensch|Menschen}'}\n"
    (tmp_path / "report.yaml").write_text(told, encoding="utf-8")
    with speaking(tmp_path):
        found = [say("report.card.participants", people=n) for n in (1, 2)]
    assert found == ["1 Mensch", "2 Menschen"]


def test_a_language_is_a_folder_and_what_it_lacks_is_said_in_english(german):
    assert percent(0.123) == "12 %"
    with speaking(german) as spoken:
        assert spoken.code == "de"
        assert percent(0.123) == "12 vH"
        assert percent(0.0456) == "4,6 vH"
        assert percent(-0.0001) == ">-0,1 vH"
        assert whole(12000) == "12.000"
        assert listed(["a", "b", "c"]) == "a; b und c"
        assert suggest("fatige", ["fatigue"]) == " (vielleicht 'fatigue')"
        assert say("phrases.disclaimer") == "Decision support, not a diagnosis."
    assert percent(0.123) == "12 %"


def test_a_count_chooses_the_form(german):
    for count, said in ((1, "One problem"), (0, "0 problems"), (2, "2 problems")):
        assert say("cli.score.problems", count=count, n=count, listed="f").startswith(said)
    with speaking(german):
        assert say("cli.score.problems", count=1, n=1, listed="f") == "Ein Problem"
        assert say("cli.score.problems", count=2, n=2, listed="f") == "2 Probleme"


def test_what_was_said_is_said_again_with_all_that_stands_in_it(german):
    said = say("phrases.estimate", mean=percent(0.25), low=percent(0.2), high="open")
    assert said == "25 % (20 % to open)"
    with speaking(german):
        assert again(said) == "25 vH (20 vH to open)"
        assert again("plain") == "plain"
    for kept in (copy.copy(said), copy.deepcopy(said), pickle.loads(pickle.dumps(said))):
        assert isinstance(kept, Said)
        with speaking(german):
            assert again(kept) == "25 vH (20 vH to open)"


def test_what_is_saved_is_said_again_or_stays_as_it_was(german):
    held = json.loads(json.dumps(plain(say("phrases.percent", number=say("phrases.to")))))
    assert from_plain(held) == "to %"
    with speaking(german):
        assert from_plain(held) == "to vH"
    gone = {"text": "as it was", "key": "phrases.no_longer_there", "values": {}}
    assert from_plain(gone) == "as it was"
    assert from_plain("only text") == "only text"
    assert plain("only text") == "only text"


def test_a_language_is_spoken_in_one_thread_alone(german):
    heard = []
    with speaking(german):
        thread = threading.Thread(target=lambda: heard.append(percent(0.5)))
        thread.start()
        thread.join()
    assert heard == ["50 %"]


def test_a_language_that_is_not_there_is_refused(tmp_path):
    assert languages() == ("en",)
    with pytest.raises(BackriskError, match=r"no language 'fr'; expected one of en, or a folder"):
        language("fr")
    (tmp_path / "phrases.yaml").write_text("a: [")
    with pytest.raises(BackriskError, match="cannot be read as YAML"), speaking(tmp_path):
        say("phrases.to")


def test_a_key_nobody_wrote_is_a_mistake_of_the_code():
    with pytest.raises(KeyError):
        say("phrases.nothing_of_the_kind")
    with pytest.raises(KeyError):
        say("phrases.percent")


def test_small_words():
    assert capital("hip Flexor") == "Hip Flexor"
    assert capital("") == ""
    assert humanize("a_1_2_b") == "a 1 to 2 b"
    assert choices(["yes", "no"]) == "one of 'yes', 'no'"
    assert listed(["one"]) == "one"
    assert decimal(0.05, 1) == "0.1"
    assert decimal(-2.5, 0, sign=True) == "-2"
