//! Makes the opening handshake over a connection that stands, and tells apart what can go wrong with it.

use std::{io, sync::Arc};

use bytes::Bytes;
use http::StatusCode;
use ring::rand::{SecureRandom, SystemRandom};
use rustls::AlertDescription;
use tokio::time::Instant;
use watchkeep_catalogue::service;
use watchkeep_model::{Verdict, websocket::Options};

use super::{
    Trace,
    opening::{Opening, agreed, refusal},
    peers_side, robots_side,
};
use crate::{
    Step,
    net::{
        deadline::{Deadline, Passed},
        http1::{
            Answer, BEFORE_THE_HEAD, LARGEST_HEAD, MOST_HEADERS, ask_for_connection, inside, io_cause, reasons,
            too_much,
        },
        stream::{BoxedStream, Meter},
    },
    outside::shown,
};

/// A connection that is ready for the request.
pub(super) struct Wire {
    pub(super) stream: BoxedStream,
    /// What came, inside TLS where there is TLS.
    pub(super) meter: Arc<Meter>,
    /// What came over the network, TLS records included.
    pub(super) wire_meter: Arc<Meter>,
}

/// A WebSocket.
pub(super) struct Opened {
    pub(super) stream: BoxedStream,
    /// What has come after the answer already.
    pub(super) early: Bytes,
    pub(super) wire_meter: Arc<Meter>,
    /// When the answer began.
    pub(super) first_byte: Instant,
}

/// Asks for a WebSocket and looks at the answer.
pub(super) async fn open(wire: Wire, options: &Options, total: Deadline, trace: &mut Trace) -> Step<Opened> {
    let Wire { stream, meter, wire_meter } = wire;
    let mut key = [0; 16];
    let random = SystemRandom::new().fill(&mut key);
    random.map_err(|_| robots_side("the robot itself has no random numbers"))?;
    let Opening { request, proof } = Opening::new(options, key)?;
    let start = Instant::now();
    let before = meter.received();
    wire_meter.allow(BEFORE_THE_HEAD);
    let is_granted = |status| status == StatusCode::SWITCHING_PROTOCOLS;
    let answered = total.bound(ask_for_connection(stream, request, is_granted)).await;
    let first_byte = meter.first();
    trace.phases.first_byte =
        Some(first_byte.map_or_else(|| start.elapsed(), |at| at.saturating_duration_since(start)));
    trace.phases.transfer = first_byte.map(|at| at.elapsed());
    let received = meter.received() - before;
    let answer = answered.map_err(|passed| late(passed, received))?.map_err(|error| broken(&error, received))?;
    let (head, stream, early) = match answer {
        Answer::Granted(head, stream, early) => (head, stream, early),
        Answer::Refused(head) => {
            trace.observed.http_status = Some(head.status.as_u16());
            return Err(peers_side(refusal(&head, options)));
        }
    };
    trace.observed.http_status = Some(head.status.as_u16());
    trace.observed.subprotocol = agreed(&head, &proof, options).map_err(peers_side)?;
    Ok(Opened { stream, early, wire_meter, first_byte: first_byte.unwrap_or(start) })
}

fn late(Passed(limit): Passed, received: u64) -> Verdict {
    let detail = match received {
        0 => format!("no answer to the opening handshake within {limit}"),
        _ => format!("the answer to the opening handshake was not complete within {limit}, after {received} bytes"),
    };
    Verdict::new(service::WEBSOCKET_NO_RESPONSE, detail)
}

/// No answer came of the connection, of which `received` bytes were read.
fn broken(error: &hyper::Error, received: u64) -> Verdict {
    if error.is_parse_too_large() {
        let detail = format!("the answer's headers are larger than {LARGEST_HEAD} bytes or more than {MOST_HEADERS}");
        return peers_side(detail);
    }
    if error.is_parse() {
        return peers_side(format!("the answer is not valid HTTP: {}", reasons(error)));
    }
    if let Some(allowed) = too_much(error) {
        return peers_side(format!("{allowed} bytes came and the answer's headers were not complete"));
    }
    match io_cause(error) {
        Some(cause) => broken_by(cause, received),
        None if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => match received {
            0 => peers_side("the server closed the connection before it answered the opening handshake"),
            _ => peers_side(format!("the server closed the connection in its answer, after {received} bytes")),
        },
        None => unknown(&reasons(error)),
    }
}

fn broken_by(cause: &io::Error, received: u64) -> Verdict {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match inside::<rustls::Error>(cause) {
        // In TLS 1.3 the server may refuse the handshake when the client has done its part already.
        Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)) => {
            peers_side("TLS failed: the server demands a client certificate")
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            peers_side(format!("TLS failed: the server broke the handshake off with the alert {alert:?}"))
        }
        Some(other) => unknown(&format!("TLS broke: {}", shown(&other.to_string()))),
        None if matches!(cause.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof) => {
            peers_side(match received {
                0 => format!("the connection broke before the opening handshake was answered: {cause}"),
                _ => format!("the connection broke in the answer, after {received} bytes: {cause}"),
            })
        }
        None => unknown(&cause.to_string()),
    }
}

fn unknown(reason: &str) -> Verdict {
    let detail = format!("the opening handshake failed: {reason}");
    Verdict::new(service::WEBSOCKET_UNKNOWN_ERROR, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_a_connection_is_sorted() {
        let tls = |error: rustls::Error| io::Error::new(io::ErrorKind::InvalidData, error);
        for (cause, code) in [
            (io::ErrorKind::ConnectionReset.into(), 522),
            (io::ErrorKind::BrokenPipe.into(), 522),
            (tls(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)), 522),
            (tls(rustls::Error::AlertReceived(AlertDescription::InternalError)), 522),
            (tls(rustls::Error::DecryptError), 520),
            (io::ErrorKind::TimedOut.into(), 520),
            (io::Error::other("of the robot"), 520),
        ] {
            let verdict = broken_by(&cause, 0);
            assert_eq!(verdict.code.number(), code, "{cause:?}");
            assert!(verdict.detail.is_some());
        }
    }
}
