//! The JavaScript engine: a sandbox in which the code of a project runs.

mod errors;
mod modules;
mod places;
mod running;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rquickjs::function::Rest;
use rquickjs::{CatchResultExt, Context, Ctx, Exception, Function, Object, Persistent, Runtime, Value};

use crate::action::Reference;
use crate::config::check_yaml;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::files::{SourceFile, Sources, Span};
use crate::project::{CoreVersion, Project};
use crate::template::engine::errors::MOST_FRAMES;
use crate::template::engine::modules::Modules;
use crate::template::engine::running::Running;
use crate::template::generated::Generated;
use crate::template::scope::{REF_ARGUMENTS, Scope, Use};

pub(super) use modules::normalized;
pub use running::running_longer_than;

/// For each piece of a project's code that runs.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// The same once a piece has reached its limit: a thousand models may call what does not end.
const TIME_LIMIT_AFTERWARDS: Duration = Duration::from_millis(50);
/// The same once that has happened so many times: the project is broken, and nobody reads on.
const TIME_LIMIT_AT_LAST: (u32, Duration) = (100, Duration::from_millis(5));
const MEMORY_LIMIT: usize = 256 << 20;
const STACK_LIMIT: usize = 1 << 20;
/// How long a text may be that code gives, in characters: far more than any warehouse takes.
const MOST_TEXT: usize = 16 << 20;
const MOST_ACTIONS: usize = 100_000;
/// The longest name that is looked for, in bytes.
const LONGEST_NAME: usize = 10_000;

/// What is thrown where code needs a file that has failed.
const FOLLOW_UP: &str = "this needs a file that has failed";

/// Whether it only says that a file is missing whose failure has been reported.
pub(super) fn is_follow_up(diagnostic: &Diagnostic) -> bool {
    diagnostic.message == FOLLOW_UP
}

/// What code finds in its world.
const PRELUDE: &str = include_str!("prelude.js");
/// What it writes and sorts for people.
const LOCALE: &str = include_str!("locale.js");
/// The functions that make actions.
const ACTIONS: &str = include_str!("actions.js");

/// The sandbox in which a project's JavaScript runs: it reads files of the project and nothing else; no network, no
/// processes; time and memory have limits.
pub(super) struct Engine {
    context: Context,
    sources: Arc<Sources>,
    modules: Rc<Modules>,
    current: Rc<RefCell<Option<Arc<Scope>>>>,
    /// The path of the file whose code runs: `require` and `getContents` count from there.
    file: Rc<RefCell<Arc<str>>>,
    deadline: Rc<Cell<Instant>>,
    /// How many pieces have reached their limit.
    overruns: Cell<u32>,
    /// The names of the includes.
    includes: Vec<String>,
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
        let sources = &project.sources;
        let includes: Vec<&SourceFile> = project.includes.iter().map(|id| sources.get(*id)).collect();
        let engine = Self {
            context,
            sources: Arc::clone(sources),
            modules: Rc::new(Modules::new(&project.files, sources)),
            current: Rc::default(),
            file: Rc::new(RefCell::new("".into())),
            deadline,
            overruns: Cell::new(0),
            includes: includes.iter().map(|file| file.stem().to_owned()).collect(),
        };
        let prepared = engine.set_up(project);
        debug_assert!(prepared.is_ok(), "{prepared:?}");
        let mut diagnostics = Diagnostics::default();
        // Those in deeper folders run when they are required. Names are given when all have run, as Dataform does it.
        let top: Vec<&SourceFile> = includes.into_iter().filter(|file| file.path().matches('/').count() == 1).collect();
        let failed = top.iter().filter_map(|file| engine.load(file).err());
        diagnostics.extend(failed);
        for file in top {
            let place = [file.whole().at_start()];
            let attached = engine.timed(&place, |ctx| call_host(ctx, "attach", (file.path().as_ref(),)).map(|_| ()));
            diagnostics.extend(attached.err());
        }
        let opened = engine.timed(&[], |ctx| call_host(ctx, "open", ()).map(|_| ()));
        diagnostics.extend(opened.err());
        (engine, diagnostics)
    }

    /// Puts the functions of the language and the settings into the engine.
    fn set_up(&self, project: &Project) -> Result<(), String> {
        self.context.with(|ctx| {
            let prepare = || {
                let host = Object::new(ctx.clone())?;
                host.set("context", self.context_functions(&ctx)?)?;
                host.set("settings", serde_json::Value::Object(project.dataform_config()).to_string())?;
                let current = Rc::clone(&self.current);
                let amend = move |key: String, values: String| {
                    if let Some(scope) = &*current.borrow() {
                        scope.amend(key, serde_json::from_str(&values).unwrap_or_default());
                    }
                };
                host.set("amend", Function::new(ctx.clone(), amend)?)?;
                let version = project.settings.core.unwrap_or(CoreVersion::LATEST);
                host.set("version", version.to_string())?;
                host.set("isDataform", project.settings.core.is_some())?;
                host.set("most", MOST_TEXT)?;
                host.set("followUp", FOLLOW_UP)?;
                host.set("mostActions", MOST_ACTIONS)?;
                self.file_functions(&ctx, &host)?;
                host.set("actions", ctx.eval::<Function<'_>, _>(ACTIONS)?)?;
                ctx.globals().set("__host", host)?;
                ctx.eval::<(), _>(LOCALE)?;
                ctx.eval::<(), _>(PRELUDE)
            };
            prepare().catch(&ctx).map_err(|error| error.to_string())
        })
    }

    /// `ref`, `self` and the others: what they give depends on the scope of the time.
    fn context_functions<'js>(&self, ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
        let context = Object::new(ctx.clone())?;
        let function = |name: &str, call: fn(&Scope) -> Result<String, String>| {
            let current = Rc::clone(&self.current);
            let function = Function::new(ctx.clone(), move |ctx: Ctx<'_>| with_scope(&current, &ctx, call))?;
            context.set(name, function.with_name(name)?)
        };
        function("self", Scope::own_relation)?;
        function("name", Scope::name)?;
        function("schema", Scope::schema)?;
        function("database", Scope::database)?;
        function("intervalStart", Scope::interval_start)?;
        function("intervalEnd", Scope::interval_end)?;
        let current = Rc::clone(&self.current);
        let incremental =
            Function::new(ctx.clone(), move || current.borrow().as_ref().is_some_and(|scope| scope.incremental))?;
        context.set("incremental", incremental)?;
        for (name, is_dependency) in [("ref", true), ("resolve", false)] {
            let current = Rc::clone(&self.current);
            let function = Function::new(ctx.clone(), move |ctx: Ctx<'_>, arguments: Rest<Value<'_>>| {
                with_scope(&current, &ctx, |scope| {
                    let (reference, with_assertions) = read_reference(&arguments.0).ok_or(REF_ARGUMENTS)?;
                    scope.refer(Use { reference, is_dependency, with_assertions })
                })
            })?;
            context.set(name, function.with_name(name)?)?;
        }
        Ok(context)
    }

    /// What `require` and `getContents` are made of.
    fn file_functions<'js>(&self, ctx: &Ctx<'js>, host: &Object<'js>) -> rquickjs::Result<()> {
        let file = Rc::clone(&self.file);
        host.set("file", Function::new(ctx.clone(), move || file.borrow().to_string())?)?;
        let file = Rc::clone(&self.file);
        host.set("folder", Function::new(ctx.clone(), move || folder(&file.borrow()).to_owned())?)?;
        let modules = Rc::clone(&self.modules);
        let resolve = move |ctx: Ctx<'js>, folder: String, name: String| {
            modules.resolve(&folder, &name).map_err(|message| Exception::throw_message(&ctx, &message))
        };
        host.set("resolve", Function::new(ctx.clone(), resolve)?)?;
        let modules = Rc::clone(&self.modules);
        host.set(
            "module",
            Function::new(ctx.clone(), move |ctx: Ctx<'js>, path: String| modules.function(&ctx, &path))?,
        )?;
        let modules = Rc::clone(&self.modules);
        let text = move |ctx: Ctx<'js>, path: String| {
            let text = modules.text(&path).map_err(|message| Exception::throw_message(&ctx, &message));
            text.map(|text| text.trim_start_matches('\u{feff}').to_owned())
        };
        host.set("text", Function::new(ctx.clone(), text)?)?;
        let modules = Rc::clone(&self.modules);
        let yaml = move |ctx: Ctx<'js>, path: String| {
            let read = modules.text(&path).and_then(|text| {
                let tree = check_yaml(&text).and_then(|()| serde_yaml::from_str::<serde_json::Value>(&text));
                tree.map(|tree| tree.to_string()).map_err(|error| format!("`{path}` is not YAML: {error}"))
            });
            read.map_err(|message| Exception::throw_message(&ctx, &message))
        };
        host.set("yaml", Function::new(ctx.clone(), yaml)?)?;
        let (modules, file) = (Rc::clone(&self.modules), Rc::clone(&self.file));
        let contents = move |ctx: Ctx<'js>, path: String| {
            let read = contents(&modules, &file.borrow(), &path);
            read.map_err(|message| Exception::throw_message(&ctx, &message))
        };
        host.set("contents", Function::new(ctx.clone(), contents)?)
    }

    /// From now on, code runs for this file.
    pub(super) fn enter_file(&self, file: &SourceFile) {
        *self.file.borrow_mut() = Arc::clone(file.path());
    }

    /// Runs a file of JavaScript, if it has not run before.
    pub(super) fn load(&self, file: &SourceFile) -> Result<(), Diagnostic> {
        self.enter_file(file);
        self.timed(&[file.whole()], |ctx| call_host(ctx, "load", (file.path().as_ref(),)).map(|_| ()))
    }

    /// The value of an expression, as JSON text; `undefined` gives `null`.
    pub(super) fn json(&self, file: &SourceFile, span: Span) -> Result<String, Diagnostic> {
        let mut code = Generated::default();
        code.push("__trueup.json((");
        code.copy(file, span);
        code.push("\n))");
        self.enter_file(file);
        self.run(file.path(), code, &[span], |_, value| value.get::<String>())
    }

    /// A function for each expression; all of them see what the `js {}` blocks declare.
    pub(super) fn thunks(
        &self,
        file: &SourceFile,
        js: &[Span],
        expressions: &[Span],
    ) -> Result<Vec<Thunk>, Diagnostic> {
        let mut code = Generated::default();
        code.push(
            "(function (ctx, self, ref, resolve, name, schema, database, incremental, when, EXPECT) { return (function () {\n",
        );
        for span in js {
            code.copy(file, *span);
            code.push("\n");
        }
        code.push("return [");
        for span in expressions {
            code.push("() => __trueup.printed`${");
            code.copy(file, *span);
            code.push("\n}`,\n");
        }
        code.push("]; })() })(...__trueup.arguments())");
        self.enter_file(file);
        // The expressions are only read here, not yet evaluated: what fails without a place is in a `js {}` block.
        let evaluated: Vec<Span> = js.iter().chain(expressions).copied().collect();
        self.run(file.path(), code, &evaluated, |ctx, value| {
            let functions: Vec<Function<'_>> = value.get()?;
            Ok(functions.into_iter().map(|function| Persistent::save(ctx, function)).collect())
        })
    }

    /// The text of a placeholder that stands at `span`, and a warning if the text is one that nobody means.
    pub(super) fn call(&self, thunk: &Thunk, span: Span) -> Result<(String, Option<Diagnostic>), Diagnostic> {
        let printed: Vec<String> = self.timed(&[span], |ctx| thunk.clone().restore(ctx)?.call(()))?;
        let mut printed = printed.into_iter();
        let text = printed.next().unwrap_or_default();
        Ok((text, printed.next().map(|value| errors::unprintable(&value, span))))
    }

    /// How many actions code has made so far.
    pub(super) fn count_of_actions(&self) -> Result<usize, Diagnostic> {
        self.timed(&[], |ctx| call_host(ctx, "count", ())?.get())
    }

    /// Whether code looks at all actions, those of files of SQL among them.
    pub(super) fn is_watched(&self) -> bool {
        self.timed(&[], |ctx| call_host(ctx, "isWatched", ())?.get()).unwrap_or(false)
    }

    /// Shows an action of a file to code that looks at all of them: its config as JSON text, with `type` and `name`. Gives
    /// the number of its record.
    pub(super) fn show_sqlx(&self, file: &SourceFile, config: &str) -> Result<usize, Diagnostic> {
        self.enter_file(file);
        self.timed(&[file.whole().at_start()], |ctx| call_host(ctx, "sqlx", (config,))?.get())
    }

    /// Where the action of that number was made: in which file, and with which stack trace.
    pub(super) fn trace_of_action(&self, number: usize) -> Result<(String, String), Diagnostic> {
        let trace: Vec<String> = self.timed(&[], |ctx| call_host(ctx, "place", (number,))?.get())?;
        let mut trace = trace.into_iter();
        Ok((trace.next().unwrap_or_default(), trace.next().unwrap_or_default()))
    }

    /// What is known of the action of that number, which was made at `place`, as JSON text: a record, see `actions.js`.
    pub(super) fn action(&self, number: usize, place: Span) -> Result<String, Diagnostic> {
        self.enter_file(self.sources.get(place.file));
        self.timed(&[place], |ctx| call_host(ctx, "collect", (number,))?.get())
    }

    /// What code keeps for run time: an object as JSON text.
    pub(super) fn run_time_data(&self) -> Result<String, Diagnostic> {
        self.timed(&[], |ctx| call_host(ctx, "data", ())?.get())
    }

    /// The statements of one text of an action that code has made at `place`.
    pub(super) fn texts(&self, action: usize, text: TextKey<'_>, place: Span) -> Result<Vec<String>, Diagnostic> {
        let file = self.sources.get(place.file);
        self.enter_file(file);
        self.timed(&[place, file.whole()], |ctx| {
            let texts = match text {
                TextKey::Named(name) => call_host(ctx, "texts", (action, name)),
                TextKey::Input(at) => call_host(ctx, "texts", (action, at)),
            };
            texts?.get()
        })
    }

    /// Where an action was made, by the stack trace of that moment: in the innermost file under `definitions/`.
    pub(super) fn place_of(&self, stack: &str) -> Option<Span> {
        let is_definition = |place: &Span| self.sources.get(place.file).path().starts_with("definitions/");
        let place = stack.lines().take(MOST_FRAMES).filter_map(|line| self.frame(line)).find(is_definition)?;
        Some(self.making(place))
    }

    /// What the functions know from now on.
    pub(super) fn enter(&self, scope: &Arc<Scope>) {
        *self.current.borrow_mut() = Some(Arc::clone(scope));
    }

    /// Calls into the engine. An error without a place of its own is shown at the first of the pieces `evaluated`.
    fn timed<T>(
        &self,
        evaluated: &[Span],
        call: impl for<'js> FnOnce(&Ctx<'js>) -> rquickjs::Result<T>,
    ) -> Result<T, Diagnostic> {
        let (many, at_last) = TIME_LIMIT_AT_LAST;
        let limit = match self.overruns.get() {
            0 => TIME_LIMIT,
            overruns if overruns < many => TIME_LIMIT_AFTERWARDS,
            _ => at_last,
        };
        let _running = Running::begin(&self.file.borrow());
        self.deadline.set(Instant::now() + limit);
        let result = self.context.with(|ctx| call(&ctx).catch(&ctx).map_err(|error| self.diagnose(&error, evaluated)));
        // Also what has ended by itself, or looks like another mistake: it will take as long the next time.
        if self.is_late() {
            self.overruns.set(self.overruns.get().saturating_add(1));
        }
        result
    }

    fn is_late(&self) -> bool {
        Instant::now() > self.deadline.get()
    }

    /// Runs code made of the pieces `evaluated`.
    fn run<T>(
        &self,
        name: &str,
        code: Generated,
        evaluated: &[Span],
        take: impl for<'js> FnOnce(&Ctx<'js>, Value<'js>) -> rquickjs::Result<T>,
    ) -> Result<T, Diagnostic> {
        let code = Rc::new(code);
        self.timed(evaluated, |ctx| self.modules.eval(ctx, name, &code).and_then(|value| take(ctx, value)))
    }
}

/// One of the texts of an action that code has made.
#[derive(Debug, Clone, Copy)]
pub(super) enum TextKey<'a> {
    /// `query`, `where`, `preOps`, `postOps`, `queries`, `expect`.
    Named(&'a str),
    /// The rows of an input of a unit test.
    Input(usize),
}

/// Calls a function of the prelude.
fn call_host<'js, A: rquickjs::function::IntoArgs<'js>>(
    ctx: &Ctx<'js>,
    name: &str,
    arguments: A,
) -> rquickjs::Result<Value<'js>> {
    let host: Object<'js> = ctx.globals().get("__trueup")?;
    host.get::<_, Function<'js>>(name)?.call(arguments)
}

/// With the slash at its end; empty for a file at the root.
fn folder(path: &str) -> &str {
    &path[..path.rfind('/').map_or(0, |slash| slash + 1)]
}

/// `getContents("./doc.md")` in a file.
fn contents(modules: &Modules, file: &str, path: &str) -> Result<String, String> {
    if path.rsplit_once('.').is_none_or(|(_, ending)| ending != "md") {
        return Err(format!("cannot read `{path}`: `getContents` reads files that end in `.md`"));
    }
    let inside = normalized(&format!("{}{path}", folder(file))).filter(|_| !path.starts_with('/'));
    let inside = inside.ok_or_else(|| format!("cannot read `{path}`: it lies outside of the project"))?;
    modules.text(&inside).map(|text| text.replace("\r\n", "\n"))
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
    let text = |value: &Value<'_>| {
        value.as_string().and_then(|text| text.to_string().ok()).filter(|text| text.len() <= LONGEST_NAME)
    };
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
