"""How the tests ask the programming interface, and whom they ask about."""

import asyncio
import json

import pytest

import backrisk as br
from backrisk.web.api import V1
from backrisk.web.limits import Limits

NO_LIMIT = Limits(rate=1e6, burst=1e6, polite=0)  # nothing that a busy machine would slow down

PERSON = {"plank_seconds": 35, "strength_sessions": 0, "sex": "female", "back_pain_episodes": 2}

HURTING = PERSON | {
    "pain": "limiting",
    "lumbar_load": "high",
    "compensation": "yes",
    "fatigue": "high",
    "gait_abnormality": "no",
    "trunk_imbalance": "balanced",
}

DO = {"strength_training": "regular"}

CALLS = {
    "consult": ("/consult", {"person": PERSON}, lambda p: br.consult(p, PERSON)),
    "risk": ("/risk", {"person": PERSON}, lambda p: br.risk(p, PERSON)),
    "risk of a target": (
        "/risk",
        {"person": PERSON, "target": "pain>=limiting"},
        lambda p: br.risk(p, PERSON, target="pain>=limiting"),
    ),
    "flags": (
        "/flags",
        {"person": HURTING, "flags": ["night_pain"]},
        lambda p: br.red_flags(p, HURTING, ["night_pain"]),
    ),
    "diagnose": ("/diagnose", {"person": PERSON}, lambda p: br.diagnose(p, PERSON)),
    "intervene": ("/intervene", {"person": {}, "do": DO}, lambda p: br.intervene(p, {}, DO)),
    "counterfactual": (
        "/counterfactual",
        {"person": PERSON, "do": DO, "coupling": "independent"},
        lambda p: br.counterfactual(p, PERSON, DO, coupling="independent"),
    ),
    "necessity": (
        "/attribute",
        {
            **{"person": HURTING, "causes": ["fatigue", "compensation"], "method": "necessity"},
            "target": "pain",  # of which functions speak unless asked otherwise
        },
        lambda p: br.attribute(p, HURTING, ["fatigue", "compensation"], method="necessity"),
    ),
    "shapley": (
        "/attribute",
        {"person": PERSON, "level": "distal"},
        lambda p: br.attribute(p, PERSON, level="distal"),
    ),
    "average": (
        "/attribute",
        {"person": PERSON, "method": "shapley", "baseline": "average"},
        lambda p: br.attribute(p, PERSON, baseline="average"),
    ),
    "diagnostic": (
        "/attribute",
        {"person": PERSON, "method": "diagnostic", "level": "distal"},
        lambda p: br.attribute(p, PERSON, method="diagnostic", level="distal"),
    ),
    "recommend": ("/recommend", {"person": PERSON}, lambda p: br.recommend(p, PERSON)),
    "follow up": (
        "/follow-up",
        {"before": PERSON, "after": {"backrisk": {"date": "2026-11-27"}, "person": HURTING}},
        lambda p: br.follow_up(p, PERSON, {"backrisk": {"date": "2026-11-27"}, "person": HURTING}),
    ),
    "ask next": ("/ask-next", {"person": PERSON}, lambda p: br.ask_next(p, PERSON)),
}


def post(client, path, **question):
    return client.post(V1 + path, json=question)


def slow(value):
    """A value of a parameter that is tried in the long tests alone."""
    return pytest.param(value, marks=pytest.mark.slow)


def exact(answer):
    """What Python's answer is as JSON; floats survive the journey unchanged."""
    return json.loads(json.dumps(answer.to_dict()))


def is_problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


def in_chunks(app, *, chunks, headers=(), path=V1 + "/risk", gone=False):
    """Send a request in chunks, straight to the application; what it answered, what it took.

    After the chunks the client is silent, or, if `gone`, hangs up.
    """
    taken = 0
    sent = []
    waiting = iter(chunks)

    async def receive():
        nonlocal taken
        chunk = next(waiting, None)
        if chunk is None and gone:
            return {"type": "http.disconnect"}
        if chunk is None:
            await asyncio.sleep(60)
        taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": not gone}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], taken
