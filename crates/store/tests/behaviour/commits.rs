//! Commits: all of it or nothing, on the state that was decided on.
//! A commit fails here by an event whose id is taken; what it wrote before that must not be seen.

use jiff::Timestamp;
use watchkeep_catalogue::StatusCode;
use watchkeep_model::{
    Incident, IncidentChange, IncidentEntry, IncidentEntryKind, IncidentId, LocationName, MonitorId, MonitorState,
    RobotSequence, StateChange, Telling,
};
use watchkeep_store::{Commit, CommitOutcome, IncidentFilter, RobotMark};

use crate::support::{Place, at, change, event, numbers, on_every_engine, result};

const DOWN: StatusCode = StatusCode::new(451);

fn mark(robot: &str, number: u64) -> RobotMark {
    RobotMark { robot: robot.parse().unwrap(), sequence: RobotSequence { epoch: 7, number } }
}

fn step(kind: IncidentEntryKind, code: StatusCode, time: Timestamp) -> IncidentEntry {
    IncidentEntry { at: time, kind, code, detail: Some("why".to_owned()) }
}

/// A failure with its incident.
fn failure(place: &Place, monitor: &MonitorId, before: &MonitorState, seconds: i64) -> StateChange {
    let mut failure = change(&place.org, monitor, before, DOWN, seconds);
    let id = IncidentId::derived(monitor, failure.state.revision, 0);
    failure.state.incident = Some(id.clone());
    failure.incidents.push(IncidentChange::Open(Incident {
        id,
        org: place.org.clone(),
        monitor: monitor.clone(),
        code: DOWN,
        opened_at: at(seconds),
        resolved_at: None,
        entries: vec![step(IncidentEntryKind::Opened, DOWN, at(seconds))],
    }));
    failure
}

/// Everything that a commit may change.
async fn everything(
    place: &Place,
    monitor: &MonitorId,
) -> (MonitorState, usize, usize, usize, Vec<u32>, Vec<RobotMark>) {
    let store = place.store();
    let state = store.monitor(&place.org, monitor).await.unwrap().unwrap().state;
    let incidents = store.incidents(&place.org, IncidentFilter::default(), None, 10).await.unwrap().items.len();
    let events = store.events(&place.org, None, None, 10).await.unwrap().items.len();
    let waiting = store.pending_events(10).await.unwrap().len();
    let marks = store.robot_marks().await.unwrap();
    (state, incidents, events, waiting, numbers(&place.results(monitor, 10).await), marks)
}

#[tokio::test]
async fn a_commit_stores_all_of_it_also_after_a_restart() {
    on_every_engine(async |place| {
        let stored = place.monitor(1).await;
        let id = &stored.monitor.id;
        let failure = failure(place, id, &stored.state, 10);
        let state = failure.state.clone();
        let commit = Commit {
            mark: Some(mark("local", 2)),
            results: vec![result(id, 10, 1), result(id, 12, 2)],
            states: vec![failure],
        };
        assert_eq!(place.store().commit(commit).await.unwrap(), CommitOutcome::Stored);
        for _ in 0..2 {
            let expected = (state.clone(), 1, 1, 1, vec![2, 1], vec![mark("local", 2)]);
            assert_eq!(everything(place, id).await, expected);
            place.reopen();
        }
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_fails_leaves_no_trace() {
    on_every_engine(async |place| {
        let stored = place.monitor(1).await;
        let id = &stored.monitor.id;
        let first = failure(place, id, &stored.state, 10);
        let state = first.state.clone();
        place.commit(vec![result(id, 10, 1)]).await;
        place.change(vec![first.clone()]).await;
        let before = everything(place, id).await;

        let mut broken = failure(place, id, &state, 20);
        broken.events = vec![first.events[0].clone()];
        let commit = Commit {
            mark: Some(mark("local", 9)),
            results: (0..1_000).map(|second| result(id, 20 + second, 99)).collect(),
            states: vec![broken],
        };
        assert!(place.store().commit(commit).await.is_err());
        assert_eq!(everything(place, id).await, before);

        // Neither does memory remember it: what follows is there once, before and after a restart.
        place.commit((0..500).map(|second| result(id, 2_000 + second, 2)).collect()).await;
        place.commit(vec![result(id, 3_000, 3)]).await;
        for _ in 0..2 {
            let found = numbers(&place.results(id, 1_000).await);
            assert_eq!(found, [vec![3], vec![2; 500], vec![1]].concat());
            place.reopen();
        }
    })
    .await;
}

#[tokio::test]
async fn a_conflict_names_its_monitors_and_writes_nothing() {
    on_every_engine(async |place| {
        let (one, other) = (place.monitor(1).await, place.monitor(2).await);
        let (one_id, other_id) = (&one.monitor.id, &other.monitor.id);
        let decided = change(&place.org, one_id, &one.state, DOWN, 10);
        place.change(vec![decided.clone()]).await;
        let (before, before_other) = (everything(place, one_id).await, everything(place, other_id).await);
        let commit = Commit {
            mark: Some(mark("local", 5)),
            results: vec![result(one_id, 20, 1), result(other_id, 20, 1)],
            states: vec![failure(place, other_id, &other.state, 20), decided],
        };
        assert_eq!(place.store().commit(commit).await.unwrap(), CommitOutcome::Conflict(vec![one_id.clone()]));
        assert_eq!(everything(place, one_id).await, before);
        assert_eq!(everything(place, other_id).await, before_other);
    })
    .await;
}

#[tokio::test]
async fn an_incident_goes_on_under_another_code_and_ends() {
    on_every_engine(async |place| {
        let stored = place.monitor(1).await;
        let id = &stored.monitor.id;
        let opened = failure(place, id, &stored.state, 10);
        let incident = opened.state.incident.clone().unwrap();
        place.change(vec![opened.clone()]).await;

        let other = StatusCode::new(414);
        let mut noted = change(&place.org, id, &opened.state, other, 20);
        let entry = step(IncidentEntryKind::CodeChanged, other, at(20));
        noted.incidents.push(IncidentChange::Note { id: incident.clone(), entry });
        place.change(vec![noted.clone()]).await;
        let kept = place.store().incident(&place.org, &incident).await.unwrap().unwrap();
        assert_eq!((kept.code, kept.resolved_at, kept.entries.len()), (other, None, 2));

        let mut resolved = change(&place.org, id, &noted.state, StatusCode::OPERATIONAL, 30);
        let entry = step(IncidentEntryKind::Resolved, StatusCode::OPERATIONAL, at(30));
        resolved.incidents.push(IncidentChange::Resolve { id: incident.clone(), entry: entry.clone() });
        place.change(vec![resolved]).await;
        let kept = place.store().incident(&place.org, &incident).await.unwrap().unwrap();
        assert_eq!((kept.code, kept.resolved_at, kept.opened_at), (other, Some(at(30)), at(10)));
        assert_eq!(
            kept.entries.iter().map(|entry| entry.kind).collect::<Vec<_>>(),
            [IncidentEntryKind::Opened, IncidentEntryKind::CodeChanged, IncidentEntryKind::Resolved]
        );
        assert_eq!(kept.entries.last(), Some(&entry));
        assert!(
            place.store().incident(&watchkeep_model::OrgId::from_random([9; 16]), &incident).await.unwrap().is_none()
        );
    })
    .await;
}

#[tokio::test]
async fn each_robot_has_a_mark_of_its_own_and_the_newest_counts() {
    on_every_engine(async |place| {
        for (robot, number) in [("local", 1), ("far", 8), ("local", 3)] {
            let commit = Commit { mark: Some(mark(robot, number)), ..Commit::default() };
            assert_eq!(place.store().commit(commit).await.unwrap(), CommitOutcome::Stored);
        }
        place.reopen();
        let mut marks = place.store().robot_marks().await.unwrap();
        marks.sort_by(|one, other| one.robot.cmp(&other.robot));
        assert_eq!(marks, [mark("far", 8), mark("local", 3)]);
    })
    .await;
}

#[tokio::test]
async fn events_that_are_only_kept_are_history_and_do_not_wait() {
    on_every_engine(async |place| {
        let stored = place.monitor(1).await;
        let id = &stored.monitor.id;
        let mut step = change(&place.org, id, &stored.state, DOWN, 10);
        step.events.push((event(&place.org, id, &step.state, 1), Telling::Keep));
        let told: Vec<_> = step.events.iter().map(|(event, _)| event.clone()).collect();
        place.change(vec![step]).await;
        let kept = place.store().events(&place.org, Some(id), None, 10).await.unwrap().items;
        assert_eq!(kept, [told[1].clone(), told[0].clone()]);
        let waiting = place.store().pending_events(10).await.unwrap();
        assert_eq!(waiting.into_iter().map(|pending| pending.event).collect::<Vec<_>>(), [told[0].clone()]);
    })
    .await;
}

#[tokio::test]
async fn results_of_several_monitors_and_locations_are_kept_apart() {
    on_every_engine(async |place| {
        let (one, other) = (place.monitor(1).await.monitor.id, place.monitor(2).await.monitor.id);
        let from = |monitor: &MonitorId, location: &str, number: u32| {
            let mut recorded = result(monitor, number.into(), number);
            recorded.result.location = location.parse().unwrap();
            recorded
        };
        for round in 0..300 {
            let batch = [(&one, "north"), (&other, "north"), (&one, "south")];
            let batch =
                batch.into_iter().zip(0_u32..).map(|((id, location), index)| from(id, location, round * 3 + index));
            place.commit(batch.collect()).await;
        }
        for _ in 0..2 {
            let found = place.results(&one, 1_000).await;
            assert_eq!(numbers(&found), (0..900).rev().filter(|number| number % 3 != 1).collect::<Vec<_>>());
            for past in &found {
                let location = if past.result.duration.as_micros() % 3 == 0 { "north" } else { "south" };
                assert_eq!(past.result.location, location.parse::<LocationName>().unwrap());
            }
            assert_eq!(place.results(&other, 1_000).await.len(), 300);
            place.reopen();
        }
    })
    .await;
}
