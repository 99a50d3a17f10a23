//! Amounts in the RPC's answers: decimal bitcoin, read digit by digit and never through a float.

use std::fmt::Display;

use bitcoin::{Amount, Denomination};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A field that must be there.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Amount, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    read(raw.get())
}

/// A field that may be missing; together with `#[serde(default)]`.
pub(super) mod opt {
    use super::{Amount, Deserialize, Deserializer, RawValue, read};

    pub(in crate::chain) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Amount>, D::Error> {
        let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
        raw.map(|raw| read(raw.get())).transpose()
    }
}

fn read<E: serde::de::Error>(digits: &str) -> Result<Amount, E> {
    let refuse = |error: &dyn Display| E::custom(format_args!("{digits} is no amount of bitcoin: {error}"));
    Amount::from_str_in(digits, Denomination::Bitcoin).map_err(|error| refuse(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Answer {
        #[serde(deserialize_with = "super::deserialize")]
        fee: Amount,
        #[serde(default, deserialize_with = "super::opt::deserialize")]
        rate: Option<Amount>,
    }

    fn answer(json: &str) -> Result<Answer, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn every_digit_of_an_amount_counts() {
        // One satoshi less than all money there can be, and the smallest amount there is.
        let read = answer("{\"fee\": 20999999.99999999, \"rate\": 0.00000001}").unwrap();
        assert_eq!(read.fee.to_sat(), 2_099_999_999_999_999);
        assert_eq!(read.rate.unwrap().to_sat(), 1);
        assert_eq!(answer("{\"fee\": 1}").unwrap().rate, None);
        assert_eq!(answer("{\"fee\": 1, \"rate\": null}").unwrap().rate, None);
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in ["-1.0", "1e-5", "0.000000001", "\"1\"", "null", "{}", "99999999999999999999"] {
            assert!(answer(&format!("{{\"fee\": {bad}}}")).is_err(), "{bad}");
        }
    }
}
