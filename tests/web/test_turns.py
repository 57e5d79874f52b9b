"""Whose question is next, who waits, and who is turned away."""

import asyncio

import pytest

from backrisk.web.stopping import Gone, OutOfTime, Stop
from backrisk.web.turns import Full, Lane


def lane(width=1, waiting=100, each=100, patience=600.0):
    return Lane(width, waiting, each, patience)


async def asked(queue, client, order, may_end, stop=None):
    """Ask a question that is computed until it may end; who begins is written down."""
    async with queue.turn(client, stop or Stop(600)):
        order.append(client)
        await may_end.wait()


async def settled():
    for _ in range(10):
        await asyncio.sleep(0)


def ordered(width, clients):
    """In which order questions begin that all wait at first."""

    async def run():
        queue, order, may_end = lane(width), [], asyncio.Event()
        tasks = [asyncio.create_task(asked(queue, each, order, may_end)) for each in clients]
        await settled()
        begun = len(order)
        may_end.set()
        await asyncio.gather(*tasks)
        return order, begun

    return asyncio.run(run())


def test_clients_take_turns_however_many_questions_one_has():
    order, begun = ordered(1, ["many"] * 50 + ["few", "few", "other"])
    assert begun == 1
    assert order[:6] == ["many", "many", "few", "other", "many", "few"]
    assert len(order) == 53


@pytest.mark.parametrize(("width", "begun"), [(1, 1), (2, 2), (3, 2), (8, 7)])
def test_one_client_leaves_a_place_where_there_are_several(width, begun):
    assert ordered(width, ["many"] * 20)[1] == begun
    assert ordered(width, ["many"] * 20 + ["other"])[0][: begun + 1].count("other") == (width > 2)


def test_no_more_wait_than_may():
    async def run():
        queue, order, may_end = lane(waiting=5, each=3), [], asyncio.Event()
        clients = ["a"] * 4 + ["b"] * 2
        tasks = [asyncio.create_task(asked(queue, each, order, may_end)) for each in clients]
        await settled()
        for client in ("a", "b"):  # has three that wait; there are five
            with pytest.raises(Full):
                await asked(queue, client, order, may_end)
        may_end.set()
        await asyncio.gather(*tasks)
        await asked(queue, "a", order, may_end)
        return order

    assert len(asyncio.run(run())) == 7


def test_who_has_gone_or_waited_too_long_leaves_the_queue():
    async def run():
        queue, order, may_end, stop = lane(patience=0.05), [], asyncio.Event(), Stop(600)
        first = asyncio.create_task(asked(queue, "a", order, may_end))
        await settled()
        waiting = asyncio.create_task(asked(queue, "b", order, may_end, stop))
        await settled()
        stop.give_up()
        with pytest.raises(Gone):
            await waiting
        with pytest.raises(Gone):
            await asked(queue, "b", order, may_end, stop)
        with pytest.raises(Full):
            await asked(queue, "c", order, may_end)
        cancelled = asyncio.create_task(asked(queue, "d", order, may_end))
        await settled()
        cancelled.cancel()
        may_end.set()
        await first
        await asked(queue, "e", order, may_end)
        return order

    assert asyncio.run(run()) == ["a", "e"]


def test_a_question_goes_on_until_it_is_given_up_or_out_of_time():
    stop = Stop(-1.0)
    stop.look(())  # it has not begun
    stop.begin()
    with pytest.raises(OutOfTime) as late:
        stop.look(("a",))
    assert late.value.nodes == ("a",)
    stop = Stop(600)
    stop.begin()
    told = []
    with stop.heard_by(lambda: told.append("first")):
        stop.look(())
        stop.give_up()
    stop.give_up()
    with stop.heard_by(lambda: told.append("late")):
        pass
    assert told == ["first", "late"]
    with pytest.raises(Gone):
        stop.look(())
