"""The training script: a small network that says how likely a client is to default next month.

It is posted as it stands and runs on each worker of a throw-away Ray cluster. It sees the train rows only; a
fifth of the clients' rows is kept from fitting, to choose the threshold and to know when to stop.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from assay.training import Rows, Run

KEPT_SHARE = 0.2
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
MOST_CODES = 12  # a column with so few different whole numbers is a code, not an amount
BOUND = 5.0  # standard deviations


class Preparation(nn.Module):  # type: ignore[misc,unused-ignore]
    """What is done to a row before the network sees it; part of the graph, learned from train rows only.

    Amounts are squeezed by a signed logarithm, scaled and bounded; a missing value becomes 0 and a mark; codes
    become one column per value seen.
    """

    def __init__(self, x: torch.Tensor) -> None:
        super().__init__()
        present = torch.nan_to_num(x)
        codes = [(j, v) for j in range(x.shape[1]) if len(v := torch.unique(present[:, j])) <= MOST_CODES]
        squeezed = _squeezed(present)
        self.register_buffer("mean", squeezed.mean(0))
        self.register_buffer("scale", squeezed.std(0).clamp_min(1e-6))
        self.register_buffer("column", torch.cat([torch.full((len(v),), j) for j, v in codes]))
        self.register_buffer("value", torch.cat([v for _, v in codes]))
        self.width = 2 * x.shape[1] + len(self.value)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the prepared columns, float32 `[n, width]`."""
        missing = torch.isnan(x)
        present = torch.where(missing, torch.zeros_like(x), x)
        scaled = ((_squeezed(present) - self.mean) / self.scale).clamp(-BOUND, BOUND)
        coded = (present[:, self.column] == self.value).to(x.dtype)
        return torch.cat([scaled, missing.to(x.dtype), coded], dim=1)


class Scorer(nn.Module):  # type: ignore[misc,unused-ignore]
    """From float32 `[n, k]`, as features gives them, to probabilities `[n, 1]`."""

    def __init__(self, prepare: Preparation, hidden: int, dropout: float) -> None:
        super().__init__()
        self.prepare = prepare
        self.network = nn.Sequential(
            nn.Linear(prepare.width, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden // 2),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden // 2, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return probabilities."""
        return torch.sigmoid(self.network(self.prepare(x)))


def train(run: Run) -> None:
    """Train on every worker's share of the rows; offer the middle and the last epoch as candidates."""
    torch.manual_seed(run.seed)
    torch.use_deterministic_algorithms(mode=True)
    torch.set_num_threads(1)
    rows = run.rows()
    fitted, kept = _split(rows, run.seed)
    prepare = Preparation(torch.from_numpy(fitted.x))
    hidden, dropout = int(run.parameters.get("hidden", 64)), float(run.parameters.get("dropout", 0.2))
    model = Scorer(prepare, hidden, dropout).to(DEVICE)
    fit = _Fit(run, model, fitted)
    for epoch in range(fit.start, fit.epochs):
        loss = fit.epoch(epoch)
        scores = _scores(model, kept.x)
        auc = _auc(kept.y, scores)
        if epoch + 1 in (max(fit.epochs // 2, 1), fit.epochs):
            threshold, f1 = _best_threshold(kept.y, scores)
            name = "final" if epoch + 1 == fit.epochs else f"epoch-{epoch + 1}"
            claims = {"validation_auc": auc, "validation_f1": f1, "train_loss": loss}
            run.candidate(name, model, claims, threshold=threshold)
        told = {"train_loss": loss, "validation_auc": auc}
        run.report(told, step=epoch, checkpoint=fit.state(epoch))  # last: a resume goes on behind it


class _Fit:
    """Optimiser, schedule and this worker's share of the rows; goes on from the newest checkpoint."""

    def __init__(self, run: Run, model: Scorer, rows: Rows) -> None:
        self.run, self.model = run, model
        self.epochs = int(run.parameters.get("epochs", 10))
        self.batch = int(run.parameters.get("batch_size", 512)) // run.world
        share = slice(run.rank, len(rows.y) // run.world * run.world, run.world)
        self.x, self.y = (torch.from_numpy(each[share]).to(DEVICE) for each in (rows.x, rows.y))
        self.parallel: nn.Module = DistributedDataParallel(model) if run.world > 1 else model
        rate = float(run.parameters.get("learning_rate", 3e-3))
        self.optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-3)
        self.steps = -(-len(self.y) // self.batch)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, rate, total_steps=self.epochs * self.steps
        )
        self.start = self._resume()

    def epoch(self, epoch: int) -> float:
        """Fit once over the share; return the mean loss."""
        order = torch.randperm(len(self.y), generator=_generator(self.run.seed, epoch))
        torch.manual_seed(self.run.seed * 1000 + epoch)  # dropout, the same after a resume
        self.parallel.train()
        total = 0.0
        for chosen in order.split(self.batch):
            self.optimiser.zero_grad()
            wanted = self.y[chosen].unsqueeze(1)
            loss = nn.functional.binary_cross_entropy(self.parallel(self.x[chosen]), wanted)
            loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
            self.optimiser.step()
            self.schedule.step()
            total += float(loss.detach()) * len(chosen)
        return total / len(self.y)

    def state(self, epoch: int) -> dict[str, bytes] | None:
        """Return what is needed to go on after this epoch; weights and the optimiser's moments, no pickle."""
        if self.run.rank != 0:
            return None
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for index, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{name}": value for name, value in moments.items()}
        tensors["epoch"] = torch.tensor(epoch)
        return {"state.safetensors": save_tensors({k: v.cpu().contiguous() for k, v in tensors.items()})}

    def _resume(self) -> int:
        kept = self.run.resume()
        if kept is None:
            return 0
        tensors = load_tensors(kept["state.safetensors"])
        weights = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
        self.model.load_state_dict(weights)
        told = copy.deepcopy(self.optimiser.state_dict())
        told["state"] = _moments(tensors)
        start = int(tensors["epoch"]) + 1
        for _ in range(start * self.steps):
            self.schedule.step()
        told["param_groups"] = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict(told)
        return start


def _moments(tensors: dict[str, torch.Tensor]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, index, moment = name.split(".", 2)
            found.setdefault(int(index), {})[moment] = value
    return found


def _split(rows: Rows, seed: int) -> tuple[Rows, Rows]:
    """Keep a fifth of the rows from fitting; neighbours stay together, as one client's months are neighbours."""
    blocks = np.arange(len(rows.y)) // 12
    chosen = np.random.default_rng(seed).random(int(blocks.max()) + 1) < KEPT_SHARE
    kept = chosen[blocks]
    return Rows(rows.x[~kept], rows.y[~kept], rows.names), Rows(rows.x[kept], rows.y[kept], rows.names)


def _squeezed(x: torch.Tensor) -> torch.Tensor:
    return torch.sign(x) * torch.log1p(x.abs())


def _generator(seed: int, epoch: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed * 1000 + epoch)


def _scores(model: nn.Module, x: np.ndarray[Any, np.dtype[np.float32]]) -> np.ndarray[Any, Any]:
    model.eval()
    with torch.no_grad():
        found: np.ndarray[Any, Any] = model(torch.from_numpy(x).to(DEVICE))[:, 0].cpu().numpy()
    return found


def _auc(y: np.ndarray[Any, Any], scores: np.ndarray[Any, Any]) -> float:
    """Return the share of (positive, negative) pairs in the right order; equal scores count half."""
    _, rank, count = np.unique(scores, return_inverse=True, return_counts=True)
    middle = (np.cumsum(count) - (count - 1) / 2)[rank]
    positive = int(y.sum())
    negative = len(y) - positive
    return float((middle[y == 1].sum() - positive * (positive + 1) / 2) / max(positive * negative, 1))


def _best_threshold(y: np.ndarray[Any, Any], scores: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Return the threshold with the best F1 on rows kept from fitting, and that F1."""
    found = [(_f1(y, scores >= t), float(t)) for t in np.linspace(0.05, 0.95, 91)]
    f1, threshold = max(found)
    return round(threshold, 2), f1


def _f1(y: np.ndarray[Any, Any], said: np.ndarray[Any, Any]) -> float:
    right = float((said & (y == 1)).sum())
    return 2 * right / max(float(said.sum() + y.sum()), 1.0)
