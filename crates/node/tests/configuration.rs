//! The configuration file: the example in the documentation is one, and a broken one says where.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Path, PathBuf};

use node::{Config, ConfigError, FeesConfig, ReputationConfig};
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
    assert_eq!(config.reputation, ReputationConfig::default());
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
        ("requests_burst = 240", "requests_burst = 0", "limits.requests_burst"),
        ("key_burst = 240", "key_burst = 0", "limits.key_burst"),
        ("bump_after_blocks = 3", "bump_after_blocks = 0", "fees.bump_after_blocks"),
        ("unknown_ppm = 1_000_000", "unknown_ppm = 1_000_001", "reputation.unknown_ppm"),
        ("min_settled = 0", "min_settled = 1001", "reputation.min_settled"),
        ("strangers = 0", "strangers = 1001", "reputation.strangers"),
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
fn the_tools_of_agents_are_on_loopback_and_for_named_pages() {
    let section = std::fs::read_to_string(example()).unwrap();
    let section = section.lines().skip_while(|line| !line.starts_with("# [mcp]")).take(4);
    let shown: String = section.map(|line| line.trim_start_matches("# ").to_owned() + "\n").collect();
    let load = |section: &str| with("[mandate] ", &format!("{section}\n[mandate] "));
    let mcp = load(&shown).unwrap().mcp.expect("is configured");
    assert_eq!((mcp.listen.port(), mcp.allowed_hosts.len(), mcp.allowed_origins.len()), (7812, 1, 1));
    assert!(Config::load(&example()).unwrap().mcp.is_none(), "left out it is off");
    let broken = [
        ("127.0.0.1:7812", "0.0.0.0:7812", "mcp.listen"),
        ("127.0.0.1:7812", "127.0.0.1:7810", "mcp.listen"),
        ("\"agents.example\"", "\"agents.example/x\"", "mcp.allowed_hosts"),
        ("https://agents.example:443", "https://agents.example", "mcp.allowed_origins"),
    ];
    for (from, to, named) in broken {
        match load(&shown.replacen(from, to, 1)) {
            Err(ConfigError::Rule { field, .. }) => assert_eq!(field, named, "{to}"),
            other => panic!("{to}: {other:?}"),
        }
    }
}

/// The sections that nobody should copy unread, such as the sweep to somebody else's address.
#[test]
fn what_the_example_shows_behind_a_number_sign_is_right_as_well() {
    let text = std::fs::read_to_string(example()).unwrap();
    let (first, rest) = text.split_once("# [supply]").unwrap();
    let rest: String =
        rest.lines().map(|line| line.strip_prefix("# ").unwrap_or(line).to_owned() + "\n").collect();
    let load = |rest: &str| {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("earnest.toml");
        std::fs::write(&file, format!("{}[supply]{rest}", first.replace("# max_with", "max_with"))).unwrap();
        Config::load(&file)
    };
    let shown = rest.replace("every_s = 86_400", "");
    let config = load(&shown).unwrap();
    assert_eq!(config.mandate.max_withdrawal_sat.unwrap().0, 500_000);
    let (supply, sweep) = (config.supply.unwrap(), config.sweep.unwrap());
    assert_eq!((supply.coins, sweep.keep_sat.0, sweep.at.len()), (10, 200_000, 1));
    let broken = [
        ("coins = 10", "coins = 0", "supply.coins"),
        ("coin_sat = 120_000", "coin_sat = 999", "supply.coin_sat"),
        ("refill_below = 5", "refill_below = 11", "supply.refill_below"),
        (
            "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
            "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
            "sweep.address",
        ),
        ("at = [\"03:30\"]", "", "sweep.every_s"),
        ("at = [\"03:30\"]", "every_s = 59", "sweep.every_s"),
        ("keep_sat", "every_s = 60\nkeep_sat", "sweep.every_s"),
        ("min_sat = 100_000", "min_sat = 999", "sweep.min_sat"),
    ];
    for (from, to, named) in broken {
        assert!(shown.contains(from), "{from}");
        match load(&shown.replacen(from, to, 1)) {
            Err(ConfigError::Rule { field, .. }) => assert_eq!(field, named, "{to}"),
            other => panic!("{to}: {other:?}"),
        }
    }
    for (from, to) in [("03:30", "25:00"), ("bcrt1qw5", "bcrt1qw6"), ("keep_sat", "kept_sat")] {
        let refused = load(&shown.replacen(from, to, 1)).expect_err(to);
        assert!(matches!(refused, ConfigError::Parse { .. }), "{to}: {refused}");
    }
}

#[test]
fn what_the_example_shows_of_directories_is_right_as_well() {
    let text = std::fs::read_to_string(example()).unwrap();
    let (first, rest) = text.split_once("# [directory]").unwrap();
    let (shown, rest) = rest.split_once("\n[mandate]").unwrap();
    let shown = shown.replace("\n# ", "\n");
    let load = |shown: &str| {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("earnest.toml");
        std::fs::write(&file, format!("{first}[directory]{shown}\n[mandate]{rest}")).unwrap();
        Config::load(&file)
    };
    let config = load(&shown).unwrap();
    assert_eq!(config.directory, Some(node::DirectoryConfig::default()));
    assert_eq!(config.limits, node::LimitsConfig::default());
    let listing = config.listing.unwrap();
    assert_eq!((listing.directories.len(), listing.life_s), (1, 86_400));
    for (from, to, named) in [
        ("max_listings = 10_000", "max_listings = 0", "directory.max_listings"),
        ("max_per_address = 20", "max_per_address = 10_001", "directory.max_per_address"),
        ("https://provider.example", "provider.example", "listing.url"),
        ("[\"https://directory.example\"]", "[]", "listing.directories"),
        ("[\"https://directory.example\"]", "[\"gopher://x\"]", "listing.directories"),
        ("\"Sells uptime of api.example\"", "\"two\\nlines\"", "listing.summary"),
        ("life_s = 86_400", "life_s = 599", "listing.life_s"),
    ] {
        assert!(shown.contains(from), "{from}");
        match load(&shown.replacen(from, to, 1)) {
            Err(ConfigError::Rule { field, .. }) => assert_eq!(field, named, "{to}"),
            other => panic!("{to}: {other:?}"),
        }
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
