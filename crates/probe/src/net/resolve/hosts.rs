//! The system's hosts file, read again when it changes.
//! Names that stand there are never asked of DNS, as in every other program of the machine.

use std::{
    collections::HashMap,
    fs,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

/// How often the file is looked at.
const LOOKED_AT: Duration = Duration::from_secs(1);

type Table = HashMap<Box<str>, Vec<IpAddr>>;

/// The hosts file.
pub(super) struct Hosts {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    looked: Option<Instant>,
    stamp: Option<(SystemTime, u64)>,
    table: Arc<Table>,
}

impl Hosts {
    /// That of this machine.
    pub(super) fn system() -> Self {
        Self { path: PathBuf::from("/etc/hosts"), state: Mutex::default() }
    }

    /// The addresses of a name in lower case, if it stands in the file.
    pub(super) fn find(&self, name: &str) -> Option<Vec<IpAddr>> {
        self.table(Instant::now()).get(name).cloned()
    }

    fn table(&self, now: Instant) -> Arc<Table> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.is_none_or(|looked| now.duration_since(looked) >= LOOKED_AT) {
            state.looked = Some(now);
            let metadata = fs::metadata(&self.path).ok();
            let stamp = metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
            if stamp != state.stamp {
                state.stamp = stamp;
                state.table = Arc::new(fs::read_to_string(&self.path).map(|text| parse(&text)).unwrap_or_default());
            }
        }
        Arc::clone(&state.table)
    }
}

/// Lines of an address and its names; what cannot be read is passed over, as resolvers do.
fn parse(text: &str) -> Table {
    let mut table = Table::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(Ok(address)) = words.next().map(str::parse::<IpAddr>) else { continue };
        for name in words {
            let addresses = table.entry(name.trim_end_matches('.').to_ascii_lowercase().into()).or_default();
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    table
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn lines_are_read_as_resolvers_do() {
        let text = "# a comment\n127.0.0.1\tlocalhost\n::1 localhost ip6-localhost # more\n192.0.2.1 Shop.Example. shop\n\
                    nonsense here\n192.0.2.2 shop\n192.0.2.1 shop\n192.0.2.3\nfe80::1%eth0 zoned\n";
        let table = parse(text);
        for (name, expected) in [
            ("localhost", addresses(&["127.0.0.1", "::1"])),
            ("shop.example", addresses(&["192.0.2.1"])),
            ("shop", addresses(&["192.0.2.1", "192.0.2.2"])),
        ] {
            assert_eq!(table.get(name), Some(&expected), "{name}");
        }
        assert_eq!(table.get("here"), None);
        assert_eq!(table.get("zoned"), None);
    }

    #[test]
    fn changes_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hosts");
        let hosts = Hosts { path: path.clone(), state: Mutex::default() };
        let now = Instant::now();
        assert!(hosts.table(now).is_empty());
        fs::write(&path, "192.0.2.1 a\n").unwrap();
        assert!(hosts.table(now).is_empty(), "not looked at again so soon");
        assert_eq!(hosts.table(now + LOOKED_AT)["a"], addresses(&["192.0.2.1"]));
        fs::remove_file(&path).unwrap();
        assert!(hosts.table(now + 2 * LOOKED_AT).is_empty());
    }
}
