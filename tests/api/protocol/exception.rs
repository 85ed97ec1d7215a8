//! Exceptions.

use std::fmt::Debug;

use sentry::protocol::{
    CError, Exception, MachException, Map, Mechanism, MechanismMeta, PosixSignal, Stacktrace, ThreadId, Url,
    Value,
};

all_fields!(Exception {
    mechanism: Option<Mechanism>,
    module: Option<String>,
    raw_stacktrace: Option<Stacktrace>,
    stacktrace: Option<Stacktrace>,
    thread_id: Option<ThreadId>,
    ty: String,
    value: Option<String>,
});
implements!(Exception: Clone + Debug + Default + PartialEq);
wire!(Exception);

fields!(Mechanism {
    data: Map<String, Value>,
    description: Option<String>,
    handled: Option<bool>,
    help_link: Option<Url>,
    meta: MechanismMeta,
    synthetic: Option<bool>,
    ty: String,
});
implements!(Mechanism: Clone + Debug + Default + PartialEq);
wire!(Mechanism);

fields!(MechanismMeta {
    errno: Option<CError>,
    mach_exception: Option<MachException>,
    signal: Option<PosixSignal>,
});
implements!(MechanismMeta: Clone + Debug + Default + PartialEq);
wire!(MechanismMeta);

fields!(CError {
    name: Option<String>,
    number: i32,
});
implements!(CError: Clone + Debug + Default + Eq + From<i32>);
wire!(CError);

fields!(MachException {
    code: u64,
    exception: i32,
    name: Option<String>,
    subcode: u64,
});
implements!(MachException: Clone + Debug + Default + Eq);
wire!(MachException);

fields!(PosixSignal {
    code: Option<i32>,
    code_name: Option<String>,
    name: Option<String>,
    number: i32,
});
implements!(PosixSignal: Clone + Debug + Default + Eq + From<(i32, i32)> + From<i32>);
wire!(PosixSignal);

#[test]
fn an_exception_is_a_full_literal() {
    let exception = Exception {
        ty: "SegmentationFault".to_owned(),
        value: Some("invalid address".to_owned()),
        module: None,
        stacktrace: None,
        raw_stacktrace: None,
        thread_id: Some(7_u32.into()),
        mechanism: Some(Mechanism {
            ty: "signalhandler".to_owned(),
            description: None,
            help_link: None,
            handled: Some(false),
            synthetic: None,
            data: Default::default(),
            meta: MechanismMeta { errno: Some(2.into()), signal: Some((11, 1).into()), mach_exception: None },
            ..Default::default()
        }),
    };
    let meta = exception.mechanism.map(|mechanism| mechanism.meta).unwrap_or_default();
    assert_eq!(meta.signal.map(i32::from), Some(11));
    assert_eq!(meta.errno.map(i32::from), Some(2));
}
