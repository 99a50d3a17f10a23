//! The configuration file: the example in the documentation is one, and a broken one says where.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Path, PathBuf};

use node::{Config, ConfigError, FeesConfig};
use tempfile::TempDir;

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/earnest.toml")
}

/// Loads the example with one piece of text replaced by another.
fn with(from: &str, to: &str) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(example()).unwrap();
    assert!(text.contains(from), "the example has no {from}");
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("earnest.toml");
    std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
    Config::load(&file)
}

#[test]
fn the_documented_example_is_a_configuration_and_shows_its_defaults() {
    let config = Config::load(&example()).unwrap();
    assert_eq!(config.oracles.len(), 1);
    assert_eq!(config.mandate.max_locked_sat.0, 5_000_000);
    assert_eq!(config.fees, FeesConfig::default());
    assert_eq!(with("floor_sat_vb = 2 ", "# ").unwrap().fees, config.fees);
    let short = with("poll_every_s = 30 ", "# ").unwrap();
    assert_eq!(short.poll_every_s, config.poll_every_s);
    let short = with("confirmations = 6 ", "# ").unwrap();
    assert_eq!(short.confirmations, config.confirmations);
    let short = with("require_nonce_proofs = true ", "# ").unwrap();
    assert!(short.require_nonce_proofs && config.require_nonce_proofs);
}

#[test]
fn a_rule_that_is_broken_is_named_with_its_field() {
    let broken = [
        ("\"regtest\"", "\"testnet3\"", "network"),
        ("\"regtest\"", "\"signet\"\nmainnet_acknowledgement = \"yes\"", "mainnet_acknowledgement"),
        ("127.0.0.1:7810", "0.0.0.0:7810", "owner_listen"),
        ("poll_every_s = 30", "poll_every_s = 0", "poll_every_s"),
        ("confirmations = 6", "confirmations = 0", "confirmations"),
        ("floor_sat_vb = 2", "floor_sat_vb = 0", "fees.floor_sat_vb"),
        ("ceiling_sat_vb = 200", "ceiling_sat_vb = 1", "fees.ceiling_sat_vb"),
        ("target_blocks = 6", "target_blocks = 1009", "fees.target_blocks"),
        ("bump_after_blocks = 3", "bump_after_blocks = 0", "fees.bump_after_blocks"),
        ("cookie_file = ", "user = \"a\"\n# ", "bitcoind.password"),
        ("cookie_file = ", "# ", "bitcoind"),
        ("# user = \"earnest\"", "user = \"earnest\"", "bitcoind"),
    ];
    for (from, to, named) in broken {
        match with(from, to) {
            Err(ConfigError::Rule { field, .. }) => assert_eq!(field, named, "{to}"),
            other => panic!("{to}: {other:?}"),
        }
    }
}

#[test]
fn what_is_unknown_missing_or_of_another_type_is_named() {
    let broken = [
        ("poll_every_s", "pol_every_s", "pol_every_s"),
        ("max_locked_sat = 5_000_000", "", "max_locked_sat"),
        ("confirmations = 6", "confirmations = -1", "confirmations"),
        ("79be667e", "79BE667E", "key"),
        ("\"127.0.0.1:7810\"", "\"localhost\"", "owner_listen"),
        ("max_contract_sat = 1_000_000", "max_contract_sat = 1.5", "max_contract_sat"),
    ];
    for (from, to, named) in broken {
        let error = with(from, to).expect_err(to);
        assert!(error.to_string().contains(named), "{to}: {error}");
        assert!(matches!(error, ConfigError::Parse { .. }), "{to}");
    }
}

#[test]
fn paths_are_relative_to_the_files_folder() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("earnest.toml");
    let text = std::fs::read_to_string(example()).unwrap();
    let text =
        text.replace("/var/lib/earnest", "data").replace("/var/lib/bitcoind/regtest/.cookie", "cookie");
    std::fs::write(&file, text).unwrap();
    let config = Config::load(&file).unwrap();
    assert_eq!(config.data_dir, folder.path().join("data"));
    assert_eq!(config.bitcoind.cookie_file, Some(folder.path().join("cookie")));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing = Path::new("/nowhere/earnest.toml");
    let error = Config::load(missing).expect_err("is not there");
    assert!(error.to_string().starts_with("/nowhere/earnest.toml"), "{error}");
}
