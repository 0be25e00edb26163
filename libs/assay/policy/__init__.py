"""Policy: who may do what, and which version may go where; rules are `infra/opa/*.rego`.

`OpaHttp` asks an OPA server over mTLS (control routes), `OpaWasm` evaluates the same rules in process (hot
paths). Both answer alike, and both refuse when there is no clear answer.
"""

from assay.policy.decisions import Decision, GateVerdict, Policy
from assay.policy.http import OpaHttp
from assay.policy.subject import Granted, Subject, subject_document
from assay.policy.wasm import OpaWasm

__all__ = [
    "Decision",
    "GateVerdict",
    "Granted",
    "OpaHttp",
    "OpaWasm",
    "Policy",
    "Subject",
    "subject_document",
]
