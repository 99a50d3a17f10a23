//! Faults of the machine that probes: who has no file or buffer left can connect to nobody, and that says nothing about a
//! target.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};

use rustix::io::Errno;

use super::cause::Cause;

/// What the system says when this process, or the whole machine, has none left of something.
const EXHAUSTED: [Errno; 4] = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];

/// Is this error about the machine that probes?
pub(super) fn is_own(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    EXHAUSTED.iter().any(|errno| code == Some(errno.raw_os_error()))
}

/// The cause of a failure that came without the system's own word: this one, unless no socket can be had at all.
pub(super) fn unless_exhausted(cause: Cause) -> Cause {
    match UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)) {
        Err(error) if is_own(&error) => Cause::OwnLimits,
        _ => cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_refuses_is_at_fault_and_who_has_no_file_left_is_not() {
        let error = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        assert!(is_own(&error(Errno::MFILE)) && is_own(&error(Errno::NFILE)));
        assert!(!is_own(&error(Errno::CONNREFUSED)) && !is_own(&error(Errno::HOSTUNREACH)));
        assert!(!is_own(&io::Error::from(io::ErrorKind::NotFound)), "an error that is not the system's");
        assert_eq!(unless_exhausted(Cause::Name), Cause::Name);
    }
}
