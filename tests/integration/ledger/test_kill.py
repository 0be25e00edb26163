"""What was acknowledged survives `kill -9`, at the index it was acknowledged at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.integration.ledger import appender
from tests.support.ledger import House, run

KILLS = 4
FACTS = 600


def test_nothing_acknowledged_is_lost_or_moved_by_kills(tmp_path: Path) -> None:
    house = House(tmp_path)
    with house.open() as log:
        house.found(log)
        opening = len(log.entries(0, 1000))
    prepare(house)
    acknowledged: dict[str, int] = {}
    for kill in range(1, KILLS + 1):
        acknowledged.update(killed_after(house, kill * FACTS // (2 * KILLS)))
        with house.open(create=False) as log:
            for digest, index in acknowledged.items():
                assert log.index(digest) == index
            entries = log.entries(0, 10_000)
            assert len({one.digest for one in entries}) == len(entries) <= opening + FACTS
    assert len(acknowledged) > KILLS


def prepare(house: House) -> None:
    """Write what the process needs: the root, the log's key, and facts signed beforehand."""
    (house.folder / "root.json").write_bytes(house.root_json(("p-ada", "p-grace")))
    key = house.keys._key("log")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (house.folder / "log.pem").write_bytes(pem)
    envelopes = [house.signer.sign(run(f"r-{n}")).to_bytes() for n in range(FACTS)]
    (house.folder / "envelopes").write_bytes(b"\n".join(envelopes))


def killed_after(house: House, acknowledgements: int) -> dict[str, int]:
    """Append in a process, kill it after that many acknowledgements; return all it managed to print."""
    with subprocess.Popen(
        [sys.executable, appender.__file__, str(house.folder), house.url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if len(lines) == acknowledgements:
                process.kill()
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {digest: int(index) for index, digest in whole}
