//! The data connection: made to the port that the server names, secured like the control connection, read to its end.
//! What is listed is counted and not kept.

use tokio::io::{AsyncRead, AsyncReadExt};
use watchkeep_model::ftp::Security;

use super::Way;
use crate::{
    net::{
        deadline::{Deadline, Passed},
        secure::{Fault, TlsNotes},
        stream::Tcp,
    },
    outside::shown,
};

/// The largest listing, in bytes.
const LARGEST: u64 = 16 << 20;

impl Way<'_> {
    /// A data connection to the server that the control connection goes to: an address that a reply names is not
    /// followed, as it may be anybody's.
    pub(super) async fn open_data(&self, port: u16) -> Result<Tcp, String> {
        let deadline = Deadline::after(self.test.limits.connect).earlier(self.total);
        let dialled = self.prober.dial(&[self.address.ip()], port, deadline).await;
        dialled.map(|(stream, _)| stream).map_err(|unreached| format!("no data connection: {}", unreached.detail))
    }

    /// The number of entries that come over a data connection, or what is wrong with it.
    pub(super) async fn receive(&self, stream: Tcp) -> Result<u64, String> {
        let counted = match self.options.security {
            Security::None => self.total.bound(count(stream)).await,
            Security::Explicit | Security::Implicit => {
                let mut notes = TlsNotes::default();
                let deadline = Deadline::after(self.test.limits.connect).earlier(self.total);
                // The server waits for one data connection alone.
                let never = || async { Err("the server refused every version and cipher offered".to_owned()) };
                let securing = self.securing(deadline).map_err(|verdict| verdict.detail.unwrap_or_default())?;
                let secured = securing.secure(stream, &mut notes, never).await;
                let secured = secured.map_err(|fault| match fault {
                    Fault::Insecure(insecure) => format!("TLS on the data connection: {}", insecure.detail),
                    Fault::Redial(reason) => format!("TLS on the data connection: {reason}"),
                })?;
                self.total.bound(count(secured.stream)).await
            }
        };
        counted.unwrap_or_else(|Passed(limit)| Err(format!("the listing did not end within {limit}")))
    }
}

/// Lines that name something: the one of the total, which some servers put first, and empty ones do not.
async fn count(mut stream: impl AsyncRead + Unpin) -> Result<u64, String> {
    let mut counter = Counter::default();
    let mut buffer = Box::new([0; 4096]);
    let mut received: u64 = 0;
    loop {
        match stream.read(&mut *buffer).await {
            Ok(0) => return Ok(counter.finish()),
            Ok(length) => {
                received += length as u64;
                if received > LARGEST {
                    return Err(format!("the listing is larger than {} MiB", LARGEST >> 20));
                }
                counter.take(&buffer[..length]);
            }
            Err(error) => return Err(format!("the data connection broke: {}", shown(&error.to_string()))),
        }
    }
}

/// Counts the entries of a listing as its bytes come.
#[derive(Debug, Default)]
struct Counter {
    entries: u64,
    /// The beginning of the line, as much as tells what it is.
    line: Vec<u8>,
}

impl Counter {
    const TOTAL: &[u8] = b"total ";

    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\n' => self.end_line(),
                b'\r' => {}
                _ if self.line.len() < Self::TOTAL.len() => self.line.push(byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self) {
        if !self.line.is_empty() && self.line != Self::TOTAL {
            self.entries += 1;
        }
        self.line.clear();
    }

    fn finish(mut self) -> u64 {
        self.end_line();
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted() {
        for (listing, entries) in [
            ("", 0),
            ("-rw-r--r-- 1 ftp ftp 5 Jan 1 00:00 a\r\ndrwxr-xr-x 2 ftp ftp 5 Jan 1 00:00 b\r\n", 2),
            ("total 8\r\n-rw-r--r-- 1 ftp ftp 5 Jan 1 00:00 a\r\n", 1),
            ("totally\n", 1),
            ("\r\n\na\nb", 2),
        ] {
            for size in [1, 3, 1000] {
                let mut counter = Counter::default();
                listing.as_bytes().chunks(size).for_each(|piece| counter.take(piece));
                assert_eq!(counter.finish(), entries, "{listing:?} in pieces of {size}");
            }
        }
    }
}
