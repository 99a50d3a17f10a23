//! The oracle as a process of its own, in real time, and what the system says of it.

use std::fs;
use std::process::{Child, Command};
use std::time::Duration;

use earnest_oracle::config::Config;
use protocol::oracle::{EventPage, EventState};
use serde_json::Value;
use signer::{KeyOptions, OracleKey};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use terms::EventId;

use crate::common::Http;
use crate::common::process::{address, earnest_oracle};

/// A running oracle with a folder of its own.
pub struct OracleProcess {
    child: Child,
    dir: TempDir,
    pub http: Http,
}

impl OracleProcess {
    pub async fn start(services: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (file, log) = (dir.path().join("oracle.toml"), dir.path().join("log"));
        let text = format!(
            "network = \"regtest\"\ndata_dir = \".\"\nlisten = \"127.0.0.1:0\"\npublication_delay_s = 86400\n\
             [limits]\nopen_events = {services}\n[probe]\nallow_private_targets = true\n"
        );
        fs::write(&file, text).unwrap();
        let options = KeyOptions { network: "regtest".to_owned(), simulated: false, passphrase: None };
        OracleKey::create(&Config::load(&file).unwrap().key_file(), &options).unwrap();
        let child = earnest_oracle(&["serve", "--config", &file.display().to_string()])
            .env("RUST_LOG", "warn,earnest_oracle::service=info")
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let addr = loop {
            match address(&fs::read_to_string(&log).unwrap()) {
                Some(addr) => break addr,
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        Self { child, dir, http: Http::at(addr) }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The database with what is not folded into it yet.
    pub async fn database_bytes(&self) -> u64 {
        let file = self.dir.path().join("oracle.db");
        let mut database =
            SqliteConnectOptions::new().filename(file).read_only(true).connect().await.unwrap();
        let asked = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        let bytes: i64 = sqlx::query_scalar(asked).fetch_one(&mut database).await.unwrap();
        database.close().await.unwrap();
        u64::try_from(bytes).unwrap()
    }

    /// Waits until the windows of all these events are closed.
    pub async fn until_closed(&self, events: &[EventId]) {
        while self.count(EventState::Provisional).await < events.len() {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn count(&self, state: EventState) -> usize {
        let (mut count, mut before) = (0, String::new());
        loop {
            let page: EventPage =
                serde_json::from_value(self.http.json(&format!("/v1/events{before}")).await).unwrap();
            count += page.events.iter().filter(|event| event.state == state).count();
            let Some(next) = page.next else { return count };
            before = format!("?before={next}");
        }
    }

    /// Ends it, and gives its folder and the most memory that it ever had, in KiB.
    pub fn stop(mut self) -> (TempDir, u64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak_kb = peak.trim().trim_end_matches(" kB").parse().unwrap();
        Command::new("kill").arg(self.pid().to_string()).status().unwrap();
        assert!(self.child.wait().unwrap().success());
        (self.dir, peak_kb)
    }
}

/// CPU time that a process has used, in hundredths of a second: user, system.
pub struct Usage(u64, u64);

impl Usage {
    pub fn of(pid: u32) -> Self {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        Self(fields[11].parse().unwrap(), fields[12].parse().unwrap())
    }

    pub fn print_until(&self, later: &Self, seconds: u64, peak_kb: u64) {
        let (user, system) = (later.0 - self.0, later.1 - self.1);
        println!(
            "CPU: {user_s}.{user:02} s user, {system_s}.{system:02} s system: {percent} % of one core",
            user_s = user / 100,
            user = user % 100,
            system_s = system / 100,
            system = system % 100,
            percent = (user + system) / seconds.max(1),
        );
        println!("memory: {} MiB at most", peak_kb / 1024);
    }
}

/// What the log says of itself.
pub fn entries(log: &Value) -> u64 {
    log["size"].as_u64().unwrap()
}
