"""A job runs where it says, and finds only the datasets that are there."""

from sqlglot import exp

from errors import ApiError
from tables import words


def check(tree, project, location, context):
    """Refuses a statement that names a dataset which is elsewhere, or nowhere."""
    made = tree.this if isinstance(tree, exp.Create) and tree.kind == "SCHEMA" else None
    for table in tree.find_all(exp.Table):
        names = words(table)
        if table is made or "INFORMATION_SCHEMA" in [name.upper() for name in names[1:]]:
            continue
        is_schema = isinstance(tree, (exp.Drop, exp.Alter)) and tree.args.get("kind") == "SCHEMA" and table is tree.this
        if is_schema:
            names = [*names, ""]
        if len(names) < 2 or (is_schema and tree.args.get("exists")):
            continue
        owner, dataset = (names[0], names[1]) if len(names) == 3 else (project, names[0])
        check_dataset(owner, dataset, location, context)


def check_dataset(project, dataset, location, context):
    meta = context.catalog.get_dataset(project, dataset)
    if meta is None or meta.location.lower() != location.lower():
        raise ApiError("notFound", f"Not found: Dataset {project}:{dataset} was not found in location {location}")
