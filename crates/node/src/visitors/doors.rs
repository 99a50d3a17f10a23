//! How many requests with bodies are read or answered at once, and how many of them may be one address'.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::Visitor;

/// Envelopes and the like that are inside at the same time; each may hold 16 MiB.
const AT_ONCE: usize = 16;
/// Of which one address has so many at most, so that one that sends its bodies slowly keeps out nobody else.
const AT_ONCE_EACH: usize = 8;

/// The doors. Its memory is bounded by how many may be inside.
#[derive(Debug)]
pub(crate) struct Doors {
    places: Semaphore,
    inside: Mutex<BTreeMap<IpAddr, usize>>,
}

/// Somebody who is inside, until this is dropped.
#[derive(Debug)]
pub(crate) struct Inside<'a> {
    _place: SemaphorePermit<'a>,
    doors: &'a Doors,
    address: Option<IpAddr>,
}

impl Default for Doors {
    fn default() -> Self {
        Self { places: Semaphore::new(AT_ONCE), inside: Mutex::default() }
    }
}

impl Doors {
    /// Lets somebody in, where there is a place for everybody and for its address.
    pub(crate) fn enter(&self, visitor: Visitor) -> Option<Inside<'_>> {
        let place = self.places.try_acquire().ok()?;
        if let Some(address) = visitor.0 {
            let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
            let count = inside.entry(address).or_default();
            if *count >= AT_ONCE_EACH {
                return None;
            }
            *count += 1;
        }
        Some(Inside { _place: place, doors: self, address: visitor.0 })
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut inside = self.doors.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&address) {
            *count -= 1;
        }
        inside.retain(|_, count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Visitor {
        Visitor(Some(text.parse().unwrap()))
    }

    #[test]
    fn one_address_leaves_room_for_others_and_all_together_fill_the_house() {
        let doors = Doors::default();
        let mut one: Vec<_> = (0..AT_ONCE_EACH).map(|_| doors.enter(at("192.0.2.1")).unwrap()).collect();
        assert!(doors.enter(at("192.0.2.1")).is_none());
        let others: Vec<_> =
            (0..AT_ONCE - AT_ONCE_EACH).map(|_| doors.enter(Visitor(None)).unwrap()).collect();
        assert!(doors.enter(at("192.0.2.2")).is_none() && doors.enter(Visitor(None)).is_none());
        one.pop();
        assert!(doors.enter(at("192.0.2.1")).is_some());
        drop((one, others));
        assert!(doors.inside.lock().unwrap().is_empty(), "nobody is kept in mind who is gone");
        assert_eq!(doors.places.available_permits(), AT_ONCE);
    }
}
