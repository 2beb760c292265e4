use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rquickjs::context::EvalOptions;
use rquickjs::function::Rest;
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Exception, Function, Object, Persistent, Runtime, Value};

use crate::action::Reference;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, did_you_mean};
use crate::files::{SourceFile, Sources, Span};
use crate::project::Project;
use crate::template::generated::Generated;
use crate::template::scope::{REF_ARGUMENTS, Scope, Use};

/// For each piece of a project's code that runs.
const TIME_LIMIT: Duration = Duration::from_secs(2);
/// The same once a piece has reached its limit: a thousand models may call what does not end.
const TIME_LIMIT_AFTERWARDS: Duration = Duration::from_millis(50);
const MEMORY_LIMIT: usize = 256 << 20;
const STACK_LIMIT: usize = 1 << 20;

/// The sandbox in which a project's JavaScript runs: no files, no network, no processes; time and memory have limits.
pub(super) struct Engine {
    context: Context,
    current: Rc<RefCell<Option<Arc<Scope>>>>,
    deadline: Rc<Cell<Instant>>,
    /// Whether a piece has reached its limit.
    has_overrun: Cell<bool>,
    /// The names of the includes.
    includes: Vec<String>,
    /// All code that was run. Its index is part of the name that it has in stack traces.
    code: RefCell<Vec<Rc<Generated>>>,
}

/// A function that gives the text of one placeholder.
pub(super) type Thunk = Persistent<Function<'static>>;

impl Engine {
    /// Starts the engine and runs the includes, whose exports become globals under the name of their file.
    pub(super) fn start(project: &Project) -> (Self, Diagnostics) {
        let runtime = Runtime::new().expect("the engine starts unless memory is out");
        runtime.set_memory_limit(MEMORY_LIMIT);
        runtime.set_max_stack_size(STACK_LIMIT);
        let deadline = Rc::new(Cell::new(Instant::now() + TIME_LIMIT));
        let seen = Rc::clone(&deadline);
        runtime.set_interrupt_handler(Some(Box::new(move || Instant::now() > seen.get())));
        let context = Context::full(&runtime).expect("the engine starts unless memory is out");
        let engine = Self {
            context,
            current: Rc::default(),
            deadline,
            has_overrun: Cell::new(false),
            includes: project.includes.iter().map(|id| project.sources.get(*id).stem().to_owned()).collect(),
            code: RefCell::default(),
        };
        let mut diagnostics = Diagnostics::default();
        engine.set_up(project);
        let sources = &project.sources;
        let files: Vec<&SourceFile> = project.includes.iter().map(|id| sources.get(*id)).collect();
        // All are known before the first one runs, so that each may require each.
        let readable: Vec<&SourceFile> = files
            .into_iter()
            .filter(|file| {
                let read = engine.define_include(file, sources);
                let is_readable = read.is_ok();
                diagnostics.extend(read.err());
                is_readable
            })
            .collect();
        for file in readable {
            diagnostics.extend(engine.load_include(file, sources).err());
        }
        engine.context.with(|ctx| {
            let _ = ctx.eval::<(), _>(ATTACH_INCLUDES).catch(&ctx);
        });
        (engine, diagnostics)
    }

    /// Puts the functions of the language and the settings into the engine.
    fn set_up(&self, project: &Project) {
        let prepared = self.context.with(|ctx| {
            let host = Object::new(ctx.clone())?;
            let function = |name: &str, call: fn(&Scope) -> Result<String, String>| {
                let current = Rc::clone(&self.current);
                let function = Function::new(ctx.clone(), move |ctx: Ctx<'_>| with_scope(&current, &ctx, call))?;
                host.set(name, function.with_name(name)?)
            };
            function("self", |scope| scope.this("self").map(|this| this.relation.clone()))?;
            function("name", |scope| scope.this("name").map(|this| this.name.clone()))?;
            function("schema", |scope| scope.this("schema").map(|this| this.schema.clone()))?;
            function("database", |scope| scope.this("database").map(|this| this.database.clone()))?;
            let current = Rc::clone(&self.current);
            let incremental =
                Function::new(ctx.clone(), move || current.borrow().as_ref().is_some_and(|scope| scope.incremental))?;
            host.set("incremental", incremental)?;
            for (name, is_dependency) in [("ref", true), ("resolve", false)] {
                let current = Rc::clone(&self.current);
                let function = Function::new(ctx.clone(), move |ctx: Ctx<'_>, arguments: Rest<Value<'_>>| {
                    with_scope(&current, &ctx, |scope| {
                        let (reference, with_assertions) = read_reference(&arguments.0).ok_or(REF_ARGUMENTS)?;
                        scope.refer(Use { reference, is_dependency, with_assertions })
                    })
                })?;
                host.set(name, function.with_name(name)?)?;
            }
            ctx.globals().set("__context", host)?;
            ctx.globals().set("__settings", settings_json(project))?;
            ctx.eval::<(), _>(PRELUDE)
        });
        debug_assert!(prepared.is_ok(), "{prepared:?}");
    }

    fn define_include(&self, file: &SourceFile, sources: &Sources) -> Result<(), Diagnostic> {
        let mut code = Generated::default();
        code.push(&format!("__define({}, function (module, exports, require) {{\n", json(file.path())));
        code.copy(file, file.whole());
        code.push("\n})");
        self.run(file.path(), code, sources, &[file.whole()], |_, _| Ok(()))
    }

    fn load_include(&self, file: &SourceFile, sources: &Sources) -> Result<(), Diagnostic> {
        let mut code = Generated::default();
        code.push(&format!("__load({})", json(file.path())));
        self.run(file.path(), code, sources, &[file.whole()], |_, _| Ok(()))
    }

    /// The value of an expression, as JSON text; `undefined` gives `null`.
    pub(super) fn json(&self, file: &SourceFile, sources: &Sources, span: Span) -> Result<String, Diagnostic> {
        let mut code = Generated::default();
        code.push("\"use strict\"; __json((");
        code.copy(file, span);
        code.push("\n))");
        self.run(file.path(), code, sources, &[span], |_, value| value.get::<String>())
    }

    /// A function for each expression; all of them see what the `js {}` blocks declare.
    pub(super) fn thunks(
        &self,
        file: &SourceFile,
        sources: &Sources,
        js: &[Span],
        expressions: &[Span],
    ) -> Result<Vec<Thunk>, Diagnostic> {
        let mut code = Generated::default();
        code.push(
            "(function (ctx, self, ref, resolve, name, schema, database, incremental, when) { return (function () {\n",
        );
        for span in js {
            code.copy(file, *span);
            code.push("\n");
        }
        code.push("return [");
        for span in expressions {
            code.push("() => __printed`${");
            code.copy(file, *span);
            code.push("\n}`,\n");
        }
        code.push("]; })() })(...__arguments())");
        // The expressions are only read here, not yet evaluated: what fails without a place is in a `js {}` block.
        let evaluated: Vec<Span> = js.iter().chain(expressions).copied().collect();
        self.run(file.path(), code, sources, &evaluated, |ctx, value| {
            let functions: Vec<Function<'_>> = value.get()?;
            Ok(functions.into_iter().map(|function| Persistent::save(ctx, function)).collect())
        })
    }

    /// The text of a placeholder that stands at `span`, and a warning if the text is one that nobody means.
    pub(super) fn call(
        &self,
        thunk: &Thunk,
        sources: &Sources,
        span: Span,
    ) -> Result<(String, Option<Diagnostic>), Diagnostic> {
        self.start_clock();
        let printed: Vec<String> = self.context.with(|ctx| {
            let result = thunk.clone().restore(&ctx).and_then(|function| function.call(()));
            result.catch(&ctx).map_err(|error| self.diagnose(&error, sources, &[span]))
        })?;
        let mut printed = printed.into_iter();
        let text = printed.next().unwrap_or_default();
        Ok((text, printed.next().map(|value| unprintable(&value, span))))
    }

    /// What the functions know from now on.
    pub(super) fn enter(&self, scope: &Arc<Scope>) {
        *self.current.borrow_mut() = Some(Arc::clone(scope));
    }

    fn start_clock(&self) {
        let limit = if self.has_overrun.get() { TIME_LIMIT_AFTERWARDS } else { TIME_LIMIT };
        self.deadline.set(Instant::now() + limit);
    }

    /// Runs code made of the pieces `evaluated`, at the first of which an error is shown that has no place of its own.
    fn run<T>(
        &self,
        name: &str,
        code: Generated,
        sources: &Sources,
        evaluated: &[Span],
        take: impl for<'js> FnOnce(&Ctx<'js>, Value<'js>) -> rquickjs::Result<T>,
    ) -> Result<T, Diagnostic> {
        self.start_clock();
        let code = Rc::new(code);
        let number = self.code.borrow().len();
        let name = format!("{name}#{number}");
        self.code.borrow_mut().push(Rc::clone(&code));
        self.context.with(|ctx| {
            let mut options = EvalOptions::default();
            options.strict = false;
            options.filename = Some(name);
            let result =
                ctx.eval_with_options::<Value<'_>, _>(code.text(), options).and_then(|value| take(&ctx, value));
            result.catch(&ctx).map_err(|error| self.diagnose(&error, sources, evaluated))
        })
    }

    /// What was thrown, with its place: in one of the pieces `evaluated`, or in something that these called.
    fn diagnose(&self, error: &CaughtError<'_>, sources: &Sources, evaluated: &[Span]) -> Diagnostic {
        let (message, stack) = match error {
            CaughtError::Exception(exception) => (worded(exception), exception.stack().unwrap_or_default()),
            CaughtError::Value(value) => (
                value
                    .as_string()
                    .and_then(|text| text.to_string().ok())
                    .unwrap_or_else(|| "a value was thrown".to_owned()),
                String::new(),
            ),
            CaughtError::Error(error) => (error.to_string(), String::new()),
        };
        let places: Vec<Span> = stack.lines().filter_map(|line| self.frame(line)).collect();
        let is_evaluated = |place: &Span| {
            let around = |span: &Span| span.file == place.file && span.start <= place.start && place.end <= span.end;
            evaluated.iter().any(around)
        };
        let call = places.iter().copied().find(is_evaluated).or(evaluated.first().copied());
        let definition = places.first().copied().filter(|first| !is_evaluated(first));
        let (diagnostic, thrown) = if message == "interrupted" {
            self.has_overrun.set(true);
            let text = format!("this ran for more than {} seconds", TIME_LIMIT.as_secs());
            let diagnostic = Diagnostic::error(Code::JavascriptLimit, text).help("look for a loop that does not end");
            (diagnostic, "still running here")
        } else if message.contains("out of memory") {
            let text = format!("this took more than {} MiB of memory", MEMORY_LIMIT >> 20);
            let diagnostic =
                Diagnostic::error(Code::JavascriptLimit, text).help("look for a loop that makes more and more");
            (diagnostic, "here")
        } else if message.contains("call stack size exceeded") {
            let text = "functions call each other too deeply";
            let help = "look for a function that calls itself without an end";
            (Diagnostic::error(Code::JavascriptLimit, text).help(help), "here")
        } else if let Some((name, near)) = call.and_then(|call| no_function(error, &message, call, sources)) {
            let message = format!("`{name}` is not a function");
            (Diagnostic::error(Code::InvalidJavascript, message).maybe_help(near), "thrown here")
        } else {
            let text = call.map(|call| sources.text(call)).unwrap_or_default();
            let help = self.help_with(&message, evaluated.first().map_or(text, |span| sources.text(*span)));
            (Diagnostic::error(Code::InvalidJavascript, message).maybe_help(help), "thrown here")
        };
        match (call, definition) {
            (Some(call), Some(definition)) => diagnostic.at(call, "called here").at(definition, thrown),
            (Some(place), None) | (None, Some(place)) => diagnostic.at(place, ""),
            (None, None) => diagnostic,
        }
    }

    /// What to do about an error of the engine in the code `text`.
    fn help_with(&self, message: &str, text: &str) -> Option<String> {
        if text.contains("var(") {
            let help = "`var` is a keyword of JavaScript; a variable of the project is \
                        `dataform.projectConfig.vars.name`, or `{{ var(\"name\") }}` in Jinja";
            return Some(help.to_owned());
        }
        if message.starts_with("cannot find module") {
            let help = "what can be required are the files of `includes/`; packages, files and the network are out of \
                        reach";
            return Some(help.to_owned());
        }
        let name = message.strip_suffix(" is not defined")?.trim_matches('`');
        if ["process", "fetch", "setTimeout", "Buffer", "XMLHttpRequest"].contains(&name) {
            return Some("code in a project has no access to files, the network or the process".to_owned());
        }
        if ["publish", "operate", "assert", "declare"].contains(&name) {
            return Some("an action is made by a `.sqlx` file under `definitions/`".to_owned());
        }
        let scope = self.current.borrow().clone();
        let known = |name: &str| {
            scope.as_ref().is_some_and(|scope| scope.catalog.names.find(&Reference::named(name)).next().is_some())
        };
        if text.contains(&format!("ref({name}")) || text.contains(&format!("resolve({name}")) || known(name) {
            return Some(format!("the name of an action is a string: `ref(\"{name}\")`"));
        }
        did_you_mean(name, FUNCTIONS.into_iter().chain(self.includes.iter().map(String::as_str)))
    }

    /// The place of a line of a stack trace: `at f (includes/x.js:3:10)`.
    fn frame(&self, line: &str) -> Option<Span> {
        let line = line.trim().trim_end_matches(')');
        let place = line.rsplit(['(', ' ']).next()?;
        let mut parts = place.rsplitn(3, ':');
        let column = parts.next()?.parse().ok()?;
        let line = parts.next()?.parse().ok()?;
        let number: usize = parts.next()?.rsplit('#').next()?.parse().ok()?;
        let code = Rc::clone(self.code.borrow().get(number)?);
        code.origin(line, column)
    }
}

/// A `value` that has no text of its own: `undefined`, `null` or `object`.
fn unprintable(value: &str, span: Span) -> Diagnostic {
    let (what, word, help) = match value {
        "object" => ("an object", "`[object Object]`", "name what is meant: `x.name`, `JSON.stringify(x)`"),
        "null" => ("`null`", "that word", "give a string: `\"null\"` if SQL's NULL is meant, `\"\"` if nothing is"),
        _ => ("`undefined`", "that word", "see how it is spelt; if it may be missing, give a default: `x ?? \"\"`"),
    };
    let message = format!("this is {what}, and {word} becomes a part of the SQL");
    Diagnostic::warning(Code::UnprintableValue, message).at(span, "").help(help)
}

/// The message of an exception. Those of the engine itself are worded as trueup's own.
fn worded(exception: &Exception<'_>) -> String {
    let message = exception.message().unwrap_or_default();
    if let Some(name) = message.strip_suffix(" is not defined").filter(|name| !name.contains(' ')) {
        return format!("`{}` is not defined", name.trim_matches('\''));
    }
    let class: Option<String> = exception.as_object().get("name").ok();
    let mut letters = message.chars();
    match letters.next() {
        Some(first) if class.as_deref() == Some("SyntaxError") => {
            first.to_lowercase().collect::<String>() + letters.as_str()
        }
        _ => message,
    }
}

/// What was called at `call` although it is no function, with the near functions of the object that it was looked for in.
fn no_function(
    error: &CaughtError<'_>,
    message: &str,
    call: Span,
    sources: &Sources,
) -> Option<(String, Option<String>)> {
    let CaughtError::Exception(exception) = error else { return None };
    if message != "not a function" {
        return None;
    }
    let is_part = |char: char| char.is_alphanumeric() || "_$.".contains(char);
    let text = sources.get(call.file).text();
    let before = text.get(..call.range().start)?;
    let start = before.trim_end_matches(is_part).len();
    let after = text.get(start..)?;
    let name = &after[..after.find(|char| !is_part(char)).unwrap_or(after.len())];
    let (object, function) = name.rsplit_once('.')?;
    let object: Option<Object<'_>> = exception.as_object().ctx().globals().get(object).ok();
    let known: Vec<String> = object.iter().flat_map(|object| object.keys::<String>().flatten()).collect();
    Some((name.to_owned(), did_you_mean(function, known.iter().map(String::as_str))))
}

fn with_scope<T>(
    current: &RefCell<Option<Arc<Scope>>>,
    ctx: &Ctx<'_>,
    call: impl FnOnce(&Scope) -> Result<T, String>,
) -> rquickjs::Result<T> {
    let scope = current.borrow().clone();
    let result = scope.map_or_else(|| Err("this function has no meaning here".to_owned()), |scope| call(&scope));
    result.map_err(|message| Exception::throw_type(ctx, &message))
}

/// `ref("name")`, `ref("schema", "name")`, `ref(["schema", "name"])`, `ref({ schema, name })`; see Dataform's own rules.
fn read_reference(arguments: &[Value<'_>]) -> Option<(Reference, Option<bool>)> {
    let strings = |values: &mut dyn Iterator<Item = Option<String>>| values.collect::<Option<Vec<String>>>();
    let text = |value: &Value<'_>| value.as_string().and_then(|text| text.to_string().ok());
    if let [single] = arguments {
        if let Some(array) = single.as_array() {
            let parts = strings(&mut array.iter::<Value<'_>>().map(|item| item.ok().as_ref().and_then(text)))?;
            return Some((Reference::from_parts(parts)?, None));
        }
        if let Some(object) = single.as_object().filter(|_| !single.is_string()) {
            let field = |names: [&str; 2]| {
                names.iter().find_map(|name| object.get::<_, Value<'_>>(*name).ok().as_ref().and_then(text))
            };
            let name = object.get::<_, Value<'_>>("name").ok().as_ref().and_then(text)?;
            let (schema, database) = (field(["schema", "dataset"]), field(["database", "project"]));
            let with = object.get::<_, Option<bool>>("includeDependentAssertions").ok().flatten();
            return Some((Reference { database, schema, name }, with));
        }
    }
    let parts = strings(&mut arguments.iter().map(text))?;
    Some((Reference::from_parts(parts)?, None))
}

/// The functions that JavaScript has in SQL.
const FUNCTIONS: [&str; 8] = ["ref", "resolve", "self", "name", "schema", "database", "incremental", "when"];

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `dataform.projectConfig`, under the names that Dataform has for them.
fn settings_json(project: &Project) -> String {
    let settings = &project.settings;
    let naming = project.naming();
    let defaults = &settings.defaults;
    let mut config = serde_json::Map::new();
    config.insert("warehouse".to_owned(), settings.dialect.name().into());
    for (key, value) in [
        ("defaultDatabase", &defaults.database),
        ("defaultSchema", &defaults.schema),
        ("defaultLocation", &defaults.location),
        ("assertionSchema", &defaults.assertion_schema),
        ("databaseSuffix", &naming.database_suffix),
        ("schemaSuffix", &naming.schema_suffix),
        ("tablePrefix", &naming.name_prefix),
    ] {
        if let Some(value) = value {
            config.insert(key.to_owned(), value.as_str().into());
        }
    }
    let vars = settings.vars.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
    config.insert("vars".to_owned(), serde_json::Value::Object(vars.collect()));
    serde_json::Value::Object(config).to_string()
}

/// `when` is here and not in Rust because it passes on values of any kind.
const PRELUDE: &str = r#"(() => {
    globalThis.global = globalThis;
    globalThis.console = { log() {}, info() {}, warn() {}, error() {}, debug() {} };
    globalThis.dataform = { projectConfig: JSON.parse(__settings) };
    __context.when = (condition, yes, no = "") => condition ? yes : no;
    globalThis.__arguments = () => {
        const c = __context;
        return [c, c.self, c.ref, c.resolve, c.name, c.schema, c.database, c.incremental, c.when];
    };
    // The text of a placeholder, and what its value is if that has no text of its own.
    globalThis.__printed = (_, value) => {
        const text = `${value}`;
        if (value === undefined || value === null) return [text, text];
        return typeof value === "object" && text.includes("[object Object]") ? [text, "object"] : [text];
    };
    globalThis.__json = (value) => JSON.stringify(value) ?? "null";
    const files = Object.create(null);
    globalThis.__define = (path, run) => { files[path] = { run, module: null }; };
    // In a circle of files each sees what the other has exported so far. What failed is not run again.
    globalThis.__load = (path) => {
        const file = files[path];
        if (!file.module) {
            file.module = { exports: {} };
            file.run(file.module, file.module.exports, requireFrom(path.replace(/[^/]*$/, "")));
        }
        return file.module.exports;
    };
    // A path counts from the file that requires it if it starts with a dot, else from the project's root. A `.sqlx` file
    // may stand anywhere, so its `../` leads to the root.
    const requireFrom = (folder) => (path) => {
        const parts = [];
        for (const part of (String(path).startsWith(".") ? folder + path : String(path)).split("/")) {
            if (part === "..") parts.pop();
            else if (part !== ".") parts.push(part);
        }
        const file = parts.join("/").replace(/\.js$/, "") + ".js";
        if (!(file in files)) throw new Error(`cannot find module \`${path}\``);
        return __load(file);
    };
    globalThis.require = requireFrom("");
    globalThis.__attach = () => {
        for (const path in files) {
            const name = /^includes\/([^/]*)\.[^/]*$/.exec(path)?.[1];
            if (name) globalThis[name] = files[path].module?.exports;
        }
    };
})()"#;

/// After all of them have run, as Dataform does it.
const ATTACH_INCLUDES: &str = "__attach()";
