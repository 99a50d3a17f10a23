//! What is said of a route: its method and path, what it takes, what it answers, and who may.

/// A route and a method.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Option<Body>,
    pub(super) answers: &'static [(u16, Body, &'static str)],
    pub(super) refusals: &'static [(u16, &'static str)],
    /// What is unknown is refused in plain text, as the clients of these paths expect.
    pub(super) plain_refusals: bool,
    pub(super) auth: Auth,
}

/// A parameter in the query or a header. Those in the path stand in the path.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) place: &'static str,
    pub(super) name: &'static str,
    /// A JSON type, or a schema's name.
    pub(super) kind: &'static str,
    pub(super) meaning: &'static str,
}

/// Who may.
#[derive(Clone, Copy, Debug)]
pub(super) enum Auth {
    /// Anybody, without saying who.
    Nobody,
    /// Whom `policy.accept` lets.
    Policy,
    /// The key of a configured vantage.
    Vantage,
}

/// What a body is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// JSON of a schema.
    Json(&'static str),
    /// JSON of a schema, under another media type.
    Typed(&'static str, &'static str),
    /// A JSON object whose shape is somebody else's.
    Object,
    /// A list of such.
    List,
    Text,
    Csv,
    Html,
    Svg,
    Events,
    Bytes,
    Metrics,
}

/// What every route may answer.
pub(super) const ALWAYS: &[(u16, &str)] = &[
    (429, "Too many requests from this address or key"),
    (500, "A fault of the oracle's own; its log says which"),
    (503, "Too many requests are being answered, or what is needed is away: try again"),
];
