"""Entropy coding of integer symbols with integer probability tables.

    symbols, table_index ──► grouped by table ──► rANS (constriction, 24-bit tables) ──► bytes

The coder is `constriction.stream.stack.AnsCoder`: 64-bit state, 32-bit words. It is handed float
probabilities, yet no float decides anything: its leaky quantisation gives each of n symbols one
count and spreads the other 2**24 - n in proportion to the probabilities. With the probabilities
set to `counts - 1`, which are integers below 2**24 and sum to 2**24 - n, the factor is exactly 1
and float32 holds every partial sum exactly, so the table in use is `counts`, to the last bit.

docs/format.md describes the bytes without reference to constriction; tests/format/test_entropy.py
has a decoder written from that page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import constriction
import numpy as np

from jndlic.errors import FormatError, ParameterError, WeightsError

PRECISION = 24
"""Bits of a probability table: its counts sum to 2**PRECISION."""

TOTAL = 1 << PRECISION

SENTINEL = 1 << PRECISION
"""State of the coder before the first symbol is encoded, hence after the last one is decoded. With
a state that is never below one table's total, every symbol makes the stream longer; from a zero
state, first entries of a table would be free, and a few bytes could stand for any picture."""

MAX_TABLES = 1 << 16

MAX_OFFSET = 1 << 20
"""Largest |offset| of a table; with the escape bound below, every decoded value fits in int32."""

MAX_EXPONENT = 23
"""Largest exponent of an escape code. Bounds both the work and the values of a hostile stream."""

MAX_ESCAPE_DISTANCE = (1 << MAX_EXPONENT) - 1
"""How far outside its table a symbol may lie (1 = next to the table)."""


@dataclass(frozen=True, eq=False)
class SymbolTables:
    """A set of integer probability tables.

    Attributes:
        counts: one uint32 array per table. `counts[i][s]` out of 2**24 is the probability of the
            value `offsets[i] + s`; the LAST entry is the escape. All counts are at least 1, and
            each table sums to 2**24.
        offsets: int32 (T,), the value of the first entry of each table.

    Raises:
        WeightsError: a table breaks one of the rules above.
    """

    counts: tuple[np.ndarray, ...]
    offsets: np.ndarray

    def __post_init__(self) -> None:
        offsets = np.asarray(self.offsets)
        if not 0 < len(self.counts) <= MAX_TABLES:
            raise WeightsError(f"{len(self.counts)} probability tables: not in 1..{MAX_TABLES}")
        if offsets.shape != (len(self.counts),) or offsets.dtype.kind not in "iu":
            raise WeightsError("table offsets: need one integer per probability table")
        if np.abs(offsets.astype(np.int64)).max() > MAX_OFFSET:
            raise WeightsError(f"a table offset is beyond +-{MAX_OFFSET}")
        checked = tuple(_checked_counts(i, counts) for i, counts in enumerate(self.counts))
        object.__setattr__(self, "counts", checked)
        object.__setattr__(self, "offsets", offsets.astype(np.int32))

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def escapes(self) -> np.ndarray:
        """int32 (T,): index of the escape entry, which is also the number of ordinary symbols."""
        return np.array([len(counts) - 1 for counts in self.counts], dtype=np.int32)

    @cached_property
    def minimum_bits(self) -> np.ndarray:
        """float64 (T,): -log2 p of the likeliest entry of each table."""
        return PRECISION - np.log2([counts.max() for counts in self.counts])

    def probabilities(self, largest: int) -> np.ndarray:
        """float64 (T, largest + 1): probability of each value from 0 on; 0 where a table does not
        hold it.
        """
        found = np.zeros((len(self), largest + 1))
        for row, counts, offset in zip(found, self.counts, self.offsets):
            for value in range(max(0, offset), min(largest + 1, offset + len(counts) - 1)):
                row[value] = counts[value - offset] / TOTAL
        return found

    @cached_property
    def models(self) -> tuple[constriction.stream.model.Categorical, ...]:
        """The tables in the form the coder takes. Built once, since building costs more than
        use.
        """
        return tuple(_model(counts) for counts in self.counts)

    def __getstate__(self) -> dict[str, object]:
        # The coder's models can be neither copied nor pickled; a copy builds its own when needed.
        return {"counts": self.counts, "offsets": self.offsets}


def tables_from_cdfs(cdfs: np.ndarray, lengths: np.ndarray, offsets: np.ndarray) -> SymbolTables:
    """Converts tables in CompressAI's layout (the buffers `_quantized_cdf`, `_cdf_length`,
    `_offset`).

    Args:
        cdfs: int32 (T, L). `cdfs[i, :lengths[i]]` rises strictly from 0 to 2**16; the last step is
            the probability of the tail, which becomes the escape.
        lengths: (T,) number of used entries, one more than the number of symbols.
        offsets: (T,) value of the first symbol.

    Raises:
        WeightsError: the arrays do not have this layout.
    """
    cdfs, lengths, offsets = np.asarray(cdfs), np.asarray(lengths), np.asarray(offsets)
    if any(array.dtype.kind not in "iu" for array in (cdfs, lengths, offsets)):
        raise WeightsError("cumulative tables, lengths and offsets must be integers")
    if cdfs.ndim != 2 or lengths.shape != (len(cdfs),):
        raise WeightsError("cumulative tables: need a (T, L) array and T lengths")
    if len(cdfs) == 0 or lengths.min() < 3 or lengths.max() > cdfs.shape[1]:
        raise WeightsError("cumulative tables: a length is outside its table")
    counts = []
    for i, length in enumerate(lengths):
        cdf = cdfs[i, :length].astype(np.int64)
        steps = np.diff(cdf)
        if cdf[0] != 0 or cdf[-1] != 1 << 16 or steps.min() < 1:
            raise WeightsError(f"cumulative table {i} does not rise strictly from 0 to 65536")
        counts.append((steps << (PRECISION - 16)).astype(np.uint32))
    return SymbolTables(tuple(counts), offsets)


def encode_symbols(symbols: np.ndarray, table_index: np.ndarray, tables: SymbolTables) -> bytes:
    """Encodes integers, each with its own table.

    Args:
        symbols: int32 (N,).
        table_index: uint8 or uint16 (N,), the table of each symbol.
        tables: the probability tables.

    Returns:
        The stream. It does not contain N, nor its own length: the container holds both.

    Raises:
        ParameterError: shapes or types do not fit, an index names no table, or a symbol lies more
            than `MAX_ESCAPE_DISTANCE` outside its table.
    """
    return encode_groups([(symbols, table_index)], tables)


def encode_groups(groups: Sequence[tuple[np.ndarray, np.ndarray]], tables: SymbolTables) -> bytes:
    """Encodes several arrays into one stream, which `SymbolDecoder` reads one array after the
    other.

    Args:
        groups: (symbols, table_index) of each, as for `encode_symbols`.
        tables: the probability tables.

    Returns, Raises: as of `encode_symbols`.
    """
    # The coder is a stack: what is decoded first is encoded last.
    coder = constriction.stream.stack.AnsCoder(np.array([SENTINEL], dtype=np.uint32))
    for symbols, table_index in reversed(groups):
        _push(coder, symbols, table_index, tables)
    # The last word is never zero, so the zero bytes at the end carry nothing: they are the unused
    # top of the coder's state. The reader pads to whole words again.
    return coder.get_compressed().astype("<u4").tobytes().rstrip(b"\0")


def _push(
    coder: constriction.stream.stack.AnsCoder,
    symbols: np.ndarray,
    table_index: np.ndarray,
    tables: SymbolTables,
) -> None:
    groups = _Groups(table_index, tables)
    local = groups.localise(_checked_symbols(symbols, groups))
    escaped = np.flatnonzero((local < 0) | (local >= groups.escapes))
    exponents, mantissas = _escape_codes(local[escaped], groups.escapes[escaped])
    local[escaped] = groups.escapes[escaped]
    long = exponents > 0
    if long.any():
        coder.encode_reverse(
            mantissas[long], constriction.stream.model.Uniform(), _powers_of_two(exponents[long])
        )
    if len(exponents):
        coder.encode_reverse(exponents, _exponent_model())
    for table, start, stop in reversed(groups.spans):
        coder.encode_reverse(local[start:stop], tables.models[table])


def decode_symbols(data: bytes, table_index: np.ndarray, tables: SymbolTables) -> np.ndarray:
    """Decodes what `encode_symbols` wrote.

    Args:
        data: the whole stream, neither more nor less.
        table_index: uint8 or uint16 (N,), the table of each symbol.
        tables: the probability tables.

    Returns:
        int32 (N,).

    Raises:
        FormatError: the stream is damaged: it is too short for so many symbols, or does not end
            with the last of them.
        ParameterError: an index names no table.
    """
    decoder = SymbolDecoder(data)
    symbols = decoder.decode(table_index, tables)
    decoder.finish()
    return symbols


class SymbolDecoder:
    """Reads a stream piece by piece, for symbols whose tables depend on the ones before them.

    Args:
        data: the whole stream, neither more nor less.

    Raises:
        FormatError: it is empty or does not end as a stream does.
    """

    def __init__(self, data: bytes) -> None:
        self._size = len(data)
        self._coder = constriction.stream.stack.AnsCoder(_words(data))

    def decode(self, table_index: np.ndarray, tables: SymbolTables) -> np.ndarray:
        """The next array of `encode_groups`; arguments and errors as of `decode_symbols`."""
        groups, coder = _Groups(table_index, tables), self._coder
        check_plausible(self._size, groups.lengths, tables)
        local = np.empty(groups.size, dtype=np.int32)
        for table, start, stop in groups.spans:
            local[start:stop] = coder.decode(tables.models[table], stop - start)
        escaped = np.flatnonzero(local == groups.escapes)
        if len(escaped):
            exponents = coder.decode(_exponent_model(), len(escaped))
            mantissas = np.zeros(len(escaped), dtype=np.int32)
            long = exponents > 0
            if long.any():
                mantissas[long] = coder.decode(
                    constriction.stream.model.Uniform(), _powers_of_two(exponents[long])
                )
            local[escaped] = _escaped_values(exponents, mantissas, groups.escapes[escaped])
        return groups.restore(local)

    def finish(self) -> None:
        """Checks that the stream ends here.

        Raises:
            FormatError: it does not.
        """
        if self._coder.num_words() != 1 or int(self._coder.get_compressed()[0]) != SENTINEL:
            raise FormatError("damaged entropy-coded data: it does not end with its last symbol")


def check_plausible(size: int, occurrences: np.ndarray, tables: SymbolTables) -> None:
    """Rejects a stream that is too short for its symbols, before anything is allocated for them.

    A symbol of probability p multiplies the coder's state by no less than 1 + (1/p - 1) / 2 (half
    is lost to rounding at worst, since the state is never below one table's total), which is at
    least half of its -log2 p bits. So a valid stream is never rejected.

    Args:
        size: length of the stream in bytes.
        occurrences: (T,) number of symbols coded with each table.
        tables: the probability tables.

    Raises:
        FormatError: no symbols whatever fit into so few bytes.
    """
    if float(occurrences @ tables.minimum_bits) / 2 > 8 * size + 8:
        raise FormatError("damaged entropy-coded data: too short for the size of the picture")


def ideal_bits(symbols: np.ndarray, table_index: np.ndarray, tables: SymbolTables) -> float:
    """Information content of the symbols, in bits: the sum of -log2 p, escape codes included.

    Args, Raises: as for `encode_symbols`.
    """
    groups = _Groups(table_index, tables)
    local = groups.localise(_checked_symbols(symbols, groups))
    escaped = (local < 0) | (local >= groups.escapes)
    exponents, _ = _escape_codes(local[escaped], groups.escapes[escaped])
    local[escaped] = groups.escapes[escaped]
    bits = float(np.sum(PRECISION - np.log2(_exponent_counts())[exponents] + exponents))
    for table, start, stop in groups.spans:
        occurrences = np.bincount(local[start:stop], minlength=len(tables.counts[table]))
        bits += float(occurrences @ (PRECISION - np.log2(tables.counts[table])))
    return bits


class _Groups:
    """The symbols in coding order: by table, and within one table in their own order.

    Attributes:
        size: number of symbols N.
        lengths: (T,), number of symbols of each table.
        spans: (table, start, stop) for each table in use, ascending; positions in coding order.
        escapes: int32 (N,), index of the escape entry of each symbol's table, in coding order.
    """

    def __init__(self, table_index: np.ndarray, tables: SymbolTables) -> None:
        index = np.asarray(table_index)
        if index.ndim != 1 or index.dtype.kind not in "iu":
            raise ParameterError("table indices must be a one-dimensional array of integers")
        if len(index) and not (index.min() >= 0 and index.max() < len(tables)):
            raise ParameterError(f"a table index is outside 0..{len(tables) - 1}")
        # Up to 16 bits, numpy's stable sort is a radix sort: linear, and fastest on one byte.
        index = index.astype(np.uint8 if len(tables) <= 256 else np.uint16, copy=False)
        self.lengths = lengths = np.bincount(index, minlength=len(tables))
        ends = np.cumsum(lengths)
        used = np.flatnonzero(lengths)
        self.size = len(index)
        self.spans = [(int(i), int(ends[i] - lengths[i]), int(ends[i])) for i in used]
        self.escapes = np.repeat(tables.escapes, lengths)
        self._offsets = np.repeat(tables.offsets, lengths)
        self._order = np.argsort(index, kind="stable")

    def localise(self, symbols: np.ndarray) -> np.ndarray:
        """Values (N,) to int32 entry numbers in coding order; out of range ones stay so."""
        return symbols[self._order] - self._offsets

    def restore(self, local: np.ndarray) -> np.ndarray:
        """Entry numbers in coding order back to values (N,), int32."""
        symbols = np.empty(self.size, dtype=np.int32)
        symbols[self._order] = local + self._offsets
        return symbols


def _checked_counts(i: int, counts: np.ndarray) -> np.ndarray:
    counts = np.asarray(counts)
    if counts.ndim != 1 or counts.dtype.kind not in "iu" or len(counts) < 2:
        raise WeightsError(f"probability table {i}: need one symbol and the escape at least")
    if counts.min() < 1 or counts.max() >= TOTAL or counts.sum(dtype=np.int64) != TOTAL:
        raise WeightsError(f"probability table {i}: counts must be positive and sum to 2**24")
    return counts.astype(np.uint32)


def _checked_symbols(symbols: np.ndarray, groups: _Groups) -> np.ndarray:
    symbols = np.asarray(symbols)
    if symbols.shape != (groups.size,) or symbols.dtype.kind not in "iu":
        raise ParameterError("symbols must be integers, one for each table index")
    limit = 1 << 30  # far beyond the escape bound; keeps the subtraction of the offset in int32
    if groups.size and (symbols.min() < -limit or symbols.max() > limit):
        raise ParameterError("a symbol is too large to be coded")
    return symbols.astype(np.int32, copy=False)


def _model(counts: np.ndarray) -> constriction.stream.model.Categorical:
    # counts - 1, see the head of this file: the coder gives the missing one back.
    probabilities = (counts.astype(np.int64) - 1).astype(np.float32)
    return constriction.stream.model.Categorical(probabilities, perfect=False)


def _words(data: bytes) -> np.ndarray:
    if not data or data[-1] == 0:
        raise FormatError("damaged entropy-coded data: it is empty or ends with a zero byte")
    return np.frombuffer(data + bytes(-len(data) % 4), "<u4").astype(np.uint32)


# Escape codes. The distance outside the table is zigzagged to u = 1, 2, 3, ... and written as an
# Exp-Golomb code: the exponent e = floor(log2 u) has probability 2**-(e+1), as its unary code
# would have; then come the e bits below the leading one. All exponents precede all mantissas, so
# that each is one call of the coder.


def _exponent_counts() -> np.ndarray:
    counts = 1 << np.arange(PRECISION - 1, PRECISION - 2 - MAX_EXPONENT, -1, dtype=np.uint32)
    counts[-1] += 1  # the powers of two sum to 2**24 - 1
    return counts


@lru_cache(maxsize=1)
def _exponent_model() -> constriction.stream.model.Categorical:
    return _model(_exponent_counts())


def _powers_of_two(exponents: np.ndarray) -> np.ndarray:
    return (1 << exponents).astype(np.int32)


def _escape_codes(local: np.ndarray, escapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entry numbers outside 0..escape-1 to (exponents, mantissas), int32 each."""
    above = local.astype(np.int64) - escapes  # 0 is the first value above the table
    below = -1 - local.astype(np.int64)  # 0 is the first value below the table
    distance = np.where(above >= 0, above, below) + 1
    if len(distance) and distance.max() > MAX_ESCAPE_DISTANCE:
        raise ParameterError("a symbol is too far outside its probability table to be coded")
    u = np.where(above >= 0, 2 * distance - 1, 2 * distance)
    exponents = np.frexp(u.astype(np.float64))[1] - 1  # exact: u < 2**24
    return exponents.astype(np.int32), (u - (1 << exponents)).astype(np.int32)


def _escaped_values(
    exponents: np.ndarray, mantissas: np.ndarray, escapes: np.ndarray
) -> np.ndarray:
    """Inverse of `_escape_codes`."""
    u = (1 << exponents) + mantissas
    return np.where(u % 2 == 1, escapes + u // 2, -(u // 2)).astype(np.int32)
