//! Sealing: XChaCha20-Poly1305 in chunks, so that a large file needs little memory.
//!
//! The form is STREAM (Hoang, Reyhanitabar, Rogaway, Vizar, 2015): each chunk's nonce is a random prefix, the chunk's
//! number, and whether it is the last. So chunks can be neither changed, left out, reordered nor cut off at the end.
//! The label (what the bytes are, under which name) is authenticated with each of them.

use std::io::{Read, Write};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::{BackupError, BackupKey};

const MAGIC: &[u8; 17] = b"earnest backup 1\n";
const PREFIX: usize = 19;
/// Plain bytes in a chunk.
const CHUNK: usize = 1 << 20;
const TAG: usize = 16;

/// Seals what `plain` gives into `to`. `label` says what it is; [`open`] must be told the same.
///
/// # Errors
/// [`BackupError::Io`], with the label as the path, and [`BackupError::Randomness`].
pub fn seal(
    key: &BackupKey,
    label: &str,
    plain: &mut impl Read,
    to: &mut impl Write,
) -> Result<(), BackupError> {
    let failed = |source| BackupError::Io { path: label.into(), source };
    let mut prefix = [0; PREFIX];
    getrandom::fill(&mut prefix).map_err(|_| BackupError::Randomness)?;
    to.write_all(MAGIC).and_then(|()| to.write_all(&prefix)).map_err(failed)?;
    let cipher = cipher(key);
    let mut chunk = read_chunk(plain, CHUNK).map_err(failed)?;
    for number in 0..u32::MAX {
        let next = if chunk.len() < CHUNK { Vec::new() } else { read_chunk(plain, CHUNK).map_err(failed)? };
        let last = next.is_empty();
        let payload = Payload { msg: &chunk, aad: &associated(label) };
        let sealed = cipher.encrypt(&nonce(&prefix, number, last), payload);
        to.write_all(&sealed.map_err(|_| BackupError::Format { name: label.into() })?).map_err(failed)?;
        if last {
            return Ok(());
        }
        chunk = next;
    }
    Err(BackupError::Format { name: label.into() })
}

/// Opens what [`seal`] made. After an error `to` holds a beginning that must not be used.
///
/// # Errors
/// [`BackupError::Format`] when it is no sealed file, [`BackupError::Refused`] when any of it is not as it was
/// sealed, [`BackupError::Io`].
pub fn open(
    key: &BackupKey,
    label: &str,
    sealed: &mut impl Read,
    to: &mut impl Write,
) -> Result<(), BackupError> {
    let failed = |source| BackupError::Io { path: label.into(), source };
    let head = read_chunk(sealed, MAGIC.len() + PREFIX).map_err(failed)?;
    let prefix: [u8; PREFIX] = head
        .strip_prefix(MAGIC.as_slice())
        .and_then(|prefix| prefix.try_into().ok())
        .ok_or_else(|| BackupError::Format { name: label.into() })?;
    let cipher = cipher(key);
    let mut chunk = read_chunk(sealed, CHUNK + TAG).map_err(failed)?;
    for number in 0..u32::MAX {
        let next = match chunk.len() < CHUNK + TAG {
            true => Vec::new(),
            false => read_chunk(sealed, CHUNK + TAG).map_err(failed)?,
        };
        let last = next.is_empty();
        let payload = Payload { msg: &chunk, aad: &associated(label) };
        let plain = cipher.decrypt(&nonce(&prefix, number, last), payload).map(Zeroizing::new);
        to.write_all(&plain.map_err(|_| BackupError::Refused { name: label.into() })?).map_err(failed)?;
        if last {
            return Ok(());
        }
        chunk = next;
    }
    Err(BackupError::Format { name: label.into() })
}

fn cipher(key: &BackupKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.sealing().into())
}

fn nonce(prefix: &[u8; PREFIX], number: u32, last: bool) -> XNonce {
    let mut nonce = XNonce::default();
    nonce[..PREFIX].copy_from_slice(prefix);
    nonce[PREFIX..PREFIX + 4].copy_from_slice(&number.to_be_bytes());
    nonce[PREFIX + 4] = u8::from(last);
    nonce
}

fn associated(label: &str) -> Vec<u8> {
    [MAGIC.as_slice(), label.as_bytes()].concat()
}

/// As many bytes as there are, up to `most`.
fn read_chunk(from: &mut impl Read, most: usize) -> std::io::Result<Vec<u8>> {
    let mut chunk = Vec::new();
    from.take(most as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}
