//! One connection: messages of the client are read one by one, changed, and sent on to a server process of its own.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::os::unix::net::UnixStream;

use postgres_protocol::authentication::md5_hash;

use super::edit::Edited;
use super::faults::Fault;
use super::lexer;
use super::statement::{self, Context, Refusal, Reply, Step};
use super::wire::{self, Fields, Message};
use super::{PASSWORD, Shared};

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

/// The version of PostgreSQL that Redshift says it is.
const SERVER_VERSION: &str = "8.0.2";

/// What a session is set to before the client's first statement. What the stand-in adds is found behind the user's own
/// schemas, where nothing is created, and before PostgreSQL's catalogue.
const SETTINGS: &str = "set search_path = \"$user\", public, redshift, pg_catalog; \
    set standard_conforming_strings = off; set escape_string_warning = off; set client_min_messages = warning; \
    set client_connection_check_interval = '1s'";

/// Serves a client until it leaves.
pub(super) fn serve(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_nodelay(true)?;
    loop {
        let body = wire::read_body(&mut client)?;
        let (code, rest) = body.split_first_chunk::<4>().ok_or_else(|| io::Error::other("no version"))?;
        match u32::from_be_bytes(*code) {
            SSL_REQUEST | GSS_REQUEST => client.write_all(b"N")?,
            CANCEL_REQUEST => {
                let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
                let mut server = UnixStream::connect(&shared.socket)?;
                server.write_all(&[&length.to_be_bytes()[..], &body].concat())?;
                // The server closes when it has done so.
                return server.read(&mut [0]).map(drop);
            }
            _ => {
                let Some(mut session) = Session::open(client, rest, shared)? else { return Ok(()) };
                return session.run();
            }
        }
    }
}

struct Session<'a> {
    client: TcpStream,
    server: UnixStream,
    shared: &'a Shared,
    /// `I` idle, `T` in a transaction, `E` in one that failed.
    status: u8,
}

/// The statements of one message to the server, and the way back from it.
#[derive(Default)]
struct Sent {
    text: String,
    /// Where each begins in the text.
    steps: Vec<(usize, Step)>,
    /// What the client had written.
    source: String,
}

impl Sent {
    fn new(steps: Vec<Step>, source: &str) -> Self {
        let mut sent = Self { source: source.to_owned(), ..Self::default() };
        for step in steps {
            let start = sent.text.len();
            sent.text += &step.text.text;
            sent.text += ";\n";
            sent.steps.push((start, step));
        }
        sent
    }

    /// Turns the place of an error, in letters from one, into that in the client's text.
    fn place(&self, position: usize) -> Option<usize> {
        let byte = self.text.char_indices().nth(position.checked_sub(1)?).map_or(self.text.len(), |(at, _)| at);
        let (start, step) = self.steps.iter().rev().find(|(start, _)| *start <= byte)?;
        Some(letters(&self.source, step.text.origin(byte - start)))
    }
}

/// The place of a byte in letters, from one.
fn letters(text: &str, byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < byte).count() + 1
}

impl<'a> Session<'a> {
    /// Lets the client in. `None` where it gives another password.
    fn open(mut client: TcpStream, parameters: &[u8], shared: &'a Shared) -> io::Result<Option<Self>> {
        let texts = Message::new(0, parameters).texts();
        let parameter = |name: &str| {
            let mut pairs = texts.chunks_exact(2);
            pairs.find(|pair| pair[0] == name).map(|pair| pair[1].clone())
        };
        let user = parameter("user").unwrap_or_default();
        let database = parameter("database").unwrap_or_else(|| user.clone());
        let salt = *b"salt";
        Message::new(b'R', [&5_u32.to_be_bytes()[..], &salt].concat()).write(&mut client)?;
        let Some(answer) = Message::read(&mut client)? else { return Ok(None) };
        if answer.texts().first() != Some(&md5_hash(user.as_bytes(), PASSWORD.as_bytes(), salt)) {
            let fatal = [(b'S', "FATAL"), (b'C', "28000"), (b'M', "")].map(|(name, value)| (name, value.to_owned()));
            let mut fields = Fields(fatal.into());
            fields.set(b'M', format!("password authentication failed for user \"{user}\""));
            fields.message().write(&mut client)?;
            return Ok(None);
        }
        let mut server = UnixStream::connect(&shared.socket)?;
        let name = parameter("application_name").unwrap_or_default();
        server.write_all(&wire::startup(&[
            ("user", &user),
            ("database", &database),
            ("application_name", &name),
            ("client_encoding", "UTF8"),
        ]))?;
        let mut session = Self { client, server, shared, status: b'I' };
        while let Some(message) = Message::read(&mut session.server)? {
            match message.tag {
                b'Z' => {
                    session.lookup(SETTINGS)?;
                    message.write(&mut session.client)?;
                    return Ok(Some(session));
                }
                b'S' => session.forward_parameter(&message)?,
                b'E' => {
                    message.write(&mut session.client)?;
                    return Ok(None);
                }
                _ => message.write(&mut session.client)?,
            }
        }
        Ok(None)
    }

    fn run(&mut self) -> io::Result<()> {
        while let Some(message) = Message::read(&mut self.client)? {
            match message.tag {
                b'X' => return message.write(&mut self.server),
                b'Q' => {
                    let text = message.texts().into_iter().next().unwrap_or_default();
                    self.simple(&text)?;
                }
                _ => self.extended(message)?,
            }
        }
        Ok(())
    }

    /// What the server says of its parameters, as Redshift would.
    fn forward_parameter(&mut self, message: &Message) -> io::Result<()> {
        const KNOWN: [&str; 6] = [
            "client_encoding",
            "server_encoding",
            "is_superuser",
            "session_authorization",
            "DateStyle",
            "integer_datetimes",
        ];
        let name = message.texts().into_iter().next().unwrap_or_default();
        if name == "server_version" {
            let body = format!("server_version\0{SERVER_VERSION}\0");
            Message::new(b'S', body).write(&mut self.client)
        } else if KNOWN.contains(&name.as_str()) {
            message.write(&mut self.client)
        } else {
            Ok(())
        }
    }

    /// Rows for the stand-in itself. None in a transaction that failed.
    fn lookup(&mut self, sql: &str) -> io::Result<Vec<Vec<Option<String>>>> {
        let mut rows = Vec::new();
        if self.status == b'E' {
            return Ok(rows);
        }
        Message::query(sql).write(&mut self.server)?;
        while let Some(message) = Message::read(&mut self.server)? {
            match message.tag {
                b'D' => rows.push(message.row()),
                b'E' => {
                    let said = Fields::read(&message);
                    return Err(io::Error::other(format!("{sql}: {}", said.get(b'M').unwrap_or_default())));
                }
                b'Z' => return Ok(rows),
                _ => {}
            }
        }
        Err(io::Error::from(io::ErrorKind::UnexpectedEof))
    }

    /// Translates one statement. What the stand-in itself cannot do ends the session.
    fn translate(&mut self, sql: &str, range: Range<usize>, is_alone: bool) -> io::Result<Vec<Step>> {
        let shared = self.shared;
        let in_transaction = self.status != b'I' || !is_alone;
        let mut broken = None;
        let mut lookup = |sql: &str| {
            let found = self.lookup(sql);
            found.unwrap_or_else(|error| {
                broken = Some(error);
                Vec::new()
            })
        };
        let mut check = |query: &str| syntax_error(shared, query);
        let mut context = Context { in_transaction, files: &shared.files, lookup: &mut lookup, check: &mut check };
        let steps = statement::translate(sql, range, &mut context).unwrap_or_else(|refusal| vec![refusal.step()]);
        broken.map_or(Ok(steps), Err)
    }

    /// A message with any number of statements.
    fn simple(&mut self, sql: &str) -> io::Result<()> {
        let ranges = lexer::statements(sql);
        let is_alone = ranges.len() == 1;
        let mut steps = Vec::new();
        let mut drops_after = false;
        for range in ranges {
            let statement = &sql[range.clone()];
            if statement.starts_with("standin") {
                return self.control(statement);
            }
            match self.shared.faults.meet(statement) {
                Some(Fault::DropBefore) => return Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
                Some(Fault::Conflict) => {
                    if self.status != b'I' {
                        steps.push(Step::hidden("rollback"));
                    }
                    steps.push(conflict().step());
                    break;
                }
                Some(Fault::Delay(time)) => steps.push(Step::hidden(format!("select pg_sleep({time} / 1000.0)"))),
                Some(Fault::DropAfter) => drops_after = true,
                None => {}
            }
            steps.extend(self.translate(sql, range, is_alone)?);
        }
        let sent = Sent::new(steps, sql);
        Message::query(&sent.text).write(&mut self.server)?;
        self.relay(&sent, drops_after)
    }

    fn control(&mut self, statement: &str) -> io::Result<()> {
        match self.shared.faults.control(statement) {
            Ok(statements) => {
                for message in wire::rows("statement", &statements) {
                    message.write(&mut self.client)?;
                }
                wire::complete("STANDIN").write(&mut self.client)?;
            }
            Err(problem) => {
                let fields = [(b'S', "ERROR".to_owned()), (b'C', "42601".to_owned()), (b'M', problem)];
                Fields(fields.into()).message().write(&mut self.client)?;
            }
        }
        Message::new(b'Z', [self.status]).write(&mut self.client)
    }

    /// Messages of the extended protocol, up to the next Sync.
    fn extended(&mut self, first: Message) -> io::Result<()> {
        let mut sent = Sent::default();
        let mut next = Some(first);
        while let Some(message) = next {
            match message.tag {
                b'P' => {
                    let texts = message.texts();
                    let (name, sql) =
                        (texts.first().cloned().unwrap_or_default(), texts.get(1).cloned().unwrap_or_default());
                    let head = name.len() + sql.len() + 2;
                    self.shared.faults.meet(&sql);
                    let ranges = lexer::statements(&sql);
                    let steps = match ranges.as_slice() {
                        [range] => self.translate(&sql, range.clone(), true)?,
                        [] => Vec::new(),
                        _ => {
                            let message = "cannot insert multiple commands into a prepared statement";
                            vec![Refusal::new("42601", message).step()]
                        }
                    };
                    let is_plain = matches!(steps.as_slice(), [step] if matches!(step.reply, Reply::Same));
                    let is_refused = steps.iter().any(|step| step.text.text.starts_with("select redshift.refuse("));
                    if is_refused || !is_plain && !steps.is_empty() {
                        let limit = Refusal::limit("this as a prepared statement").step();
                        return self.refuse(if is_refused { steps } else { vec![limit] }, &sql);
                    }
                    let rest = message.body.get(head..).unwrap_or_default().to_vec();
                    sent = Sent::new(steps, &sql);
                    let text = sent.text.trim_end().trim_end_matches(';').to_owned();
                    let body = [name.as_bytes(), b"\0", text.as_bytes(), b"\0", &rest].concat();
                    Message::new(b'P', body).write(&mut self.server)?;
                }
                b'S' => {
                    message.write(&mut self.server)?;
                    return self.relay(&sent, false);
                }
                _ => message.write(&mut self.server)?,
            }
            next = Message::read(&mut self.client)?;
        }
        Err(io::Error::from(io::ErrorKind::UnexpectedEof))
    }

    /// An error in the place of what comes before the next Sync.
    fn refuse(&mut self, steps: Vec<Step>, sql: &str) -> io::Result<()> {
        while Message::read(&mut self.client)?.is_some_and(|message| message.tag != b'S') {}
        let sent = Sent::new(steps, sql);
        Message::query(&sent.text).write(&mut self.server)?;
        self.relay(&sent, false)
    }

    /// Hands on what the server answers, until it is ready for more.
    fn relay(&mut self, sent: &Sent, drops_after: bool) -> io::Result<()> {
        let mut at = 0;
        let mut unloaded = Vec::new();
        while let Some(message) = Message::read(&mut self.server)? {
            let reply = sent.steps.get(at).map_or(&Reply::Same, |(_, step)| &step.reply);
            let is_shown = matches!(reply, Reply::Same) && !drops_after;
            match message.tag {
                b'Z' => {
                    self.status = message.body.first().copied().unwrap_or(b'I');
                    if drops_after {
                        return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
                    }
                    return message.write(&mut self.client);
                }
                b'E' if !drops_after => self.error(&message, sent, at)?,
                b'C' => {
                    at += 1;
                    match reply {
                        Reply::Same if is_shown => message.write(&mut self.client)?,
                        Reply::Tag(tag) if !drops_after => wire::complete(tag).write(&mut self.client)?,
                        Reply::Load(_) => wire::complete("COPY").write(&mut self.client)?,
                        Reply::Unload(file) => {
                            fs::create_dir_all(file.parent().unwrap_or(file))?;
                            fs::write(file, std::mem::take(&mut unloaded))?;
                            wire::complete("UNLOAD").write(&mut self.client)?;
                        }
                        _ => {}
                    }
                }
                b'G' => {
                    if let Reply::Load(data) = reply {
                        Message::new(b'd', data.clone()).write(&mut self.server)?;
                    }
                    Message::new(b'c', []).write(&mut self.server)?;
                }
                b'd' => unloaded.extend(message.body),
                b'S' => self.forward_parameter(&message)?,
                // Notices, notifications, and the ends of what is copied.
                b'N' | b'A' | b'H' | b'c' => {}
                _ if is_shown => message.write(&mut self.client)?,
                _ => {}
            }
        }
        Err(io::Error::from(io::ErrorKind::UnexpectedEof))
    }

    /// Hands on an error at its place in the client's text, in the words of Redshift.
    fn error(&mut self, message: &Message, sent: &Sent, at: usize) -> io::Result<()> {
        let mut fields = Fields::read(message);
        let step = sent.steps.get(at).map(|(_, step)| step);
        let position = fields.get(b'P').and_then(|position| position.parse().ok());
        let position = position.and_then(|position| sent.place(position));
        let position = position.or_else(|| step?.error_at.map(|at| letters(&sent.source, at)));
        // What functions of the stand-in say is nobody's business.
        fields.0.retain(|(name, _)| b"SCMDH".contains(name));
        if let Some(position) = position {
            fields.set(b'P', position.to_string());
        }
        if fields.get(b'M') == Some("MERGE command cannot affect row a second time") {
            fields.set(b'M', "Found multiple matches to update the same tuple.");
        }
        fields.message().write(&mut self.client)
    }
}

/// As the manual shows it; the SQLSTATE is that of real reports.
fn conflict() -> Refusal {
    let detail = "Serializable isolation violation on table - 108, transactions forming the cycle are: 131072, 131073 (pid:1234)";
    Refusal { detail: detail.to_owned(), ..Refusal::new("XX000", "1023") }
}

/// The first syntax error of a query, found by a session that does nothing else: whether relations are there does not count.
fn syntax_error(shared: &Shared, query: &str) -> Option<(usize, String)> {
    const SYNTAX_ERROR: &str = "42601";
    let ask = || -> io::Result<Option<(usize, String)>> {
        let mut server = UnixStream::connect(&shared.socket)?;
        server.write_all(&wire::startup(&[("user", &shared.user), ("database", &shared.database)]))?;
        let settings = Message::query(&format!("{SETTINGS}; explain {query}"));
        let text = Edited::new(format!("{SETTINGS}; explain "), 0).text;
        let mut is_sent = false;
        while let Some(message) = Message::read(&mut server)? {
            match message.tag {
                b'E' => {
                    let fields = Fields::read(&message);
                    let at = fields.get(b'P').and_then(|at| at.parse::<usize>().ok()).unwrap_or(1);
                    let at = at.saturating_sub(1 + text.chars().count());
                    let byte = query.char_indices().nth(at).map_or(query.len(), |(byte, _)| byte);
                    let is_syntax = fields.get(b'C') == Some(SYNTAX_ERROR);
                    return Ok(is_syntax.then(|| (byte, fields.get(b'M').unwrap_or_default().to_owned())));
                }
                b'Z' if is_sent => return Ok(None),
                b'Z' => {
                    settings.write(&mut server)?;
                    is_sent = true;
                }
                _ => {}
            }
        }
        Ok(None)
    };
    ask().ok().flatten()
}
