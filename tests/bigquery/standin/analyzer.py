"""GoogleSQL's own analyzer (ZetaSQL, as WebAssembly): names and types of a statement, against the tables that there are."""

import ctypes
import functools
import re
import threading
from collections import OrderedDict

from zetasql.core.exceptions import ServerError
from zetasql.core.local_service import ZetaSqlLocalService
from zetasql.core.wasm_client import WasmClient
from zetasql.types import LanguageOptions
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public_options
from zetasql.wasi._pb2.zetasql.public import type_pb2

# What BigQuery has and the analyzer does not: then nobody has looked.
UNKNOWN = re.compile(
    r"Function not found|function not found|not supported|Type not found|Model not found|Unsupported|"
    r"is not a system variable|not implemented",
    re.IGNORECASE,
)

KINDS = {
    "INTEGER": "INT64",
    "INT64": "INT64",
    "FLOAT": "DOUBLE",
    "FLOAT64": "DOUBLE",
    "BOOLEAN": "BOOL",
    "BOOL": "BOOL",
    "RECORD": "STRUCT",
}

SYSTEM_VARIABLES = {"row_count": "INT64", "error.message": "STRING", "script.job_id": "STRING", "project_id": "STRING"}

CATALOGS = 500


class Finding(Exception):
    """What the analyzer found wrong, and where in the statement."""

    def __init__(self, message, line, column):
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.offset = 0  # in the text that a person wrote


class Analyzer:
    def __init__(self):
        WasmClient.write_bytes, WasmClient.read_bytes = write_bytes, read_bytes
        self.client = ZetaSqlLocalService.get_instance().wasm_client
        self.lock = threading.Lock()
        self.registered = OrderedDict()
        self.language = LanguageOptions.maximum_features().to_proto()
        self.language.product_mode = public_options.PRODUCT_EXTERNAL
        self.language.reserved_keywords.append("QUALIFY")
        self.options = options_pb2.AnalyzerOptionsProto(
            language_options=self.language,
            allow_undeclared_parameters=True,
            error_message_mode=public_options.ERROR_MESSAGE_ONE_LINE,
        )
        for name, kind in SYSTEM_VARIABLES.items():
            self.options.system_variables.add(name_path=name.split("."), type=scalar(kind))

    def call(self, name, request, response):
        with self.lock:
            return self.client.call_grpc_func(f"ZetaSqlLocalService_{name}", request, response)

    @functools.lru_cache(maxsize=10000)
    def syntax_error(self, sql):
        """What the grammar does not take in a statement or a script; nothing where it takes all."""
        request = service.ParseRequest(sql_statement=sql, options=self.language, allow_script=True)
        try:
            self.call("Parse", request, service.ParseResponse)
        except ServerError as error:
            return re.sub(r" ?\[at (\d+:\d+)\]", r" at [\1]", words(error))
        return None

    def tables(self, sql):
        """The tables that a statement reads or changes, as it writes their names."""
        request = service.ExtractTableNamesFromStatementRequest(sql_statement=sql, options=self.language)
        found = self.call("ExtractTableNamesFromStatement", request, service.ExtractTableNamesFromStatementResponse)
        return [tuple(table.table_name_segment) for table in found.table_name]

    def check(self, sql, tables, variables):
        """Raises what is wrong with a statement. `tables` are columns by the name that is written, `variables` types."""
        request = service.AnalyzeRequest(
            sql_statement=sql, options=self.options, registered_catalog_id=self.catalog(tables, variables)
        )
        try:
            return self.call("Analyze", request, service.AnalyzeResponse)
        except ServerError as error:
            message = words(error)
            found = re.fullmatch(r"(?s)(.*?);? ?\[at (\d+):(\d+)\]", message)
            if UNKNOWN.search(message) or not found:
                return None
            raise Finding(found[1], int(found[2]), int(found[3])) from None

    @functools.lru_cache(maxsize=1000)
    def type_of(self, expression):
        """The type of an expression without names; nothing where it has some that nobody knows."""
        try:
            answer = self.check(f"select {expression}", {}, {})
        except Finding:
            return None
        if answer is None:
            return None
        return answer.resolved_statement.resolved_query_stmt_node.output_column_list[0].column.type

    def catalog(self, tables, variables):
        """Making a catalogue takes long, for all the functions that there are; so those that were made are kept."""
        made = simple_catalog_pb2.SimpleCatalogProto(name="bigquery")
        made.builtin_function_options.language_options.CopyFrom(self.language)
        for path, columns in sorted(tables.items()):
            inner = made
            for name in path[:-1]:
                known = [catalog for catalog in inner.catalog if catalog.name == name]
                inner = known[0] if known else inner.catalog.add(name=name)
            table = inner.table.add(name=path[-1])
            for column, kind, is_pseudo in columns:
                table.column.add(name=column, type=kind, is_pseudo_column=is_pseudo, is_writable_column=True)
        for name, kind in sorted(variables.items()):
            made.constant.add(name_path=[name], type=kind).value.SetInParent()
        key = made.SerializeToString(deterministic=True)
        if key not in self.registered:
            answer = self.call(
                "RegisterCatalog", service.RegisterCatalogRequest(simple_catalog=made), service.RegisterResponse
            )
            self.registered[key] = answer.registered_id
            if len(self.registered) > CATALOGS:
                _, old = self.registered.popitem(last=False)
                self.call("UnregisterCatalog", service.UnregisterRequest(registered_id=old), service.UnregisterResponse)
        self.registered.move_to_end(key)
        return self.registered[key]


def words(error):
    """All lines of a message; the package keeps the first."""
    return re.sub(r"^Code: \d+, Message: ", "", error.raw_error)


def write_bytes(client, at, data):
    """The package does it byte by byte."""
    ctypes.memmove(ctypes.addressof(client.memory.data_ptr().contents) + at, data, len(data))


def read_bytes(client, at, size):
    return ctypes.string_at(ctypes.addressof(client.memory.data_ptr().contents) + at, size)


def scalar(kind):
    return type_pb2.TypeProto(type_kind=type_pb2.TypeKind.Value(f"TYPE_{KINDS.get(kind, kind)}"))


def type_of_field(field):
    """The type of a column, as its REST resource has it."""
    if field.get("mode") == "REPEATED":
        element = type_of_field(field | {"mode": "NULLABLE"})
        kind = scalar("ARRAY")
        kind.array_type.element_type.CopyFrom(element)
        return kind
    kind = scalar(field["type"])
    if field["type"] in ("RECORD", "STRUCT"):
        for inner in field["fields"]:
            kind.struct_type.field.add(field_name=inner["name"], field_type=type_of_field(inner))
    return kind
