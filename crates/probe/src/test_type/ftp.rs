//! The FTP test: greeting, TLS where asked for, login, a look at a path or a directory, farewell.
//! `dialogue` says what follows on which reply; here and in `control` and `data` is what it needs of the network.

mod command;
mod control;
mod data;
mod dialogue;
mod facts;
mod reply;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use watchkeep_catalogue::service;
use watchkeep_model::{
    Phases, Span, Test, Verdict,
    ftp::{Observed, Options, Security, Spoken},
};

use self::{
    command::Command,
    control::{Control, Unheard},
    dialogue::{Dialogue, Next},
    reply::{Progress, Reply},
};
use crate::{
    Finding, Prober, Step,
    net::{
        deadline::{Deadline, Passed},
        reach::{Cause, Unreached},
        secure::{Fault, Insecure, Securing, TlsNotes, server_name},
        stream::{BoxedStream, ByteStream, Tcp},
        tls::{Alpn, TlsParameters},
    },
    outside::shown,
};

/// The most commands and replies that are noted.
const MOST_NOTED: usize = 20;
/// How long a server may take to say farewell: nothing is lost without it.
const FAREWELL: Span = Span::seconds(1);

/// What every step needs.
struct Way<'a> {
    prober: &'a Prober,
    test: &'a Test,
    options: &'a Options,
    /// Where the control connection goes.
    address: SocketAddr,
    /// The end of the whole test.
    total: Deadline,
}

/// What is noted on the way, whether the test succeeds or not.
#[derive(Default)]
struct Trace {
    phases: Phases,
    observed: Observed,
    /// When the connection was ready for the greeting.
    ready: Option<Instant>,
    /// How long the handshakes lasted that came after that.
    handshakes: Duration,
    /// When everything was found right. How long a server takes to say farewell is not counted.
    done: Option<Instant>,
}

/// Where a dialogue stops.
enum Pause {
    /// A TLS handshake comes next.
    Secure,
    /// Everything was right.
    Part,
}

fn unknown(detail: impl Into<String>) -> Verdict {
    Verdict::new(service::FTP_UNKNOWN_ERROR, detail.into())
}

/// Runs the test.
pub(crate) async fn run(prober: &Prober, test: &Test, options: &Options) -> Finding<Observed> {
    let mut trace = Trace::default();
    let verdict = match visit(prober, test, options, &mut trace).await {
        Ok(()) => Verdict::OPERATIONAL,
        Err(verdict) => verdict,
    };
    if let (Some(ready), Some(greeting)) = (trace.ready, trace.phases.first_byte) {
        let talked = trace.done.unwrap_or_else(Instant::now).duration_since(ready);
        trace.phases.transfer = Some(talked.saturating_sub(greeting + trace.handshakes));
    }
    let response_time = trace.done.map(|_| trace.phases.sum());
    Finding { response_time, ..Finding::new(verdict, trace.phases, trace.observed) }
}

/// The whole visit.
async fn visit(prober: &Prober, test: &Test, options: &Options, trace: &mut Trace) -> Step<()> {
    let total = Deadline::after(test.limits.total);
    let reached = prober.reach(test, &options.endpoint, total, &mut trace.phases).await.map_err(|unreached| {
        trace.observed.ip = unreached.ip;
        not_reached(unreached)
    })?;
    let address = reached.address;
    trace.observed.ip = Some(address.ip());
    let way = Way { prober, test, options, address, total };
    let mut dialogue = Dialogue::new(options, address.is_ipv4());
    let talked = match options.security {
        Security::None => way.talk_in_clear(reached.stream, &mut dialogue, trace).await,
        // Boxed, so that tests in clear text do not hold room for a handshake.
        Security::Explicit => Box::pin(way.talk_after_auth(reached.stream, &mut dialogue, trace)).await,
        Security::Implicit => {
            let deadline = reached.connect_deadline;
            Box::pin(way.talk_over_tls(reached.stream, deadline, &mut dialogue, trace)).await
        }
    };
    let told = dialogue.told;
    trace.observed.greeting = told.greeting;
    trace.observed.welcome = told.welcome;
    trace.observed.path = told.path;
    trace.observed.entries = told.entries;
    talked
}

impl Way<'_> {
    async fn talk_in_clear(&self, stream: Tcp, dialogue: &mut Dialogue<'_>, trace: &mut Trace) -> Step<()> {
        trace.ready = Some(Instant::now());
        self.talk_to_the_end(stream, Next::Hear, dialogue, trace).await
    }

    async fn talk_over_tls(
        &self,
        stream: Tcp,
        deadline: Deadline,
        dialogue: &mut Dialogue<'_>,
        trace: &mut Trace,
    ) -> Step<()> {
        let again = || self.dial_again(deadline);
        let stream = self.secure(stream, deadline, trace, again).await?;
        trace.ready = Some(Instant::now());
        self.talk_to_the_end(stream, Next::Hear, dialogue, trace).await
    }

    async fn talk_after_auth(&self, stream: Tcp, dialogue: &mut Dialogue<'_>, trace: &mut Trace) -> Step<()> {
        trace.ready = Some(Instant::now());
        let stream = self.ask_for_tls(stream, dialogue, trace).await?;
        // The greeting may have taken its time; the handshake has all of the limit.
        let deadline = Deadline::after(self.test.limits.connect).earlier(self.total);
        let again = || async {
            let stream = self.dial_again(deadline).await?;
            let mut repeated = Dialogue::new(self.options, self.address.is_ipv4());
            self.ask_for_tls(stream, &mut repeated, &mut Trace::default()).await
        };
        let stream = self.secure(stream, deadline, trace, again).await?;
        trace.handshakes = trace.phases.tls.unwrap_or_default();
        let next = dialogue.secured();
        self.talk_to_the_end(stream, next, dialogue, trace).await
    }

    async fn dial_again(&self, deadline: Deadline) -> Step<Tcp> {
        let dialled = self.prober.dial(&[self.address.ip()], self.address.port(), deadline).await;
        dialled.map(|(stream, _)| stream).map_err(not_reached)
    }

    /// Brings a connection to the point where the server waits for a handshake.
    async fn ask_for_tls(&self, stream: Tcp, dialogue: &mut Dialogue<'_>, trace: &mut Trace) -> Step<Tcp> {
        let mut control = Control::new(stream);
        match self.talk(&mut control, Next::Hear, dialogue, trace).await? {
            Pause::Secure => {}
            Pause::Part => return Err(unknown("the dialogue ended without TLS")),
        }
        // Whoever sits between robot and server could put replies here that look like those sent over TLS.
        match control.into_stream() {
            (stream, 0) => Ok(stream),
            (_, count) => {
                let bytes = if count == 1 { "byte" } else { "bytes" };
                let detail = format!(
                    "TLS: {count} {bytes} came in clear text after the reply to AUTH TLS, as if somebody had put them there"
                );
                Err(unknown(detail))
            }
        }
    }

    /// A handshake of the control connection or of one for data.
    fn securing(&self, deadline: Deadline) -> Step<Securing<'_>> {
        let name = server_name(&self.options.endpoint.host.as_host());
        let name = name.ok_or_else(|| unknown("TLS: no certificate can name this host"))?;
        let parameters = TlsParameters { alpn: Alpn::Nothing, settings: &self.options.tls };
        Ok(Securing { prober: self.prober, parameters, name, address: self.address, deadline })
    }

    /// Makes the TLS handshake of the control connection.
    async fn secure<F: Future<Output = Step<Tcp>>>(
        &self,
        stream: Tcp,
        deadline: Deadline,
        trace: &mut Trace,
        again: impl FnOnce() -> F,
    ) -> Step<BoxedStream> {
        let mut notes = TlsNotes::default();
        let secured = self.securing(deadline)?.secure(stream, &mut notes, again).await;
        trace.phases.tls = notes.spent;
        trace.observed.certificate = notes.certificate;
        trace.observed.tls = notes.session.map(Box::new);
        trace.observed.remarks.extend(notes.remark);
        match secured {
            Ok(secured) => Ok(secured.stream),
            Err(Fault::Insecure(Insecure { detail, .. })) => Err(unknown(format!("TLS: {detail}"))),
            Err(Fault::Redial(verdict)) => Err(verdict),
        }
    }

    /// Talks, and takes leave when everything was right.
    async fn talk_to_the_end<'o, S: ByteStream>(
        &self,
        stream: S,
        first: Next<'o>,
        dialogue: &mut Dialogue<'o>,
        trace: &mut Trace,
    ) -> Step<()> {
        let mut control = Control::new(stream);
        self.talk(&mut control, first, dialogue, trace).await?;
        trace.done = Some(Instant::now());
        self.part(&mut control, dialogue, trace).await;
        Ok(())
    }

    /// Talks until there is something else to do than to talk.
    async fn talk<'o, S: ByteStream>(
        &self,
        control: &mut Control<S>,
        first: Next<'o>,
        dialogue: &mut Dialogue<'o>,
        trace: &mut Trace,
    ) -> Step<Pause> {
        let mut next = first;
        let mut data = None;
        loop {
            match next {
                Next::Hear => {}
                Next::Say(command) => {
                    note_command(&mut trace.observed, command);
                    // Without time left it is the reply that is missing.
                    let _ = self.total.bound(control.say(&command.line())).await;
                }
                Next::Connect(port) => {
                    data = Some(Box::pin(self.open_data(port)).await.map_err(unknown)?);
                    next = dialogue.connected();
                    continue;
                }
                Next::Receive => {
                    let received = match data.take() {
                        Some(data) => Box::pin(self.receive(data)).await,
                        None => Err("no data connection".to_owned()),
                    };
                    dialogue.received(received);
                }
                Next::Secure => return Ok(Pause::Secure),
                Next::Part => return Ok(Pause::Part),
            }
            let reply = match self.total.bound(control.hear()).await {
                Ok(Ok(reply)) => reply,
                Ok(Err(unheard)) => return Err(missing(&unheard, control.progress(), dialogue)),
                Err(Passed(limit)) => return Err(late(limit, control.progress(), dialogue)),
            };
            if let (None, Some(ready)) = (trace.phases.first_byte, trace.ready) {
                trace.phases.first_byte = Some(ready.elapsed());
            }
            note_reply(&mut trace.observed, dialogue, &reply);
            next = dialogue.hear(&reply)?;
        }
    }

    /// Takes leave; whatever comes of it, the test was good.
    async fn part<S: ByteStream>(&self, control: &mut Control<S>, dialogue: &Dialogue<'_>, trace: &mut Trace) {
        let deadline = Deadline::after(FAREWELL).earlier(self.total);
        note_command(&mut trace.observed, Command::Quit);
        let farewell = async {
            control.say(&Command::Quit.line()).await;
            control.hear().await
        };
        if let Ok(Ok(reply)) = deadline.bound(farewell).await {
            note_reply(&mut trace.observed, dialogue, &reply);
        }
    }
}

fn not_reached(Unreached { cause, detail, .. }: Unreached) -> Verdict {
    let code = match cause {
        Cause::Refused => service::FTP_PORT_CLOSED,
        Cause::Name | Cause::Forbidden | Cause::Unreachable | Cause::Silent | Cause::Robot => {
            service::FTP_UNKNOWN_ERROR
        }
    };
    Verdict::new(code, detail)
}

/// No reply came, and none will.
fn missing(unheard: &Unheard, progress: Progress, dialogue: &Dialogue<'_>) -> Verdict {
    let subject = dialogue.subject();
    let place = match progress {
        Progress::Nothing => "before",
        Progress::FirstLine | Progress::SeveralLines => "in the middle of",
    };
    match unheard {
        Unheard::Broken(broken, excerpt) => {
            let begins = match dialogue.shown(excerpt) {
                excerpt if excerpt.is_empty() => String::new(),
                excerpt => format!(" (\"{excerpt}\")"),
            };
            Verdict::new(service::FTP_PROTOCOL_ERROR, format!("{subject} is not FTP: {broken}{begins}"))
        }
        // What went wrong with the data comes first, and explains the rest.
        _ if let Some(fault) = dialogue.data_fault() => fault,
        Unheard::Closed if progress == Progress::SeveralLines => {
            let detail = format!("{subject} has several lines and no end: the server closed the connection in it");
            Verdict::new(service::FTP_PROTOCOL_ERROR, detail)
        }
        Unheard::Closed => unknown(format!("the server closed the connection {place} {subject}")),
        Unheard::Failed(error) => {
            unknown(format!("the connection broke {place} {subject}: {}", shown(&error.to_string())))
        }
    }
}

/// No reply came in time.
fn late(limit: Span, progress: Progress, dialogue: &Dialogue<'_>) -> Verdict {
    let subject = dialogue.subject();
    dialogue.data_fault().unwrap_or_else(|| {
        unknown(match progress {
            Progress::Nothing => format!("{subject} did not come within {limit}"),
            Progress::FirstLine | Progress::SeveralLines => format!("{subject} was not complete within {limit}"),
        })
    })
}

fn note_command(observed: &mut Observed, command: Command<'_>) {
    note(observed, Spoken { command: Some(shown(&command.to_string())), reply: None });
}

fn note_reply(observed: &mut Observed, dialogue: &Dialogue<'_>, reply: &Reply) {
    let reply = Some(dialogue.shown_reply(reply));
    match observed.dialogue.last_mut() {
        Some(asked) if asked.reply.is_none() => asked.reply = reply,
        _ => note(observed, Spoken { command: None, reply }),
    }
}

fn note(observed: &mut Observed, spoken: Spoken) {
    if observed.dialogue.len() < MOST_NOTED {
        observed.dialogue.push(spoken);
    }
}
