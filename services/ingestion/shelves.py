"""What is no fact and yet must not be lost: contracts and claims, as objects that never change."""

from __future__ import annotations

from assay.contracts import canonical, strict_json
from assay.errors import Conflict
from assay.objects import Objects
from services.ingestion.domain import Claim, Contract
from services.ingestion.errors import UnknownDataset


class Contracts:
    """Numbered contracts of a tenant's data sets, each with its author; the highest number is in force."""

    def __init__(self, objects: Objects, tenant: str) -> None:
        self._objects = objects
        self._tenant = tenant

    def add(self, dataset: str, contract: Contract, author: str) -> int:
        """Keep a contract as the newest and return its number; the one in force again keeps its number."""
        while True:
            number = self._newest(dataset)
            if number and self._read(dataset, number)[0] == contract:
                return number
            kept = {"author": author, "contract": contract.document()}
            try:
                self._objects.put(self._key(dataset, number + 1), canonical(kept))
            except Conflict:  # another replica took that number: look again
                continue
            return number + 1

    def current(self, dataset: str) -> tuple[Contract, str]:
        """Return the contract in force and its author; raises UnknownDataset."""
        number = self._newest(dataset)
        if number == 0:
            raise UnknownDataset(f"there is no data set {dataset}")
        return self._read(dataset, number)

    def _newest(self, dataset: str) -> int:
        keys = self._objects.keys(f"contracts/{self._tenant}/{dataset}")
        return max((int(key.rpartition("/")[2].removesuffix(".json")) for key in keys), default=0)

    def _read(self, dataset: str, number: int) -> tuple[Contract, str]:
        kept = strict_json(self._objects.get(self._key(dataset, number)))
        return Contract.parse(kept["contract"]), str(kept["author"])

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
