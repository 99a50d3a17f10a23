//! The journal's file: append, sync, and recover from a write that was cut short.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use terms::Hex32;

use super::line::{self, Entry, GENESIS};
use super::{JournalError, TornLine};
use crate::files;

/// No line is longer.
const MAX_LINE_BYTES: u64 = 4096;

/// A file of lines, locked, each with the hash of the one before it.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    last: Hex32,
    /// How long the file is, up to the last whole line.
    bytes: u64,
    state: State,
}

/// What is known of the file's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is the last whole line.
    Sound,
    /// A line could not be written whole, as on a full disk: what there is of it is cut off before the next.
    Torn,
    /// The system could not say what is on the disk.
    Unknown,
}

/// How far a file could be read.
struct Contents {
    entries: Vec<Entry>,
    last: Hex32,
    sound_bytes: u64,
    torn: Option<TornLine>,
}

impl LogFile {
    /// Opens the file, or creates it with a first line; returns its entries.
    pub(super) fn open(
        path: &Path,
        first: &Entry,
    ) -> Result<(Self, Vec<Entry>, Option<TornLine>), JournalError> {
        let failed = |source| JournalError::Io { path: path.to_owned(), source };
        if !path.try_exists().map_err(failed)? {
            files::create(path, &line::encode(GENESIS, first)).map_err(failed)?;
        }
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(JournalError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let contents = read(path, &file)?;
        if contents.torn.is_some() {
            file.set_len(contents.sound_bytes).and_then(|()| file.sync_all()).map_err(failed)?;
        }
        let (last, bytes) = (contents.last, contents.sound_bytes);
        let log = Self { path: path.to_owned(), file, last, bytes, state: State::Sound };
        Ok((log, contents.entries, contents.torn))
    }

    /// Appends one entry; it is on the disk when this returns. Where there is no space nothing is appended, and it can be
    /// tried again.
    pub(super) fn append(&mut self, entry: &Entry) -> Result<(), JournalError> {
        self.ensure_sound()?;
        let bytes = line::encode(self.last, entry);
        if let Err(source) = self.file.write_all(&bytes) {
            self.state = State::Torn;
            return Err(self.failed(source));
        }
        if let Err(source) = self.file.sync_data() {
            self.state = State::Unknown;
            return Err(self.failed(source));
        }
        self.bytes += bytes.len() as u64;
        self.last = line::hash(&bytes);
        Ok(())
    }

    /// Cuts a torn line off. After a failed sync nobody knows what is on the disk, so nothing more is promised.
    pub(super) fn ensure_sound(&mut self) -> Result<(), JournalError> {
        if self.state == State::Torn {
            let cut = self.file.set_len(self.bytes).and_then(|()| self.file.sync_all());
            cut.map_err(|source| self.failed(source))?;
            self.state = State::Sound;
        }
        if self.state == State::Unknown { Err(JournalError::Broken) } else { Ok(()) }
    }

    fn failed(&self, source: std::io::Error) -> JournalError {
        JournalError::Io { path: self.path.clone(), source }
    }
}

/// Writes a copy of a journal to a new file, with one more line that says that it is a copy. Returns its number of lines.
/// The journal may be in use meanwhile: what is appended after the beginning is left out.
pub(super) fn copy(from: &Path, to: &Path) -> Result<u64, JournalError> {
    let failed = |source| JournalError::Io { path: from.to_owned(), source };
    let mut bytes = std::fs::read(from).map_err(failed)?;
    let contents = read(from, bytes.as_slice())?;
    bytes.truncate(usize::try_from(contents.sound_bytes).unwrap_or(usize::MAX));
    bytes.extend(line::encode(contents.last, &Entry::Copied {}));
    files::create(to, &bytes).map_err(|source| JournalError::Io { path: to.to_owned(), source })?;
    Ok(contents.entries.len() as u64 + 1)
}

fn read(path: &Path, file: impl Read) -> Result<Contents, JournalError> {
    let mut reader = BufReader::new(file);
    let mut contents = Contents { entries: Vec::new(), last: GENESIS, sound_bytes: 0, torn: None };
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes);
        let read = read.map_err(|source| JournalError::Io { path: path.to_owned(), source })? as u64;
        if read == 0 {
            break;
        }
        let number = contents.entries.len() as u64 + 1;
        let corrupt = JournalError::Corrupt { path: path.to_owned(), line: number };
        if bytes.last() != Some(&b'\n') {
            if read == MAX_LINE_BYTES {
                return Err(corrupt);
            }
            contents.torn = Some(TornLine { line: number, bytes: read });
            break;
        }
        let entry = line::decode(contents.last, &bytes).ok_or(corrupt)?;
        contents.last = line::hash(&bytes);
        contents.sound_bytes += read;
        contents.entries.push(entry);
    }
    first_is_opened(path, contents)
}

fn first_is_opened(path: &Path, contents: Contents) -> Result<Contents, JournalError> {
    match contents.entries.first() {
        Some(Entry::Opened { v: line::VERSION, .. }) => Ok(contents),
        _ => Err(JournalError::Corrupt { path: path.to_owned(), line: 1 }),
    }
}
