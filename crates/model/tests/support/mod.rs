//! What tests of options share.
#![allow(unreachable_pub, clippy::panic, reason = "shared by test binaries; tests fail by panicking")]

use serde_json::Value;
use watchkeep_model::Object;

/// The object that a value is.
pub fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}
