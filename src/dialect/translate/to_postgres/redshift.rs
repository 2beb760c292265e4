//! Amazon Redshift, which has most of its words from PostgreSQL.
//!
//! Where the type of a value decides and only the running query knows it, `pg_typeof` asks there.

use std::sync::LazyLock;

use sqlparser::ast::{
    DataType, ExactNumberInfo, Expr, Function, FunctionArgumentClause, FunctionArguments, NullTreatment, Spanned,
    Statement, TableAlias, TableFactor, Value,
};

use super::{dates, expr};
use crate::dialect::translate::functions::{Functions, build};
use crate::dialect::translate::postgres::{self, arguments, name_of, text_of, whole};
use crate::dialect::translate::redshift::{
    compare_blanks, convert_timezone, decode, in_list_of_blanks, names_a_moment, renamed,
};
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::rules::Rules;
use crate::dialect::translate::target::Target;
use crate::dialect::translate::types::Type;

/// The rules from Redshift to PostgreSQL.
#[derive(Debug)]
pub(crate) struct Redshift;

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    Functions::read(concat!(include_str!("redshift.txt"), include_str!("shared.txt")))
        .unwrap_or_else(|line| unreachable!("{line}"))
});

impl Rules for Redshift {
    fn warehouse(&self) -> &'static str {
        "Redshift"
    }

    fn target(&self) -> &'static Target {
        &Target::POSTGRES
    }

    fn functions(&self) -> &'static Functions {
        &FUNCTIONS
    }

    fn column_name(&self, expr: &Expr) -> Option<String> {
        postgres::column_name(expr, renamed)
    }

    fn unnamed(&self, _number: usize) -> String {
        postgres::UNNAMED.to_owned()
    }

    fn name_values(&self, alias: &mut TableAlias, columns: usize) {
        postgres::name_values(alias, columns);
    }

    fn data_type(&self, data_type: &mut DataType) -> bool {
        let replaced = match data_type {
            // <https://docs.aws.amazon.com/redshift/latest/dg/r_Numeric_types201.html>
            DataType::Numeric(ExactNumberInfo::None)
            | DataType::Decimal(ExactNumberInfo::None)
            | DataType::Dec(ExactNumberInfo::None) => DataType::Numeric(ExactNumberInfo::PrecisionAndScale(18, 0)),
            DataType::Nvarchar(length) => DataType::Varchar(*length),
            DataType::Varbinary(_) => DataType::Bytea,
            DataType::Varchar(Some(sqlparser::ast::CharacterLength::Max)) => DataType::Varchar(None),
            DataType::Custom(name, modifiers) => match (name.to_string().to_ascii_lowercase().as_str(), &modifiers[..])
            {
                ("super", []) => DataType::JSONB,
                ("varbyte", _) => DataType::Bytea,
                ("bpchar", []) => return true,
                _ => return false,
            },
            DataType::Bool
            | DataType::Boolean
            | DataType::SmallInt(_)
            | DataType::Int2(_)
            | DataType::Int(_)
            | DataType::Int4(_)
            | DataType::Integer(_)
            | DataType::BigInt(_)
            | DataType::Int8(_)
            | DataType::Real
            | DataType::Float(_)
            | DataType::Float4
            | DataType::Float8
            | DataType::Double(ExactNumberInfo::None)
            | DataType::DoublePrecision
            | DataType::Numeric(_)
            | DataType::Decimal(_)
            | DataType::Dec(_)
            | DataType::Varchar(_)
            | DataType::CharacterVarying(_)
            | DataType::CharVarying(_)
            | DataType::Char(_)
            | DataType::Character(_)
            | DataType::Text
            | DataType::Date
            | DataType::Time(..)
            | DataType::Timestamp(..)
            | DataType::Interval { .. } => return true,
            _ => return false,
        };
        *data_type = replaced;
        true
    }

    fn expr(&self, expr: &mut Expr, rewriter: &mut Rewriter) -> Option<Type> {
        in_list_of_blanks(expr);
        let (done, kind) = match expr {
            Expr::CompoundIdentifier(parts) if parts.len() > 2 => {
                if rewriter.scopes.relation(&parts[0].value).is_some() {
                    rewriter.missing_because(parts[0].span, "way through SUPER", SUPER);
                }
                return None;
            }
            Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("sysdate") => {
                (build("now() at time zone 'UTC'", &[]), Type::Timestamp)
            }
            // An exact count is an approximate one too.
            Expr::Prefixed { prefix, value } if prefix.value.eq_ignore_ascii_case("approximate") => {
                let kind = rewriter.expr(value);
                (value.as_ref().clone(), kind)
            }
            Expr::Extract { field, expr: operand, .. } => {
                dates::whole_part(&field.to_string(), operand, operand.span(), rewriter)
            }
            Expr::Function(function) => call(function, rewriter)?,
            _ => return expr::shared(expr, rewriter),
        };
        *expr = done;
        Some(kind)
    }

    fn binary(&self, expr: &mut Expr, left: &Type, right: &Type, rewriter: &mut Rewriter) -> Type {
        compare_blanks(expr, left, right);
        expr::binary(expr, left, right, rewriter)
    }

    /// A decimal is cut off where PostgreSQL would round it.
    fn number(&self, value: Expr, from: &Type, target: &DataType, cast: &dyn Fn(Expr) -> Expr) -> Expr {
        let scale = match target {
            DataType::Numeric(ExactNumberInfo::PrecisionAndScale(_, scale))
            | DataType::Decimal(ExactNumberInfo::PrecisionAndScale(_, scale))
            | DataType::Dec(ExactNumberInfo::PrecisionAndScale(_, scale)) => *scale,
            _ => 0,
        };
        match from {
            Type::Decimal => cast(build(&format!("trunc(x, {scale})"), &[("x", &value)])),
            // By way of its text a double keeps all its digits.
            Type::Float if Type::of(target) == Type::Decimal => {
                cast(build("cast(cast(x as text) as numeric)", &[("x", &value)]))
            }
            Type::Unknown => {
                let number = build("cast(cast(x as text) as numeric)", &[("x", &value)]);
                let cut = cast(build(&format!("trunc(x, {scale})"), &[("x", &number)]));
                let plain = cast(if Type::of(target) == Type::Decimal { number } else { value.clone() });
                let parts = [("x", &value), ("c", &cut), ("p", &plain)];
                build("case when pg_typeof(x) = 'numeric'::regtype then c else p end", &parts)
            }
            _ => cast(value),
        }
    }

    fn table(&self, table: &mut TableFactor, rewriter: &mut Rewriter) -> bool {
        if let TableFactor::Table { name, .. } = table
            && let [first, _, ..] = name.0.as_slice()
            && first.as_ident().is_some_and(|first| rewriter.scopes.relation(&first.value).is_some())
        {
            rewriter.missing_because(name.span(), "array of SUPER in FROM", SUPER);
        }
        false
    }

    fn statement(&self, statement: &mut Statement, rewriter: &mut Rewriter) -> Option<Vec<Statement>> {
        postgres::prepare(statement, rewriter)
    }
}

/// What to write in place of a way through SUPER.
const SUPER: &str = "take the value out with `json_extract_path_text`";

/// Calls that no table can tell.
fn call(function: &Function, rewriter: &mut Rewriter) -> Option<(Expr, Type)> {
    let ignores = |clause: &FunctionArgumentClause| {
        matches!(clause, FunctionArgumentClause::IgnoreOrRespectNulls(NullTreatment::IgnoreNulls))
    };
    let within = matches!(&function.args, FunctionArguments::List(list) if list.clauses.iter().any(ignores));
    if within || function.null_treatment == Some(NullTreatment::IgnoreNulls) {
        rewriter.missing(function.name.span(), "IGNORE NULLS");
    }
    let values = arguments(function)?;
    let name = name_of(function);
    if !function.within_group.is_empty() || name == "listagg" {
        return Some(expr::within_group(function, rewriter));
    }
    Some(match (name.as_str(), values.as_slice()) {
        ("dateadd" | "date_add", [part, count, moment]) => dates::add(part, count, moment, function, rewriter),
        ("datediff" | "date_diff", [part, from, to]) => dates::difference(part, from, to, function, rewriter),
        ("date_trunc", [part, moment]) => dates::trunc(part, moment, function, rewriter),
        ("date_part", [part, moment]) => dates::part_of(part, moment, function, rewriter),
        ("convert_timezone", [to, moment]) => convert_timezone(None, to, moment, rewriter),
        ("convert_timezone", [from, to, moment]) => convert_timezone(Some(from), to, moment, rewriter),
        ("next_day", [day, name]) => dates::next_day(day, name, rewriter),
        ("decode", [value, rest @ ..]) if rest.len() > 1 => decode(value, rest, rewriter),
        ("concat", [one, other]) => {
            let (mut one, mut other) = (one.clone(), other.clone());
            let texts = [rewriter.expr(&mut one), rewriter.expr(&mut other)];
            let text = if texts == [Type::Text, Type::Text] { "x || y" } else { "cast(x as text) || cast(y as text)" };
            (build(text, &[("x", &one), ("y", &other)]), Type::Text)
        }
        ("median", [value]) => expr::median(value, function, rewriter),
        ("substring" | "substr", [text, rest @ ..]) if (1..3).contains(&rest.len()) => {
            expr::substring(text, rest, rewriter)
        }
        ("strtol", [text, base]) => {
            let mut text = text.clone();
            rewriter.expr(&mut text);
            let done = match whole(base) {
                Some(10) => "cast(x as bigint)",
                Some(16) => "cast(cast('x' || lpad(regexp_replace(x, '^0[xX]', ''), 16, '0') as bit(64)) as bigint)",
                Some(2) => "cast(cast(lpad(x, 64, '0') as bit(64)) as bigint)",
                _ => {
                    rewriter.missing(base.span(), "STRTOL in this base");
                    "x"
                }
            };
            (build(done, &[("x", &text)]), Type::Int)
        }
        ("regexp_replace", [text, pattern]) => regexp_replace(text, pattern, None, rewriter),
        ("regexp_replace", [text, pattern, with]) => regexp_replace(text, pattern, Some(with), rewriter),
        ("regexp_substr", [text, pattern]) => {
            // Empty text where nothing is found.
            let done = "case when x is not null then coalesce((regexp_match(x, '(' || y || ')'))[1], '') end";
            pattern_call(done, text, pattern, Type::Text, rewriter)
        }
        ("regexp_count", [text, pattern]) => {
            pattern_call("(select count(*) from regexp_matches(x, y, 'g'))", text, pattern, Type::Int, rewriter)
        }
        ("trunc", [value]) if names_a_moment(value) => {
            let mut value = value.clone();
            match rewriter.expr(&mut value) {
                Type::TimestampTz => (build("cast(x at time zone 'UTC' as date)", &[("x", &value)]), Type::Date),
                kind if kind.is_number() => (build("trunc(x)", &[("x", &value)]), kind),
                _ => (build("cast(x as date)", &[("x", &value)]), Type::Date),
            }
        }
        _ => return None,
    })
}

/// Every match is replaced; `$1` is a group of it.
fn regexp_replace(text: &Expr, pattern: &Expr, with: Option<&Expr>, rewriter: &mut Rewriter) -> (Expr, Type) {
    let (mut text, mut pattern) = (text.clone(), pattern.clone());
    rewriter.expr(&mut text);
    rewriter.expr(&mut pattern);
    check_pattern(&pattern, rewriter);
    let with = match with.map(|with| (with, text_of(with))) {
        None => Expr::value(Value::SingleQuotedString(String::new())),
        Some((_, Some(with))) => {
            if with.contains("$0") {
                rewriter.missing(pattern.span(), "replacement by all that was found");
            }
            let groups = with.replace('\\', "\\\\").replace('$', "\\");
            Expr::value(Value::SingleQuotedString(groups))
        }
        Some((with, None)) => {
            rewriter.missing(with.span(), "replacement that is no text");
            with.clone()
        }
    };
    (build("regexp_replace(x, y, z, 'g')", &[("x", &text), ("y", &pattern), ("z", &with)]), Type::Text)
}

fn pattern_call(done: &str, text: &Expr, pattern: &Expr, kind: Type, rewriter: &mut Rewriter) -> (Expr, Type) {
    let (mut text, mut pattern) = (text.clone(), pattern.clone());
    rewriter.expr(&mut text);
    rewriter.expr(&mut pattern);
    check_pattern(&pattern, rewriter);
    (build(done, &[("x", &text), ("y", &pattern)]), kind)
}

/// Both read POSIX patterns, but for a few marks.
fn check_pattern(pattern: &Expr, rewriter: &mut Rewriter) {
    match text_of(pattern) {
        None => rewriter.missing(pattern.span(), "pattern that is no text"),
        Some(text) if text.contains("[[:<:]]") || text.contains("\\1") => {
            rewriter.missing(pattern.span(), "this pattern");
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_understood() {
        Functions::read(concat!(include_str!("redshift.txt"), include_str!("shared.txt"))).expect("each line");
    }
}
