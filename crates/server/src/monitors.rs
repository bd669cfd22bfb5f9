//! Monitors: made, changed, activated, paused and deleted, by the API and the pages alike.
//! What a change means for the state is for the judge to say; here it is stored, shown and given to robots.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use watchkeep_bus::FirstTest;
use watchkeep_judge::Snapshot;
use watchkeep_model::{
    Exposure, Invalid, Lifecycle, LocationName, Monitor, MonitorId, MonitorSettings, MonitorState, Object, OrgId,
    StateChange, restore_masked, to_the_microsecond,
};
use watchkeep_store::{Commit, CommitOutcome, Kept, Put, StoreError, StoredMonitor};

use crate::{App, Entry, api::Problem, auth::fresh_id};

/// A change of settings, as a JSON object that holds nothing else.
#[derive(Clone, Debug)]
pub enum Edit {
    /// What is absent stays; `null` puts a field back to its default (JSON merge patch, RFC 7396).
    Merge(Object),
    /// What is absent goes back to its default.
    Replace(Object),
}

/// Why a monitor was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// The input is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There is no such monitor.
    #[error("there is no such monitor")]
    Missing,
    /// The caller changed an older version.
    #[error("the monitor was changed meanwhile")]
    Stale,
    /// Its settings are of a newer version.
    #[error("this version cannot read the monitor's settings: {0}")]
    Unreadable(Invalid),
    /// It is not active.
    #[error("the monitor is not active; activate it first")]
    Inactive,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<MonitorError> for Problem {
    fn from(error: MonitorError) -> Self {
        match error {
            MonitorError::Invalid(invalid) => Self::invalid(&invalid),
            MonitorError::Missing => Self::missing("monitor"),
            MonitorError::Stale => Self::stale(),
            MonitorError::Unreadable(invalid) => Self::conflict(format_args!(
                "This version cannot read the monitor's settings ({invalid}); replace them, or use a newer watchkeep."
            )),
            MonitorError::Inactive => Self::conflict("The monitor is not active; activate it first."),
            MonitorError::Store(error) => error.into(),
        }
    }
}

/// Tries of a change that others keep interfering with.
const TRIES: usize = 10;

/// Makes a monitor. It is tested from now on, unless `active` is false.
///
/// # Errors
/// Why not.
pub async fn create(app: &App, org: &OrgId, input: Object, now: Timestamp) -> Result<Arc<Entry>, MonitorError> {
    let (settings, lifecycle) = MonitorSettings::parse(input)?;
    check(app, org, &settings).await?;
    let now = to_the_microsecond(now);
    let monitor = Monitor { id: fresh_id(), org: org.clone(), settings, created_at: now, version: 1 };
    let state = MonitorState::new(lifecycle, now);
    app.store.create_monitor(StoredMonitor { monitor: monitor.clone(), state: state.clone() }, Vec::new()).await?;
    let entry = app.board.put(kept(monitor, state), Vec::new());
    if lifecycle == Lifecycle::Active {
        app.robots.assign(&entry, FirstTest::AtOnce);
    }
    Ok(entry)
}

/// Changes a monitor's settings. `versions` are those that the caller takes, if it named any.
///
/// # Errors
/// Why not.
pub async fn change(
    app: &App,
    org: &OrgId,
    id: &MonitorId,
    edit: Edit,
    versions: Option<&[u64]>,
    now: Timestamp,
) -> Result<Arc<Entry>, MonitorError> {
    for _ in 0..TRIES {
        let stored = app.store.monitor(org, id).await?.ok_or(MonitorError::Missing)?;
        let version = stored.version;
        if versions.is_some_and(|versions| !versions.contains(&version)) {
            return Err(MonitorError::Stale);
        }
        let (settings, wish) = edited(&stored, edit.clone())?;
        check(app, org, &settings).await?;
        let created_at = stored.created_at;
        let monitor = Monitor { id: id.clone(), org: org.clone(), settings, created_at, version: version + 1 };
        let changed = StoredMonitor { monitor: monitor.clone(), state: stored.state.clone() };
        match app.store.update_monitor(changed, version, stored.state.revision, Vec::new()).await? {
            Put::Done => {}
            Put::Missing => return Err(MonitorError::Missing),
            Put::Conflict => continue,
        }
        app.board.put(kept(monitor.clone(), stored.state), Vec::new());
        if let Ok(before) = stored.monitor {
            decide(app, org, id, |state| {
                watchkeep_judge::settings_changed(&Snapshot { monitor: &before, state }, &monitor, now)
            })
            .await?;
        }
        let entry = match wish {
            None => app.board.get(org, id).ok_or(MonitorError::Missing)?,
            Some(Lifecycle::Active) => {
                decide(app, org, id, |state| watchkeep_judge::activate(&Snapshot { monitor: &monitor, state }, now))
                    .await?
            }
            Some(_) => {
                decide(app, org, id, |state| watchkeep_judge::pause(&Snapshot { monitor: &monitor, state }, now))
                    .await?
            }
        };
        tell_robots(app, &entry);
        return Ok(entry);
    }
    Err(MonitorError::Stale)
}

/// Activates a monitor; nothing happens when it is active already.
///
/// # Errors
/// Why not.
pub async fn activate(app: &App, org: &OrgId, id: &MonitorId, now: Timestamp) -> Result<Arc<Entry>, MonitorError> {
    let monitor = readable(app, org, id)?;
    let before = app.board.get(org, id).map(|entry| entry.state.revision);
    let entry =
        decide(app, org, id, |state| watchkeep_judge::activate(&Snapshot { monitor: &monitor, state }, now)).await?;
    if before != Some(entry.state.revision) {
        tell_robots(app, &entry);
    }
    Ok(entry)
}

/// Pauses a monitor; nothing happens when it is not active.
///
/// # Errors
/// Why not.
pub async fn pause(app: &App, org: &OrgId, id: &MonitorId, now: Timestamp) -> Result<Arc<Entry>, MonitorError> {
    let monitor = readable(app, org, id)?;
    let entry =
        decide(app, org, id, |state| watchkeep_judge::pause(&Snapshot { monitor: &monitor, state }, now)).await?;
    tell_robots(app, &entry);
    Ok(entry)
}

/// Deletes a monitor with its history. `versions` are those that the caller takes, if it named any.
///
/// # Errors
/// Why not.
pub async fn delete(app: &App, org: &OrgId, id: &MonitorId, versions: Option<&[u64]>) -> Result<(), MonitorError> {
    let entry = app.board.get(org, id).ok_or(MonitorError::Missing)?;
    if versions.is_some_and(|versions| !versions.contains(&entry.version)) {
        return Err(MonitorError::Stale);
    }
    // Robots stop first: a test of what is gone would only be thrown away.
    app.robots.withdraw(id);
    match app.store.delete_monitor(org, id).await {
        Err(error) => {
            tell_robots(app, &entry);
            Err(error.into())
        }
        Ok(put) => {
            app.board.remove(id);
            if put == Put::Missing { Err(MonitorError::Missing) } else { Ok(()) }
        }
    }
}

/// Has an active monitor tested now, out of turn.
///
/// # Errors
/// Why not.
pub fn test_now(app: &App, org: &OrgId, id: &MonitorId) -> Result<(), MonitorError> {
    let entry = app.board.get(org, id).ok_or(MonitorError::Missing)?;
    if entry.state.lifecycle != Lifecycle::Active {
        return Err(MonitorError::Inactive);
    }
    app.robots.test_now(id);
    Ok(())
}

/// The settings after an edit, and what it wants of the lifecycle, if anything.
fn edited(stored: &Kept, edit: Edit) -> Result<(MonitorSettings, Option<Lifecycle>), MonitorError> {
    let (mut input, before) = match (edit, &stored.monitor) {
        (Edit::Replace(input), Ok(monitor)) => (input, Some(monitor)),
        (Edit::Replace(input), Err(_)) => (input, None),
        (Edit::Merge(input), Ok(monitor)) => (merged(monitor, input), Some(monitor)),
        (Edit::Merge(_), Err(invalid)) => return Err(MonitorError::Unreadable(invalid.clone())),
    };
    let says = input.get("active").is_some_and(|active| !active.is_null());
    if let Some(monitor) = before {
        let mut sent = Value::Object(input);
        restore_masked(&mut sent, &Value::Object(monitor.settings.write(Exposure::Stored)));
        input = match sent {
            Value::Object(input) => input,
            _ => Object::new(),
        };
    }
    let (settings, wish) = MonitorSettings::parse(input)?;
    // The parser takes `false` for 'never activated', which only a new monitor can be.
    let wish = if wish == Lifecycle::Active { Lifecycle::Active } else { Lifecycle::Paused };
    Ok((settings, says.then_some(wish)))
}

/// The stored settings with a merge patch applied (RFC 7396). Options of another type go when the type changes.
fn merged(monitor: &Monitor, patch: Object) -> Object {
    let mut document = monitor.settings.write(Exposure::Shown);
    let before = &*monitor.settings.test.subject.test_type;
    if patch.get("type").and_then(Value::as_str).is_some_and(|word| word != before) {
        document.remove(before);
    }
    merge(&mut document, patch);
    document
}

fn merge(document: &mut Object, patch: Object) {
    for (name, value) in patch {
        match (document.get_mut(&name), value) {
            (_, Value::Null) => {
                document.remove(&name);
            }
            (Some(Value::Object(inner)), Value::Object(patch)) => merge(inner, patch),
            (_, value) => {
                document.insert(name, value);
            }
        }
    }
}

/// What only the whole installation knows to be wrong: contacts and locations that are not there.
async fn check(app: &App, org: &OrgId, settings: &MonitorSettings) -> Result<(), MonitorError> {
    if let Some(location) = settings.locations.iter().find(|location| !app.robots.stands_at(location)) {
        let known: Vec<_> = app.robots.locations().map(LocationName::as_str).collect();
        let message = format!("has no robot at {location}; there are robots at: {}", known.join(", "));
        return Err(Invalid::one("locations", message).into());
    }
    for id in &settings.contacts {
        if app.store.contact(org, id).await?.is_none() {
            return Err(Invalid::one("contacts", format!("names {id}, and there is no such contact")).into());
        }
    }
    Ok(())
}

fn readable(app: &App, org: &OrgId, id: &MonitorId) -> Result<Arc<Monitor>, MonitorError> {
    let entry = app.board.get(org, id).ok_or(MonitorError::Missing)?;
    entry.monitor.clone().map_err(MonitorError::Unreadable)
}

/// Decides on the newest state until it can be stored; the monitor afterwards.
async fn decide(
    app: &App,
    org: &OrgId,
    id: &MonitorId,
    decision: impl Fn(&MonitorState) -> Option<StateChange>,
) -> Result<Arc<Entry>, MonitorError> {
    for _ in 0..TRIES {
        let entry = app.board.get(org, id).ok_or(MonitorError::Missing)?;
        let Some(change) = decision(&entry.state) else { return Ok(entry) };
        let commit = Commit { states: vec![change.clone()], ..Commit::default() };
        match app.store.commit(commit).await? {
            CommitOutcome::Stored => {
                app.board.publish(&[], vec![change]);
                app.alerts.notify_one();
                return app.board.get(org, id).ok_or(MonitorError::Missing);
            }
            // The pipeline was first; its result may still be on its way to the board.
            CommitOutcome::Conflict(_) => match app.store.monitor(org, id).await? {
                Some(kept) => drop(app.board.put(kept, Vec::new())),
                None => return Err(MonitorError::Missing),
            },
        }
    }
    Err(MonitorError::Stale)
}

fn tell_robots(app: &App, entry: &Entry) {
    match entry.state.lifecycle {
        Lifecycle::Active => app.robots.assign(entry, FirstTest::AtOnce),
        Lifecycle::Created | Lifecycle::Paused => app.robots.withdraw(&entry.id),
    }
}

fn kept(monitor: Monitor, state: MonitorState) -> Kept {
    Kept {
        id: monitor.id.clone(),
        org: monitor.org.clone(),
        name: monitor.settings.name.clone(),
        family: monitor.family(),
        created_at: monitor.created_at,
        version: monitor.version,
        monitor: Ok(monitor),
        state,
    }
}
