"""What is no fact and yet must not be lost: contracts and claims, as objects that never change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.contracts import canonical, strict_json
from assay.errors import Conflict
from assay.objects import Objects
from services.ingestion.domain import Claim, Contract
from services.ingestion.errors import UnknownDataset


class Contracts:
    """Numbered contracts of a tenant's data sets; the highest number is in force."""

    def __init__(self, objects: Objects, tenant: str) -> None:
        self._objects = objects
        self._tenant = tenant

    def add(self, dataset: str, contract: Contract) -> int:
        """Keep a contract as the newest and return its number; the one in force again keeps its number."""
        while True:
            number, newest = self._newest(dataset)
            if newest == contract:
                return number
            try:
                self._objects.put(self._key(dataset, number + 1), canonical(contract.document()))
            except Conflict:  # another replica took that number: look again
                continue
            return number + 1

    def current(self, dataset: str) -> Contract:
        """Return the contract in force; raises UnknownDataset."""
        _, contract = self._newest(dataset)
        if contract is None:
            raise UnknownDataset(f"there is no data set {dataset}")
        return contract

    def _newest(self, dataset: str) -> tuple[int, Contract | None]:
        folder = f"contracts/{self._tenant}/{dataset}"
        number = max((_number(key) for key in self._objects.keys(folder)), default=0)
        if number == 0:
            return 0, None
        return number, Contract.parse(_object(self._objects.get(self._key(dataset, number))))

    def _key(self, dataset: str, number: int) -> str:
        return f"contracts/{self._tenant}/{dataset}/{number:06d}.json"


class Claims:
    """Prepared batches under the keyed HMAC of what was pushed; the first wins, also across replicas."""

    def __init__(self, objects: Objects, tenant: str) -> None:
        self._objects = objects
        self._tenant = tenant

    def find(self, mark: str) -> Claim | None:
        """Return the claim under a mark (hex)."""
        found = self._objects.find(self._key(mark))
        return None if found is None else Claim.model_validate(strict_json(found))

    def claim(self, mark: str, claim: Claim) -> Claim:
        """Keep a claim unless there is one, and return the one that stands."""
        try:
            self._objects.put(self._key(mark), canonical(claim.model_dump(mode="json")))
        except Conflict:
            return self.find(mark) or claim
        return claim

    def _key(self, mark: str) -> str:
        return f"claims/{self._tenant}/{mark}.json"


def _number(key: str) -> int:
    return int(key.rpartition("/")[2].removesuffix(".json"))


def _object(data: bytes) -> Mapping[str, Any]:
    document: Mapping[str, Any] = strict_json(data)
    return document
