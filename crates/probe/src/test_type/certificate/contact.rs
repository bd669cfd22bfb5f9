//! The way to the certificate: name, connection, the dialogue that asks for TLS where there is one, the handshake.
//! A second attempt for an old server, and every further look, goes the same way again to the same address.

use std::{net::SocketAddr, time::Instant};

use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use watchkeep_catalogue::certificate;
use watchkeep_model::{
    Test, Verdict,
    certificate::{Manner, Options},
};

use super::{
    Trace, add, insecure,
    starttls::{Cause as Unasked, Dialogue, Turn, Unanswered},
};
use crate::{
    Prober, Step,
    net::{
        deadline::{Deadline, Passed},
        reach::{Cause, Reached, Unreached},
        secure::{Fault, Securing, TlsNotes, server_name},
        stream::{Metered, Tcp},
        tls::TlsParameters,
    },
};

/// What is read of a dialogue at a time.
const PIECE: usize = 2 * 1024;

/// What every step of the way needs.
pub(super) struct Contact<'a> {
    pub(super) prober: &'a Prober,
    pub(super) test: &'a Test,
    pub(super) options: &'a Options,
    /// The end of the whole test.
    pub(super) total: Deadline,
}

/// What became of a handshake.
pub(super) struct Secured {
    pub(super) notes: TlsNotes,
    pub(super) outcome: Step<()>,
}

impl Contact<'_> {
    /// A connection to the target, not yet spoken on.
    pub(super) async fn reach(&self, trace: &mut Trace) -> Step<Reached> {
        let reached = self.prober.reach(self.test, &self.options.endpoint, self.total, &mut trace.phases).await;
        let reached = reached.map_err(|unreached| {
            trace.observed.ip = unreached.ip;
            verdict(unreached)
        })?;
        trace.observed.ip = Some(reached.address.ip());
        Ok(reached)
    }

    /// Asks for TLS where that is needed, and makes the handshake.
    pub(super) async fn secure(&self, reached: Reached, parameters: TlsParameters<'_>, trace: &mut Trace) -> Secured {
        let mut notes = TlsNotes::default();
        let outcome = self.shake(reached, parameters, trace, &mut notes).await;
        trace.observed.remarks.extend(notes.remark.map(Into::into));
        Secured { notes, outcome }
    }

    async fn shake(
        &self,
        Reached { stream, address, connect_deadline }: Reached,
        parameters: TlsParameters<'_>,
        trace: &mut Trace,
        notes: &mut TlsNotes,
    ) -> Step<()> {
        let stream = self.begin(stream, trace).await?;
        let name = self
            .name()
            .ok_or_else(|| Verdict::new(certificate::CERTIFICATE_INVALID, "no certificate can name this host"))?;
        // A dialogue takes its time, and the handshake begins after it.
        let deadline = match self.options.manner {
            Manner::Starttls(_) => Deadline::after(self.test.limits.connect).earlier(self.total),
            Manner::Direct | Manner::Https { .. } => connect_deadline,
        };
        let securing = Securing { prober: self.prober, parameters, name, address, deadline };
        let noted = &mut *trace;
        let secured = securing.secure(stream, notes, move || self.again(address, noted)).await;
        add(&mut trace.phases.tls, notes.spent);
        match secured {
            Ok(_) => Ok(()),
            Err(Fault::Insecure(fault)) => Err(insecure(fault, notes.has_no_certificate)),
            Err(Fault::Redial(verdict)) => Err(verdict),
        }
    }

    /// The name that is asked for; `None` for a host that no certificate can name.
    pub(super) fn name(&self) -> Option<ServerName<'static>> {
        server_name(&self.options.name().as_host())
    }

    /// Another connection to the same address, ready for a handshake.
    pub(super) async fn again(&self, address: SocketAddr, trace: &mut Trace) -> Step<Tcp> {
        let start = Instant::now();
        let deadline = Deadline::after(self.test.limits.connect).earlier(self.total);
        let dialled = self.prober.dial(&[address.ip()], address.port(), deadline).await;
        add(&mut trace.phases.connect, Some(start.elapsed()));
        let (stream, _) = dialled.map_err(verdict)?;
        self.begin(stream, trace).await
    }

    /// Asks for TLS where another protocol is spoken first.
    async fn begin(&self, stream: Tcp, trace: &mut Trace) -> Step<Tcp> {
        let Manner::Starttls(protocol) = self.options.manner else { return Ok(stream) };
        let start = Instant::now();
        let mut dialogue = Dialogue::new(protocol, self.options.name());
        let mut stream = stream;
        let spoken = self.total.bound(speak(&mut stream, &mut dialogue)).await;
        add(&mut trace.phases.first_byte, Some(start.elapsed()));
        let unanswered = match spoken {
            // What comes next is TLS, and is counted by itself.
            Ok(Ok(())) => return Ok(Metered::new(stream.into_inner())),
            Ok(Err(unanswered)) => unanswered,
            Err(Passed(limit)) => {
                let detail = format!("{} within {limit}", dialogue.waiting_for());
                return Err(Verdict::new(certificate::CERTIFICATE_OPERATION_TIMEOUT, detail));
            }
        };
        let code = match unanswered.cause {
            Unasked::NoTls => certificate::CERTIFICATE_ABSENT,
            Unasked::Stranger => certificate::CERTIFICATE_PROTOCOL_NOT_SUPPORTED,
            Unasked::Broken => certificate::CERTIFICATE_CLIENT_ERROR,
        };
        Err(Verdict::new(code, unanswered.detail))
    }
}

/// Leads a dialogue to its end: TLS may begin.
async fn speak(stream: &mut Tcp, dialogue: &mut Dialogue) -> Result<(), Unanswered> {
    let mut piece = [0; PIECE];
    let mut turn = dialogue.hear(&[]);
    loop {
        match turn {
            Turn::Begin => return Ok(()),
            Turn::Say(bytes) => {
                stream.write_all(&bytes).await.map_err(|error| dialogue.broke(Some(&error)))?;
                turn = dialogue.hear(&[]);
            }
            Turn::Listen => {
                let count = stream.read(&mut piece).await.map_err(|error| dialogue.broke(Some(&error)))?;
                if count == 0 {
                    return Err(dialogue.broke(None));
                }
                turn = dialogue.hear(&piece[..count]);
            }
            Turn::End(unanswered) => return Err(unanswered),
        }
    }
}

fn verdict(Unreached { cause, detail, .. }: Unreached) -> Verdict {
    let code = match cause {
        Cause::Name => certificate::CERTIFICATE_NAME_RESOLUTION_FAILED,
        Cause::Silent => certificate::CERTIFICATE_CONNECT_TIMEOUT,
        Cause::Forbidden | Cause::Refused | Cause::Unreachable => certificate::CERTIFICATE_CONNECT_FAILED,
        Cause::Robot => certificate::CERTIFICATE_CLIENT_ERROR,
    };
    Verdict::new(code, detail)
}
