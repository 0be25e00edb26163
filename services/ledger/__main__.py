"""`python -m services.ledger`."""

from assay.web.server import run
from services.ledger.app import LedgerParts, build
from services.ledger.settings import LedgerSettings

if __name__ == "__main__":
    run(LedgerSettings.from_environment(), build, join=LedgerParts.join)
