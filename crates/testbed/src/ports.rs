//! Ports that nobody uses.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Below the ports that Linux gives to outgoing connections (32768 and up by default), or any connection of anybody
/// could take a port between the moment it was given and the moment somebody listens on it, or while who listens on
/// it is being restarted.
const PORTS: Range<u16> = 10_000..32_000;

/// Far apart, so that processes that start together seldom try the same ports.
const STRIDE: u32 = 997;

/// What this process was given, and holds until it ends.
static GIVEN: Mutex<Given> = Mutex::new(Given { last: None, held: Vec::new() });

struct Given {
    last: Option<u16>,
    /// Locked, so that no other process that asks gets the port.
    held: Vec<File>,
}

/// A loopback port on which nobody listens and which nobody was given that still runs, in this process or another.
///
/// Somebody who does not ask here may still take it before it is used, so whoever starts something on it must
/// notice when that fails.
///
/// # Errors
/// When there is no free port, or the folder in which they are reserved can't be written.
pub fn free_port() -> io::Result<u16> {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = folder()?;
    let mut port = given.last.unwrap_or_else(first);
    for _ in PORTS {
        port = if port + 1 < PORTS.end { port + 1 } else { PORTS.start };
        let Some(lock) = reserve(&folder, port)? else { continue };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            given.last = Some(port);
            given.held.push(lock);
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "all ports from 10000 to 31999 are in use"))
}

/// The same as an address.
///
/// # Errors
/// As [`free_port`].
pub fn free_addr() -> io::Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, free_port()?).into())
}

/// Where a process begins to look.
fn first() -> u16 {
    let span = u32::from(PORTS.end - PORTS.start);
    let offset = std::process::id().wrapping_mul(STRIDE) % span;
    PORTS.start + u16::try_from(offset).unwrap_or(0)
}

fn folder() -> io::Result<PathBuf> {
    // A user's own, since another user's locks can't be opened.
    let user = rustix::process::getuid().as_raw();
    let folder = std::env::temp_dir().join(format!("earnest-ports-{user}"));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The port's lock; `None` when somebody who still runs has it.
fn reserve(folder: &Path, port: u16) -> io::Result<Option<File>> {
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(port.to_string()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let ports: Vec<u16> = (0..500).map(|_| free_port().unwrap()).collect();
        let distinct: BTreeSet<u16> = ports.iter().copied().collect();
        assert_eq!(distinct.len(), ports.len());
    }

    #[test]
    fn a_port_that_another_process_was_given_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = reserve(folder.path(), 12_345).unwrap().unwrap();
        assert!(reserve(folder.path(), 12_345).unwrap().is_none());
        drop(theirs);
        assert!(reserve(folder.path(), 12_345).unwrap().is_some());
    }
}
