"""Where questions are answered: quick ones in threads, slow ones in processes beside the server.

NumPy lets go of Python's lock, but not for long enough: beside two slow questions in threads, a
quick one took four times as long, and in processes of the same priority as well. In processes that
give way it took 1.6 times as long.
"""

from __future__ import annotations

import asyncio
import logging
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException

from backrisk.inference import watched
from backrisk.posterior import Posterior
from backrisk.web.limits import Limits, client_of
from backrisk.web.questions import Question, answer, is_slow
from backrisk.web.served import Served
from backrisk.web.stopping import Gone, OutOfTime, Stop
from backrisk.web.turns import Full, Lane
from backrisk.web.worker import Broken, Worker
from backrisk.words import Language, listed, names_of, say, spoken

log = logging.getLogger("backrisk.web")

_NAMED = 6  # nodes of a table that a refusal names


class Desk:
    """Answers questions in their turn.

    Parameters
    ----------
    served : Served
    posterior : Posterior
        The same draws, of which nothing has been computed yet: what processes are given.
    languages : tuple of Language
    limits : Limits
    """

    def __init__(
        self,
        served: Served,
        posterior: Posterior,
        languages: tuple[Language, ...],
        limits: Limits,
    ) -> None:
        self._served, self._limits = served, limits
        bounds = limits.waiting, limits.waiting_each, limits.patience
        self._quick = Lane(limits.quick, *bounds)
        self._slow = Lane(limits.slow, *bounds)
        self._threads = ThreadPoolExecutor(limits.quick + limits.slow, "question")
        self._workers = [Worker(posterior, languages, limits.polite) for _ in range(limits.slow)]
        self._free: queue.LifoQueue[Worker] = queue.LifoQueue()  # the last to work is warm
        for worker in self._workers:
            self._free.put(worker)
        self._stops: set[Stop] = set()

    def open(self) -> None:
        """Start the processes, so that the first slow question need not wait for one."""
        for worker in self._workers:
            self._threads.submit(worker.start)

    def give_up(self) -> None:
        """Stop all questions, those too that wait."""
        for stop in tuple(self._stops):
            stop.give_up()

    def close(self) -> None:
        """Stop all questions and end the processes, which the next slow question starts again."""
        self.give_up()
        for worker in self._workers:
            worker.close()

    async def answer(self, request: Request, name: str, asked: Any) -> Any:
        """Answer a question when it is its turn.

        Raises
        ------
        BackriskError
            As the question raises it.
        HTTPException
            If there is no room to wait, no turn comes, it takes too long, or nobody waits for the
            answer any more.
        """
        question, stop = Question(name, asked), Stop(self._limits.question)
        watching = asyncio.create_task(_watch(request, stop))
        self._stops.add(stop)
        try:
            await asyncio.sleep(0)  # has the client gone already?
            client = client_of(request.scope)
            async with self._quick.turn(client, stop):
                stop.look(())
                stop.begin()
                if not await self._in_thread(is_slow, self._served, question):
                    return await self._in_thread(self._here, question, stop)
            async with self._slow.turn(client, stop):
                stop.begin()
                return await self._in_thread(self._aside, question, stop)
        except Gone:
            raise HTTPException(503, say("web.refused.gone")) from None
        except Full:
            raise HTTPException(503, say("web.refused.busy"), {"retry-after": "5"}) from None
        except OutOfTime as error:
            raise HTTPException(503, self._late(error)) from None
        finally:
            self._stops.discard(stop)
            stop.give_up()  # where the request was cancelled, its question goes on
            watching.cancel()

    async def _in_thread(self, work: Callable[..., Any], *given: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, copy_context().run, work, *given)

    def _here(self, question: Question, stop: Stop) -> Any:
        with watched(stop.look):
            return answer(self._served, question)

    def _aside(self, question: Question, stop: Stop) -> Any:
        worker = self._free.get()
        try:
            return worker.ask(question, spoken().code, stop)
        except Broken as error:
            log.error("%s: %s", question.name, error)
            raise HTTPException(500, say("web.refused.broken")) from None
        finally:
            self._free.put(worker)

    def _late(self, error: OutOfTime) -> str:
        seconds = f"{self._limits.question:g}"
        if not error.nodes:
            return say("web.refused.too_long", seconds=seconds)
        names = names_of(self._served.posterior.graph)
        nodes = listed([names.node(name) for name in error.nodes[:_NAMED]])
        return say("web.refused.too_long_over", seconds=seconds, nodes=nodes)


async def _watch(request: Request, stop: Stop) -> None:
    """Give the question up when its client hangs up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    stop.give_up()
