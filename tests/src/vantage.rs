//! A vantage elsewhere that reports to the world's oracle, over a network that fails on command.

use axum::http::StatusCode;
use testbed::Service;

use crate::proxy::{Proxy, Verdict};
use crate::world::World;

/// The vantage's process, and its way to the oracle.
#[derive(Debug)]
pub struct Vantage {
    /// The process.
    pub service: Service,
    /// Its name in samples, and in simulated time.
    pub name: String,
    way: Proxy,
}

impl Vantage {
    /// Cuts it off from the oracle, and from nothing else.
    pub fn cut_off(&self) {
        self.way.rule(|_| Verdict::Answer(StatusCode::SERVICE_UNAVAILABLE, b"{}".to_vec()));
    }

    /// The oracle can be reached again.
    pub fn join_up(&self) {
        self.way.pass();
    }

    /// Kills it, and waits until time goes on without it.
    pub async fn kill(&mut self, world: &World) {
        self.service.kill();
        world.barrier.wait_until_gone(&self.name).await;
    }

    /// Starts it, and waits until it takes part in the time.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(&mut self, world: &World) {
        self.service.start_unready(world.barrier.addr()).expect("the vantage starts");
        world.barrier.wait_for(&[&self.name]).await;
    }
}

impl World {
    /// Gives the oracle vantages elsewhere, which run from now on. It is started again for it.
    ///
    /// # Panics
    /// When one can't be set up.
    pub async fn add_vantages(&mut self, names: &[&str]) -> Vec<Vantage> {
        self.stop("oracle").await;
        let config = self.oracle.service.config_file();
        let mut text = std::fs::read_to_string(&config).expect("the oracle has a configuration");
        let mut vantages = Vec::new();
        for name in names {
            let (vantage, key) = self.set_up_vantage(name).await;
            text += &format!("\n[[remote_vantage]]\nname = \"{name}\"\nkey = \"{key}\"\n");
            vantages.push(vantage);
        }
        self.oracle.service.configure(&text).expect("is written");
        self.start("oracle").await;
        for vantage in &mut vantages {
            vantage.start(self).await;
        }
        self.calm().await;
        vantages
    }

    async fn set_up_vantage(&self, name: &str) -> (Vantage, String) {
        let way = Proxy::before(self.oracle.addr).await;
        let service = Service::vantage(name, self.home()).expect("`earnest-oracle` is built and fresh");
        let text = format!(
            "network = \"regtest\"\ndata_dir = \"{data}\"\n\
             [[oracle]]\nurl = \"{url}\"\nkey = \"{key}\"\n\
             [[resolve]]\nhost = \"service.example\"\naddr = \"{target}\"\n\
             [[resolve]]\nhost = \"reference.example\"\naddr = \"{reference}\"\n\
             [[reference]]\nurl = \"http://reference.example/\"\n",
            data = service.data_dir().display(),
            url = way.url(),
            key = self.oracle.key,
            target = self.target.addr(),
            reference = self.reference.addr(),
        );
        service.configure(&text).expect("is written");
        let made = service.init().expect("`earnest-oracle init --vantage` works");
        let key = made["pubkey"].as_str().expect("init prints the key").to_owned();
        (Vantage { service, name: name.to_owned(), way }, key)
    }
}
