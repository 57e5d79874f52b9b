"""Where questions are answered, and what ends one before it is."""

import json
import os
import pickle
import signal
import threading
import time
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from web_client import DO, NO_LIMIT, PERSON, exact, is_problem, post

import backrisk as br
from backrisk.web import create_app
from backrisk.web.questions import Question, is_slow
from backrisk.web.schema import Asked, Changed, Reported
from backrisk.web.served import Served
from backrisk.web.stopping import Gone, OutOfTime, Stop
from backrisk.web.worker import Worker
from backrisk.words import spoken

PAINED = PERSON | {"pain": "limiting"}


@pytest.mark.parametrize("path", ["/risk", "/recommend"])
def test_a_question_that_takes_too_long_is_refused_with_what_it_was_at(posterior, path):
    app = create_app(posterior, limits=replace(NO_LIMIT, question=0.0, slow=1))
    client = TestClient(app, base_url="http://localhost")
    detail = is_problem(post(client, path, person=PERSON), 503)["detail"]
    assert "longer than 0 seconds" in detail
    assert "the joint table over " in detail


def test_which_questions_are_slow_depends_on_what_is_asked(app, posterior):
    served = Served.of(posterior)
    assert not is_slow(served, Question("risk", Asked(person=PAINED)))
    assert is_slow(served, Question("recommend", Asked(person={})))
    for name in ("what-if", "counterfactual"):
        assert not is_slow(served, Question(name, Changed(person=PERSON, do=DO)))
        assert is_slow(served, Question(name, Changed(person=PAINED, do=DO)))


@pytest.fixture
def worker(posterior):
    made = Worker(replace(posterior), (spoken(),))
    yield made
    made.close()


def ask(worker, name="risk", person=PERSON, seconds=600.0, stop=None):
    stop = stop or Stop(seconds)
    stop.begin()
    return worker.ask(Question(name, Reported(person=person)), spoken().code, stop)


def test_a_process_answers_refuses_and_is_made_anew(worker, posterior):
    assert json.loads(json.dumps(ask(worker))) == exact(br.risk(posterior, PERSON))
    with pytest.raises(br.BackriskError, match="did you mean 'core_strength'"):
        ask(worker, person={"core_strenght": "weak"})
    with pytest.raises(OutOfTime) as late:
        ask(worker, "recommend", seconds=0.0)
    assert set(late.value.nodes) <= set(posterior.graph.names)
    stop = Stop(600)
    stop.give_up()
    with pytest.raises(Gone):
        ask(worker, "recommend", stop=stop)
    os.kill(worker._process.pid, signal.SIGKILL)
    worker._process.wait()
    assert json.loads(json.dumps(ask(worker))) == exact(br.risk(posterior, PERSON))


def test_what_answering_keeps_meanwhile_goes_to_no_process(worker, posterior, monkeypatch):
    """Caches grow in other threads while a process starts; none of it is pickled then."""
    node = posterior.graph.nodes[0]
    monkeypatch.setitem(node.__dict__, "kept", lambda: "not to be pickled")
    with pytest.raises(AttributeError):
        pickle.dumps(node)
    assert json.loads(json.dumps(ask(worker))) == exact(br.risk(posterior, PERSON))


def test_a_question_that_comes_while_a_process_starts_waits_for_it(worker, posterior):
    starting = [threading.Thread(target=worker.start) for _ in range(3)]
    for thread in starting:
        thread.start()
    assert json.loads(json.dumps(ask(worker))) == exact(br.risk(posterior, PERSON))
    for thread in starting:
        thread.join()


def test_a_question_that_is_given_up_stops_at_its_next_step(worker):
    ask(worker)  # the process has started
    stop, ended = Stop(600), []

    def waited():
        try:
            ask(worker, "report", person=PAINED, stop=stop)
        except Gone:
            ended.append(True)

    asking = threading.Thread(target=waited)
    asking.start()
    time.sleep(0.1)
    stop.give_up()
    asking.join()
    assert ended
    assert "rows" in ask(worker)


def test_a_process_that_dies_with_its_question_is_an_error_and_no_end(posterior, monkeypatch):
    client = TestClient(
        create_app(posterior, limits=replace(NO_LIMIT, slow=1)), base_url="http://localhost"
    )
    monkeypatch.setattr("backrisk.web.worker._MAIN", "no.such.module")
    body = is_problem(post(client, "/recommend", person=PERSON), 500)
    assert "went wrong" in body["detail"]
    monkeypatch.undo()
    assert post(client, "/recommend", person=PERSON).status_code == 200


def test_an_app_that_was_closed_opens_again(app):
    for _ in range(2):
        with TestClient(app, base_url="http://127.0.0.1") as client:
            assert client.post("/api/v1/risk", json={"person": {}}).status_code == 200
