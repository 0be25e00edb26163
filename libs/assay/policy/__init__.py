"""Policy: who may do what, and which version may go where; rules are `infra/opa/*.rego`.

`OpaHttp` asks an OPA server over mTLS (control routes), `OpaWasm` evaluates the same rules in process (hot
paths). Both answer alike, and both refuse when there is no clear answer. The engines are imported when they
are first asked for: the SDK and the command do without.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from assay.policy.decisions import Answer, Decision, GateVerdict, Policy, PolicyEngine, Undefined
from assay.policy.subject import Granted, Subject, subject_document

if TYPE_CHECKING:
    from assay.policy.http import Certified, OpaHttp
    from assay.policy.wasm import OpaWasm, revision_of

__all__ = [
    "Answer",
    "Certified",
    "Decision",
    "GateVerdict",
    "Granted",
    "OpaHttp",
    "OpaWasm",
    "Policy",
    "PolicyEngine",
    "Subject",
    "Undefined",
    "revision_of",
    "subject_document",
]

_ENGINES = {
    "Certified": "assay.policy.http",
    "OpaHttp": "assay.policy.http",
    "OpaWasm": "assay.policy.wasm",
    "revision_of": "assay.policy.wasm",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    if name not in _ENGINES:
        raise AttributeError(name)
    return getattr(importlib.import_module(_ENGINES[name]), name)
