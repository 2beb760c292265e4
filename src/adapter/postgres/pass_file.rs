//! The password file of PostgreSQL's clients: `host:port:database:user:password`, a line each; `*` matches anything, and
//! a backslash stands before `:` and `\` (<https://www.postgresql.org/docs/current/libpq-pgpass.html>).

use std::path::{Path, PathBuf};
use std::{env, fs};

/// What a connection is to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whom<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// The password in a file, or in `~/.pgpass`. As for other clients a file that others may read does not count.
pub(super) fn password(file: Option<&Path>, whom: Whom<'_>) -> Option<String> {
    let home = || env::home_dir().map(|home| home.join(".pgpass"));
    let path: PathBuf = file.map(Path::to_path_buf).or_else(home)?;
    is_private(&path).then_some(())?;
    find(&fs::read_to_string(path).ok()?, whom)
}

#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode().trailing_zeros() >= 6)
}

#[cfg(not(unix))]
fn is_private(path: &Path) -> bool {
    path.is_file()
}

fn find(text: &str, whom: Whom<'_>) -> Option<String> {
    // The folder of a socket is `localhost` in this file.
    let host = if whom.host.starts_with('/') { "localhost" } else { whom.host };
    let port = whom.port.to_string();
    let wanted = [host, &port, whom.database, whom.user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = fields(line);
        let password = fields.pop().filter(|_| fields.len() == wanted.len())?;
        let matches = fields.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
        matches.then_some(password)
    })
}

/// The five fields of a line. The last one has what is left of it, colons and all.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match char {
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields.last_mut().into_iter().for_each(|field| field.extend(chars.next())),
            other => fields.last_mut().into_iter().for_each(|field| field.push(other)),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_matches_counts() {
        let text = "# comment\nother:5432:*:me:no\n*:*:shop:me:a\\:b:c\nlocalhost:5432:*:*:last\n";
        let whom = Whom { host: "db.example.com", port: 5433, database: "shop", user: "me" };
        assert_eq!(find(text, whom).as_deref(), Some("a:b:c"));
        assert_eq!(find(text, Whom { host: "/run", port: 5432, database: "x", user: "y" }).as_deref(), Some("last"));
        assert_eq!(find(text, Whom { user: "you", ..whom }), None);
    }
}
