"""Policy: who may do what, and which version may go where; rules are `infra/opa/*.rego`.

`OpaHttp` asks an OPA server over mTLS (control routes), `OpaWasm` evaluates the same rules in process (hot
paths). Both answer alike, and both refuse when there is no clear answer.
"""

from assay.policy.decisions import Answer, Decision, GateVerdict, Policy, PolicyEngine, Undefined
from assay.policy.http import Certified, OpaHttp
from assay.policy.subject import Granted, Subject, subject_document
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
