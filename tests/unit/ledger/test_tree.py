"""RFC 9162: roots against published vectors and a second implementation, proofs against their definitions."""

from __future__ import annotations

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import SignatureInvalid
from assay.ledger.tree import (
    Tree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# certificate-transparency's test entries and their roots for sizes 0 to 8
ENTRIES = [
    bytes.fromhex(one)
    for one in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
LEAVES = [leaf_hash(b"%d" % n) for n in range(70)]
sizes = st.integers(1, len(LEAVES))


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_published_for_certificate_transparency(size: int) -> None:
    assert root_of([leaf_hash(entry) for entry in ENTRIES[:size]]).hex() == ROOTS[size]


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40))
@settings(deadline=None)
def test_roots_agree_with_a_second_implementation(entries: list[bytes]) -> None:
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        other.append_entry(entry)
    assert root_of([leaf_hash(entry) for entry in entries]) == other.get_root()


@given(sizes, st.data())
def test_every_leaf_is_proven_included_and_in_no_other_place(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, path = root_of(LEAVES[:size]), inclusion_proof(LEAVES[:size], index)
    verify_inclusion(LEAVES[index], index, size, path, root)
    for place, within in ((index + 1, size), (index - 1, size), (size, size)):
        with pytest.raises(SignatureInvalid):
            verify_inclusion(LEAVES[index], place, within, path, root)


@given(sizes, st.data())
def test_a_changed_inclusion_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, path = root_of(LEAVES[:size]), inclusion_proof(LEAVES[:size], index)
    broken = [[*path, LEAVES[0]], path[:-1], [bytes(32), *path[1:]], [b"short", *path]]
    for wrong in (one for one in broken if one != path):
        with pytest.raises(SignatureInvalid):
            verify_inclusion(LEAVES[index], index, size, wrong, root)


@given(sizes, st.data())
def test_a_tree_is_proven_to_continue_every_earlier_one(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    old, new = root_of(LEAVES[:first]), root_of(LEAVES[:size])
    path = consistency_proof(LEAVES[:size], first)
    verify_consistency(first, size, path, old, new)
    wrong = [(bytes(32), new, path), (old, bytes(32), path), (old, new, [*path, bytes(32)])]
    wrong += [(old, new, path[:-1])] if path else []
    for before, after, shown in wrong:
        with pytest.raises(SignatureInvalid):
            verify_consistency(first, size, shown, before, after)


def test_a_fork_has_no_consistency_proof() -> None:
    fork = [*LEAVES[:6], leaf_hash(b"other"), *LEAVES[7:12]]
    with pytest.raises(SignatureInvalid):
        verify_consistency(8, 12, consistency_proof(fork, 8), root_of(LEAVES[:8]), root_of(fork))


def test_proofs_for_an_earlier_size_survive_growth() -> None:
    tree = Tree(LEAVES[:10])
    root = tree.root()
    tree.extend(LEAVES[10:])
    assert tree.root(10) == root
    verify_inclusion(LEAVES[3], 3, 10, tree.inclusion(3, 10), root)


def test_an_empty_log_proves_nothing_about_a_later_one() -> None:
    with pytest.raises(SignatureInvalid):
        verify_consistency(0, 3, [], root_of([]), root_of(LEAVES[:3]))
