"""The map of heads and of revocations: presence and absence are proven, and nothing else is."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import SignatureInvalid
from assay.ledger.maps import MerkleMap, map_of, verify_map_proof


def key(n: int) -> bytes:
    return sha256(b"key %d" % n).digest()


def value(n: int) -> bytes:
    return sha256(b"value %d" % n).digest()


numbers = st.integers(0, 60)
contents = st.dictionaries(numbers, numbers, max_size=40)


def made(content: dict[int, int]) -> MerkleMap:
    return map_of({key(k): value(v) for k, v in content.items()})


@given(contents, numbers)
def test_what_is_in_the_map_is_proven_and_what_is_not_is_proven_absent(
    content: dict[int, int], asked: int
) -> None:
    found = made(content)
    expected = value(content[asked]) if asked in content else None
    assert verify_map_proof(found.root, key(asked), found.prove(key(asked))) == expected
    assert found.get(key(asked)) == expected


@given(contents, contents, st.sets(numbers))
def test_the_root_depends_on_the_content_alone(
    content: dict[int, int], more: dict[int, int], gone: set[int]
) -> None:
    changes: dict[bytes, bytes | None] = {key(k): value(v) for k, v in more.items()}
    changes.update({key(k): None for k in gone})
    expected = {k: v for k, v in {**content, **more}.items() if k not in gone}
    assert made(content).changed(changes).root == made(expected).root


@given(contents.filter(bool), numbers)
def test_a_proof_holds_for_its_own_key_root_and_bytes_only(content: dict[int, int], asked: int) -> None:
    found, other = made(content), made({**content, 99: 1})
    proof = found.prove(key(asked))
    with pytest.raises(SignatureInvalid):
        verify_map_proof(other.root, key(asked), proof)
    for wrong in (
        {**proof, "siblings": [*proof["siblings"], "AAAA"]},
        {
            **proof,
            "siblings": proof["siblings"][:-1],
            "leaf": {"key": key(asked).hex(), "value": value(61).hex()},
        },
        {"siblings": proof["siblings"]},
        {**proof, "leaf": {"key": "00", "value": "00"}},
    ):
        with pytest.raises(SignatureInvalid):
            verify_map_proof(found.root, key(asked), wrong)


def test_a_revoked_key_cannot_be_shown_absent_by_another_keys_branch() -> None:
    found = made(dict.fromkeys(range(30), 1))
    for shown in range(1, 30):
        proof = found.prove(key(shown))
        if proof == found.prove(key(0)):
            continue
        with pytest.raises(SignatureInvalid):
            verify_map_proof(found.root, key(0), proof)


def test_an_older_map_stays_provable_after_a_change() -> None:
    before = made({1: 1, 2: 2})
    before.changed({key(1): None})
    assert verify_map_proof(before.root, key(1), before.prove(key(1))) == value(1)
