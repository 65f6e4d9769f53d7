//! What several rules share: that a value is an object, that its keys are known and there, that it is a list of strings.
//!
//! Every function is given the rule that it checks, and the path of the value.
#![forbid(unsafe_code)]

use std::fmt::Display;

use crate::json::{Object, Value};
use crate::pointer;
use crate::rule::{Rejection, Rule};

/// Rejects the datum at `path` for not being what was expected.
pub(crate) fn unlike<T>(rule: Rule, path: &str, expected: impl Display, got: impl Display) -> Result<T, Rejection> {
    Err(Rejection::new(
        rule,
        path,
        format_args!("expected {expected}, got {got}"),
    ))
}

pub(crate) fn object<'v, 'a>(rule: Rule, path: &str, value: &'v Value<'a>) -> Result<&'v Object<'a>, Rejection> {
    match value {
        Value::Object(object) => Ok(object),
        _ => unlike(rule, path, "an object", value),
    }
}

pub(crate) fn known_keys(rule: Rule, path: &str, object: &Object<'_>, known: &[&str]) -> Result<(), Rejection> {
    match object.members().find(|(key, _)| !known.contains(key)) {
        None => Ok(()),
        Some((key, _)) => Err(Rejection::new(
            rule,
            pointer::member(path, key),
            format_args!("unknown; known are {}", known.join(", ")),
        )),
    }
}

pub(crate) fn required_keys(rule: Rule, path: &str, object: &Object<'_>, required: &[&str]) -> Result<(), Rejection> {
    match required.iter().find(|key| object.get(key).is_none()) {
        None => Ok(()),
        Some(key) => Err(Rejection::new(rule, pointer::member(path, key), "required, but absent")),
    }
}

pub(crate) fn strings<'v>(rule: Rule, path: &str, value: &'v Value<'_>) -> Result<Vec<&'v str>, Rejection> {
    let Value::Array(entries) = value else {
        return unlike(rule, path, "a list of strings", value);
    };
    let string = |(index, entry): (usize, &'v Value<'_>)| match entry {
        Value::String(string) => Ok(string.as_ref()),
        _ => unlike(rule, &pointer::entry(path, index), "a string", entry),
    };
    entries.iter().enumerate().map(string).collect()
}
