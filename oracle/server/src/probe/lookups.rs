//! Lookups by the machine's own resolver, which wait on threads and can't be called off.
//!
//! A probe that runs out of time leaves its lookup behind, on its thread, until the resolver gives up: ten seconds and
//! more for a name whose servers never answer. Without a bound a few targets of such names, each asked for every second,
//! would hold all threads, and the lookups of all other targets would wait for one until their probes were late.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::Semaphore;

/// So many lookups of one target may wait at the same time: a lost packet holds up one, and not the next probe's.
pub const AT_ONCE: usize = 4;

/// The places that one target has for lookups. A probe that finds none in its time was late: so was the name before it.
#[derive(Clone, Debug)]
pub(super) struct Lookups(Arc<Semaphore>);

impl Default for Lookups {
    fn default() -> Self {
        Self::of(AT_ONCE)
    }
}

impl Lookups {
    /// Without a bound: for what the operator has probed, such as references, which many failed probes ask at once.
    pub(super) fn unbounded() -> Self {
        Self::of(Semaphore::MAX_PERMITS)
    }

    fn of(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }

    /// What the machine's resolver says of a name; `None` when it has no address, or nobody says.
    pub(super) async fn ask(&self, name: &str, port: u16) -> Option<Vec<SocketAddr>> {
        let name = name.to_owned();
        self.run(move || Some((name.as_str(), port).to_socket_addrs().ok()?.collect())).await?
    }

    /// Does the work on a thread of its own. It keeps its place until it is done, whoever still waits for it.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let place = Arc::clone(&self.0).acquire_owned().await.ok()?;
        let work = move || {
            let done = work();
            drop(place);
            done
        };
        tokio::task::spawn_blocking(work).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::Poll;

    use super::*;

    /// Begins a lookup that hangs until it is let go, and gives up on it as a probe does that is out of time.
    async fn give_up(lookups: &Lookups, begun: &mpsc::Sender<()>) -> mpsc::Sender<()> {
        let (let_go, hangs) = mpsc::channel();
        let begun = begun.clone();
        let mut lookup = pin!(lookups.run(move || {
            let _ = begun.send(());
            let _ = hangs.recv();
        }));
        let is_pending = poll_fn(|context| Poll::Ready(lookup.as_mut().poll(context).is_pending())).await;
        assert!(is_pending);
        let_go
    }

    #[tokio::test]
    async fn a_name_that_nobody_answers_for_holds_few_threads_and_none_of_another_targets() {
        let (begun, begins) = mpsc::channel();
        let (evil, good) = (Lookups::default(), Lookups::default());
        let mut hanging = Vec::new();
        for _ in 0..AT_ONCE * 10 {
            hanging.push(give_up(&evil, &begun).await);
        }
        assert_eq!(good.run(|| "an address").await, Some("an address"));
        assert_eq!(evil.0.available_permits(), 0);
        (0..AT_ONCE).for_each(|_| begins.recv().unwrap());

        // The resolver gives up, and the name can be looked up again; nothing that nobody waits for any more is begun.
        drop(hanging);
        assert_eq!(evil.run(|| "an address").await, Some("an address"));
        assert!(begins.try_recv().is_err());
    }
}
