//! One question to a WHOIS server (RFC 3912): a line is sent, and all that comes until the end is the answer.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};
use watchkeep_model::{Endpoint, Test};

use super::{sources::Failure, turn};
use crate::{
    Prober,
    net::{
        deadline::{Deadline, Passed},
        stream::Tcp,
    },
};

/// A longer answer is not read, in bytes.
const LONGEST: usize = 256 * 1024;
/// What is read at a time, in bytes.
const PIECE: usize = 4 * 1024;

/// The answer, at least one byte of it.
pub(super) async fn ask(
    prober: &Prober,
    test: &Test,
    server: &Endpoint,
    query: &str,
    total: Deadline,
) -> Result<Vec<u8>, Failure> {
    let unavailable = |reason: String| Failure::Unavailable(format!("WHOIS {server}: {reason}"));
    turn::wait(prober, test, &server.to_string(), total).await.map_err(unavailable)?;
    let resolved = prober.resolve(server.host.as_host(), &test.network, total).await;
    let addresses = resolved.map_err(|unreached| unavailable(unreached.detail))?;
    let deadline = Deadline::after(test.limits.connect).earlier(total);
    let dialled = prober.dial(&addresses, server.port, deadline).await;
    let (stream, _) = dialled.map_err(|unreached| unavailable(unreached.detail))?;
    let mut answer = Vec::new();
    match total.bound(exchange(stream, query, &mut answer)).await {
        Err(Passed(limit)) => {
            Err(unavailable(format!("the answer was not complete within {limit}, {} bytes came", answer.len())))
        }
        Ok(_) if answer.len() > LONGEST => {
            Err(Failure::NotUnderstood(format!("WHOIS {server}: the answer is longer than {LONGEST} bytes")))
        }
        Ok(Err(error)) if answer.is_empty() => {
            Err(unavailable(format!("the connection broke before the answer: {error}")))
        }
        Ok(Ok(())) if answer.is_empty() => Err(unavailable("it closed the connection without an answer".to_owned())),
        // Some servers reset the connection behind the answer.
        Ok(_) => Ok(answer),
    }
}

async fn exchange(mut stream: Tcp, query: &str, answer: &mut Vec<u8>) -> std::io::Result<()> {
    stream.write_all(query.as_bytes()).await?;
    stream.flush().await?;
    loop {
        answer.reserve(PIECE);
        if stream.read_buf(answer).await? == 0 || answer.len() > LONGEST {
            return Ok(());
        }
    }
}

/// The server said something about the name, so that its patience is as it was.
pub(super) fn answered(prober: &Prober, server: &Endpoint) {
    prober.registries.manners().answered(&server.to_string());
}

/// The server said that it is asked too often: it is left alone for a while.
pub(super) fn limited(prober: &Prober, server: &Endpoint, words: &str) -> Failure {
    prober.registries.manners().limited(&server.to_string(), Instant::now(), None);
    Failure::Unavailable(format!("WHOIS {server}: it limits how often it may be asked: “{words}”"))
}
