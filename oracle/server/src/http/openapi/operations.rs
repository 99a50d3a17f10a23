//! Every route: what it is for, what it takes, and what it answers.

use openapi::{Body, Operation, Parameter, Way, header, query};

const UNKNOWN: &[(u16, &str)] = &[(404, "There is no such event, or not yet what is asked for")];

const SIGNED: &[(u16, &str)] = &[
    (400, "It breaks a rule; `field` says where"),
    (401, "The request is not signed by the key of a configured vantage, or is not of now"),
    (403, "The signature is not over this request"),
    (409, "The signed request was used before"),
    (413, "The body is too large"),
];

const OBJECTION: &[(u16, &str)] = &[
    (400, "It breaks a rule; `field` says where"),
    (404, "There is no such event"),
    (409, "The window has not ended, or the attestation is withheld already"),
    (410, "The event has matured"),
    (413, "The body is too large"),
];

const GET: Operation = Operation::GET;

/// Whom `policy.accept` lets.
const POLICY: &[Way] = &[Way::Nobody, Way::Scheme("token"), Way::Scheme("signature")];

/// The key of a configured vantage.
const VANTAGE: &[Way] = &[Way::Scheme("signature")];

/// A page for people.
const fn page(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    let answers = &[(200, Body::Html, "The page")];
    Operation { path, id, summary, answers, tag: "pages", refusals: UNKNOWN, plain_refusals: true, ..GET }
}

/// A list about one event.
const fn table(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    Operation {
        path,
        id,
        summary,
        tag: "evidence",
        answers: &[(200, Body::Csv, "A table with a line of names")],
        refusals: UNKNOWN,
        ..GET
    }
}

/// Something that clients of other oracles read.
const fn foreign(
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
) -> Operation {
    let answers = &[(200, Body::Object, "As that client expects it")];
    Operation { path, id, tag, summary, answers, refusals: UNKNOWN, plain_refusals: true, ..GET }
}

const FORMAT: &[Parameter] = &[query("format", "string", "`tlv` or `hex` for the TLV records")];

/// Every route and method. A test compares them with the router.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/healthz",
        id: "health",
        tag: "operation",
        summary: "It runs",
        answers: &[(200, Body::Text, "`ok`")],
        ..GET
    },
    Operation {
        path: "/readyz",
        id: "ready",
        tag: "operation",
        summary: "It is able to work, and every event gets on",
        answers: &[(200, Body::Text, "`ready`")],
        ..GET
    },
    Operation {
        path: "/metrics",
        id: "metrics",
        tag: "operation",
        summary: "What it counts, for Prometheus",
        answers: &[(200, Body::Metrics, "OpenMetrics text")],
        ..GET
    },
    Operation {
        path: "/v1/openapi.json",
        id: "openapi",
        tag: "operation",
        summary: "This description",
        answers: &[(200, Body::Object, "OpenAPI 3.1")],
        ..GET
    },
    Operation {
        path: "/v1/info",
        id: "info",
        tag: "oracle",
        summary: "Key, network, policy, limits, time",
        answers: &[(200, Body::Json("OracleInfo"), "What the oracle says about itself")],
        ..GET
    },
    Operation {
        method: "post",
        path: "/v1/measurements",
        id: "requestMeasurement",
        tag: "events",
        summary: "Ask for a measurement; asked again, the same event",
        parameters: &[header("Payment-Reference", "string", "What was paid with, where it has a price")],
        body: Some(Body::Json("Measurement")),
        answers: &[
            (200, Body::Json("Announced"), "It was announced before"),
            (201, Body::Json("Announced"), "It is announced"),
        ],
        refusals: &[
            (400, "The measurement breaks a rule, or this oracle can't measure it; `field` says where"),
            (401, "This oracle wants a token, or a signed request of a key that it knows, of now"),
            (402, "It has a price, which `price` says"),
            (403, "The signature is not over this request, or the operator refuses"),
            (409, "The signed request was used before, or the event's record is lost"),
            (413, "The document is too large"),
        ],
        auth: POLICY,
        ..GET
    },
    Operation {
        path: "/v1/events",
        id: "listEvents",
        tag: "events",
        summary: "Events, newest first",
        parameters: &[
            query("before", "integer", "The `next` of the page before"),
            query("limit", "integer", "Events on the page: 1 to 100"),
            query("state", "EventState", "Only these"),
            query("host", "string", "Only events that measure this host"),
            query("from", "integer", "Only windows that end after this, in unix seconds"),
            query("to", "integer", "Only windows that start before this, in unix seconds"),
            query("maturity_from", "integer", "Only events that mature then or later, in unix seconds"),
            query("maturity_to", "integer", "Only events that mature before this, in unix seconds"),
        ],
        answers: &[(200, Body::Json("EventPage"), "A page")],
        refusals: &[(400, "A parameter makes no sense")],
        ..GET
    },
    Operation {
        path: "/v1/events/{event_id}",
        id: "event",
        tag: "events",
        summary: "What was announced, how far it is, what it came to",
        answers: &[(200, Body::Json("EventView"), "The event")],
        refusals: UNKNOWN,
        ..GET
    },
    table("/v1/events/{event_id}/samples", "samples", "All samples so far: unix_ms,vantage,ok,latency_ms"),
    table("/v1/events/{event_id}/failures", "failures", "Samples that are not good, with their cause"),
    table("/v1/events/{event_id}/timings", "timings", "How long the parts of each probe took"),
    table("/v1/events/{event_id}/references", "references", "What reference targets answered"),
    Operation {
        path: "/v1/events/{event_id}/slices",
        id: "slices",
        tag: "evidence",
        summary: "Verdicts of the slices that have ended",
        parameters: &[query("from", "integer", "The first slice's index")],
        answers: &[(200, Body::Json("SlicePage"), "At most 10,000 verdicts")],
        refusals: &[(400, "A parameter makes no sense"), (404, "There is no such event")],
        ..GET
    },
    Operation {
        path: "/v1/events/{event_id}/evidence",
        id: "evidence",
        tag: "evidence",
        summary: "The evidence bundle, once the window is closed, for `earnest-oracle audit`",
        answers: &[(200, Body::Object, "The bundle")],
        refusals: UNKNOWN,
        ..GET
    },
    Operation {
        path: "/v1/events/{event_id}/objections",
        id: "objections",
        tag: "events",
        summary: "What was said against the provisional outcome, and the operator's answers",
        answers: &[(200, Body::Json("Objections"), "All of it, oldest first")],
        refusals: UNKNOWN,
        ..GET
    },
    Operation {
        method: "post",
        path: "/v1/events/{event_id}/objections",
        id: "object",
        tag: "events",
        summary: "Object to a provisional outcome, between the window's end and maturity; said again, nothing changes",
        body: Some(Body::Json("Objection")),
        answers: &[
            (200, Body::Json("ObjectionView"), "It was said before"),
            (201, Body::Json("ObjectionView"), "It is public"),
        ],
        refusals: OBJECTION,
        ..GET
    },
    Operation {
        path: "/v1/log",
        id: "log",
        tag: "log",
        summary: "The public log: its key, the oracle's signature over it, its size",
        answers: &[(200, Body::Json("LogInfo"), "About the log")],
        ..GET
    },
    Operation {
        path: "/v1/log/proof",
        id: "logGrowth",
        tag: "log",
        summary: "The newest checkpoint, and that the log goes on from an earlier one",
        parameters: &[query("from", "integer", "How many entries the earlier one has; must be there")],
        answers: &[(
            200,
            Body::Json("LogGrowth"),
            "The checkpoint, with the earlier root and the consistency proof",
        )],
        refusals: &[(400, "A parameter makes no sense")],
        ..GET
    },
    Operation {
        path: "/v1/stream",
        id: "stream",
        tag: "log",
        summary: "The log as it grows: server-sent events, whose id is the entry's index",
        parameters: &[
            query("from", "integer", "The first entry's index; without it only what comes from now on"),
            header("Last-Event-ID", "integer", "Go on after this one"),
        ],
        answers: &[(200, Body::Events, "Entries; `event` is their type: slice, closed, attested, withheld")],
        refusals: &[(400, "A parameter makes no sense"), (409, "The log has not so many entries")],
        ..GET
    },
    Operation {
        path: "/checkpoint",
        id: "checkpoint",
        tag: "log",
        summary: "The newest checkpoint, signed (C2SP tlog-checkpoint)",
        answers: &[(200, Body::Text, "A signed note")],
        ..GET
    },
    Operation {
        path: "/tile/{*path}",
        id: "tile",
        tag: "log",
        summary: "A tile of hashes, or a bundle of entries (C2SP tlog-tiles)",
        answers: &[(200, Body::Bytes, "It never changes")],
        refusals: &[(404, "The log has no such tile")],
        ..GET
    },
    Operation {
        path: "/v1/vantage/assignments",
        id: "assignments",
        tag: "vantages",
        summary: "What a vantage elsewhere is to probe",
        parameters: &[query("after", "integer", "The `next` of the page before")],
        answers: &[(200, Body::Json("Assignments"), "Its assignments")],
        refusals: SIGNED,
        auth: VANTAGE,
        ..GET
    },
    Operation {
        method: "post",
        path: "/v1/vantage/batches",
        id: "pushBatches",
        tag: "vantages",
        summary: "Hand in what a vantage saw; handed in again, nothing changes",
        body: Some(Body::Json("Batches")),
        answers: &[(200, Body::Json("BatchResults"), "What became of each batch")],
        refusals: SIGNED,
        auth: VANTAGE,
        ..GET
    },
    Operation {
        method: "post",
        path: "/v1/beats",
        id: "beat",
        tag: "vantages",
        summary: "A service's own signed sign of life, for measurements of heartbeats",
        body: Some(Body::Object),
        answers: &[(200, Body::Object, "In the windows of how many events it was heard")],
        refusals: &[
            (400, "It breaks a rule, or its time is too far from the oracle's"),
            (403, "The signature is not its key's"),
            (404, "No event waits for it"),
            (409, "A later one was heard before"),
        ],
        ..GET
    },
    foreign("/pubkey", "kormirPubkey", "kormir", "The oracle's key"),
    Operation {
        parameters: FORMAT,
        ..foreign("/announcement/{event_id}", "kormirAnnouncement", "kormir", "An announcement")
    },
    Operation {
        parameters: FORMAT,
        ..foreign("/attestation/{event_id}", "kormirAttestation", "kormir", "An attestation")
    },
    Operation {
        answers: &[(200, Body::List, "The newest 1,000 events")],
        ..foreign("/list-events", "kormirEvents", "kormir", "Events with what was signed")
    },
    foreign("/oracle/publickey", "p2pdPublicKey", "p2pderivatives", "The oracle's key"),
    foreign(
        "/asset/{asset}/announcement/{time}",
        "p2pdAnnouncement",
        "p2pderivatives",
        "The announcement of an alias' event that matures then (RFC 3339)",
    ),
    foreign(
        "/asset/{asset}/attestation/{time}",
        "p2pdAttestation",
        "p2pderivatives",
        "The attestation of an alias' event that matures then (RFC 3339)",
    ),
    page("/", "servicesPage", "How all services stand"),
    page("/services/{slug}", "servicePage", "How one service stands, day by day"),
    page("/events/{event_id}", "eventPage", "One event, in words"),
    page("/events/{event_id}/object", "objectionPage", "The form for an objection"),
    Operation {
        method: "post",
        path: "/events/{event_id}/objections",
        id: "objectByForm",
        tag: "pages",
        summary: "What that form sends: one field, `text`, as a browser encodes it",
        answers: &[(303, Body::Html, "It is public; back to the event's page")],
        refusals: OBJECTION,
        ..GET
    },
    page("/about", "aboutPage", "Who this oracle is, and how far it is trusted"),
    Operation {
        answers: &[(200, Body::Svg, "A badge")],
        ..page("/badge/{file}", "badge", "A service's state as a picture")
    },
];
