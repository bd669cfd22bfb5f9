//! Which of our crates may import which, which foreign crates stay behind which wall, and what must not be there at all.
//! The rules look at a graph given as data (`layers/graph.rs` reads it from cargo), so that tests can hold wrong ones against them.

mod graph;

use std::path::Path;

use graph::{Graph, Import, Kind};

/// Each of our crates and what it may import. Tests may also import `lab`, and crates that do not import theirs.
const LAYERS: &[(&str, &[&str])] = &[
    ("catalogue", &[]),
    ("model", &["catalogue"]),
    ("judge", &["catalogue", "model"]),
    ("probe", &["catalogue", "model"]),
    ("store", &["catalogue", "model"]),
    ("bus", &["catalogue", "model"]),
    ("robot", &["catalogue", "model", "judge", "probe", "bus"]),
    ("alert", &["catalogue", "model", "store"]),
    ("server", &["catalogue", "model", "judge", "probe", "store", "bus", "robot", "alert"]),
    ("watchkeep", &["catalogue", "model", "judge", "probe", "store", "bus", "robot", "alert", "server"]),
    ("lab", &[]),
    ("xtask", &[]),
];

/// What nothing imports, not even a test.
const TOPS: &[&str] = &["watchkeep", "xtask"];

/// Crates whose dependency tree has no runtime, clock or I/O.
const PURE: &[&str] = &["catalogue", "model", "judge"];

/// What would bring a runtime, a clock, randomness or I/O with it. A trailing `*` stands for any ending.
const IMPURE: &[&str] = &[
    "async-io",
    "async-std",
    "axum*",
    "chrono",
    "fastrand",
    "getrandom",
    "h2",
    "hickory-*",
    "hyper*",
    "libsqlite3-sys",
    "mio",
    "native-tls",
    "openssl*",
    "rand",
    "rayon",
    "reqwest",
    "ring",
    "rusqlite*",
    "rustls*",
    "smol",
    "socket2",
    "tempfile",
    "time",
    "tokio*",
    "tower-http",
    "ureq",
];

/// A foreign crate, and the only ones of ours that may bring it in.
const WALLS: &[(&str, &[&str])] =
    &[("openssl-sys", &["probe", "lab"]), ("libsqlite3-sys", &["store"]), ("hickory-resolver", &["probe"])];

/// What must not be in any tree of ours, and why.
const BANNED: &[(&str, &str)] = &[
    ("aws-lc-rs", "ring is the one TLS provider; this one needs CMake"),
    ("aws-lc-sys", "ring is the one TLS provider; this one needs CMake"),
    ("native-tls", "TLS is rustls"),
    ("reqwest", "requests go through our own client, which asks the egress policy about every address"),
];

/// Holds the workspace against the rules and tells every breach, a line each.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let breaches = breaches(&graph::read(root)?);
    if breaches.is_empty() { Ok(()) } else { Err(breaches.join("\n")) }
}

fn breaches(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (id, krate) in graph.ours() {
        let name = krate.name.as_str();
        if allowed(name).is_none() {
            found.push(format!("{name} has no layer: add it to LAYERS in xtask/src/layers.rs"));
            continue;
        }
        for Import { to, kind } in &krate.imports {
            if let Some(other) = graph.get(to).filter(|other| other.is_ours)
                && !may_import(name, &other.name, *kind)
            {
                let only_in_tests = if *kind == Kind::Development { ", not even in tests" } else { "" };
                found.push(format!("{name} may not import {}{only_in_tests}", other.name));
            }
        }
        if PURE.contains(&name) {
            let ways = graph.ways(id, |import, _| import.kind == Kind::Normal);
            let impure = ways.iter().filter(|way| way.last().is_some_and(|last| is_impure(last)));
            found.extend(
                impure.map(|way| format!("{name} must stay free of runtimes, clocks and I/O: {}", way.join(" → "))),
            );
        }
        for way in graph.ways(id, |_, to| !to.is_ours) {
            let last = way.last().copied().unwrap_or_default();
            if WALLS.iter().any(|(foreign, rooms)| *foreign == last && !rooms.contains(&name)) {
                found.push(format!("{last} stays behind a wall of another crate: {}", way.join(" → ")));
            }
            if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == last) {
                found.push(format!("{last} is banned ({why}): {}", way.join(" → ")));
            }
        }
    }
    found
}

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    LAYERS.iter().find(|(room, _)| *room == name).map(|(_, imports)| *imports)
}

fn may_import(from: &str, to: &str, kind: Kind) -> bool {
    if TOPS.contains(&to) {
        return false;
    }
    let is_below = allowed(from).unwrap_or_default().contains(&to);
    let is_above = allowed(to).unwrap_or_default().contains(&from);
    is_below || (kind == Kind::Development && from != "lab" && (to == "lab" || !is_above))
}

fn is_impure(name: &str) -> bool {
    IMPURE.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => *pattern == name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORMAL: Kind = Kind::Normal;
    const TESTS: Kind = Kind::Development;

    #[test]
    fn this_workspace_keeps_to_its_layers() {
        assert_eq!(check(&crate::root()), Ok(()));
    }

    #[test]
    fn right_graphs_pass() {
        for edges in [
            &[("robot", "probe", NORMAL), ("watchkeep", "server", NORMAL)] as &[_],
            &[("server", "lab", TESTS), ("alert", "probe", TESTS)],
            &[("probe", "openssl", NORMAL), ("openssl", "openssl-sys", NORMAL), ("robot", "probe", NORMAL)],
            &[("lab", "openssl-sys", NORMAL), ("server", "lab", TESTS)],
            &[("judge", "proptest", TESTS), ("proptest", "getrandom", NORMAL)],
            &[("model", "jiff", NORMAL), ("jiff", "getrandom", TESTS), ("jiff", "time", Kind::Build)],
        ] {
            assert_eq!(breaches(&Graph::of(edges)), Vec::<String>::new(), "{edges:?}");
        }
    }

    #[test]
    fn every_breach_is_told() {
        for (edges, expected) in [
            (&[("judge", "store", NORMAL)] as &[_], "judge may not import store"),
            (&[("model", "probe", NORMAL)], "model may not import probe"),
            (&[("probe", "judge", NORMAL)], "probe may not import judge"),
            (&[("alert", "probe", Kind::Build)], "alert may not import probe"),
            (&[("catalogue", "model", NORMAL)], "catalogue may not import model"),
            (&[("server", "lab", NORMAL)], "server may not import lab"),
            (&[("server", "watchkeep", NORMAL)], "server may not import watchkeep"),
            (&[("server", "xtask", TESTS)], "server may not import xtask, not even in tests"),
            (&[("model", "server", TESTS)], "model may not import server, not even in tests"),
            (&[("lab", "probe", TESTS)], "lab may not import probe, not even in tests"),
            (&[("judge", "tokio", NORMAL)], "judge must stay free of runtimes, clocks and I/O: judge → tokio"),
            (
                &[("judge", "model", NORMAL), ("model", "a", NORMAL), ("a", "hickory-proto", NORMAL)],
                "judge must stay free of runtimes, clocks and I/O: judge → model → a → hickory-proto",
            ),
            (
                &[("server", "a", NORMAL), ("a", "openssl-sys", NORMAL)],
                "openssl-sys stays behind a wall of another crate: server → a → openssl-sys",
            ),
            (&[("alert", "libsqlite3-sys", TESTS)], "libsqlite3-sys stays behind a wall of another crate"),
            (&[("probe", "rustls", NORMAL), ("rustls", "aws-lc-rs", NORMAL)], "probe → rustls → aws-lc-rs"),
        ] {
            let found = breaches(&Graph::of(edges));
            assert!(found.iter().any(|breach| breach.contains(expected)), "{expected} is not among {found:#?}");
        }
        let mut attic = Graph::of(&[]);
        attic.add_ours("attic");
        assert_eq!(breaches(&attic), ["attic has no layer: add it to LAYERS in xtask/src/layers.rs"]);
    }
}
