//! Messages of the wire protocol, version 3, and the few answers that the stand-in writes itself.

use std::io::{self, Read, Write};

/// One message: its tag and what follows the length.
pub(super) struct Message {
    pub(super) tag: u8,
    pub(super) body: Vec<u8>,
}

impl Message {
    pub(super) fn new(tag: u8, body: impl Into<Vec<u8>>) -> Self {
        Self { tag, body: body.into() }
    }

    /// Waits for the next message. `None` where the other side has gone.
    pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut tag = [0];
        if from.read(&mut tag)? == 0 {
            return Ok(None);
        }
        Ok(Some(Self { tag: tag[0], body: read_body(from)? }))
    }

    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(self.body.len() + 4).map_err(io::Error::other)?;
        let mut all = vec![self.tag];
        all.extend(length.to_be_bytes());
        all.extend(&self.body);
        to.write_all(&all)
    }

    /// A query.
    pub(super) fn query(sql: &str) -> Self {
        Self::new(b'Q', [sql.as_bytes(), b"\0"].concat())
    }

    /// The texts of the body that end in a zero.
    pub(super) fn texts(&self) -> Vec<String> {
        let texts = self.body.split(|byte| *byte == 0);
        texts.map(|text| String::from_utf8_lossy(text).into_owned()).collect()
    }

    /// The values of a row.
    pub(super) fn row(&self) -> Vec<Option<String>> {
        let mut values = Vec::new();
        let mut rest = self.body.get(2..).unwrap_or_default();
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let length = usize::try_from(i32::from_be_bytes(*length)).ok();
            let value = length.and_then(|length| behind.get(..length));
            values.push(value.map(|value| String::from_utf8_lossy(value).into_owned()));
            rest = behind.get(length.unwrap_or_default()..).unwrap_or_default();
        }
        values
    }
}

/// The first message of a connection has no tag.
pub(super) fn read_body(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    let mut body = vec![0; length.checked_sub(4).ok_or_else(|| io::Error::other("a message without a length"))?];
    from.read_exact(&mut body)?;
    Ok(body)
}

/// The first message to a server.
pub(super) fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap_or_default();
    [length.to_be_bytes().to_vec(), body].concat()
}

/// The fields of an error or a notice.
pub(super) struct Fields(pub(super) Vec<(u8, String)>);

impl Fields {
    pub(super) fn read(message: &Message) -> Self {
        let fields = message.texts().into_iter().filter(|text| !text.is_empty());
        Self(fields.map(|text| (text.as_bytes()[0], text.get(1..).unwrap_or_default().to_owned())).collect())
    }

    pub(super) fn get(&self, name: u8) -> Option<&str> {
        self.0.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn set(&mut self, name: u8, value: impl Into<String>) {
        self.0.retain(|(field, _)| *field != name);
        self.0.push((name, value.into()));
    }

    pub(super) fn message(&self) -> Message {
        let mut body = Vec::new();
        for (name, value) in &self.0 {
            body.push(*name);
            body.extend(value.as_bytes());
            body.push(0);
        }
        body.push(0);
        Message::new(b'E', body)
    }
}

/// `CommandComplete`
pub(super) fn complete(tag: &str) -> Message {
    Message::new(b'C', [tag.as_bytes(), b"\0"].concat())
}

/// Rows of one column of text.
pub(super) fn rows(name: &str, values: &[String]) -> Vec<Message> {
    const TEXT: u32 = 25;
    let mut description = 1_u16.to_be_bytes().to_vec();
    description.extend([name.as_bytes(), b"\0"].concat());
    description.extend([0; 6]);
    description.extend(TEXT.to_be_bytes());
    description.extend((-1_i16).to_be_bytes());
    description.extend((-1_i32).to_be_bytes());
    description.extend([0; 2]);
    let row = |value: &String| {
        let length = u32::try_from(value.len()).unwrap_or_default();
        Message::new(b'D', [&1_u16.to_be_bytes()[..], &length.to_be_bytes(), value.as_bytes()].concat())
    };
    let mut all = vec![Message::new(b'T', description)];
    all.extend(values.iter().map(row));
    all
}
