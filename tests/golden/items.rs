//! Sessions, check-ins, feedback, attachments, client reports.

use std::path::Path;

use sentry::integrations::panic::PanicIntegration;
use sentry::protocol::{
    Attachment, AttachmentType, Envelope, EnvelopeItem, FileAttachment, MonitorCheckIn, MonitorCheckInStatus,
    MonitorConfig, MonitorIntervalUnit, MonitorSchedule, Quantity, SessionAggregateItem, SessionAggregates,
    SessionAttributes, SessionStatus, SessionUpdate, Unit,
};
use sentry::types::Uuid;
use sentry::{Feedback, Hub, Level, Monitor, SessionMode, TraceAttachment, User};

use crate::{PATIENCE, check, moment, options};

fn send(item: impl Into<EnvelopeItem>) {
    let client = Hub::current().client().expect("a client");
    client.send_envelope(Envelope::from(item.into()));
}

#[test]
fn a_session_with_every_field() {
    check("session", "session", options(), || {
        send(SessionUpdate {
            session_id: Uuid::from_bytes([0x11; 16]),
            distinct_id: Some("4711".into()),
            sequence: Some(7),
            timestamp: Some(moment()),
            started: moment(),
            init: true,
            duration: Some(12.5),
            status: SessionStatus::Abnormal,
            errors: 3,
            attributes: attributes(),
        });
    });
}

#[test]
fn a_session_that_ended_unhandled() {
    check("session_unhandled", "session", options(), || {
        send(EnvelopeItem::UnhandledSession(SessionUpdate {
            session_id: Uuid::from_bytes([0x11; 16]),
            distinct_id: None,
            sequence: None,
            timestamp: None,
            started: moment(),
            init: true,
            duration: None,
            status: SessionStatus::Exited,
            errors: 1,
            attributes: attributes(),
        }));
    });
}

#[test]
fn a_session_of_this_process() {
    check("session_end", "session", options(), || {
        let user = User { id: Some("4711".into()), ..Default::default() };
        sentry::configure_scope(|scope| scope.set_user(Some(user)));
        sentry::start_session();
        sentry::end_session();
    });
}

#[test]
fn sessions_with_every_field() {
    check("sessions", "sessions", options(), || {
        send(SessionAggregates {
            aggregates: vec![SessionAggregateItem {
                started: moment(),
                distinct_id: Some("4711".into()),
                exited: 12,
                errored: 3,
                abnormal: 1,
                crashed: 2,
            }],
            attributes: attributes(),
        });
    });
}

#[test]
fn sessions_of_requests() {
    let options = options().session_mode(SessionMode::Request).add_integration(PanicIntegration::new());
    check("sessions_counted", "sessions", options, || {
        sentry::start_session();
        assert!(std::panic::catch_unwind(|| panic!("the request fails")).is_err());
        sentry::end_session();
        for end in [SessionStatus::Exited, SessionStatus::Crashed, SessionStatus::Abnormal] {
            sentry::start_session();
            sentry::end_session_with_status(end);
        }
    });
}

fn attributes() -> SessionAttributes<'static> {
    SessionAttributes {
        release: "golden@1.0.0".into(),
        environment: Some("test".into()),
        ip_address: "127.0.0.1".parse().ok(),
        user_agent: Some("Firefox/120".into()),
    }
}

#[test]
fn a_check_in_with_every_field() {
    let config = MonitorConfig {
        schedule: MonitorSchedule::from_crontab("0 * * * *").expect("a schedule"),
        checkin_margin: Some(5),
        max_runtime: Some(30),
        timezone: Some("America/Los_Angeles".into()),
        failure_issue_threshold: Some(2),
        recovery_threshold: Some(3),
    };
    check_in("check_in", MonitorCheckInStatus::Ok, Some(config));
}

#[test]
fn a_check_in_of_a_run_that_begins() {
    check("check_in_begins", "check_in", options(), || {
        let run = Monitor::new("nightly-backup").start();
        let flushed = Hub::current().client().is_some_and(|client| client.flush(Some(PATIENCE)));
        assert!(flushed);
        run.end(true);
    });
}

#[test]
fn a_check_in_of_an_interval() {
    let config = MonitorConfig {
        schedule: MonitorSchedule::Interval { value: 2, unit: MonitorIntervalUnit::Hour },
        checkin_margin: None,
        max_runtime: None,
        timezone: None,
        failure_issue_threshold: None,
        recovery_threshold: None,
    };
    check_in("check_in_interval", MonitorCheckInStatus::Error, Some(config));
}

fn check_in(name: &str, status: MonitorCheckInStatus, monitor_config: Option<MonitorConfig>) {
    check(name, "check_in", options(), || {
        sentry::capture_check_in(MonitorCheckIn {
            check_in_id: Uuid::from_bytes([0x11; 16]),
            monitor_slug: "nightly-backup".into(),
            status,
            environment: None,
            duration: Some(12.5),
            monitor_config,
        });
    });
}

#[test]
fn feedback_with_every_field() {
    check("feedback", "feedback", options(), || {
        let picture = Attachment {
            buffer: b"not really a picture".to_vec(),
            filename: "screenshot.png".into(),
            content_type: Some("image/png".into()),
            ty: Some(AttachmentType::Attachment),
        };
        let feedback = Feedback::new("It broke.")
            .name("Ada")
            .email("ada@example.com")
            .url("http://localhost/cart")
            .event(Uuid::from_bytes([0x11; 16]))
            .attachment(picture);
        sentry::capture_feedback(feedback);
    });
}

#[test]
fn attachments_of_each_type() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden.txt");
    std::fs::write(&file, "from a file\n").expect("the target directory is writable");
    check("attachments", "attachment", options(), || {
        sentry::configure_scope(|scope| {
            let types = [
                (None, "plain.bin", None),
                (Some(AttachmentType::Attachment), "table.csv", Some("text/csv")),
                (Some(AttachmentType::Minidump), "minidump.dmp", None),
                (Some(AttachmentType::AppleCrashReport), "crash.txt", None),
                (Some(AttachmentType::UnrealContext), "context.xml", None),
                (Some(AttachmentType::UnrealLogs), "unreal.log", None),
                (
                    Some(AttachmentType::Custom("event.view_hierarchy".into())),
                    "view.json",
                    Some("application/json"),
                ),
            ];
            for (ty, filename, content_type) in types {
                scope.add_attachment(Attachment {
                    buffer: buffer(filename),
                    filename: filename.into(),
                    content_type: content_type.map(str::to_owned),
                    ty,
                });
            }
            scope.add_file_attachment(FileAttachment {
                filename: "rows.txt".into(),
                content_type: Some("text/plain".into()),
                attachment_type: Some(AttachmentType::Attachment),
                ..FileAttachment::new(&file)
            });
        });
        sentry::capture_message("import failed", Level::Error);
    });
}

#[test]
fn a_file_of_a_trace_with_every_field() {
    check("trace_attachment", "attachment", options().traces_sample_rate(1.0), || {
        let transaction = sentry::start_transaction(sentry::TransactionContext::new("t", "op"));
        sentry::configure_scope(|scope| scope.set_span(Some(transaction.into())));
        let plan = TraceAttachment::new(b"Seq Scan on orders\n", "text/plain")
            .filename("plan.txt")
            .attribute("db.system", "postgresql")
            .attribute("took", Quantity::new(12.5, Unit::Millisecond));
        assert!(!sentry::capture_trace_attachment(plan).is_nil());
    });
}

fn buffer(filename: &str) -> Vec<u8> {
    match filename {
        "minidump.dmp" => b"MDMP\n\0\xff".to_vec(),
        "view.json" => br#"{"rendering_system":"tui","windows":[]}"#.to_vec(),
        _ => b"line\n".to_vec(),
    }
}

#[test]
fn a_client_report_of_losses() {
    check("client_report", "client_report", options().before_send(|_| None), || {
        sentry::capture_message("dropped", Level::Error);
        sentry::capture_message("dropped", Level::Error);
    });
}
