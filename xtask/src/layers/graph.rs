//! The crates of this workspace and what each of them brings in, as cargo resolves them for this machine.
//! Ours are called by their short names, without `watchkeep-`.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::Path,
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// In what part of a build an import takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Build,
    Development,
}

/// One crate imports another.
#[derive(Clone, Debug)]
pub(super) struct Import {
    pub(super) to: String,
    pub(super) kind: Kind,
}

/// One crate, ours or foreign.
#[derive(Clone, Debug)]
pub(super) struct Crate {
    pub(super) name: String,
    pub(super) is_ours: bool,
    pub(super) imports: Vec<Import>,
}

/// All crates by an id that tells versions apart.
#[derive(Default)]
pub(super) struct Graph {
    crates: BTreeMap<String, Crate>,
}

impl Graph {
    pub(super) fn ours(&self) -> impl Iterator<Item = (&str, &Crate)> {
        self.crates.iter().filter(|(_, krate)| krate.is_ours).map(|(id, krate)| (id.as_str(), krate))
    }

    pub(super) fn get(&self, id: &str) -> Option<&Crate> {
        self.crates.get(id)
    }

    /// A shortest way to every crate that can be reached from `start` over imports that `follows` lets pass:
    /// the names on it, both ends included.
    pub(super) fn ways(&self, start: &str, follows: impl Fn(&Import, &Crate) -> bool) -> Vec<Vec<&str>> {
        let mut ways = Vec::new();
        let mut seen = BTreeSet::from([start]);
        let mut open: VecDeque<(&str, Vec<&str>)> = VecDeque::from([(start, Vec::new())]);
        while let Some((id, mut way)) = open.pop_front() {
            let Some(krate) = self.crates.get(id) else { continue };
            way.push(&krate.name);
            for import in &krate.imports {
                // What only a foreign crate's own tests need is never built here.
                let is_built = krate.is_ours || import.kind != Kind::Development;
                if let Some(to) = self.crates.get(&import.to)
                    && is_built
                    && follows(import, to)
                    && seen.insert(&import.to)
                {
                    open.push_back((&import.to, way.clone()));
                }
            }
            if id != start {
                ways.push(way);
            }
        }
        ways
    }
}

/// Asks cargo.
pub(super) fn read(root: &Path) -> Result<Graph, String> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .other_options(["--filter-platform".to_owned(), host()?])
        .exec()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    from_metadata(&metadata)
}

fn from_metadata(metadata: &Metadata) -> Result<Graph, String> {
    let resolve = metadata.resolve.as_ref().ok_or("cargo metadata has no dependency graph")?;
    let mut graph = Graph::default();
    for package in &metadata.packages {
        let is_ours = metadata.workspace_members.contains(&package.id);
        let name = package.name.as_str();
        let name = if is_ours { name.strip_prefix("watchkeep-").unwrap_or(name) } else { name };
        graph.crates.insert(package.id.repr.clone(), Crate { name: name.to_owned(), is_ours, imports: Vec::new() });
    }
    for node in &resolve.nodes {
        let Some(krate) = graph.crates.get_mut(&node.id.repr) else { continue };
        for dependency in &node.deps {
            for part in &dependency.dep_kinds {
                let kind = match part.kind {
                    DependencyKind::Development => Kind::Development,
                    DependencyKind::Build => Kind::Build,
                    _ => Kind::Normal,
                };
                krate.imports.push(Import { to: dependency.pkg.repr.clone(), kind });
            }
        }
    }
    Ok(graph)
}

/// The target triple of this machine: what other systems need does not count here.
fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|error| format!("rustc -vV: {error}"))?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}

#[cfg(test)]
impl Graph {
    /// A graph of edges; what has a layer is ours.
    pub(super) fn of(edges: &[(&str, &str, Kind)]) -> Self {
        let mut graph = Self::default();
        for (from, to, kind) in edges {
            graph.add(to);
            graph.add(from).imports.push(Import { to: (*to).to_owned(), kind: *kind });
        }
        graph
    }

    /// One more crate of ours, whether or not it has a layer.
    pub(super) fn add_ours(&mut self, name: &str) {
        self.add(name).is_ours = true;
    }

    fn add(&mut self, name: &str) -> &mut Crate {
        let is_ours = super::allowed(name).is_some();
        let krate = Crate { name: name.to_owned(), is_ours, imports: Vec::new() };
        self.crates.entry(name.to_owned()).or_insert(krate)
    }
}
