//! How much text a Jinja template may make. The engine counts its steps, but not the size of what they give.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use minijinja::{Environment, Error, ErrorKind, escape_formatter};

/// The most that one body may write, in bytes, what its macros write for it included: far more than any warehouse takes.
pub(super) const MOST_OUTPUT: usize = 64 << 20;

/// What the tags of the body have written that is rendered now.
#[derive(Debug, Clone, Default)]
pub(super) struct Written(Arc<AtomicUsize>);

impl Written {
    /// Counts what the tags of an environment write, also into variables.
    pub(super) fn watch(&self, environment: &mut Environment<'static>) {
        let written = self.clone();
        environment.set_formatter(move |out, state, value| {
            written.add(value.as_str().map_or(0, str::len))?;
            escape_formatter(out, state, value)
        });
    }

    /// Counts some more. An error if it is too much now.
    pub(super) fn add(&self, bytes: usize) -> Result<(), Error> {
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > MOST_OUTPUT { Err(Error::from(ErrorKind::WriteFailure)) } else { Ok(()) }
    }

    /// Renders a text, which begins to count anew. Too much is an error of the kind `WriteFailure`.
    pub(super) fn render(&self, environment: &Environment<'static>, name: &str, text: &str) -> Result<String, Error> {
        self.0.store(0, Ordering::Relaxed);
        let mut sink = Sink::default();
        environment.template_from_named_str(name, text)?.render_captured_to((), &mut sink)?;
        Ok(String::from_utf8(sink.0).unwrap_or_default())
    }
}

/// Takes as much as a body may write.
#[derive(Default)]
struct Sink(Vec<u8>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_OUTPUT {
            return Err(io::Error::other("too much output"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
