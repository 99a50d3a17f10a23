//! The built binary as a process of its own.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Http, World};

/// The built binary, untouched by the environment.
pub fn earnest_oracle(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_earnest-oracle"));
    command.args(arguments).env_remove("EARNEST_SIMULATED_TIME").env_remove("EARNEST_ORACLE_PASSPHRASE");
    command
}

/// `earnest-oracle serve` as a process of its own.
pub struct Process {
    child: Child,
    pub http: Http,
}

impl Process {
    pub async fn serve(world: &World) -> Self {
        let addr = free_addr();
        let (config, barrier) = (world.config_file().display().to_string(), world.barrier.addr().to_string());
        let child = earnest_oracle(&["serve", "--config", &config, "--simulated-time", &barrier])
            .args(["--listen", &addr.to_string()])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let process = Self { child, http: Http::at(addr) };
        while tokio::net::TcpStream::connect(addr).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(process.http.text("/readyz").await, (200, "ready\n".to_owned()));
        process
    }

    pub async fn kill(mut self, world: &World) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        world.barrier.wait_until_gone("oracle").await;
    }

    pub async fn terminate(mut self, world: &World) {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        world.barrier.wait_until_gone("oracle").await;
    }
}

fn free_addr() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
