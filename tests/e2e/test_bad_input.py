"""Bad input: each a clear refusal that says what to do, and nothing half-done."""

from __future__ import annotations

import io
from collections.abc import Iterator

import httpx
import polars as pl
import pytest

from assay.client import Session
from assay.client.data import PARQUET
from assay.errors import ServiceError, TooLarge
from assay_laptop.demo.thread import ENDPOINT, ENVIRONMENT, MODEL
from pipelines.credit_default import steps
from tests.conftest import Running

GIB = 1 << 30
MIB = 1 << 20


@pytest.fixture
def dana(running: Running) -> Session:
    return running.thread.sessions["dana"]


def parquet(table: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def statements() -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(steps.statements()[0][1])).head(100)


BAD_BATCHES = {
    "not a table": b"this is no table at all" * 100,
    "an empty file": b"",
    "a truncated table": parquet(statements())[:-200],
    "wrong columns": parquet(statements().rename({"bill_amount": "amount"})),
    "wrong types": parquet(statements().with_columns(pl.col("bill_amount").cast(pl.String))),
    "no rows": parquet(statements().head(0)),
}


@pytest.mark.parametrize("content", BAD_BATCHES.values(), ids=BAD_BATCHES.keys())
def test_a_batch_that_breaks_its_contract_is_refused_whole(dana: Session, content: bytes) -> None:
    before = dana.data.batches("statements")
    with pytest.raises(ServiceError) as refused:
        dana.data.push("statements", "2005-10", content)
    assert 400 <= refused.value.status < 500
    assert refused.value.fix
    assert dana.data.batches("statements") == before


def test_a_gigabyte_of_nonsense_is_refused_before_it_is_read(dana: Session) -> None:
    def nonsense() -> Iterator[bytes]:
        for _ in range(GIB // MIB):
            yield b"\0" * MIB

    with pytest.raises((TooLarge, httpx.TransportError, ServiceError)) as refused:
        dana.service("ingestion").request(
            "POST",
            "/v1/datasets/statements/batches",
            params={"batch": "2005-10"},
            content=nonsense(),
            headers={"content-type": PARQUET, "content-length": str(GIB)},
        )
    assert isinstance(refused.value, TooLarge) or "ingestion does not answer" in str(refused.value)
    assert dana.data.batches("statements")


def test_an_unknown_data_set_is_not_there(dana: Session) -> None:
    with pytest.raises(ServiceError) as refused:
        dana.data.push("nobody", "2005-10", parquet(statements()))
    assert refused.value.status in {404, 409}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"shape": [1, 3], "data": [0.0, 0.0, 0.0]}, "shape"),
        ({"datatype": "INT64"}, "dtype"),
        ({"name": "other"}, "name"),
        ({"data": ["a"]}, "values"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_tensor_is_refused_with_what_is_expected(
    running: Running, dana: Session, change: dict[str, object], why: str
) -> None:
    (row, *_) = running.thread.rows()
    tensor = {"name": "features", "shape": [1, len(row)], "datatype": "FP32", "data": row} | change
    with pytest.raises(ServiceError) as refused:
        dana.endpoints.predictor(ENVIRONMENT, ENDPOINT).post(
            f"/v2/models/{MODEL}/infer", {"inputs": [tensor]}
        )
    assert 400 <= refused.value.status < 500, why
    assert refused.value.fix


def test_an_unknown_model_is_not_served(running: Running, dana: Session) -> None:
    (row, *_) = running.thread.rows()
    tensor = {"name": "features", "shape": [1, len(row)], "datatype": "FP32", "data": row}
    with pytest.raises(ServiceError) as refused:
        dana.endpoints.predictor(ENVIRONMENT, ENDPOINT).post("/v2/models/nobody/infer", {"inputs": [tensor]})
    assert refused.value.status == 404


def test_a_source_without_its_entry_is_refused_before_anything_starts(
    running: Running, dana: Session
) -> None:
    before = len(dana.service("training").get("/v1/runs")["runs"])
    with pytest.raises(ServiceError):
        dana.runs.start(
            model=MODEL,
            source={"other.py": "def train(run): ...\n"},
            feature_set=running.thread.made["feature_set"]["fact"],
            parameters={},
        )
    assert len(dana.service("training").get("/v1/runs")["runs"]) == before
