"""Every refusal of ingestion."""

from __future__ import annotations

from assay.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound, ServiceError, Unavailable


class UnknownDataset(NotFound):
    """No contract was set for this data set."""

    fix = "set its contract first: PUT /v1/datasets/{name}/contract with suite, schema and tags"


class UnknownBatch(NotFound):
    """No batch fact of this data set has that digest."""

    fix = "GET /v1/datasets/{name}/batches lists the facts of a data set"


class BadContract(Invalid):
    """A contract does not hold together."""

    fix = "correct the member the detail names and set the contract again"


class NotATable(Invalid):
    """The bytes are not a table of the media type they came with."""

    fix = "send Parquet as application/vnd.apache.parquet, or UTF-8 CSV with a header line as text/csv"


class EmptyBatch(Invalid):
    """There is nothing in the file, or no row in the table."""

    fix = "send at least one row"


class WrongColumns(Invalid):
    """The table's columns are not those of the contract."""

    fix = "send exactly the contract's columns, or set a new contract"


class WrongTypes(Invalid):
    """A column's values are not of the type the contract says."""

    fix = "convert the column, or set a new contract"


class UnsupportedMediaType(ServiceError):
    """Batches come as Parquet or CSV."""

    status = 415
    fix = "set content-type to application/vnd.apache.parquet or text/csv"


class TableTooLarge(ServiceError):
    """The table is larger in memory, or longer, than one batch may be."""

    status = 413
    fix = "split it into smaller batches"


class ExpectationsNotMet(Invalid):
    """The batch as a whole fails its suite, or too many of its rows do."""

    fix = "correct the data, or set a contract that expects it"


class ExpectationBroken(Invalid):
    """An expectation could not be evaluated on these columns."""

    fix = "correct the expectation in the contract: its column's type does not suit it"


class NoContributor(Forbidden):
    """Data has contributors, and the caller acts for no person."""

    fix = "push with a person's certificate, or as a service with that person's grant"


class BatchRevoked(Conflict):
    """The batch no longer counts."""

    fix = "push corrected data; what was revoked stays revoked"


class RowContradictsFact(Conflict):
    """A row of this service's database does not say what the ledger says."""

    fix = "stop ingestion, delete its database and start it: it is rebuilt from the ledger"


class BusyDataset(Unavailable):
    """Other batches of this data set kept winning the race for its head."""

    fix = "push the same bytes again; nothing was lost"


class BadParameter(BadRequest):
    """A query parameter is malformed."""
