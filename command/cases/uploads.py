"""Photos and voice notes: sent at once or in parts that can be resumed, checked, and kept with their case."""

import asyncio
import hashlib
from uuid import UUID

from command.cases.desk import Acting
from command.cases.models import UploadBody, UploadView
from command.cases.photos import NotAPhoto, clean
from command.cases.rows import is_person
from command.database import Row
from command.faults import ApiError

MOST_VOICE_BYTES = 2_000_000
MOST_PHOTO_BYTES = 12_000_000
MOST_OF_CASE = 40
MOST_A_DAY = 500
MAGIC = {
    "audio/webm": (b"\x1aE\xdf\xa3",), "audio/ogg": (b"OggS",),
    "audio/mpeg": (b"ID3", b"\xff\xfb", b"\xff\xf3"),
}  # fmt: skip


async def begin(acting: Acting, body: UploadBody) -> UploadView:
    """Announce an upload; announcing it again tells how much is here."""
    is_voice = body.kind == "voice"
    if is_voice != body.media_type.startswith("audio/"):
        raise ApiError(422, "media_type: a voice note is audio, all else are pictures", "media_type")
    if is_voice and body.size > MOST_VOICE_BYTES:
        raise ApiError(422, f"size: a voice note has at most {MOST_VOICE_BYTES} bytes", "size")
    if body.case is not None:
        await acting.hold(body.case)
        await _bounded(acting, body.case, None)
    me = acting.principal.id
    (lately,) = await acting.act("uploads_lately", account=me)
    if lately["number"] >= MOST_A_DAY:
        raise ApiError(429, f"at most {MOST_A_DAY} uploads a day are taken from one account")
    await acting.act(
        "upload_add", id=body.id, account=me, case=body.case, kind=body.kind, media_type=body.media_type,
        size=body.size,
    )  # fmt: skip
    row = await hold(acting, body.id)
    if (row["size"], row["kind"], row["case_id"]) != (body.size, body.kind, body.case):
        raise ApiError(409, "id: this upload was announced otherwise", "id")
    return view(row)


async def hold(acting: Acting, upload: UUID) -> Row:
    """One's own upload; ApiError 404."""
    found = await acting.act("upload_hold", id=upload, account=acting.principal.id)
    if not found:
        raise ApiError(404, "there is no such upload", "upload")
    return found[0]


async def go_on(acting: Acting, upload: UUID, offset: int, content: bytes) -> UploadView:
    """The next bytes; bytes that are here already change nothing. With the last ones it is an attachment."""
    row = await hold(acting, upload)
    received: int = row["received"]
    if offset + len(content) > row["size"]:
        raise ApiError(422, "offset: these are more bytes than were announced", "offset")
    if offset > received:
        raise ApiError(409, f"offset: bytes are missing; go on at {received}", "offset")
    fresh = content[received - offset :]
    if fresh and row["done_at"] is None:
        await acting.act("upload_part_add", id=upload, at=received, content=fresh)
        received += len(fresh)
        await acting.act("upload_received", id=upload, received=received)
    if received == row["size"] and row["done_at"] is None:
        parts = await acting.act("upload_parts", id=upload)
        whole = b"".join(bytes(part["content"]) for part in parts)
        await keep(acting, upload, row["kind"], row["media_type"], whole, case=row["case_id"])
        await acting.act("upload_done", id=upload)
    return view(await hold(acting, upload))


async def keep(
    acting: Acting,
    id_: UUID,
    kind: str,
    media_type: str,
    content: bytes,
    *,
    case: UUID | None,
    report: UUID | None = None,
) -> None:
    """An attachment: a photo without its metadata, or a voice note as it is; ApiError 422 for all else."""
    await _bounded(acting, case, report)
    taken_at, position = None, None
    if kind == "voice":
        _check_voice(media_type, content)
    else:
        try:
            photo = await asyncio.to_thread(clean, content)
        except NotAPhoto as error:
            raise ApiError(422, f"content: {error}", "content") from error
        media_type, content, taken_at, position = "image/jpeg", photo.jpeg, photo.taken_at, photo.position
    digest = hashlib.sha256(content).digest()
    await acting.act(
        "attachment_add", id=id_, case_id=case, report=report,
        account=acting.principal.id if is_person(acting.principal.id) else None, kind=kind,
        media_type=media_type, content=content, size=len(content), sha256=digest, taken_at=taken_at,
        lon=position[0] if position else None, lat=position[1] if position else None,
    )  # fmt: skip
    if case is not None:
        await acting.act("case_touch", id=case)
        acting.note(case, "attached", kind, attachment=str(id_), sha256=digest.hex())


async def _bounded(acting: Acting, case: UUID | None, report: UUID | None) -> None:
    (found,) = await acting.act("attachment_count", case=case, report=report)
    if found["number"] >= MOST_OF_CASE:
        raise ApiError(409, f"a case has at most {MOST_OF_CASE} pictures and voice notes")


def _check_voice(media_type: str, content: bytes) -> None:
    is_mp4 = media_type == "audio/mp4" and content[4:8] == b"ftyp"
    if not is_mp4 and not content.startswith(MAGIC.get(media_type, ())):
        raise ApiError(422, f"content: it is not {media_type}", "content")


def view(row: Row) -> UploadView:
    return UploadView(
        id=row["id"], size=row["size"], received=row["received"], done=row["done_at"] is not None
    )
