//! The commands of the dialogue: how each is sent, and how it is shown.

use watchkeep_model::Secret;

/// One command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command<'o> {
    AuthTls,
    User(&'o str),
    /// A password that nobody may see.
    Password(&'o Secret),
    /// What the public gives for a password: by custom an address of theirs.
    PublicPassword,
    BufferSize,
    Protect,
    ChangeDirectory(&'o str),
    Facts(&'o str),
    Binary,
    Size(&'o str),
    ExtendedPassive,
    Passive,
    List,
    Quit,
}

impl Command<'_> {
    /// The line as it is sent. No argument has control characters, which the options' parser sees to.
    pub(super) fn line(self) -> String {
        match self {
            Self::Password(password) => format!("PASS {}\r\n", password.expose()),
            _ => format!("{self}\r\n"),
        }
    }
}

/// The line as it is shown.
impl std::fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (verb, argument) = match *self {
            Self::AuthTls => ("AUTH", "TLS"),
            Self::User(user) => ("USER", user),
            Self::Password(_) => ("PASS", Secret::MASK),
            Self::PublicPassword => ("PASS", "watchkeep@"),
            Self::BufferSize => ("PBSZ", "0"),
            Self::Protect => ("PROT", "P"),
            Self::ChangeDirectory(path) => ("CWD", path),
            Self::Facts(path) => ("MLST", path),
            Self::Binary => ("TYPE", "I"),
            Self::Size(path) => ("SIZE", path),
            Self::ExtendedPassive => ("EPSV", ""),
            Self::Passive => ("PASV", ""),
            Self::List => ("LIST", ""),
            Self::Quit => ("QUIT", ""),
        };
        f.write_str(verb)?;
        if argument.is_empty() { Ok(()) } else { write!(f, " {argument}") }
    }
}
