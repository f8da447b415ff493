"""Write tests/golden anew: needed whenever weights or the format change. `tools/make_golden.py`"""

from pathlib import Path

import numpy as np
from skimage import data

from jndlic import api
from jndlic.format.coding import unpack_symbols
from jndlic.format.container import unpack
from jndlic.jnd.own_map import own_map
from jndlic.runtime.load import load_codec

if __name__ == "__main__":
    folder = Path(__file__).resolve().parents[1] / "tests" / "golden"
    codec, pixels = load_codec(), data.astronaut()[:130, 160:350]
    jnd = own_map(pixels)
    jnd[:, :80] *= 2  # a plane of qualities, with a border inside a place of z
    written = api.encode(pixels, quality=40, codec=codec, jnd=jnd)
    symbols, d, (_, quality) = unpack_symbols(unpack(written), codec)
    (folder / "golden.jlic").write_bytes(written)
    arrays = symbols._asdict() | {"d": d.astype(np.int8), "quality": np.asarray(quality)}
    np.savez_compressed(folder / "golden.npz", **arrays)
    api.decode(written, codec=codec).save(folder / "golden.png", optimize=True)
