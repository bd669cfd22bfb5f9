//! What is said over a connection that stands, and how the answer ends the test.

use std::io;

use futures_util::FutureExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};
use watchkeep_catalogue::service;
use watchkeep_model::{Exchange, Expectation, Verdict};

use super::{
    Trace, failed,
    reply::{MOST, Reply},
};
use crate::{
    Step,
    answer::{Answer, expected},
    net::{
        deadline::{Deadline, Passed},
        stream::{ByteStream, TooMuch},
    },
    outside::{shown, shown_bytes},
};

/// What may come over the network for a reply over TLS; one that is cut into single bytes has the largest records.
pub(super) const MOST_OVER_TLS: u64 = 64 * MOST as u64;

/// Why no more of a reply is read.
enum End {
    /// It is the one that is expected.
    Right,
    /// It cannot be decoded.
    Undecodable(String),
    /// The server closed the connection.
    Closed,
    /// The connection broke.
    Broken(io::Error),
    /// It is longer than a reply may be.
    TooLong,
    /// Time is up.
    Late(Passed),
}

/// Says what is to be said and waits for what is expected.
pub(super) async fn converse(
    mut stream: impl ByteStream,
    exchange: &Exchange,
    total: Deadline,
    trace: &mut Trace,
) -> Step<()> {
    let start = Instant::now();
    let sent = match &exchange.send {
        Some(payload) => total.bound(send(&mut stream, payload.bytes())).await.map_err(unsent)?,
        None => Ok(()),
    };
    if let Some(expectation) = &exchange.expect {
        let mut reply = Reply::new(exchange);
        let mut first = None;
        let end = total.bound(listen(&mut stream, &mut reply, &mut first)).await.unwrap_or_else(End::Late);
        trace.phases.first_byte = Some(first.map_or_else(|| start.elapsed(), |at: Instant| at - start));
        trace.phases.transfer = first.map(|at| at.elapsed());
        trace.observed.bytes = reply.bytes().len() as u64;
        if !reply.bytes().is_empty() {
            trace.observed.reply = Some(shown_bytes(reply.bytes()).into());
        }
        judge(&reply, end, sent, expectation)?;
    } else {
        sent.map_err(|error| failed(format!("sending failed: {}", reason(&error))))?;
    }
    // TLS has a farewell. It is said if that can be done at once; nobody waits for it.
    let _ = stream.shutdown().now_or_never();
    Ok(())
}

async fn send(stream: &mut impl ByteStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

fn unsent(Passed(limit): Passed) -> Verdict {
    let detail = format!("the server took the connection and not all that was sent to it within {limit}");
    Verdict::new(service::TCP_NO_RESPONSE, detail)
}

/// Reads until the reply is right or can no longer become so. `first` is when its first byte came.
async fn listen(stream: &mut impl ByteStream, reply: &mut Reply<'_>, first: &mut Option<Instant>) -> End {
    loop {
        let due = reply.due();
        let mut room = reply.room();
        let reading = stream.read_buf(&mut room);
        let read = match due {
            None => Some(reading.await),
            // The rest may be long in coming: what is here is looked at in the meantime.
            Some(due) => timeout_at(due, reading).await.ok(),
        };
        let now = Instant::now();
        match read {
            None => {}
            Some(Ok(0)) => return End::Closed,
            Some(Err(error)) => return End::Broken(error),
            Some(Ok(_)) => {
                first.get_or_insert(now);
                reply.grown();
            }
        }
        if reply.is_due(now) {
            match reply.look(now) {
                Answer::Right => return End::Right,
                Answer::Undecodable(reason) => return End::Undecodable(reason),
                Answer::Wrong => {}
            }
        }
        if reply.is_too_long() {
            return End::TooLong;
        }
    }
}

/// What the end of a reply means for the test.
fn judge(reply: &Reply<'_>, end: End, sent: io::Result<()>, expectation: &Expectation) -> Step<()> {
    let told = shown_bytes(reply.bytes());
    let unexpected = |detail: String| Verdict::new(service::TCP_UNEXPECTED_RESPONSE, detail);
    // There may be something that nobody has looked at yet.
    let answer = match &end {
        End::Right => return Ok(()),
        End::Undecodable(reason) => Answer::Undecodable(reason.clone()),
        _ => reply.end(),
    };
    let is_silent = reply.bytes().is_empty();
    let how = match (answer, end) {
        (Answer::Right, _) if !is_silent => return Ok(()),
        (_, End::Late(Passed(limit))) if is_silent => {
            let detail = format!("the server took the connection and sent nothing within {limit}");
            return Err(Verdict::new(service::TCP_NO_RESPONSE, detail));
        }
        (_, End::Broken(error)) => return Err(broken(&reason(&error), &told)),
        (_, End::Closed | End::TooLong) if sent.is_err() => {
            let error = sent.err().map(|error| reason(&error)).unwrap_or_default();
            return Err(broken(&format!("sending failed: {error}"), &told));
        }
        (_, End::Closed) if is_silent => {
            return Err(failed("the server closed the connection without a word"));
        }
        (Answer::Undecodable(reason), _) => {
            return Err(unexpected(format!("the reply cannot be decoded, {reason}: {told}")));
        }
        (_, End::Late(Passed(limit))) => format!("within {limit}"),
        (_, End::TooLong) => format!("in its first {} KiB", MOST / 1_024),
        (_, End::Closed | End::Right | End::Undecodable(_)) => "when the server closed the connection".to_owned(),
    };
    Err(unexpected(format!("the reply does not match {} {how}: {told}", expected(expectation))))
}

/// A connection that broke, with what was said before.
fn broken(reason: &str, told: &str) -> Verdict {
    match told {
        "" => failed(reason.to_owned()),
        told => failed(format!("{reason}; before that the server said: {told}")),
    }
}

/// An error of a connection in the words of a detail.
fn reason(error: &io::Error) -> String {
    if let Some(TooMuch(bytes)) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return format!("the server sent more than {bytes} bytes beside its reply");
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset => "the server reset the connection".to_owned(),
        io::ErrorKind::BrokenPipe => "the server had closed the connection".to_owned(),
        io::ErrorKind::TimedOut => "the connection was lost: the system gave it up".to_owned(),
        _ => format!("the connection failed: {}", shown(&error.to_string())),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use tokio::io::{DuplexStream, duplex};
    use watchkeep_model::{Options, Span, Test};

    use super::*;

    fn exchange(options: &serde_json::Value) -> Exchange {
        let object = json!({"type": "tcp", "target": "peer.example:1", "tcp": options});
        let test = Test::parse(object.as_object().unwrap().clone()).unwrap();
        let Options::Tcp(options) = test.options else { unreachable!() };
        options.exchange
    }

    /// The verdict where `peer` has the other side of the connection.
    async fn verdict<F: Future>(options: serde_json::Value, peer: impl FnOnce(DuplexStream) -> F) -> Verdict {
        let (ours, theirs) = duplex(16);
        let exchange = exchange(&options);
        let mut trace = Trace::default();
        let total = Deadline::after(Span::seconds(1));
        let (outcome, _) = tokio::join!(converse(ours, &exchange, total, &mut trace), peer(theirs));
        outcome.err().unwrap_or(Verdict::OPERATIONAL)
    }

    fn told(verdict: &Verdict) -> (i16, &str) {
        (verdict.code.number(), verdict.detail.as_deref().unwrap_or_default())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_taken_in_time_is_no_response() {
        let long = "a".repeat(17);
        for options in [json!({"send": long}), json!({"send": long, "expect": "a"})] {
            let verdict = verdict(options, |peer| async move {
                tokio::time::sleep(Span::seconds(2).duration()).await;
                drop(peer);
            });
            let expected = "the server took the connection and not all that was sent to it within 1s";
            assert_eq!(told(&verdict.await), (463, expected));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_sent_is_told_with_what_was_said() {
        let long = "a".repeat(17);
        let leave = |said: &'static [u8]| {
            move |mut peer: DuplexStream| async move {
                peer.write_all(said).await.unwrap();
            }
        };
        let (alone, expecting) = (json!({"send": long}), json!({"send": long, "expect": "250"}));
        for (options, said, expected) in [
            (&alone, &b""[..], (464, "sending failed: the server had closed the connection")),
            (&expecting, b"", (464, "sending failed: the server had closed the connection")),
            (
                &expecting,
                b"421 busy",
                (464, "sending failed: the server had closed the connection; before that the server said: 421 busy"),
            ),
            // It said what is expected of it before it had heard everything.
            (&expecting, b"250 enough", (0, "")),
        ] {
            assert_eq!(told(&verdict(options.clone(), leave(said)).await), expected, "{options} {said:?}");
        }
    }

    /// The last byte comes right before the end of the time and has not been looked at.
    #[tokio::test(start_paused = true)]
    async fn what_came_in_time_counts() {
        let verdict = verdict(json!({"expect": "xy"}), |mut peer| async move {
            // Sixteen bytes at a time are expensive enough for a pause between looks.
            peer.write_all(&[b'x'; 20_000]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(970)).await;
            peer.write_all(b"x").await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            peer.write_all(b"y").await.unwrap();
            tokio::time::sleep(Span::seconds(1).duration()).await;
        });
        assert_eq!(told(&verdict.await), (0, ""));
    }
}
