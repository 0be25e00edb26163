"""Facts of about 1 KB, in chains: every writer moves a head of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

from assay.contracts import Fact, FactKind, SignedFact
from assay.ledger.root import VerifiedFact
from assay.ledger.tree import leaf_hash
from services.ledger.ports import Row
from services.ledger.waiting import Prepared
from tests.support.ledger import House, run

PADDING = "x" * 330  # an envelope of this is 1 KB
KEYID, SIGNATURE = "0" * 64, bytes(71)


def chains(writers: int, each: int, *, named: str) -> list[list[Fact]]:
    """Return facts for each writer, each one after the one before."""
    return [_chain(f"{named}-{writer}", each) for writer in range(writers)]


def signed(house: House, facts: list[Fact]) -> list[SignedFact]:
    """Sign for real."""
    return [house.signer.sign(fact) for fact in facts]


def admitted(house: House, facts: list[Fact]) -> list[Prepared]:
    """Return facts as they are once parsed and verified; nobody looks at their signatures any more."""
    (listed,) = [entry for entry in house.root.signers if entry.kind is FactKind.RUN]
    made = [VerifiedFact(fact, listed.keyid, SIGNATURE, listed.public_key) for fact in facts]
    return [Prepared(one, entry := one.to_bytes(), leaf_hash(entry)) for one in made]


def rows(entries: int, heads: int) -> Iterator[Row]:
    """Yield rows of a log that nobody checked signatures of, made by hand for speed: chains over `heads` heads."""
    template = run("r-0", previous="0" * 64).payload().decode()
    newest: dict[str, str] = {}
    for index in range(entries):
        about = f"run/r-{index % heads}"
        previous = newest.get(about)
        payload = template.replace('"run/r-0"', f'"{about}"').replace(
            f'"{"0" * 64}"', "null" if previous is None else f'"{previous}"'
        )
        digest = sha256(payload.encode())
        newest[about] = digest.hexdigest()
        encoded = base64.b64encode(payload.encode()).decode()
        sig = base64.b64encode(SIGNATURE).decode()
        signature = json.dumps([{"keyid": KEYID, "sig": sig}], separators=(",", ":"))
        body = (
            f'{{"payload":"{encoded}","payloadType":"application/vnd.in-toto+json","signatures":{signature}}}'
        )
        yield Row(index, digest.digest(), "run", about, body.encode())


def _chain(name: str, each: int) -> list[Fact]:
    made: list[Fact] = []
    previous = None
    for _ in range(each):
        fact = replace(run(name, previous=previous), body={"n": 1, "padding": PADDING})
        made.append(Fact.parse(fact.payload()))
        previous = made[-1].digest
    return made
