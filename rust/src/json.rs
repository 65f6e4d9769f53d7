//! A strict reader of JSON texts (RFC 8259) that keeps document order and number text.
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use crate::number::{binary64, Number};
use crate::rule::{Rejection, Rule};

/// How deep a document may nest (`limits.depth`).
pub const DOCUMENT_DEPTH: u8 = 64;

/// How deep a request line may nest (`limits.request_depth`).
pub const REQUEST_DEPTH: u8 = 128;

/// From this many members on, equal keys are looked for by hashing instead of by comparing every pair.
const HASHED_MEMBERS: usize = 16;

/// A JSON value that borrows from its text wherever the text needs no unescaping.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number with its text.
    Number(Number<'a>),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object with its members in document order.
    Object(Object<'a>),
}

impl Value<'_> {
    /// Copies whatever is still borrowed from the text, so that the value outlives it.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(flag) => Value::Bool(flag),
            Value::Number(number) => Value::Number(number.into_owned()),
            Value::String(string) => Value::String(Cow::Owned(string.into_owned())),
            Value::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Value::Object(object) => Value::Object(object.into_owned()),
        }
    }
}

/// Names the kind of value and, where that is short, the value itself: `an array`, `the string "x"`, `the number 1.5`.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(flag) => write!(f, "{flag}"),
            Value::Number(number) => write!(f, "the number {}", shortened(number.text())),
            Value::String(string) => write!(f, "the string {:?}", shortened(string)),
            Value::Array(items) => write!(f, "an array of {}", items.len()),
            Value::Object(_) => f.write_str("an object"),
        }
    }
}

/// Cuts a text for a message down to 60 characters.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// The members of a JSON object in document order; no key occurs twice in one that was parsed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// The value of the member `key`.
    pub fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The members in document order.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Copies whatever is still borrowed from the text, so that the object outlives it.
    pub fn into_owned(self) -> Object<'static> {
        Object(
            self.0
                .into_iter()
                .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                .collect(),
        )
    }
}

/// Reads one JSON text whose arrays and objects nest at most `depth` deep.
///
/// The depth is a `u8` so that neither reading nor dropping a value can exhaust the stack.
///
/// # Errors
///
/// Any rule of stage `json`, at the empty path.
pub fn parse(text: &[u8], depth: u8) -> Result<Value<'_>, Rejection> {
    let mut parser = Parser {
        text: encoding(text)?,
        at: 0,
        depth,
    };
    parser.skip_blanks();
    let value = parser.value()?;
    parser.skip_blanks();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.syntax("the end of the text")),
    }
}

/// `json.encoding`: the text is UTF-8 and begins with no byte-order mark.
fn encoding(text: &[u8]) -> Result<&str, Rejection> {
    let reject = |message: String| Err(Rejection::new(Rule::JsonEncoding, "", message));
    match std::str::from_utf8(text) {
        Ok(text) if text.starts_with('\u{feff}') => reject("the text begins with a byte-order mark".into()),
        Ok(text) => Ok(text),
        Err(error) => reject(format!("the text is not UTF-8 from byte {} on", error.valid_up_to())),
    }
}

/// A position in a text, with the nesting that is still allowed there.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn reject(&self, rule: Rule, message: impl fmt::Display) -> Rejection {
        Rejection::new(rule, "", format_args!("{message} at byte {}", self.at))
    }

    /// `json.syntax`: what was expected is not what is there.
    #[cold]
    fn syntax(&self, expected: &str) -> Rejection {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => self.reject(Rule::JsonSyntax, format_args!("expected {expected}, got {found:?}")),
            None => self.reject(Rule::JsonSyntax, format_args!("expected {expected}, the text ends")),
        }
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Result<(), Rejection> {
        match self.peek() {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.syntax(expected)),
        }
    }

    fn value(&mut self) -> Result<Value<'a>, Rejection> {
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => Ok(Value::Number(self.number()?)),
            Some(b'[') => self.nested(Self::array),
            Some(b'{') => self.nested(Self::object),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            _ => Err(self.syntax("a value")),
        }
    }

    fn literal(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, Rejection> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.syntax("a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    /// `json.depth`: reads an array or object one level further down, past its opening bracket.
    fn nested(&mut self, read: fn(&mut Self) -> Result<Value<'a>, Rejection>) -> Result<Value<'a>, Rejection> {
        if self.depth == 0 {
            return Err(self.reject(Rule::JsonDepth, "arrays and objects nest too deeply"));
        }
        self.depth -= 1;
        self.at += 1;
        self.skip_blanks();
        let value = read(self)?;
        self.depth += 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value<'a>, Rejection> {
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            if !self.another(b']', "`,` or `]`")? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self) -> Result<Value<'a>, Rejection> {
        let mut members = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(Object(members)));
        }
        loop {
            members.push(self.member()?);
            if !self.another(b'}', "`,` or `}`")? {
                self.duplicate_key(&members)?;
                return Ok(Value::Object(Object(members)));
            }
        }
    }

    /// After an item: true past a comma, false past the closing bracket.
    fn another(&mut self, close: u8, expected: &str) -> Result<bool, Rejection> {
        self.skip_blanks();
        let comma = self.peek() == Some(b',');
        self.expect(if comma { b',' } else { close }, expected)?;
        if comma {
            self.skip_blanks();
        }
        Ok(comma)
    }

    fn member(&mut self) -> Result<(Cow<'a, str>, Value<'a>), Rejection> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax("a key"));
        }
        let key = self.string()?;
        self.skip_blanks();
        self.expect(b':', "`:`")?;
        self.skip_blanks();
        Ok((key, self.value()?))
    }

    /// `json.duplicate-key`: the keys of an object differ.
    fn duplicate_key(&self, members: &[(Cow<'a, str>, Value<'a>)]) -> Result<(), Rejection> {
        let key = |index: usize| members[index].0.as_ref();
        let second = if members.len() < HASHED_MEMBERS {
            (1..members.len()).find(|&index| (0..index).any(|before| key(before) == key(index)))
        } else {
            let mut seen = HashSet::with_capacity(members.len());
            (0..members.len()).find(|&index| !seen.insert(key(index)))
        };
        match second {
            None => Ok(()),
            Some(index) => {
                let name = shortened(key(index));
                Err(self.reject(
                    Rule::JsonDuplicateKey,
                    format_args!("the key {name:?} occurs twice in the object that ends"),
                ))
            }
        }
    }

    fn number(&mut self) -> Result<Number<'a>, Rejection> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.number_range(&self.text[start..self.at])
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Rejection> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.syntax("a digit"));
        }
        Ok(())
    }

    /// `json.number-range`: the nearest binary64 is finite.
    fn number_range(&self, text: &'a str) -> Result<Number<'a>, Rejection> {
        let value = binary64(text);
        if value.is_infinite() {
            let text = shortened(text);
            return Err(self.reject(
                Rule::JsonNumberRange,
                format_args!("the number {text} is beyond binary64, it ends"),
            ));
        }
        Ok(Number::new(Cow::Borrowed(text), value))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Rejection> {
        self.at += 1;
        let plain = self.plain_characters()?;
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut string = String::from(plain);
        loop {
            self.at += 1;
            if self.text.as_bytes()[self.at - 1] == b'"' {
                return Ok(Cow::Owned(string));
            }
            string.push(self.escape()?);
            string.push_str(self.plain_characters()?);
        }
    }

    /// The characters up to the next quotation mark or escape, which is there.
    fn plain_characters(&mut self) -> Result<&'a str, Rejection> {
        let start = self.at;
        let special = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < 0x20;
        self.at = match self.text.as_bytes()[start..].iter().position(special) {
            Some(length) => start + length,
            None => self.text.len(),
        };
        match self.peek() {
            Some(b'"' | b'\\') => Ok(&self.text[start..self.at]),
            _ => Err(self.syntax("a character of a string or its end")),
        }
    }

    /// The character that an escape stands for, past its backslash.
    fn escape(&mut self) -> Result<char, Rejection> {
        let character = match self.peek() {
            Some(found @ (b'"' | b'\\' | b'/')) => char::from(found),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.syntax("one of the escapes of RFC 8259")),
        };
        self.at += 1;
        Ok(character)
    }

    /// `json.surrogate`: a high surrogate stands before a low one, and neither stands alone.
    fn unicode_escape(&mut self) -> Result<char, Rejection> {
        let first = self.code_unit()?;
        let mut units = vec![first];
        if (0xd800..0xdc00).contains(&first) && self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            self.at += 1;
            units.push(self.code_unit()?);
        }
        match char::decode_utf16(units).collect::<Result<Vec<char>, _>>().as_deref() {
            Ok([character]) => Ok(*character),
            _ => Err(self.reject(Rule::JsonSurrogate, "an unpaired surrogate ends")),
        }
    }

    /// The code unit of an escape, from its `u` on.
    fn code_unit(&mut self) -> Result<u16, Rejection> {
        let mut unit = 0;
        for _ in 0..4 {
            self.at += 1;
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.ok_or_else(|| self.syntax("a hexadecimal digit"))?;
            unit = unit << 4 | digit as u16;
        }
        self.at += 1;
        Ok(unit)
    }
}
