"""Many conversations held as one, so that they share each round trip."""

from collections.abc import Generator, Sequence
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


def together(
    conversations: Sequence[Generator[Sequence[A], Sequence[B], T]],
) -> Generator[Sequence[A], Sequence[B], list[T]]:
    """Hold many conversations as one: every round asks what all of them want to know next.

    Returns their results in the order given. A round costs what its questions cost, and one trip.
    """
    results: dict[int, T] = {}
    asking: dict[int, Sequence[A]] = {}

    def resume(index: int, answers: Sequence[B] | None) -> None:
        try:
            conversation = conversations[index]
            asking[index] = next(conversation) if answers is None else conversation.send(answers)
        except StopIteration as stop:
            asking.pop(index, None)
            results[index] = stop.value

    for index in range(len(conversations)):
        resume(index, None)
    while asking:
        answers = yield [question for questions in asking.values() for question in questions]
        start = 0
        for index, questions in list(asking.items()):
            resume(index, answers[start : start + len(questions)])
            start += len(questions)
    return [results[index] for index in range(len(conversations))]
