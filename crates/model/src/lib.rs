//! What users configure and the system knows: monitors, tests, results, states, incidents, contacts.
//! Everything is parsed and validated here, once; inside, a value of these types cannot be wrong.
//!
//! Parsing always starts from a JSON object ([`Object`]), whoever sent it: the API's body, a form, the
//! command line's flags or a file. One reader ([`Reader`]) names every unknown field and collects every
//! [`Problem`], so that all doors refuse the same things with the same sentences.

mod account;
mod contact;
mod decision;
mod egress;
mod endpoint;
mod event;
mod field;
mod id;
mod incident;
mod known;
mod label;
mod message;
mod monitor;
mod notable;
mod problem;
mod reader;
mod request;
mod result;
mod secret;
mod seen_certificate;
mod state;
mod test;
mod test_type;
mod tls;
mod units;
mod words;

pub use account::{Scope, Session, Token, TokenHash, User};
pub use contact::{Channel, ChannelSettings, ChannelTarget, Contact, ContactSettings, GivenSecret, WebhookSecret};
pub use decision::{IncidentChange, StateChange};
pub use egress::{EgressPolicy, Forbidden};
pub use endpoint::{Endpoint, HostName, InvalidEndpoint, split_scheme};
pub use event::{About, Difference, Event, EventType, Happening, Telling};
pub use field::{Field, Shape};
pub use id::{
    ChannelId, ContactId, DeliveryId, EventId, Id, IncidentId, InvalidId, MonitorId, OrgId, Prefix, TokenId, UserId,
};
pub use incident::{Incident, IncidentEntry, IncidentEntryKind};
pub use known::{Known, KnownValue, Warned};
pub use label::{InvalidText, Label, LocationName, Name};
pub use message::{Encoding, Exchange, Expectation, Payload, hex, unhex};
pub use monitor::{Confirm, Monitor, MonitorSettings, unusable};
pub use notable::{Notable, WarnDays};
pub use problem::{Invalid, Problem};
pub use reader::{Object, Reader};
pub use request::Credentials;
pub use result::{Phases, RecordedResult, RobotSequence, TestResult, Verdict, to_the_microsecond};
pub use secret::{Exposure, Secret, restore_masked};
pub use seen_certificate::{Certificate, SeenCertificate};
pub use state::{Belief, Doubt, Lifecycle, LocationView, MonitorState, Status};
pub use test::{FixedAddress, IpVersion, Limits, Network, Test, TestSubject};
// Written from the catalogue: one module per type of test, and the enums over them.
pub use test_type::*;
pub use tls::{TlsSession, TlsSettings, TlsVersion, Verification};
pub use units::{ByteSize, InvalidSize, InvalidSpan, Span};
pub use words::{AcceptStatus, JsonCondition, Pattern};
