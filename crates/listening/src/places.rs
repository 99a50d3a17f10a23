//! Places for connections: some for everybody together, fewer for one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The places of one listener. Memory is bounded by them: an address without a connection is forgotten.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    taken: Arc<Mutex<Taken>>,
    connections: usize,
    of_one: usize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    address: Option<IpAddr>,
}

impl Places {
    pub(crate) fn new(connections: usize, of_one: usize) -> Self {
        Self { taken: Arc::default(), connections, of_one }
    }

    /// A place, counted as this address's, if there is one.
    pub(crate) fn take(&self, address: Option<IpAddr>) -> Option<Place> {
        let mut taken = self.taken();
        if taken.all >= self.connections {
            return None;
        }
        if let Some(address) = address {
            let own = taken.by_address.get(&address).copied().unwrap_or(0);
            if own >= self.of_one {
                return None;
            }
            taken.by_address.insert(address, own + 1);
        }
        taken.all += 1;
        drop(taken);
        Some(Place { places: self.clone(), address })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all = taken.all.saturating_sub(1);
        let Some(address) = self.address else { return };
        match taken.by_address.get_mut(&address) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                taken.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_its_share_and_leaves_the_rest_to_others() {
        let places = Places::new(3, 2);
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().ok());
        let first = places.take(one).unwrap();
        let _second = places.take(one).unwrap();
        assert!(places.take(one).is_none());
        let third = places.take(other).unwrap();
        assert!(places.take(None).is_none(), "there are three");
        drop(first);
        assert!(places.take(one).is_some());
        drop(third);
        assert_eq!(places.taken().by_address.len(), 1, "who has no place is forgotten");
    }
}
