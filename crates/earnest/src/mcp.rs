//! `earnest mcp`: the node's tools for an agent, over standard input and output.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{ArgGroup, Args};
use mcp::{AdmitError, StdioError, TokenSource, serve_stdio};
use tracing_subscriber::EnvFilter;

use crate::exit::Failure;
use crate::owner::TOKEN;

/// Arguments of `mcp`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("node_at").required(true).multiple(true))]
pub struct Mcp {
    /// The node's configuration file, which says where its owner's API listens.
    #[arg(long, value_name = "FILE", env = "EARNEST_CONFIG", group = "node_at")]
    pub config: Option<PathBuf>,
    /// Instead of it the address of the owner's API, such as http://127.0.0.1:7810: an agent needs to read no more.
    #[arg(long, value_name = "URL", env = "EARNEST_NODE", group = "node_at")]
    pub node: Option<String>,
    /// The file with the delegated key's token, read anew for each call; without it EARNEST_TOKEN.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// `earnest mcp`
pub async fn run(arguments: Mcp) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    // Standard output belongs to the protocol.
    let log = tracing_subscriber::fmt().log_internal_errors(false).with_env_filter(filter);
    log.with_writer(std::io::stderr).init();
    let base = match (&arguments.node, &arguments.config) {
        (Some(url), _) => url.clone(),
        (None, Some(file)) => format!("http://{}", node::Config::load(file)?.owner_listen),
        (None, None) => return Err(Failure::bad_input(anyhow!("--node: says where the node is"))),
    };
    serve_stdio(&base, token(arguments.token_file)?).await.map_err(failure)
}

fn token(file: Option<PathBuf>) -> Result<TokenSource, Failure> {
    match (file, std::env::var(TOKEN)) {
        (Some(file), _) => Ok(TokenSource::File(file)),
        (None, Ok(token)) => Ok(TokenSource::Given(token)),
        (None, Err(_)) => Err(Failure::bad_input(anyhow!(
            "{TOKEN}: must be the token of a delegated key: earnest key create NAME --limits FILE --scope buy"
        ))),
    }
}

fn failure(error: StdioError) -> Failure {
    match error {
        StdioError::Admit(AdmitError::Node(error)) => error.into(),
        StdioError::Admit(error) => Failure::bad_input(error.into()),
        error => Failure::failed(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::Value;

    use crate::cli::{Cli, Command};

    #[test]
    fn the_examples_of_a_clients_configuration_start_this_command() {
        let example = include_str!("../../../docs/examples/mcp-client.json");
        let page = include_str!("../../../docs/mcp.md");
        assert!(page.contains(example.trim_end()), "the page shows the file");
        let example: Value = serde_json::from_str(example).unwrap();
        let server = &example["mcpServers"]["earnest"];
        let arguments = server["args"].as_array().unwrap().iter().filter_map(Value::as_str);
        let cli = Cli::try_parse_from(server["command"].as_str().into_iter().chain(arguments)).unwrap();
        let Command::Mcp(mcp) = cli.command else { panic!("another command") };
        assert!(mcp.node.is_some() && mcp.token_file.is_some());
    }
}
