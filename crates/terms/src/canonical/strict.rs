//! A first pass over a document's JSON, before its types: what serde's derived readers let through.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{DocumentError, MAX_DEPTH, refusal};
use crate::units::MAX_NUMBER;

/// Refuses duplicate keys at every level, numbers that are not integers in `0..=2^53 - 1`, deep nesting, and
/// anything after the document.
pub(super) fn check(bytes: &[u8]) -> Result<(), DocumentError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    Node { depth: 0 }
        .deserialize(tracked)
        .map_err(|error| refusal(&serde_path_to_error::Error::new(track.path(), error)))?;
    reader.end().map_err(|_| DocumentError::new(super::WHOLE, "something follows after its end"))
}

/// Any JSON value, `depth` lists or objects deep.
#[derive(Clone, Copy)]
struct Node {
    depth: usize,
}

impl Node {
    fn inside<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("is nested more than {MAX_DEPTH} levels deep")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without floats or negative numbers")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        if number > MAX_NUMBER {
            return Err(E::custom(format_args!(
                "{number} is above 2^53 - 1, where not every reader is exact"
            )));
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        Err(E::custom(format_args!("{number} is negative; numbers are unsigned")))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Err(E::custom("must be an integer from 0 to 2^53 - 1, written in digits only"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while list.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut seen = BTreeSet::new();
        while let Some(key) = object.next_key::<String>()? {
            if seen.insert(key) {
                object.next_value_seed(inside)?;
            } else {
                object.next_value_seed(SecondTime)?;
            }
        }
        Ok(())
    }
}

/// The value of a key that was there before. It fails here and not at the key, so that the error's path names it.
struct SecondTime;

impl<'de> DeserializeSeed<'de> for SecondTime {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Err(D::Error::custom("appears twice"))
    }
}
