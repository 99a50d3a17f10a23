//! Named places at which a test kills the process.
//!
//! A program that must survive a crash between any two effects says where these places are, with [`here!`]. Without
//! the feature `enabled` that is nothing at all: no call, no string, no look at the environment. With it, two
//! variables command the process:
//!
//! - `EARNEST_CRASH_LOG=FILE` appends a line `NAME#K` for the K-th time that the point NAME is reached, before the
//!   process goes on. Points are counted from 1, for each process anew.
//! - `EARNEST_CRASH_AT=NAME#K` makes the process kill itself there (SIGKILL): no destructor runs, no buffer is
//!   written, no connection is closed in order.
//!
//! With the feature a release does not compile, so that none carries it by mistake.
//!
//! This crate knows nothing of what the program does. Start reading at [`here!`].

#[cfg(feature = "enabled")]
mod armed;
#[cfg(feature = "enabled")]
#[doc(hidden)]
pub use armed::reach;

#[cfg(all(feature = "enabled", not(debug_assertions)))]
compile_error!("crash points are for test builds, never for a release");

/// The variable that says where the process kills itself: `NAME#K`.
pub const CRASH_AT: &str = "EARNEST_CRASH_AT";
/// The variable that names the file to which every point that is reached is appended.
pub const CRASH_LOG: &str = "EARNEST_CRASH_LOG";

/// A place between two effects, named as [`format!`] would: `here!("send.before:{kind}")`.
///
/// The arguments are evaluated only where the points are compiled in, so they must have no effects.
#[cfg(feature = "enabled")]
#[macro_export]
macro_rules! here {
    ($($name:tt)+) => { $crate::reach(&::std::format!($($name)+)) };
}

/// A place between two effects, named as [`format!`] would: `here!("send.before:{kind}")`.
///
/// The arguments are evaluated only where the points are compiled in, so they must have no effects.
#[cfg(not(feature = "enabled"))]
#[macro_export]
macro_rules! here {
    ($($name:tt)+) => {
        if false {
            let _ = ::core::format_args!($($name)+);
        }
    };
}

#[cfg(all(test, not(feature = "enabled")))]
mod tests {
    /// Were there anything to run, this would not compile: it could not be run at compile time.
    const _: () = {
        here!("nothing");
    };

    #[test]
    fn without_the_feature_a_point_evaluates_nothing() {
        let mut asked = 0;
        let mut name = || {
            asked += 1;
            "name"
        };
        here!("here:{}", name());
        assert_eq!(asked, 0);
    }
}
