"""Facts and accesses as OCSF events: what a SIEM reads, each line with what proves it.

API Activity (6003), and where OCSF has a class of its own: User Access Management (3005) for roles, Account Change
(3001) for credentials, Authorize Session (3003) for grants. Ids only; times in milliseconds since 1970. Where a line
stands in the log is in `metadata.uid` and `metadata.sequence`; `unmapped.assay` holds the proof of a journal's entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from assay import __version__
from assay.contracts import Fact, FactKind, RoleGranted, SpiffeId, body_of, canonical
from assay.errors import BadRequest
from assay.ledger import Record
from assay.ledger.tree import leaf_hash

VERSION: Final = "1.7.0"
API_ACTIVITY: Final = 6003
CREATE, READ, UPDATE, DELETE, OTHER = 1, 2, 3, 4, 99
_BY_METHOD: Final = {"POST": CREATE, "PUT": UPDATE, "PATCH": UPDATE, "DELETE": DELETE}
_PERSON, _SYSTEM = 1, 3
_SUCCESS, _FAILURE = 1, 2
_INFORMATIONAL, _LOW = 1, 2


class Class(NamedTuple):
    """What happened, in OCSF's numbers."""

    uid: int
    activity: int


def of_fact(record: Record, *, log: str, said_by: str) -> dict[str, Any]:
    """Return the event of a fact; `log` is the log's origin, `said_by` the identity that signed it."""
    fact = record.fact
    event = _event(_class_of(fact), fact.time, fact.tenant)
    event["metadata"] |= {"uid": record.digest, "sequence": record.index, "log_name": log}
    event |= {
        "actor": {"user": _user(_who(fact.body) or said_by)},
        "api": {"operation": f"fact/{fact.kind.value}", "service": {"name": said_by}},
        "src_endpoint": {"uid": said_by},
        "resources": [{"uid": fact.about, "type": fact.kind.value}],
        "unmapped": {
            "assay": {
                "fact": record.digest,
                "log_index": record.index,
                "previous": fact.previous,
                "environment": fact.environment.value if fact.environment else None,
            }
        },
    }
    if fact.kind is FactKind.ROLE:
        event |= {"user": _user(body_of(fact, RoleGranted).person), "privileges": [fact.body["role"]]}
    if fact.kind is FactKind.CREDENTIAL:
        event["user"] = _user(str(fact.body["person"]))
    return event


def of_entry(shown: Mapping[str, Any], record: Record, *, log: str) -> dict[str, Any]:
    """Return the event of an entry that a service's journal showed, under the journal fact that proves it."""
    entry, about = shown["entry"], record.about
    refused = entry.get("outcome") == "refused" or "refusal" in entry
    identity = str(entry.get("identity") or entry.get("caller") or "")
    operation = str(entry.get("action") or entry.get("route") or "predictor/infer")
    event = _event(_class_of_entry(entry), entry["time"], entry.get("tenant"))
    event["metadata"] |= {
        "uid": leaf_hash(canonical(entry)).hex(),
        "sequence": shown["index"],
        "log_name": about,
        "log_provider": log,
    }
    event |= {
        "actor": {"user": _user(str(entry.get("person") or identity))},
        "api": {"operation": operation, "service": {"name": f"spiffe://{log.partition('/')[0]}{about[7:]}"}},
        "src_endpoint": {"uid": identity},
        "resources": _resources(entry),
        "severity_id": _LOW if refused else _INFORMATIONAL,
        "status_id": _FAILURE if refused else _SUCCESS,
        "action_id": 2 if refused else 1,
        "disposition_id": 2 if refused else 1,
        "unmapped": {
            "assay": {
                "journal": record.digest,
                "log_index": record.index,
                "leaf": dict(shown["landed"]),
                "entry": dict(entry),
            }
        },
    }
    if refused:
        event["status_detail"] = entry["refusal"]
    if "count" in entry:
        event["count"] = entry["count"]
    if entry.get("trace"):
        event["metadata"]["correlation_uid"] = entry["trace"]
    if event["class_uid"] == _GRANT.uid:
        event["user"] = event["actor"]["user"]
    return event


_GRANT: Final = Class(3003, 1)  # Authorize Session: Assign Privileges


def _event(what: Class, time: str, tenant: str | None) -> dict[str, Any]:
    return {
        "class_uid": what.uid,
        "category_uid": what.uid // 1000,
        "activity_id": what.activity,
        "type_uid": what.uid * 100 + what.activity,
        "time": int(datetime.fromisoformat(time).timestamp() * 1000),
        "severity_id": _INFORMATIONAL,
        "status_id": _SUCCESS,
        "metadata": {
            "version": VERSION,
            "product": {"name": "Assay", "vendor_name": "Assay", "version": __version__},
            "profiles": ["security_control"],
            "tenant_uid": tenant,
            "original_time": time,
        },
    }


def _class_of(fact: Fact) -> Class:
    if fact.kind is FactKind.ROLE:
        return Class(3005, 2 if fact.body.get("ended") else 1)  # Revoke, Assign Privileges
    if fact.kind is FactKind.CREDENTIAL:
        return Class(3001, 10)  # MFA Factor Enable
    if fact.kind is FactKind.REVOCATION:
        return Class(API_ACTIVITY, UPDATE if fact.body.get("ended") else DELETE)
    return Class(API_ACTIVITY, UPDATE if fact.previous else CREATE)


def _class_of_entry(entry: Mapping[str, Any]) -> Class:
    if entry.get("action") == "identity/grant":
        return _GRANT
    if entry.get("kind") == "read":
        return Class(API_ACTIVITY, READ)
    method = str(entry.get("route") or entry.get("action") or "").partition(" ")[0]
    return Class(API_ACTIVITY, _BY_METHOD.get(method, OTHER))


def _resources(entry: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return what an entry names: of the path, or of a receipt."""
    named = dict(entry.get("resource", {}))
    named |= {each: entry[each] for each in ("endpoint", "model", "package", "rollout") if each in entry}
    return [{"uid": str(value), "type": name} for name, value in sorted(named.items())]


def _who(body: Mapping[str, Any]) -> str | None:
    """Return the person whose word a fact is: who asserted it, else who is named as its author."""
    said = body.get("assertion") or next(iter(body.get("assertions") or []), None)
    if isinstance(said, Mapping) and said.get("person"):
        return str(said["person"])
    return str(body["by"]) if body.get("by") else None


def _user(who: str) -> dict[str, Any]:
    """Return a user: a person by opaque id, anything else by identity."""
    try:
        identity = SpiffeId.parse(who)
    except BadRequest:
        return {"uid": who, "type_id": _PERSON}
    person = identity.person
    return {"uid": person, "type_id": _PERSON} if person else {"uid": who, "type_id": _SYSTEM}
