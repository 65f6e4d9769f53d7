//! Writes the JSON of answers: compact, in the order of the calls.
#![forbid(unsafe_code)]

use crate::json::{Object, Value};
use crate::number::integer;
use crate::real::Real;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes a JSON string, with every character below U+0020 escaped.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[written..at]);
        written = at + 1;
        if byte >= 0x20 {
            out.extend_from_slice(&[b'\\', byte]);
        } else {
            out.extend_from_slice(&[
                b'\\',
                b'u',
                b'0',
                b'0',
                HEX[usize::from(byte >> 4)],
                HEX[usize::from(byte & 15)],
            ]);
        }
    }
    out.extend_from_slice(&text.as_bytes()[written..]);
    out.push(b'"');
}

/// Writes an integer.
pub fn int(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes a float as a string of 16 hex digits (binary64) or 8 (binary32), its big-endian bit pattern.
pub fn hex<F: Real>(out: &mut Vec<u8>, number: F) {
    let bits = number.bits();
    out.push(b'"');
    out.extend(
        (0..F::DIGITS)
            .rev()
            .map(|digit| HEX[(bits >> (4 * digit)) as usize & 15]),
    );
    out.push(b'"');
}

/// Writes a finite float as a JSON number that is read back to the same binary64.
pub fn float(out: &mut Vec<u8>, number: f64) {
    out.extend_from_slice(format!("{number:?}").as_bytes()); // the shortest such text; with `.0` or an exponent
}

/// Writes an array, each item by `item`.
pub fn array<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut item: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (index, value) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item(out, value);
    }
    out.push(b']');
}

/// Writes an object whose members are written by `members`.
pub fn object(out: &mut Vec<u8>, members: impl FnOnce(&mut Members<'_>)) {
    out.push(b'{');
    members(&mut Members { out, first: true });
    out.push(b'}');
}

/// The members of an object that is being written.
pub struct Members<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl Members<'_> {
    /// Writes the key of a member, whose value is to be written into what is returned. The key needs no escaping.
    pub fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.out.extend_from_slice(if self.first { b"\"" } else { b",\"" });
        self.first = false;
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Writes a member that is a string.
    pub fn string(&mut self, key: &str, text: &str) {
        string(self.key(key), text);
    }

    /// Writes a member that is a list of strings.
    pub fn strings<T: AsRef<str>>(&mut self, key: &str, texts: impl IntoIterator<Item = T>) {
        array(self.key(key), texts, |out, text| string(out, text.as_ref()));
    }
}

/// Writes a value as it was read: members in their order, numbers with their text.
pub fn plain(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(flag) => out.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Value::String(text) => string(out, text),
        Value::Number(number) => out.extend_from_slice(number.text().as_bytes()),
        Value::Array(items) => array(out, items, plain),
        Value::Object(members) => plain_object(out, members),
    }
}

/// Writes an object as it was read: members in their order, numbers with their text.
pub fn plain_object(out: &mut Vec<u8>, object: &Object<'_>) {
    out.push(b'{');
    for (index, (key, value)) in object.members().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(out, key);
        out.push(b':');
        plain(out, value);
    }
    out.push(b'}');
}

/// Writes a value in the tagged form of `json.parse`, which tells apart what JSON readers merge.
pub fn tagged(out: &mut Vec<u8>, value: &Value<'_>) {
    object(out, |tag| match value {
        Value::Null => tag.key("z").extend_from_slice(b"null"),
        Value::Bool(flag) => tag.key("b").extend_from_slice(if *flag { b"true" } else { b"false" }),
        Value::String(text) => tag.string("s", text),
        Value::Number(number) if integer(value).is_some() => tag.string("i", number.text()),
        Value::Number(number) => hex(tag.key("n"), number.value()),
        Value::Array(items) => array(tag.key("a"), items, tagged),
        Value::Object(members) => array(tag.key("o"), members.members(), |out, (key, value)| {
            out.push(b'[');
            string(out, key);
            out.push(b',');
            tagged(out, value);
            out.push(b']');
        }),
    });
}
