//! Whom the oracle believes about certificates: the machine's authorities, and those its operator adds.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use terms::{Hex32, canonical};

use crate::config::ProbeConfig;

/// Why the roots could not be had.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The file is missing, or is not PEM.
    #[error("probe.extra_roots: {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A certificate in it can't be used as a root.
    #[error("probe.extra_roots: {}: certificate {number}: {source}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Which one, counted from 1.
        number: usize,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The file holds no certificate.
    #[error("probe.extra_roots: {}: holds no certificate", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The authorities that may vouch for a target's certificate. Read once, when the oracle starts.
#[derive(Clone, Debug)]
pub struct Roots {
    pub(super) store: RootCertStore,
    system: u64,
    extra: Vec<Hex32>,
}

impl Roots {
    /// The machine's roots and the configured ones.
    ///
    /// A machine without roots (Debian without `ca-certificates`) is no error here: it can still
    /// probe `http`, and `https` is refused where it is asked for.
    ///
    /// # Errors
    /// When the configured file can't be used, whole.
    pub fn load(config: &ProbeConfig) -> Result<Self, RootsError> {
        let mut store = RootCertStore::empty();
        if config.system_roots {
            add_system(&mut store);
        }
        let system = store.len() as u64;
        let extra = match &config.extra_roots {
            Some(path) => add_file(&mut store, path)?,
            None => Vec::new(),
        };
        Ok(Self { store, system, extra })
    }

    /// Is there nobody to believe?
    pub fn is_empty(&self) -> bool {
        self.store.is_empty()
    }

    /// How many of them are the machine's.
    pub fn system(&self) -> u64 {
        self.system
    }

    /// SHA-256 of those that the operator added, each over the certificate's DER.
    pub fn extra(&self) -> &[Hex32] {
        &self.extra
    }
}

/// A root that can't be read is left out: systems carry odd ones, and the others are as good as before.
fn add_system(store: &mut RootCertStore) {
    let found = rustls_native_certs::load_native_certs();
    let (_, ignored) = store.add_parsable_certificates(found.certs);
    if ignored > 0 || !found.errors.is_empty() {
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        tracing::warn!(ignored, ?errors, "some of the machine's root certificates can't be used");
    }
}

fn add_file(store: &mut RootCertStore, path: &Path) -> Result<Vec<Hex32>, RootsError> {
    let unreadable = |source| RootsError::Unreadable { path: path.to_owned(), source };
    let mut hashes = Vec::new();
    for (index, certificate) in CertificateDer::pem_file_iter(path).map_err(unreadable)?.enumerate() {
        let certificate = certificate.map_err(unreadable)?;
        hashes.push(Hex32(canonical::sha256(&certificate)));
        store.add(certificate).map_err(|source| RootsError::Refused {
            path: path.to_owned(),
            number: index + 1,
            source,
        })?;
    }
    if hashes.is_empty() {
        return Err(RootsError::Empty { path: path.to_owned() });
    }
    Ok(hashes)
}
