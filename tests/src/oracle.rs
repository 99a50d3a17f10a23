//! An oracle, with what it measures.

use std::net::SocketAddr;
use std::path::Path;

use client::OracleClient;
use terms::Hex32;
use testbed::{FailingTarget, Service, free_addr};

/// The oracle's process, and a client for it.
#[derive(Debug)]
pub struct Oracle {
    /// The process.
    pub service: Service,
    /// Anybody's client.
    pub client: OracleClient,
    /// Its x-only key.
    pub key: Hex32,
    /// Where it listens.
    pub addr: SocketAddr,
    /// What it takes for the measured service, where that is not what the first oracle does: what fails here, it alone
    /// sees failing.
    pub(crate) own_target: Option<FailingTarget>,
}

/// What oracles of one world share.
pub(crate) struct Vantage<'a> {
    pub home: &'a Path,
    pub reference: SocketAddr,
    /// Lines of every oracle's configuration, before its tables.
    pub more: &'a str,
}

impl Oracle {
    /// Sets an oracle up; it does not run yet.
    pub(crate) fn set_up(name: &str, vantage: &Vantage<'_>, target: SocketAddr, delay_s: u64) -> Self {
        let addr = free_addr().expect("there are free ports");
        let service = Service::oracle(name, vantage.home, addr).expect("`earnest-oracle` is built and fresh");
        let text = format!(
            "network = \"regtest\"\nlisten = \"{addr}\"\ndata_dir = \"{data}\"\npublication_delay_s = {delay_s}\n\
             {more}\n\
             [[resolve]]\nhost = \"service.example\"\naddr = \"{target}\"\n\n\
             [[resolve]]\nhost = \"reference.example\"\naddr = \"{reference}\"\n\n\
             [[reference]]\nurl = \"http://reference.example/\"\n",
            data = service.data_dir().display(),
            more = vantage.more,
            reference = vantage.reference,
        );
        service.configure(&text).expect("is written");
        let made = service.init().expect("`earnest-oracle init` works");
        let key =
            made["pubkey"].as_str().and_then(Hex32::parse).expect("`earnest-oracle init` prints the key");
        let client = OracleClient::new(&format!("http://{addr}")).expect("is a good URL");
        Self { service, client, key, addr, own_target: None }
    }

    /// Where it is reached.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What this oracle alone takes for the measured service.
    ///
    /// # Panics
    /// For the world's first oracle, whose target is the world's.
    #[must_use]
    pub fn target(&self) -> &FailingTarget {
        self.own_target.as_ref().expect("this oracle has a target of its own")
    }
}
