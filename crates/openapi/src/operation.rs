//! What is said of a route: its method and path, what it takes, what it answers, and who may.

/// A route and a method.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// In lower case, as OpenAPI has it.
    pub method: &'static str,
    /// As the router has it, with `{name}` for each parameter.
    pub path: &'static str,
    /// Its name in generated clients; no other operation has it.
    pub id: &'static str,
    /// What it belongs to.
    pub tag: &'static str,
    /// What it is for, in one line.
    pub summary: &'static str,
    /// Parameters in the query and the headers.
    pub parameters: &'static [Parameter],
    /// What it takes.
    pub body: Option<Body>,
    /// What it answers when all is well: status, body, meaning.
    pub answers: &'static [(u16, Body, &'static str)],
    /// How it refuses, beside what every route may answer.
    pub refusals: &'static [(u16, &'static str)],
    /// What is unknown is refused in plain text, as the clients of these paths expect.
    pub plain_refusals: bool,
    /// The ways of showing who asks, one of which is needed; none where anybody may.
    pub auth: &'static [Way],
}

impl Operation {
    /// A GET that anybody may ask, to be filled in.
    pub const GET: Self = Self {
        method: "get",
        path: "",
        id: "",
        tag: "",
        summary: "",
        parameters: &[],
        body: None,
        answers: &[],
        refusals: &[],
        plain_refusals: false,
        auth: &[],
    };
}

/// A parameter in the query or a header. Those in the path stand in the path.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// `query` or `header`.
    pub place: &'static str,
    /// Its name.
    pub name: &'static str,
    /// A JSON type, or a schema's name, which begins with a capital.
    pub kind: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

/// A parameter of the query.
pub const fn query(name: &'static str, kind: &'static str, meaning: &'static str) -> Parameter {
    Parameter { place: "query", name, kind, meaning }
}

/// A parameter in a header.
pub const fn header(name: &'static str, kind: &'static str, meaning: &'static str) -> Parameter {
    Parameter { place: "header", name, kind, meaning }
}

/// A way of showing who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Not at all.
    Nobody,
    /// By a security scheme of the API.
    Scheme(&'static str),
    /// By a security scheme, as somebody who may do this.
    Scoped(&'static str, &'static str),
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// JSON of a schema.
    Json(&'static str),
    /// JSON of one of two schemas.
    Either(&'static str, &'static str),
    /// A JSON list of a schema.
    ListOf(&'static str),
    /// JSON of a schema, under another media type.
    Typed(&'static str, &'static str),
    /// A JSON object whose shape is somebody else's.
    Object,
    /// A list of such.
    List,
    /// Plain text.
    Text,
    /// A table.
    Csv,
    /// JSON lines.
    Lines,
    /// A page for people.
    Html,
    /// A picture.
    Svg,
    /// Server-sent events.
    Events,
    /// Bytes.
    Bytes,
    /// OpenMetrics text.
    Metrics,
}
