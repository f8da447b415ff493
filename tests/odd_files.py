"""Open files that tell what is asked of them."""

from __future__ import annotations

import io


class Counting(io.BytesIO):
    """A file that can be sought."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.bytes_read = self.largest_request = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.bytes_read += len(data)
        self.largest_request = max(self.largest_request, len(data) if size in (None, -1) else size)
        return data


class Pipe(Counting):
    """One that cannot, and that hands out a few bytes at a time."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            return super().read(size)
        self.largest_request = max(self.largest_request, size)
        return super().read(min(size, 1000))


class OnlyRead:
    """A file in name only, as some libraries hand out."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)
