//! The TCP test: its options and how they are written, and what it saw; with `tls` the port is wrapped in TLS.
//! The codes that a bad option leads to are those of the catalogue's `tcp` section.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::json;
use watchkeep_catalogue::{StatusCode, service};

use crate::{
    Endpoint, Exchange, Exposure, Field, Limits, Object, Reader, SeenCertificate, Shape, TestType, TlsSession,
    TlsSettings, Verification, split_scheme,
};

/// The code of a test whose time limits cannot be used.
pub(crate) const LIMITS_CODE: StatusCode = service::TCP_PARAMETER_MISSING;

/// What a person may set.
pub const FIELDS: &[Field] = &[
    Exchange::SEND,
    Exchange::SEND_HEX,
    Exchange::EXPECT,
    Exchange::EXPECT_HEX,
    Exchange::ENCODING,
    Field {
        name: "tls",
        flag: None,
        label: "TLS",
        help: "The port is wrapped in TLS from the first byte; a target that begins with tls:// says the same.",
        default: "false",
        shape: Shape::Flag,
    },
    TlsSettings::CA_FILE,
    TlsSettings::INSECURE,
    TlsSettings::CLIENT_CERT,
    TlsSettings::TLS_MIN,
];

/// Valid options of a TCP test.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Where to connect.
    pub endpoint: Endpoint,
    /// What is said, and what must be answered. Without an expectation nothing is waited for.
    pub exchange: Exchange,
    /// What is asked of TLS; clear text when absent.
    pub tls: Option<TlsSettings>,
}

impl Options {
    /// The object that is read back as the same options; fields at their default are left out.
    pub(crate) fn write(&self, _: Exposure) -> Object {
        let mut object = Object::new();
        self.exchange.write(&mut object);
        if let Some(settings) = &self.tls {
            object.insert("tls".to_owned(), json!(true));
            settings.write(&mut object);
        }
        object
    }
}

/// The canonical target and the options, from a test's object.
pub(crate) fn read(target: Option<&str>, _: Limits, reader: &mut Reader) -> Option<(String, Options)> {
    let before = reader.problem_count();
    let schemes = TestType::Tcp.schemes();
    let (scheme, _) = split_scheme(target.map(str::trim).unwrap_or_default(), schemes);
    let endpoint = Endpoint::read(target, schemes, None, service::TCP_PARAMETER_MISSING, reader);
    let (exchange, tls) = reader.nested("tcp", |reader| {
        let exchange = Exchange::read(reader);
        if exchange.encoding.is_some() && exchange.expect.is_none() {
            let message = "says how an answer is read, and none is read without expect or expect_hex";
            reader.problem("encoding", message);
        }
        (exchange, read_tls(reader, scheme))
    });
    if reader.problem_count() > before {
        return None;
    }
    let endpoint = endpoint?;
    Some((endpoint.to_string(), Options { endpoint, exchange, tls }))
}

/// What is asked of TLS, where the target's scheme or the options ask for it.
fn read_tls(reader: &mut Reader, scheme: Option<&str>) -> Option<TlsSettings> {
    let by_scheme = scheme == Some("tls");
    let by_flag = reader.flag("tls");
    let settings = TlsSettings::read(reader);
    if by_scheme && by_flag == Some(false) {
        reader.problem("tls", "is false although the target begins with tls://; change one of them");
    }
    if by_scheme || by_flag == Some(true) {
        return Some(settings);
    }
    for (field, is_set) in [
        ("ca_file", settings.ca_file.is_some()),
        ("insecure", settings.verification == Verification::None),
        ("client_cert", settings.client_cert.is_some()),
        ("tls_min", settings.minimum.is_some()),
    ] {
        if is_set {
            reader.problem(field, "means nothing without TLS; set tls, or begin the target with tls://");
        }
    }
    None
}

/// What a TCP test saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Observed {
    /// The address that was connected to.
    pub ip: Option<IpAddr>,
    /// Bytes of the answer that were read, inside TLS where there is TLS.
    pub bytes: u64,
    /// How the answer begins: as text where it is text, in hexadecimal otherwise. Absent where none was read.
    pub reply: Option<Box<str>>,
    /// The server's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<SeenCertificate>,
    /// The connection's TLS parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSession>,
    /// What is worth knowing although it is no failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<&'static str>,
}

impl Observed {
    /// The same for people, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let from = self.ip.map(|ip| match self.bytes {
            0 => format!("address {ip}"),
            1 => format!("1 byte from {ip}"),
            bytes => format!("{bytes} bytes from {ip}"),
        });
        let reply = self.reply.as_ref().map(|reply| format!("reply: {reply}"));
        let tls = self.tls.as_ref().map(TlsSession::line);
        let certificate = self.certificate.as_ref().map(SeenCertificate::line);
        let remarks = self.remarks.iter().map(|remark| (*remark).to_owned());
        from.into_iter().chain(reply).chain(tls).chain(certificate).chain(remarks).collect()
    }
}
