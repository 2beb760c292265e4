"""Values in results, as BigQuery's REST interface writes them."""

from decimal import Decimal


def row(values, fields, has_whole_timestamps):
    return {
        "f": [
            {"v": cell(value["v"], field, has_whole_timestamps)}
            for value, field in zip(values["f"], fields, strict=True)
        ]
    }


def cell(value, field, has_whole_timestamps):
    """Numbers without needless zeros; timestamps in seconds with an exponent, or in microseconds if that was asked for."""
    if value is None:
        return None
    if field.get("mode") == "REPEATED":
        inner = field | {"mode": "NULLABLE"}
        return [{"v": cell(item["v"], inner, has_whole_timestamps)} for item in value]
    match field["type"]:
        case "RECORD" | "STRUCT":
            return row(value, field["fields"], has_whole_timestamps)
        case "NUMERIC" | "BIGNUMERIC":
            return format(Decimal(value).normalize(), "f")
        case "TIMESTAMP":
            micros = int(value) if str(value).lstrip("-").isdigit() else round(float(value) * 1e6)
            return str(micros) if has_whole_timestamps else seconds(micros)
    return value


def seconds(micros):
    """`1.7E9`, as a double of Java's is written."""
    digits = Decimal(micros).scaleb(-6).normalize()
    exponent = digits.adjusted()
    if not 0 <= -exponent <= 3 and not 0 <= exponent < 7:
        mantissa = format(digits.scaleb(-exponent), "f")
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{exponent}"
    text = format(digits, "f")
    return text if "." in text else f"{text}.0"
