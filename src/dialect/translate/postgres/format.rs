//! The models of `to_char`, `to_date`, `to_timestamp` and `to_number`.

use sqlparser::ast::{Expr, Function, Spanned, Value};

use super::dates::moment;
use super::expr::{name_of, text_of};
use crate::dialect::translate::functions::build;
use crate::dialect::translate::rewrite::Rewriter;
use crate::dialect::translate::types::Type;

/// A field of a model of moments, longest first where one begins another, with what `strftime` calls it. Those without a
/// word there are code.
const FIELDS: &[(&str, &str)] = &[
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("HH", "%I"),
    ("MI", "%M"),
    ("SSSSS", ""),
    ("SSSS", ""),
    ("SS", "%S"),
    ("MS", "%g"),
    ("US", "%f"),
    ("YYYY", "%Y"),
    ("YY", "%y"),
    ("IYYY", "%G"),
    ("IDDD", ""),
    ("IW", "%V"),
    ("ID", "%u"),
    ("MONTH", "%B"),
    ("MON", "%b"),
    ("MM", "%m"),
    ("DAY", "%A"),
    ("DDD", "%j"),
    ("DD", "%d"),
    ("DY", "%a"),
    ("D", ""),
    ("WW", ""),
    ("W", ""),
    ("Q", ""),
    ("AM", "%p"),
    ("PM", "%p"),
    ("Y,YYY", ""),
    ("YYY", ""),
    ("Y", ""),
    ("IYY", ""),
    ("IY", ""),
    ("I", ""),
    ("A.M.", ""),
    ("P.M.", ""),
    ("A.D.", ""),
    ("B.C.", ""),
    ("AD", ""),
    ("BC", ""),
    ("CC", ""),
    ("J", ""),
    ("RM", ""),
    ("TZH", ""),
    ("TZM", ""),
    ("TZ", ""),
    ("OF", ""),
];

/// A piece of a model of moments.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(String),
    Field { name: &'static str, strftime: &'static str, written: &'a str, padded: bool },
}

/// The pieces of a model. `None` if it holds an ordinal (`DDth`).
fn pieces(model: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = model;
    let mut padded = true;
    while let Some(letter) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("FM").or_else(|| rest.strip_prefix("fm")) {
            (rest, padded) = (after, false);
            continue;
        }
        let starts = |name: &str| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        if let Some((name, strftime)) =
            FIELDS.iter().filter(|(name, _)| starts(name)).max_by_key(|(name, _)| name.len())
        {
            let (written, after) = rest.split_at(name.len());
            if after.get(..2).is_some_and(|suffix| suffix.eq_ignore_ascii_case("th")) {
                return None;
            }
            pieces.push(Piece::Field { name, strftime, written, padded });
            (rest, padded) = (after, true);
        } else if let Some((quoted, after)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            pieces.push(Piece::Text(quoted.to_owned()));
            rest = after;
        } else {
            match pieces.last_mut() {
                Some(Piece::Text(text)) => text.push(letter),
                _ => pieces.push(Piece::Text(letter.to_string())),
            }
            rest = &rest[letter.len_utf8()..];
        }
    }
    Some(pieces)
}

fn text(text: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(text.to_owned()))
}

fn missing_model(model: &Expr, function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let place = if model.span().start.line == 0 { function.name.span() } else { model.span() };
    rewriter.missing(place, &format!("model {model} of `{}`", name_of(function)));
    (Expr::Function(function.clone()), Type::Text)
}

/// `to_char(value, model)`, for a moment or a number.
pub(super) fn to_char(value: &Expr, model: &Expr, function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let Some(written) = text_of(model) else { return missing_model(model, function, rewriter) };
    let (value, kind) = moment(value.clone(), rewriter);
    let of_number = kind.is_number()
        || kind == Type::Unknown
            && written.chars().all(|letter| "90.,DGFMS$L ".contains(letter.to_ascii_uppercase()))
            && written.contains(['9', '0']);
    let done = if of_number { number(&value, written) } else { instant(&value, written) };
    match done {
        Some(done) if kind != Type::Interval => (done, Type::Text),
        _ => missing_model(model, function, rewriter),
    }
}

/// A moment by a model.
fn instant(value: &Expr, model: &str) -> Option<Expr> {
    let mut parts: Vec<Expr> = Vec::new();
    let mut plain = String::new();
    for piece in pieces(model)? {
        let code = match &piece {
            Piece::Text(text) => {
                plain.push_str(&text.replace('%', "%%"));
                continue;
            }
            Piece::Field { name, strftime, written, padded } => match field(name, strftime, written, *padded)? {
                Code::Strftime(word) => {
                    plain.push_str(&word);
                    continue;
                }
                Code::Expr(code) => code,
            },
        };
        if !plain.is_empty() {
            parts.push(build("strftime(x, y)", &[("x", value), ("y", &text(&std::mem::take(&mut plain)))]));
        }
        parts.push(build(&code, &[("x", value)]));
    }
    if !plain.is_empty() || parts.is_empty() {
        parts.push(build("strftime(x, y)", &[("x", value), ("y", &text(&plain))]));
    }
    parts.into_iter().reduce(|left, right| build("x || y", &[("x", &left), ("y", &right)]))
}

enum Code {
    Strftime(String),
    Expr(String),
}

fn field(name: &str, strftime: &str, written: &str, padded: bool) -> Option<Code> {
    let is_name = matches!(name, "MONTH" | "DAY" | "MON" | "DY" | "AM" | "PM");
    if is_name {
        let first_two: Vec<bool> = written.chars().take(2).map(char::is_uppercase).collect();
        let mut code = format!("strftime(x, '{strftime}')");
        match first_two.as_slice() {
            [true, true] if matches!(name, "AM" | "PM") => {}
            [true, true] => code = format!("upper({code})"),
            [true, false] => {}
            _ => code = format!("lower({code})"),
        }
        // Blanks up to the length of `September` and `Wednesday`.
        if padded && matches!(name, "MONTH" | "DAY") {
            return Some(Code::Expr(format!("rpad({code}, 9, ' ')")));
        }
        return Some(if code.starts_with("strftime") { Code::Strftime(strftime.to_owned()) } else { Code::Expr(code) });
    }
    if !strftime.is_empty() {
        let bare = !padded && matches!(name, "HH24" | "HH12" | "HH" | "MI" | "SS" | "MM" | "DD" | "DDD");
        return Some(Code::Strftime(if bare { strftime.replace('%', "%-") } else { strftime.to_owned() }));
    }
    let code = match name {
        // 1 is Sunday.
        "D" => "cast(date_part('dow', x) + 1 as varchar)",
        "Q" => "cast(date_part('quarter', x) as varchar)",
        "W" => "cast((date_part('day', x) - 1) // 7 + 1 as varchar)",
        "WW" if padded => "lpad(cast((date_part('doy', x) - 1) // 7 + 1 as varchar), 2, '0')",
        "WW" => "cast((date_part('doy', x) - 1) // 7 + 1 as varchar)",
        "SSSS" | "SSSSS" => {
            "cast(date_part('hour', x) * 3600 + date_part('minute', x) * 60 + date_part('second', x) as varchar)"
        }
        _ => return None,
    };
    Some(Code::Expr(code.to_owned()))
}

/// A number by a model of nines, noughts, a point and commas.
fn number(value: &Expr, model: &str) -> Option<Expr> {
    let upper = model.to_ascii_uppercase();
    let (fill, upper) = match upper.strip_prefix("FM") {
        Some(rest) => (false, rest.to_owned()),
        None => (true, upper),
    };
    let (prefix, upper) = match upper.strip_prefix('$') {
        Some(rest) if !fill => ("$", rest.to_owned()),
        _ => ("", upper),
    };
    let upper = upper.replace('G', ",").replace('D', ".");
    let (whole, part) = upper.split_once('.').unwrap_or((&upper, ""));
    let digits = |text: &str| text.chars().filter(|letter| matches!(letter, '9' | '0')).count();
    if whole.chars().any(|letter| !"90,".contains(letter)) || part.chars().any(|letter| !"90".contains(letter)) {
        return None;
    }
    let least = whole.find('0').map_or(0, |first| digits(&whole[first..]));
    let grouped = whole.contains(',');
    let regular = whole.rsplit(',').enumerate().all(|(place, group)| {
        group.len() == 3 || place + 1 == whole.split(',').count() && (1..4).contains(&group.len())
    });
    if grouped && (!regular || least > 1) || digits(whole) == 0 || digits(whole) > 18 || part.len() > 10 {
        return None;
    }
    let scale = part.len();
    let kept = part.rfind('0').map_or(0, |last| last + 1);
    let fixed = format!("cast(cast(abs(x) as decimal(38, {scale})) as varchar)");
    let int = format!("split_part({fixed}, '.', 1)");
    let mut shown = if grouped { format!("format('{{:,}}', cast({int} as bigint))") } else { int.clone() };
    if least > 1 {
        shown = format!("case when length({int}) < {least} then lpad({int}, {least}, '0') else {int} end");
    }
    if least == 0 && scale > 0 {
        shown = format!("case when {int} = '0' then '' else {shown} end");
    }
    let decimals = if scale == 0 {
        String::new()
    } else if fill || kept == scale {
        format!(" || '.' || split_part({fixed}, '.', 2)")
    } else {
        format!(" || '.' || regexp_replace(split_part({fixed}, '.', 2), '0{{0,{}}}$', '')", scale - kept)
    };
    let sign = format!("case when x < 0 and cast(abs(x) as decimal(38, {scale})) <> 0 then '-' else '' end");
    let too_large = format!("length({int}) > {}", digits(whole));
    let hashes = format!("{}{}", if fill { " " } else { "" }, upper.replace(['9', '0'], "#"));
    let body = format!("({sign} || '{prefix}' || ({shown}){decimals})");
    let body = if fill { format!("lpad({body}, {}, ' ')", upper.len() + 1) } else { body };
    Some(build(&format!("case when {too_large} then '{hashes}' else {body} end"), &[("x", value)]))
}

/// The model as `strptime` has it.
fn strptime(model: &str) -> Option<String> {
    let mut format = String::new();
    for piece in pieces(model)? {
        match piece {
            Piece::Text(text) => format.push_str(&text.replace('%', "%%")),
            Piece::Field { name, strftime, .. } => {
                if strftime.is_empty() || matches!(name, "IYYY" | "IW" | "ID") {
                    return None;
                }
                format.push_str(strftime);
            }
        }
    }
    Some(format)
}

fn read(value: &Expr, model: &Expr, rewriter: &mut Rewriter) -> Option<Expr> {
    let format = strptime(text_of(model)?)?;
    let mut value = value.clone();
    let kind = rewriter.expr(&mut value);
    if kind != Type::Text {
        value = build("cast(x as varchar)", &[("x", &value)]);
    }
    Some(build("strptime(x, y)", &[("x", &value), ("y", &text(&format))]))
}

/// `to_date(text, model)`.
pub(super) fn to_date(value: &Expr, model: &Expr, function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    match read(value, model, rewriter) {
        Some(moment) => (build("cast(x as date)", &[("x", &moment)]), Type::Date),
        None => missing_model(model, function, rewriter),
    }
}

/// `to_timestamp(text, model)`: a moment of the zone UTC.
pub(super) fn to_timestamp(value: &Expr, model: &Expr, function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    match read(value, model, rewriter) {
        Some(moment) => (build("x at time zone 'UTC'", &[("x", &moment)]), Type::TimestampTz),
        None => missing_model(model, function, rewriter),
    }
}

/// `to_number(text, model)`.
pub(super) fn to_number(value: &Expr, model: &Expr, function: &Function, rewriter: &mut Rewriter) -> (Expr, Type) {
    let model_text = text_of(model).unwrap_or_default().to_ascii_uppercase();
    if model_text.is_empty() || !model_text.chars().all(|letter| "90.,DGSLMIFPR$- ".contains(letter)) {
        return missing_model(model, function, rewriter);
    }
    let mut value = value.clone();
    rewriter.expr(&mut value);
    let decimals = model_text.split_once(['.', 'D']).map_or("", |(_, decimals)| decimals);
    let scale = decimals.chars().filter(|letter| matches!(letter, '9' | '0')).count().min(30);
    let done = format!(
        "cast(regexp_replace(x, '[^0-9.]', '', 'g') as decimal(38, {scale})) * case when x like '%-%' then -1 else 1 end"
    );
    (build(&done, &[("x", &value)]), Type::Decimal)
}
