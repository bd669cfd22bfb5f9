//! The dialogue with the server: which command follows which reply, and what a wrong reply means.
//! No I/O: replies come in, and what to do next or the verdict goes out.

use std::borrow::Cow;

use watchkeep_catalogue::{StatusCode, service};
use watchkeep_model::{
    Secret, Verdict,
    ftp::{Login, Options, PathKind, Security, SeenPath},
};

use super::{
    command::Command,
    facts::{extended_port, facts, passive_port, size},
    reply::Reply,
};
use crate::{Step, outside::shown};

/// How often a server may ask for patience, by a reply that another one follows.
const MOST_PATIENCE: u8 = 10;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next<'o> {
    /// Hear a reply.
    Hear,
    /// Send this and hear its reply.
    Say(Command<'o>),
    /// Make the TLS handshake, then go on with [`Dialogue::secured`].
    Secure,
    /// Connect to this port for data, then go on with [`Dialogue::connected`].
    Connect(u16),
    /// Receive the listing over the data connection, tell [`Dialogue::received`], and hear a reply.
    Receive,
    /// Everything is as it should be: take leave.
    Part,
}

/// Which reply is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Greeting,
    /// The reply to the command of this state.
    AuthTls,
    User,
    Password,
    ChangeDirectory,
    Facts,
    Binary,
    Size,
    BufferSize,
    Protect,
    ExtendedPassive,
    Passive,
    /// That the listing begins.
    Listing,
    /// That it is over.
    ListingEnd,
}

/// What the replies told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) greeting: Option<String>,
    pub(super) welcome: Option<String>,
    pub(super) path: Option<SeenPath>,
    pub(super) entries: Option<u64>,
}

/// One dialogue.
pub(super) struct Dialogue<'o> {
    options: &'o Options,
    /// Whether the server is talked to over IPv4, which PASV needs.
    is_ipv4: bool,
    awaited: Awaited,
    asked: Option<Command<'o>>,
    patience: u8,
    /// What became of the data connection: entries, or what was wrong.
    listing: Result<u64, String>,
    pub(super) told: Told,
}

impl<'o> Dialogue<'o> {
    /// The dialogue on a new connection, or on one with TLS from its first byte. A greeting comes first.
    pub(super) fn new(options: &'o Options, is_ipv4: bool) -> Self {
        Self {
            options,
            is_ipv4,
            awaited: Awaited::Greeting,
            asked: None,
            patience: 0,
            listing: Ok(0),
            told: Told::default(),
        }
    }

    /// What the next reply is to, for details.
    pub(super) fn subject(&self) -> String {
        self.asked.map_or_else(|| "the greeting".to_owned(), |command| format!("the reply to {command}"))
    }

    /// A text of the server's as it may be shown, in one line: it may repeat the password.
    pub(super) fn shown(&self, text: &str) -> String {
        let masked = match &self.options.login {
            Login::User { password, .. } if !password.expose().is_empty() => {
                Cow::Owned(text.replace(password.expose(), Secret::MASK))
            }
            _ => Cow::Borrowed(text),
        };
        let lines: Vec<_> = masked.lines().map(str::trim).collect();
        shown(&lines.join(" "))
    }

    /// A reply as it may be shown.
    pub(super) fn shown_reply(&self, reply: &Reply) -> String {
        format!("{} {}", reply.code, self.shown(&reply.text)).trim_end().to_owned()
    }

    /// Goes on from a reply.
    pub(super) fn hear(&mut self, reply: &Reply) -> Step<Next<'o>> {
        let is_preliminary = match self.awaited {
            Awaited::Greeting => reply.code == 120,
            Awaited::Listing => false,
            _ => (100..200).contains(&reply.code),
        };
        if is_preliminary {
            self.patience += 1;
            return if self.patience > MOST_PATIENCE { Err(self.wrong(reply)) } else { Ok(Next::Hear) };
        }
        self.patience = 0;
        match (self.awaited, reply.code) {
            (Awaited::Greeting, 220) => {
                self.told.greeting = Some(self.shown_reply(reply));
                Ok(match self.options.security {
                    Security::Explicit => self.say(Command::AuthTls, Awaited::AuthTls),
                    Security::None | Security::Implicit => self.log_in(),
                })
            }
            (Awaited::AuthTls, 234) => Ok(Next::Secure),
            (Awaited::User | Awaited::Password, 230 | 232) | (Awaited::Password, 202) => {
                self.told.welcome = Some(self.shown_reply(reply));
                Ok(self.look())
            }
            (Awaited::User, 331) => Ok(match &self.options.login {
                Login::User { password, .. } => self.say(Command::Password(password), Awaited::Password),
                Login::Anonymous { .. } | Login::Skipped => self.say(Command::PublicPassword, Awaited::Password),
            }),
            (Awaited::ChangeDirectory, 200 | 250) => {
                self.told.path = Some(SeenPath { kind: PathKind::Directory, size: None });
                Ok(self.list())
            }
            (Awaited::Facts, 250) => {
                self.told.path = Some(facts(&reply.text));
                Ok(Next::Part)
            }
            // Older servers know SIZE alone, of which most refuse to count in text mode.
            (Awaited::Facts, 500 | 502 | 504) => Ok(self.say(Command::Binary, Awaited::Binary)),
            (Awaited::Binary, 200) => Ok(match &self.options.path {
                Some(path) => self.say(Command::Size(path.name()), Awaited::Size),
                None => Next::Part,
            }),
            (Awaited::Size, 213) => {
                let size = size(&reply.text).ok_or_else(|| self.wrong(reply))?;
                self.told.path = Some(SeenPath { kind: PathKind::File, size: Some(size) });
                Ok(Next::Part)
            }
            (Awaited::BufferSize, 200) => Ok(self.say(Command::Protect, Awaited::Protect)),
            (Awaited::Protect, 200) => Ok(self.say(Command::ExtendedPassive, Awaited::ExtendedPassive)),
            (Awaited::ExtendedPassive, 229) => {
                extended_port(&reply.text).map(Next::Connect).ok_or_else(|| self.wrong(reply))
            }
            // PASV can name an IPv4 address alone.
            (Awaited::ExtendedPassive, 500..=529 | 533..=599) if self.is_ipv4 => {
                Ok(self.say(Command::Passive, Awaited::Passive))
            }
            (Awaited::Passive, 227) => passive_port(&reply.text).map(Next::Connect).ok_or_else(|| self.wrong(reply)),
            (Awaited::Listing, 125 | 150) => {
                self.awaited = Awaited::ListingEnd;
                Ok(Next::Receive)
            }
            (Awaited::ListingEnd, 226 | 250) => match self.data_fault() {
                Some(fault) => Err(fault),
                None => {
                    self.told.entries = self.listing.as_ref().ok().copied();
                    Ok(Next::Part)
                }
            },
            _ => Err(self.wrong(reply)),
        }
    }

    /// Goes on after the TLS handshake that AUTH TLS began.
    pub(super) fn secured(&mut self) -> Next<'o> {
        self.log_in()
    }

    /// Goes on with a data connection.
    pub(super) fn connected(&mut self) -> Next<'o> {
        self.say(Command::List, Awaited::Listing)
    }

    /// Takes what came over the data connection: how many entries, or what was wrong with it.
    pub(super) fn received(&mut self, listing: Result<u64, String>) {
        self.listing = listing;
    }

    /// What was wrong with the data connection, if anything was.
    pub(super) fn data_fault(&self) -> Option<Verdict> {
        self.listing.as_ref().err().map(|reason| Verdict::new(service::FTP_UNKNOWN_ERROR, reason.clone()))
    }

    fn say(&mut self, command: Command<'o>, awaited: Awaited) -> Next<'o> {
        self.asked = Some(command);
        self.awaited = awaited;
        Next::Say(command)
    }

    fn log_in(&mut self) -> Next<'o> {
        match &self.options.login {
            Login::Skipped => self.look(),
            Login::Anonymous { user } | Login::User { user, .. } => self.say(Command::User(user), Awaited::User),
        }
    }

    fn look(&mut self) -> Next<'o> {
        match &self.options.path {
            Some(path) if path.is_directory() => {
                self.say(Command::ChangeDirectory(path.name()), Awaited::ChangeDirectory)
            }
            Some(path) => self.say(Command::Facts(path.name()), Awaited::Facts),
            None => self.list(),
        }
    }

    fn list(&mut self) -> Next<'o> {
        match self.options.security {
            _ if !self.options.is_listed => Next::Part,
            Security::None => self.say(Command::ExtendedPassive, Awaited::ExtendedPassive),
            Security::Explicit | Security::Implicit => self.say(Command::BufferSize, Awaited::BufferSize),
        }
    }

    /// What a reply means that does not belong here.
    fn wrong(&self, reply: &Reply) -> Verdict {
        let told = self.shown_reply(reply);
        let mut detail = match self.asked {
            None => format!("the greeting was {told}"),
            Some(command) => format!("{command} was answered {told}"),
        };
        let (code, more) = self.meaning(reply.code);
        detail.push_str(more);
        if let Err(reason) = &self.listing {
            detail.push_str("; ");
            detail.push_str(reason);
        }
        Verdict::new(code, detail)
    }

    /// The code of a wrong reply, and what its detail says beside it.
    fn meaning(&self, reply: u16) -> (StatusCode, &'static str) {
        let is_skipped = self.options.login == Login::Skipped;
        let is_secured = self.options.security != Security::None;
        match (self.awaited, reply) {
            (Awaited::User | Awaited::Password, 332) => {
                (service::FTP_LOGIN_REQUIRED, "; the server asks for an account, which the test does not have")
            }
            // 430 is not of RFC 959, and those who use it mean the credentials.
            (Awaited::User | Awaited::Password, 430 | 530) if self.is_public() => (service::FTP_ANONYMOUS_DISABLED, ""),
            (Awaited::User | Awaited::Password, 430 | 530) => (service::FTP_LOGIN_REFUSED, ""),
            (Awaited::Greeting | Awaited::AuthTls, _) => (service::FTP_COMMAND_FAILED, ""),
            (_, 530 | 532) if is_skipped => (service::FTP_LOGIN_REQUIRED, "; the test leaves the login out"),
            (Awaited::Listing | Awaited::ListingEnd, 425 | 522) if is_secured => (
                service::FTP_COMMAND_FAILED,
                "; a server may demand here that the TLS session of the control connection is resumed, which the robot \
                 does not do",
            ),
            _ => (service::FTP_COMMAND_FAILED, ""),
        }
    }

    fn is_public(&self) -> bool {
        match &self.options.login {
            Login::Skipped => false,
            Login::Anonymous { .. } => true,
            Login::User { user, .. } => Login::is_public(user),
        }
    }
}

#[cfg(test)]
#[path = "dialogue_table.rs"]
mod tests;
