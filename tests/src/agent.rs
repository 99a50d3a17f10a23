//! An agent's MCP client that is not ours: the official Python SDK, in a process of its own.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// Says where a Python with the SDK is; `scripts/test` sets it.
const PYTHON: &str = "EARNEST_MCP_PYTHON";

/// How the client reaches the node's tools.
#[derive(Clone, Copy, Debug)]
pub enum Door<'a> {
    /// It starts this program of ours with these arguments.
    Stdio(&'a Path, &'a [&'a str]),
    /// At this URL.
    Http(&'a str),
}

/// What a tool answered.
#[derive(Debug)]
pub struct Told {
    /// Whether it is an error for the model to read.
    pub is_error: bool,
    /// The structured answer, which the SDK has held to the tool's output schema where it is no error.
    pub answer: Value,
}

/// A client with its connection. Dropping it ends both.
#[derive(Debug)]
pub struct Agent {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Agent {
    /// A client with a delegated key's token; `mode` is `auto`, which begins with the newest protocol, or `legacy`.
    ///
    /// # Panics
    /// When there is no Python with the SDK and none can be made.
    #[must_use]
    pub fn start(mode: &str, door: Door<'_>, token: &str) -> Self {
        let mut command = Command::new(python());
        command.arg(checkout().join("tests/mcp-client/agent.py")).arg(mode).env("EARNEST_TOKEN", token);
        match door {
            Door::Stdio(program, arguments) => command.arg("stdio").arg(program).args(arguments),
            Door::Http(url) => command.args(["http", url]),
        };
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
        let requests = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, requests, answers }
    }

    /// What the server says of itself, and its tools, as the SDK reads them.
    pub fn list(&mut self) -> Value {
        self.ask(&json!({ "list": true }))
    }

    /// Calls a tool.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Told {
        let told = self.ask(&json!({ "tool": tool, "arguments": arguments }));
        Told { is_error: told["is_error"] == true, answer: told["structured"].clone() }
    }

    /// Calls a tool that does what it is asked.
    ///
    /// # Panics
    /// When it refuses.
    pub fn done(&mut self, tool: &str, arguments: Value) -> Value {
        let told = self.call(tool, arguments);
        assert!(!told.is_error, "{tool}: {}", told.answer);
        told.answer
    }

    /// Calls a tool that refuses.
    ///
    /// # Panics
    /// When it does not.
    pub fn refused(&mut self, tool: &str, arguments: Value) -> Value {
        let told = self.call(tool, arguments);
        assert!(told.is_error, "{tool}: {}", told.answer);
        told.answer
    }

    fn ask(&mut self, request: &Value) -> Value {
        let requests = self.requests.as_mut().expect("it was not ended");
        writeln!(requests, "{request}").expect("the client reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the client writes");
        serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("the client failed at {request}; it says why above"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It ends by itself at the end of its input, and ends the program that it has started.
        drop(self.requests.take());
        let _ = self.process.wait();
    }
}

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn python() -> OsString {
    std::env::var_os(PYTHON).unwrap_or_else(|| {
        let script = checkout().join("scripts/test-mcp");
        let made = Command::new(script).arg("--python").stderr(Stdio::inherit()).output();
        let made = made.expect("scripts/test-mcp runs");
        assert!(made.status.success(), "there is no Python with the SDK; {PYTHON} can name one");
        String::from_utf8(made.stdout).expect("is a path").trim_end().into()
    })
}
