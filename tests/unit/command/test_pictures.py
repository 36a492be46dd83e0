"""The latest pictures."""

import asyncio

from command.pictures import PictureBoard
from tests.fixtures.command import JPEG, frame


def test_only_the_latest_picture_is_kept() -> None:
    async def job() -> None:
        board = PictureBoard()
        assert board.get("demo") is None
        assert board.put(frame(2), JPEG)
        assert not board.put(frame(1), JPEG)
        assert board.put(frame(3), JPEG)
        held = board.get("demo")
        assert held is not None
        assert (held.meta.frame, held.number) == (3, 2)

    asyncio.run(job())


def test_who_waits_gets_the_next_picture_of_its_camera_or_none_when_closed() -> None:
    async def job() -> None:
        board = PictureBoard()
        waiting = asyncio.create_task(board.after("demo", 0))
        await asyncio.sleep(0)
        board.put(frame(1, camera="other"), JPEG)
        await asyncio.sleep(0)
        assert not waiting.done()
        board.put(frame(1), JPEG)
        picture = await waiting
        assert picture is not None
        last = asyncio.create_task(board.after("demo", picture.number))
        await asyncio.sleep(0)
        board.close()
        assert await last is None

    asyncio.run(job())
