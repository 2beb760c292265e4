//! `require`: which file a name means, and its code as a function.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use rquickjs::context::EvalOptions;
use rquickjs::{Ctx, Exception, Function, Value};

use crate::files::{FileSystem, Sources};
use crate::project::unreadable;
use crate::template::generated::Generated;

/// Finds and reads what code requires: files of the project and of the packages in its `node_modules`.
#[derive(Debug)]
pub(super) struct Modules {
    files: Arc<dyn FileSystem>,
    sources: Arc<Sources>,
    /// All code that was run. Its index is part of the name that it has in stack traces.
    code: RefCell<Vec<Rc<Generated>>>,
}

impl Modules {
    pub(super) fn new(files: &Arc<dyn FileSystem>, sources: &Arc<Sources>) -> Self {
        Self { files: Arc::clone(files), sources: Arc::clone(sources), code: RefCell::default() }
    }

    /// The code of that number.
    pub(super) fn code(&self, number: usize) -> Option<Rc<Generated>> {
        self.code.borrow().get(number).map(Rc::clone)
    }

    /// Runs code under a name that a stack trace can be traced back with.
    pub(super) fn eval<'js>(&self, ctx: &Ctx<'js>, name: &str, code: &Rc<Generated>) -> rquickjs::Result<Value<'js>> {
        let number = self.code.borrow().len();
        self.code.borrow_mut().push(Rc::clone(code));
        let mut options = EvalOptions::default();
        // As the command line of Dataform runs it.
        options.strict = true;
        options.filename = Some(format!("{name}#{number}"));
        ctx.eval_with_options(code.text(), options)
    }

    /// The path of the file that `name` means to a file in `folder` (with a slash at its end, or empty).
    pub(super) fn resolve(&self, folder: &str, name: &str) -> Result<String, String> {
        if name.starts_with("./") || name.starts_with("../") || name == "." || name == ".." {
            let path = normalized(&format!("{folder}{name}"))
                .ok_or_else(|| format!("`{name}` leads out of the project: only what is inside can be required"))?;
            return self.file(&path).ok_or_else(|| not_found(name));
        }
        let path = normalized(name).filter(|_| !name.starts_with('/')).ok_or_else(|| not_found(name))?;
        if let Some(file) = self.file(&path) {
            return Ok(file);
        }
        let mut around = folder.trim_end_matches('/');
        loop {
            let packages = if around.is_empty() { "node_modules".to_owned() } else { format!("{around}/node_modules") };
            if let Some(file) = self.file(&format!("{packages}/{path}")) {
                return Ok(file);
            }
            match around.rsplit_once('/') {
                Some((above, _)) => around = above,
                None if around.is_empty() => return Err(not_found(name)),
                None => around = "",
            }
        }
    }

    /// As Node.js does it: the path itself, with an ending, or a folder's main file.
    fn file(&self, path: &str) -> Option<String> {
        let inside = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let with_ending = |path: &str| {
            let candidates = [path.to_owned(), format!("{path}.js"), format!("{path}.json")];
            let candidates = candidates.into_iter().filter(|path| !path.is_empty());
            candidates.into_iter().find(|path| self.sources.find(path).is_some() || self.files.is_file(path))
        };
        let main = || {
            let package: serde_json::Value =
                serde_json::from_str(&self.files.read(&inside("package.json")).ok()?).ok()?;
            with_ending(&normalized(&inside(package.get("main")?.as_str()?))?)
        };
        with_ending(path).or_else(main).or_else(|| with_ending(&inside("index.js")))
    }

    /// The text of a file of the project.
    pub(super) fn text(&self, path: &str) -> Result<Arc<str>, String> {
        let file = self.sources.read(&*self.files, path).map_err(|error| cannot_read(path, &error))?;
        Ok(Arc::clone(file.text()))
    }

    /// A function of `module`, `exports` and `require` that runs a file of JavaScript.
    pub(super) fn function<'js>(&self, ctx: &Ctx<'js>, path: &str) -> rquickjs::Result<Function<'js>> {
        self.text(path).map_err(|message| Exception::throw_message(ctx, &message))?;
        let mut code = Generated::default();
        code.push("(function (module, exports, require, __filename, __dirname) {\n");
        if let Some(file) = self.sources.find(path) {
            code.copy(file, file.whole());
        }
        code.push("\n})");
        self.eval(ctx, path, &Rc::new(code))?.get()
    }
}

fn cannot_read(path: &str, error: &io::Error) -> String {
    let reason = unreadable(path, error).map_or_else(|| error.to_string(), |diagnostic| diagnostic.message);
    format!("cannot read `{path}`: {reason}")
}

fn not_found(name: &str) -> String {
    format!("cannot find module `{name}`")
}

/// A path without `.` and `..`; `None` if it leads above the project's root.
pub(in crate::template) fn normalized(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
