//! What a tool is: its words for a model, its hints, its two schemas, and what it does.

use std::pin::Pin;
use std::sync::Arc;

use rmcp::model::{CallToolResult, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::agent::Agent;
use crate::refusal::Refusal;
use crate::words::{input_schema, output_schema};

/// What a client may be told of a tool before it is called. They must be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hints {
    /// It changes nothing.
    pub read_only: bool,
    /// What it does cannot be taken back.
    pub destructive: bool,
    /// The same call again changes nothing more.
    pub idempotent: bool,
    /// It talks to others than the own node.
    pub open_world: bool,
}

impl Hints {
    /// Looks at the own node.
    pub const LOOK: Self = Self { read_only: true, destructive: false, idempotent: true, open_world: false };
    /// Looks at others.
    pub const LOOK_OUTSIDE: Self = Self { open_world: true, ..Self::LOOK };
    /// Binds the owner towards others, anew each time.
    pub const COMMIT: Self =
        Self { read_only: false, destructive: true, idempotent: false, open_world: true };
    /// Binds the owner towards others; said again it is refused.
    pub const COMMIT_ONCE: Self = Self { idempotent: true, ..Self::COMMIT };
}

/// A tool.
pub(crate) trait Tool {
    /// Its name.
    const NAME: &'static str;
    /// Its title, for a person.
    const TITLE: &'static str;
    /// What it does and when to use it, for a model.
    const DESCRIPTION: &'static str;
    /// What a client may be told of it.
    const HINTS: Hints;
    /// What it takes.
    type Input: DeserializeOwned + JsonSchema + Send;
    /// What it answers.
    type Output: Serialize + JsonSchema;

    /// Does it.
    fn call(agent: &Agent, input: Self::Input) -> impl Future<Output = Result<Self::Output, Refusal>> + Send;
}

/// A call on its way.
pub(crate) type Calling = Pin<Box<dyn Future<Output = CallToolResult> + Send>>;

/// A tool as the server keeps it.
pub(crate) struct Entry {
    /// What clients see.
    pub listed: rmcp::model::Tool,
    /// What it does with arguments, which nobody has looked at yet.
    pub call: fn(Agent, Value) -> Calling,
}

impl Entry {
    /// The entry of a tool.
    pub fn of<T: Tool + 'static>() -> Self {
        let Hints { read_only, destructive, idempotent, open_world } = T::HINTS;
        let annotations = ToolAnnotations::with_title(T::TITLE)
            .read_only(read_only)
            .destructive(destructive)
            .idempotent(idempotent)
            .open_world(open_world);
        let listed = rmcp::model::Tool::new(T::NAME, T::DESCRIPTION, Arc::new(input_schema::<T::Input>()))
            .with_title(T::TITLE)
            .with_raw_output_schema(Arc::new(output_schema::<T::Output>()))
            .with_annotations(annotations);
        Self { listed, call: |agent, arguments| Box::pin(answer::<T>(agent, arguments)) }
    }
}

async fn answer<T: Tool>(agent: Agent, arguments: Value) -> CallToolResult {
    let input = match serde_path_to_error::deserialize::<_, T::Input>(arguments) {
        Ok(input) => input,
        Err(error) => return Refusal::bad_argument(&path(&error), &error.inner().to_string()).result(),
    };
    match T::call(&agent, input).await.map(serde_json::to_value) {
        Ok(Ok(answer)) => CallToolResult::structured(answer),
        Ok(Err(_)) => Refusal::bad_argument("answer", "cannot be written").result(),
        Err(refusal) => refusal.result(),
    }
}

fn path(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    match error.path().to_string() {
        whole if whole == "." => "arguments".to_owned(),
        path => path,
    }
}
