use clap::Args;

use crate::diagnostic::{Code, did_you_mean};
use crate::error::CommandError;
use crate::report::Terminal;

/// Explain a diagnostic by its code
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The code in brackets behind `error` or `warning`; without one, all codes are listed
    code: Option<String>,
}

pub(super) fn run(args: &ExplainArgs, terminal: &Terminal) -> Result<(), CommandError> {
    let Some(name) = &args.code else {
        for code in Code::ALL {
            let page = code.page();
            terminal.print(&format!("{:<22} {}\n", code.name(), page.lines().next().unwrap_or_default()));
        }
        return Ok(());
    };
    let code: Code = name.parse().map_err(|()| CommandError::Unable {
        message: format!("there is no diagnostic `{name}`"),
        help: did_you_mean(name, Code::ALL.iter().map(|code| code.name()))
            .or_else(|| Some("`trueup explain` lists them all".to_owned())),
    })?;
    terminal.print(&format!("# {}\n\n{}\n", code.name(), code.page()));
    Ok(())
}
