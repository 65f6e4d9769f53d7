//! JSON Pointers (RFC 6901), by which rejections name the datum at fault.
#![forbid(unsafe_code)]

use std::fmt::Display;

/// Points from `base` to its member `key`, with `~` and `/` escaped.
pub fn member(base: &str, key: &str) -> String {
    format!("{base}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Points from `base` to its entry `index`.
pub fn entry(base: &str, index: impl Display) -> String {
    format!("{base}/{index}")
}
