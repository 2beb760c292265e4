//! Projects that mean harm: they give diagnostics, end soon, take little memory, and nothing outside of them is read or
//! written. Here stand those that need a real folder or a process; the others are in `tests/spec/diagnostics/hostile.md`.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

use crate::project::Project;

/// How much address space trueup may take, in KiB. The library of DuckDB and the stacks of threads count, unused or not.
const MOST_MEMORY: u32 = 2 << 20;

/// Far more than any of these takes, so that a slow machine is no failure; a hang is.
const LONGEST: Duration = Duration::from_mins(3);

const SETTINGS: &str = "name: hostile\ndialect: duckdb\ndefaults: { schema: main }\n";

const VIEW: &str = "config { type: \"view\" }\nselect ";

type Test = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> Vec<Trial> {
    let trials: [(&str, Test); 12] = [
        ("pipes_are_not_opened", pipes_are_not_opened),
        ("links_do_not_lead_out", links_do_not_lead_out),
        ("links_that_fan_out_are_entered_once", links_that_fan_out),
        ("nothing_is_written_through_links", nothing_is_written_through_links),
        ("no_two_actions_share_a_file", no_two_actions_share_a_file),
        ("names_reach_the_terminal_escaped", names_are_escaped),
        ("secrets_stay_secret", secrets_stay_secret),
        ("huge_files_are_refused", huge_files_are_refused),
        ("deep_files_are_refused", deep_files_are_refused),
        ("texts_that_multiply_are_refused", texts_that_multiply),
        ("a_thousand_endless_loops_end", endless_loops),
        ("what_cannot_be_interrupted_ends", what_cannot_be_interrupted),
    ];
    trials.map(|(name, test)| Trial::test(format!("hostile::{name}"), test)).into()
}

fn project(files: &[(&str, &str)]) -> Result<Project, Failed> {
    let project = Project::new(&[("trueup.yaml", SETTINGS)])?;
    for (name, text) in files {
        project.write(name, text)?;
    }
    Ok(project)
}

/// Compiles with little memory and in a bounded time: the exit status, and what was printed.
fn compile(project: &Project) -> Result<(Option<i32>, String), Failed> {
    let mut command = Command::new("sh");
    let script = format!("ulimit -v {MOST_MEMORY}; exec \"$0\" compile 2>&1");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_trueup")]).current_dir(project.path());
    command.env_clear().env("HOME", project.path()).env("NO_COLOR", "1").env("TOKEN", "s3cret");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut output = child.stdout.take().ok_or("no output")?;
    let reader = thread::spawn(move || {
        let mut printed = Vec::new();
        output.read_to_end(&mut printed).map(|_| String::from_utf8_lossy(&printed).into_owned())
    });
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > LONGEST {
            child.kill()?;
            child.wait()?;
            return Err("it does not end".into());
        }
        thread::sleep(Duration::from_millis(10));
    };
    let printed = reader.join().map_err(|_| "the reader panicked")??;
    if let Some(signal) = status.signal() {
        return Err(format!("ended by signal {signal}\n{printed}").into());
    }
    if printed.contains("panicked") {
        return Err(printed.into());
    }
    Ok((status.code(), printed))
}

/// Compiles what must be refused, and looks for words in what is printed.
fn refused(project: &Project, words: &[&str]) -> Result<String, Failed> {
    let (code, printed) = compile(project)?;
    let missing: Vec<_> = words.iter().filter(|word| !printed.contains(**word)).collect();
    let is_refused = matches!(code, Some(1 | 2));
    let shown: String = printed.chars().take(2000).collect();
    if is_refused && missing.is_empty() {
        Ok(printed)
    } else {
        Err(format!("{code:?}, no {missing:?} in\n{shown}").into())
    }
}

fn pipe(project: &Project, name: &str) -> Result<(), Failed> {
    project.write(name, "")?;
    let path = project.path().join(name);
    fs::remove_file(&path)?;
    let made = Command::new("mkfifo").arg(path).status()?;
    if made.success() { Ok(()) } else { Err("no pipe was made".into()) }
}

fn link(project: &Project, to: impl AsRef<Path>, name: &str) -> Result<(), Failed> {
    let path = project.path().join(name);
    fs::create_dir_all(path.parent().unwrap_or(&path))?;
    Ok(symlink(to, path)?)
}

fn pipes_are_not_opened() -> Result<(), Failed> {
    let told = "this is no file but a folder, a device or a pipe";
    let read = project(&[("definitions/a.js", "getContents(\"./pipe.md\")")])?;
    pipe(&read, "definitions/pipe.md")?;
    refused(&read, &[told])?;
    let listed = project(&[("definitions/actions.yaml", "actions: [{ view: { filename: pipe.sql } }]")])?;
    pipe(&listed, "definitions/pipe.sql")?;
    refused(&listed, &[told])?;
    let settings = project(&[])?;
    pipe(&settings, "workflow_settings.yaml")?;
    refused(&settings, &["workflow_settings.yaml"])?;
    // These are passed over.
    let package = project(&[("definitions/a.sqlx", &format!("{VIEW}1 as a"))])?;
    pipe(&package, "definitions/b.sqlx")?;
    pipe(&package, "package.json")?;
    pipe(&package, ".env")?;
    match compile(&package)? {
        (Some(0), _) => Ok(()),
        (code, printed) => Err(format!("{code:?}\n{printed}").into()),
    }
}

fn links_do_not_lead_out() -> Result<(), Failed> {
    let outside = project(&[("secret.md", "s3cret"), ("secret.sqlx", "s3cret"), ("folder/secret.js", "s3cret")])?;
    let target = |name: &str| outside.path().join(name);
    let code = "getContents(\"./out.md\")";
    let inside = project(&[
        ("definitions/a.js", code),
        ("definitions/b.js", "require(\"../includes/out/secret.js\")"),
        ("definitions/actions.yaml", "actions: [{ view: { filename: out.md } }]"),
    ])?;
    link(&inside, target("secret.md"), "definitions/out.md")?;
    link(&inside, target("secret.sqlx"), "definitions/out.sqlx")?;
    link(&inside, target("folder"), "includes/out")?;
    link(&inside, "itself.sqlx", "definitions/itself.sqlx")?;
    link(&inside, "/dev/zero", "definitions/zero.sqlx")?;
    link(&inside, "/proc/self/environ", "definitions/environment.sqlx")?;
    let printed = refused(&inside, &["this link leads out of the project", "this link leads to nothing"])?;
    if printed.contains("s3cret") {
        return Err(printed.into());
    }
    for folder in ["definitions", "includes"] {
        let whole = project(&[])?;
        link(&whole, target("folder"), folder)?;
        refused(&whole, &[folder])?;
    }
    Ok(())
}

fn links_that_fan_out() -> Result<(), Failed> {
    let fan = project(&[("definitions/a.sqlx", &format!("{VIEW}1 as a"))])?;
    let name = |level: u32, side: &str| format!("fan/{level}/{side}");
    for level in 0..20 {
        for side in ["left", "right"] {
            link(&fan, format!("../{}", level + 1), &name(level, side))?;
        }
    }
    fan.write("fan/20/b.sqlx", &format!("{VIEW}1 as b"))?;
    link(&fan, "../fan/0", "definitions/fan")?;
    match compile(&fan)? {
        (Some(0), printed) if printed.contains("2 views") => Ok(()),
        (code, printed) => Err(format!("{code:?}\n{printed}").into()),
    }
}

fn nothing_is_written_through_links() -> Result<(), Failed> {
    let victim = project(&[("compiled/main/precious", "data"), ("precious", "data")])?;
    let model = format!("{VIEW}1 as a");
    for (name, to) in [(".trueup", ""), (".trueup/compiled", "compiled"), (".trueup/compiled/main", "compiled/main")] {
        let attacker = project(&[("definitions/a.sqlx", &model)])?;
        link(&attacker, victim.path().join(to), name)?;
        refused(&attacker, &["is a link, and nothing is written through links"])?;
    }
    let attacker = project(&[("definitions/a.sqlx", &model)])?;
    link(&attacker, victim.path().join("precious"), ".trueup/compiled/main/a.sql")?;
    attacker.succeed(&["compile"])?;
    let mut left: Vec<_> = walkdir::WalkDir::new(victim.path()).into_iter().filter_map(Result::ok).collect();
    left.retain(|entry| entry.file_type().is_file());
    let is_whole = ["precious", "compiled/main/precious"]
        .iter()
        .all(|name| fs::read_to_string(victim.path().join(name)).is_ok_and(|text| text == "data"));
    if is_whole && left.len() == 3 { Ok(()) } else { Err(format!("left: {left:?}").into()) }
}

fn no_two_actions_share_a_file() -> Result<(), Failed> {
    let long = "x".repeat(5000);
    let names = ["a/b", "a_b", "a\\b", "/etc/up", "CON", "nul", "lpt1", "\u{202e}b", "-x", &long, &format!("{long}y")];
    let project = project(&[("workflow_settings.yaml", "defaultProject: p\ndefaultDataset: main\n")])?;
    let made = names.map(|name| format!("operate({name:?}, \"select 1\");\n").replace("\\u{202e}", "\u{202e}"));
    project.write("definitions/a.js", &made.concat())?;
    project.succeed(&["compile"])?;
    let files: Vec<_> = walkdir::WalkDir::new(project.path().join(".trueup/compiled"))
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.file_name().to_string_lossy().to_lowercase())
        .collect();
    let is_device = |name: &String| ["con.sql", "nul.sql", "lpt1.sql"].contains(&name.as_str());
    let outside = fs::read_dir(project.path())?.count();
    // Settings twice, `definitions`, `.trueup`.
    if files.len() == names.len() && !files.iter().any(is_device) && outside == 4 {
        return Ok(());
    }
    Err(format!("{outside} beside {files:?}").into())
}

fn names_are_escaped() -> Result<(), Failed> {
    let project = project(&[
        ("definitions/\u{1b}[2Jclear.sqlx", "select ${nope}"),
        ("definitions/a\nb\r.sqlx", "select ${nope}"),
        (
            "definitions/c.js",
            "publish(\"d\", \"select 1 as a\");\nthrow new Error(\"\u{1b}]0;title\u{7}\u{9b}1A\\u001b[8mhidden\");",
        ),
        ("definitions/e.sqlx", "config { type: \"view\", \u{1b}[1A: 1 }\nselect '\u{1b}[2J' as \u{7}"),
    ])?;
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"definitions/\xff\xfe.sqlx");
        fs::write(project.path().join(name), "select 1")?;
    }
    let printed = refused(&project, &["hidden", "not text in UTF-8"])?;
    let hidden = |char: char| char.is_control() && char != '\n';
    match printed.find(hidden) {
        None => Ok(()),
        Some(at) => Err(format!("a control character at byte {at} of {printed:?}").into()),
    }
}

fn secrets_stay_secret() -> Result<(), Failed> {
    let code = "const seen = [typeof process, typeof std, typeof os, typeof globalThis.__host];
        for (const name of [\".env\", \"./../.env\", \"../.env\", \"/proc/self/environ\", \"file:../.env\", \"node:fs\", \"fs\", \"..\", \"\\0\"]) {
            try { seen.push(JSON.stringify(require(name))); } catch (error) { seen.push(error.message); }
        }
        for (const name of [\"../.env\", \"../.env#.md\", \"../.env\\0.md\", \"/proc/self/environ.md\"]) {
            try { seen.push(getContents(name)); } catch (error) { seen.push(error.message); }
        }
        throw new Error(seen.join(\"; \"));";
    let project = project(&[
        (".env", "OTHER=s3cret\n"),
        ("definitions/a.js", code),
        (
            "definitions/b.sqlx",
            &format!("{VIEW}{{{{ env_var(\"TOKEN\") }}}} {{{{ TOKEN }}}} {{{{ env.TOKEN }}}} ${{TOKEN}}"),
        ),
    ])?;
    let printed = refused(&project, &["undefined; undefined; undefined; undefined; cannot find module"])?;
    if printed.contains("s3cret") {
        return Err(printed.into());
    }
    // Nor by a link with another name.
    let linked = project_with_link(".env", "definitions/a.md")?;
    let printed = refused(&linked, &["a hidden file is no source"])?;
    if printed.contains("s3cret") {
        return Err(printed.into());
    }
    // What is said of a line that is no variable does not hold it.
    project.write(".env", "TOKEN = s3cret with blanks \" and a quote\n")?;
    let printed = refused(&project, &["cannot read .env"])?;
    if printed.contains("s3cret") { Err(printed.into()) } else { Ok(()) }
}

/// A project that reads a hidden file through a link beside it.
fn project_with_link(to: &str, name: &str) -> Result<Project, Failed> {
    let project = project(&[
        (".env", "OTHER=s3cret\n"),
        ("definitions/a.js", "throw new Error(getContents(\"./a.md\"))"),
        ("definitions/actions.yaml", "actions: [{ view: { filename: ../.env } }, { view: { filename: a.md } }]"),
    ])?;
    link(&project, Path::new("..").join(to), name)?;
    Ok(project)
}

fn huge_files_are_refused() -> Result<(), Failed> {
    for (name, megabytes) in [("definitions/a.sqlx", 100), ("definitions/a.sqlx", 3), ("definitions/actions.yaml", 3)] {
        let project = project(&[(name, "")])?;
        fs::File::options().write(true).open(project.path().join(name))?.set_len(megabytes << 20)?;
        refused(&project, &["this file is too large to be a source"])?;
    }
    let many = project(&[])?;
    for number in 0..10 {
        many.write(&format!("definitions/{number}.js"), &format!("//{}", "x".repeat(15 << 20)))?;
    }
    refused(&many, &["the files of this project are too large together"])?;
    Ok(())
}

fn deep_files_are_refused() -> Result<(), Failed> {
    const LENGTH: usize = 1_900_000;
    let fill = |text: &str| text.repeat(LENGTH / text.len());
    for (opening, text, ending) in [
        (VIEW, "(", ""),
        (VIEW, "1+", "1 as a"),
        (VIEW, "1,", "1 as a"),
        (VIEW, "${", ""),
        (VIEW, "${`${", ""),
        (VIEW, "/*", ""),
        (VIEW, "'", ""),
        (VIEW, "{{ ", ""),
        (VIEW, "{{a}}", ""),
        (VIEW, "{% if 1 %}", ""),
        ("{{ 1", " + 1", " }}"),
        ("{{ ", "not ", "1 }}"),
        ("{{ 1", "|upper", " }}"),
        ("{{ a", ".a", " }}"),
        ("{{ range(1, 2)", " + range(1, 2)", " }}"),
        ("{% if 1 %}", "{% elif 1 %}", "{% endif %}"),
        ("config { a: ", "[", ""),
        ("config ", "{", ""),
        ("js ", "{", ""),
    ] {
        let project = project(&[("definitions/a.sqlx", &format!("{opening}{}{ending}", fill(text)))])?;
        compile(&project).map_err(|error| format!("{opening}{text}…: {error:?}"))?;
    }
    let strings = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 20_000].join(", "));
    let lists: String = ('b'..='i')
        .map(|name| format!("{name}: &{name} [{}]\n", vec![format!("*{}", (name as u8 - 1) as char); 9].join(", ")))
        .collect();
    let lists = format!("a: &a [x, x, x, x, x, x, x, x, x]\n{lists}");
    let wide = format!("a: [{}]\n", "1,".repeat(500_000));
    let keys = format!("a: {{{}}}\n", (0..60_000).map(|number| format!("k{number}: 1,")).collect::<String>());
    for file in ["trueup.yaml", "definitions/actions.yaml", "definitions/graph.yaml"] {
        for text in [&strings, &lists, &wide, &keys, &fill("["), &fill("{a: ")] {
            let project = project(&[])?;
            project.write(file, text)?;
            refused(&project, &["error"]).map_err(|error| format!("{file}: {text:.20}…: {error:?}"))?;
        }
    }
    for (name, text) in
        [("a.json", fill("[")), ("a.yaml", strings), ("a.yaml", fill("[")), ("a.ipynb", fill("[")), ("a.js", fill("["))]
    {
        let project = project(&[("definitions/b.js", &format!("require(\"../{name}\")"))])?;
        project.write(name, &text)?;
        refused(&project, &["error"])?;
    }
    Ok(())
}

fn texts_that_multiply() -> Result<(), Failed> {
    for (code, told) in [
        ("operate(\"a\", Array(20).fill(\"x\".repeat(1 << 20)))", "this makes a text of more than 16 MiB"),
        ("for (let i = 0; i < 200; i++) publish(`a${i}`, () => \"x \".repeat(1 << 19))", "take more than 128 MiB"),
        (
            "const n = \"x\".repeat(1 << 20); for (let i = 0; i < 5000; i++) publish(n + i, { tags: [n] })",
            "take more than 64 MiB",
        ),
        ("for (let i = 0; i < 1e7; i++) operate(`a${i}`, \"\")", "code makes more than 100000 actions"),
        ("publish(\"a\", (ctx) => { for (let i = 0; ; i++) ctx.ref(\"x\".repeat(9000) + i); })", "refers to too much"),
        ("throw new Error(\"x\".repeat(1 << 26))", "xxx…"),
        ("const a = []; for (;;) a.push(\"x\".repeat(1 << 20) + a.length)", "of memory"),
    ] {
        refused(&project(&[("definitions/a.js", code)])?, &[told]).map_err(|error| format!("{code}: {error:?}"))?;
    }
    let refs = format!("{VIEW}{}", "${ref(\"b\")}".repeat(100_000));
    let test =
        format!("config {{ type: \"test\", dataset: \"a\" }}\ninput \"b\" {{ {} }}\nselect 1", "x".repeat(1 << 20));
    refused(&project(&[("definitions/a.sqlx", &refs), ("definitions/b_test.sqlx", &test)])?, &["error"])?;
    for call in ["self()", "schema()"] {
        let calls = format!("${{{call}}}").repeat(50_000);
        let long = format!("config {{ type: \"view\", schema: \"{}\" }}\nselect {calls}", "x".repeat(1 << 20));
        refused(&project(&[("definitions/a.sqlx", &long)])?, &["refers to too much"])?;
    }
    let of_many = project(&[])?;
    let long = format!("config {{ type: \"declaration\", schema: \"{}\", name: \"b\" }}", "x".repeat(1000));
    of_many.write("definitions/b.sqlx", &long)?;
    for number in 0..40 {
        of_many.write(&format!("definitions/a{number}.sqlx"), &format!("{VIEW}{}", "${ref(\"b\")}".repeat(10_000)))?;
    }
    refused(&of_many, &["take more than 128 MiB"])?;
    Ok(())
}

fn endless_loops() -> Result<(), Failed> {
    let project = project(&[])?;
    for number in 0..1000 {
        let code = match number % 3 {
            0 => "for (;;);",
            1 => "const e = new Error(\"\"); Object.defineProperty(e, \"message\", { get() { for (;;); } }); throw e;",
            _ => "publish(\"a\" + Math.random(), { get tags() { for (;;); } });",
        };
        project.write(&format!("definitions/a{number}.js"), code)?;
    }
    let started = Instant::now();
    refused(&project, &["this ran for more than 5 seconds", "definitions/a999.js"])?;
    let took = started.elapsed();
    if took > Duration::from_mins(1) { Err(format!("that took {took:?}").into()) } else { Ok(()) }
}

fn what_cannot_be_interrupted() -> Result<(), Failed> {
    let project = project(&[("definitions/a.js", "Array(2 ** 32 - 1).reverse()")])?;
    refused(&project, &["JavaScript of definitions/a.js has run for 20 seconds", "help: "])?;
    Ok(())
}
