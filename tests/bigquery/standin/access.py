"""Who may read a table: grants on it, which nobody enforces, and row access policies, which the emulator keeps."""

import json
import re

from bqemulator.jobs.executor import _maybe_run_row_access_ddl
from bqemulator.sql import inner_query
from bqemulator.row_access.matcher import grantee_matches
from sqlglot import exp

import tables
from errors import ApiError

# The emulator would put a filtered query in the place of the table that is altered, dropped or emptied.
filtered = inner_query.rewrite_for_row_access
inner_query.rewrite_for_row_access = (
    lambda sql, *rest, **named: sql if re.match(r"(?i)\s*(alter|drop|truncate)\b", sql) else filtered(sql, *rest, **named)
)

# The bindings of IAM policies, by (project, dataset, table).
BINDINGS = {}


def forget_project(project):
    for key in [key for key in BINDINGS if key[0] == project]:
        del BINDINGS[key]


def forget(target, context):
    """The table is gone, or another one has been made of it."""
    BINDINGS.pop(target, None)
    take_policies(target, context)


def take_policies(target, context):
    policies = context.catalog.list_row_access_policies(*target)
    for policy in policies:
        context.catalog.delete_row_access_policy(*target, policy.policy_id)
    return policies


def move(old, policies, new, context):
    """A table has another name."""
    if old in BINDINGS:
        BINDINGS[new] = BINDINGS.pop(old)
    for policy in policies:
        context.catalog.create_row_access_policy(policy.model_copy(update={"table_id": new[2]}))


# Statements


def statement(sql, project, context):
    """Runs GRANT, REVOKE and statements about row access policies; says whether it was one."""
    if found := re.match(r"(?is)\s*(grant|revoke)\s+(.+?)\s+on\s+(table|view)\s+(\S+)\s+(?:to|from)\s+(.+?);?\s*$", sql):
        target = existing(tuple(tables.parts(exp.to_table(found[4], dialect="bigquery"), project)), context)
        members = [member.removeprefix("specialGroup:") for member in re.findall(r"""['"]([^'"]+)['"]""", found[5])]
        for role in found[2].split(","):
            change(target, role.strip(" `"), members, found[1].lower() == "grant")
        return True
    return _maybe_run_row_access_ddl(project, sql, context) is not None


def change(target, role, members, is_grant):
    bindings = BINDINGS.setdefault(target, [])
    binding = next((one for one in bindings if one["role"] == role and "condition" not in one), None)
    if binding is None:
        binding = {"role": role, "members": []}
        bindings.append(binding)
    others = [member for member in binding["members"] if member not in members]
    binding["members"] = others + members if is_grant else others
    bindings[:] = [one for one in bindings if one["members"]]


def check_dml(tree, project, caller, context):
    """DML needs a policy that lets the caller see all rows."""
    table = tree.expressions[0] if isinstance(tree, exp.TruncateTable) else tree.this
    table = table.this if isinstance(table, exp.Schema) else table
    target = tuple(tables.parts(table, project)) if isinstance(table, exp.Table) and table.db else ()
    policies = context.catalog.list_row_access_policies(*target) if len(target) == 3 else ()
    sees_all = any(
        policy.filter_predicate.strip().upper() == "TRUE" and any(grantee_matches(one, caller) for one in policy.grantees)
        for policy in policies
    )
    if policies and not sees_all:
        raise ApiError("accessDenied", "Access Denied: Table {}:{}.{}: DML needs a row access policy that is TRUE".format(*target))


def existing(target, context):
    if context.catalog.get_table(*target) is None:
        raise ApiError("notFound", "Not found: Table {}:{}.{}".format(*target))
    return target


# Requests


def answer(words, project, request, context):
    """`tables/NAME:getIamPolicy` and `:setIamPolicy`; None for any other request."""
    if request.method != "POST" or len(words) != 4 or ":" not in words[3]:
        return None
    name, _, verb = words[3].partition(":")
    target = existing((project.id, words[1], name), context)
    if verb == "setIamPolicy":
        BINDINGS[target] = request.json()["policy"].get("bindings", [])
    elif verb != "getIamPolicy":
        return None
    bindings = BINDINGS.get(target, [])
    has_conditions = any("condition" in binding for binding in bindings)
    if has_conditions and request.json().get("options", {}).get("requestedPolicyVersion") != 3 and verb == "getIamPolicy":
        raise ApiError("invalid", "Requests for policies with any conditional role bindings must specify version 3.")
    return {"version": 3 if has_conditions else 1, "etag": "BwXhqDVl", "bindings": json.loads(json.dumps(bindings))}


def without_grantees(body):
    """Who a policy is for is told by its IAM policy alone."""
    for policy in body.get("rowAccessPolicies", []):
        policy.pop("grantees", None)
    return body
