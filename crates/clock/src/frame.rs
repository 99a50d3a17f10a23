//! What the barrier and its participants say to each other, as bytes.
//!
//! A participant opens with one line, `earnest-clock 1 NAME\n`. After that every message in
//! either direction is 17 bytes: a letter and two little-endian `u64`. No message is ever large
//! and none is sent before the last was answered, so that a connection never holds more than a few
//! of them and writing one never has to wait.

use std::io;
use std::sync::Arc;

use thiserror::Error;
use tokio::net::TcpStream;

const GREETING: &str = "earnest-clock 1 ";
const MAX_NAME: usize = 64;
const FRAME: usize = 17;

/// What a participant tells the barrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// Something reached the process from outside; `ask` numbers the question, so that its
    /// answer can be told from the answer to an older one.
    Busy { ask: u64 },
    /// Nothing to do until `until_ms`.
    Quiescent { until_ms: u64 },
}

/// What the barrier tells a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// You have joined, and count as busy.
    Welcome { now_ms: u64 },
    /// You count as busy since your question `ask`.
    Acknowledged { ask: u64, now_ms: u64 },
    /// Your time has come, and you count as busy.
    Advance { now_ms: u64 },
}

/// What was received is none of this crate's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A message begins with a byte that none begins with.
    #[error("a message begins with the byte {0:#04x}, which none does")]
    UnknownTag(u8),
    /// The connection ended in the middle of a message.
    #[error("the connection ended {0} bytes into a message")]
    Truncated(usize),
    /// A participant's first line is not a greeting of this version, or its name is not 1 to 64
    /// visible ASCII characters.
    #[error("the first line is not a greeting of this version with a proper name")]
    Greeting,
    /// A message that is right as such came when it can't come.
    #[error("a message came out of turn")]
    OutOfTurn,
}

/// Why reading or writing a message failed.
#[derive(Debug, Error)]
pub(crate) enum WireError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Report {
    pub(crate) fn bytes(self) -> [u8; FRAME] {
        match self {
            Self::Busy { ask } => encode(b'B', ask, 0),
            Self::Quiescent { until_ms } => encode(b'Q', until_ms, 0),
        }
    }

    pub(crate) fn parse(bytes: [u8; FRAME]) -> Result<Self, FrameError> {
        match decode(bytes) {
            (b'B', ask, _) => Ok(Self::Busy { ask }),
            (b'Q', until_ms, _) => Ok(Self::Quiescent { until_ms }),
            (tag, ..) => Err(FrameError::UnknownTag(tag)),
        }
    }
}

impl Notice {
    pub(crate) fn bytes(self) -> [u8; FRAME] {
        match self {
            Self::Welcome { now_ms } => encode(b'W', 0, now_ms),
            Self::Acknowledged { ask, now_ms } => encode(b'A', ask, now_ms),
            Self::Advance { now_ms } => encode(b'T', 0, now_ms),
        }
    }

    pub(crate) fn parse(bytes: [u8; FRAME]) -> Result<Self, FrameError> {
        match decode(bytes) {
            (b'W', _, now_ms) => Ok(Self::Welcome { now_ms }),
            (b'A', ask, now_ms) => Ok(Self::Acknowledged { ask, now_ms }),
            (b'T', _, now_ms) => Ok(Self::Advance { now_ms }),
            (tag, ..) => Err(FrameError::UnknownTag(tag)),
        }
    }
}

fn encode(tag: u8, first: u64, second: u64) -> [u8; FRAME] {
    let mut bytes = [tag; FRAME];
    bytes[1..9].copy_from_slice(&first.to_le_bytes());
    bytes[9..].copy_from_slice(&second.to_le_bytes());
    bytes
}

fn decode(bytes: [u8; FRAME]) -> (u8, u64, u64) {
    let number = |from: usize| {
        let eight = bytes[from..from + 8].iter();
        eight.rev().fold(0, |n, byte| n << 8 | u64::from(*byte))
    };
    (bytes[0], number(1), number(9))
}

/// The greeting of a participant, or `None` for a name that is not allowed.
pub(crate) fn greeting(name: &str) -> Option<String> {
    is_name(name).then(|| format!("{GREETING}{name}\n"))
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Writes one message. The buffer of a loopback connection that is about to carry its
/// second or third unread message has room; one that has none is as good as broken.
pub(crate) fn send(stream: &TcpStream, bytes: [u8; FRAME]) -> io::Result<()> {
    match stream.try_write(&bytes)? {
        FRAME => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}

/// Cuts what arrives on a connection into messages.
pub(crate) struct Reader {
    stream: Arc<TcpStream>,
    buffer: [u8; 8 * FRAME],
    filled: usize,
}

impl Reader {
    pub(crate) fn new(stream: Arc<TcpStream>) -> Self {
        Self { stream, buffer: [0; 8 * FRAME], filled: 0 }
    }

    /// The name in the participant's greeting.
    pub(crate) async fn greeting(&mut self) -> Result<String, WireError> {
        loop {
            if let Some(end) = self.buffer[..self.filled].iter().position(|b| *b == b'\n') {
                let line = self.take(end + 1);
                return Ok(parse_greeting(&line)?);
            }
            if self.filled == self.buffer.len() || !self.fill().await? {
                return Err(FrameError::Greeting.into());
            }
        }
    }

    /// The next message, or `None` when the other side has closed the connection.
    pub(crate) async fn frame(&mut self) -> Result<Option<[u8; FRAME]>, WireError> {
        while self.filled < FRAME {
            if !self.fill().await? {
                return match self.filled {
                    0 => Ok(None),
                    part => Err(FrameError::Truncated(part).into()),
                };
            }
        }
        let mut frame = [0; FRAME];
        frame.copy_from_slice(&self.take(FRAME));
        Ok(Some(frame))
    }

    /// Reads what is there, waiting until something is; false at the end of the stream.
    async fn fill(&mut self) -> io::Result<bool> {
        loop {
            match self.stream.try_read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    self.filled += read;
                    return Ok(true);
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.stream.readable().await?,
                Err(e) => return Err(e),
            }
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let taken = self.buffer[..count].to_vec();
        self.buffer.copy_within(count..self.filled, 0);
        self.filled -= count;
        taken
    }
}

fn parse_greeting(line: &[u8]) -> Result<String, FrameError> {
    let line = std::str::from_utf8(line).map_err(|_| FrameError::Greeting)?;
    let name =
        line.strip_prefix(GREETING).and_then(|rest| rest.strip_suffix('\n')).filter(|name| is_name(name));
    Ok(name.ok_or(FrameError::Greeting)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_reads_back_as_it_was_written() {
        for number in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            for report in [Report::Busy { ask: number }, Report::Quiescent { until_ms: number }] {
                assert_eq!(Report::parse(report.bytes()), Ok(report));
            }
            for notice in [
                Notice::Welcome { now_ms: number },
                Notice::Acknowledged { ask: number, now_ms: !number },
                Notice::Advance { now_ms: number },
            ] {
                assert_eq!(Notice::parse(notice.bytes()), Ok(notice));
            }
        }
    }

    #[test]
    fn an_unknown_tag_is_an_error_that_shows_it() {
        assert_eq!(Report::parse([7; FRAME]), Err(FrameError::UnknownTag(7)));
        assert_eq!(Notice::parse(Report::Busy { ask: 1 }.bytes()), Err(FrameError::UnknownTag(b'B')));
    }

    #[test]
    fn a_greeting_carries_a_short_visible_name_and_nothing_else() {
        let line = greeting("provider").unwrap();
        assert_eq!(parse_greeting(line.as_bytes()), Ok("provider".to_owned()));
        for name in ["", "two words", "line\nbreak", "ü", &"x".repeat(65)] {
            assert_eq!(greeting(name), None, "{name:?}");
        }
        for line in ["GET / HTTP/1.1\n", "earnest-clock 2 a\n", "earnest-clock 1 \n"] {
            assert_eq!(parse_greeting(line.as_bytes()), Err(FrameError::Greeting));
        }
    }
}
