//! What goes wrong on purpose, and what was sent. A test says so by a statement that begins with `standin`:
//!
//! ```sql
//! standin conflict 'insert into' 2     -- the next two statements with these words meet with another transaction
//! standin drop before 'commit'         -- the connection is lost before the next statement with these words is run
//! standin drop after 'commit'          -- it is run, and the connection is lost before the answer
//! standin delay 'create table' 500     -- it takes so many milliseconds more
//! standin statements                   -- the statements since this was asked for
//! ```

use std::sync::{Mutex, PoisonError};

use super::lexer::{self, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Conflict,
    DropBefore,
    DropAfter,
    /// In milliseconds.
    Delay(u64),
}

#[derive(Debug)]
struct Planned {
    fault: Fault,
    words: String,
    times: u64,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    planned: Mutex<Vec<Planned>>,
    statements: Mutex<Vec<String>>,
}

impl Faults {
    /// Notes a statement, and gives what happens to it.
    pub(super) fn meet(&self, statement: &str) -> Option<Fault> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner).push(statement.to_owned());
        let statement = statement.to_ascii_lowercase();
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let met = planned.iter_mut().find(|planned| planned.times > 0 && statement.contains(&planned.words))?;
        met.times -= 1;
        Some(met.fault)
    }

    /// Does what a `standin` statement says. Gives rows, where it asks for them; an error says what is not understood.
    pub(super) fn control(&self, statement: &str) -> Result<Vec<String>, String> {
        let tokens = lexer::read(statement);
        let word = |at: usize| tokens.get(at).map(Token::name).unwrap_or_default();
        let text = |at: usize| tokens.get(at).map(Token::content).unwrap_or_default().to_ascii_lowercase();
        let number =
            |at: usize, without: u64| tokens.get(at).and_then(|token| token.text.parse().ok()).unwrap_or(without);
        let planned = match (word(1).as_str(), word(2).as_str()) {
            ("statements", _) => {
                let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
                return Ok(std::mem::take(&mut *statements));
            }
            ("conflict", _) => Planned { fault: Fault::Conflict, words: text(2), times: number(3, 1) },
            ("drop", "before") => Planned { fault: Fault::DropBefore, words: text(3), times: 1 },
            ("drop", "after") => Planned { fault: Fault::DropAfter, words: text(3), times: 1 },
            ("delay", _) => Planned { fault: Fault::Delay(number(3, 1000)), words: text(2), times: 1 },
            _ => return Err(format!("`{statement}` is nothing that the stand-in does")),
        };
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).push(planned);
        Ok(Vec::new())
    }
}
