//! The protocol: answers requests, one JSON object per line, on standard input and output or line by line.
#![forbid(unsafe_code)]

use std::io::{self, Read, Write};
use std::panic::{self, AssertUnwindSafe};

use crate::json::{self, Object, Value};
use crate::operation::{self, Folders, Operation, Refusal};
use crate::rule::Rule;
use crate::simd::Level;
use crate::writer::{self, Members};

/// The version of the protocol.
pub const PROTOCOL: u32 = 1;

/// Answers are handed on at the latest when this many bytes of them are waiting.
const WAITING_BYTES: usize = 1 << 20;

/// What is read from the input at once.
const CHUNK_BYTES: usize = 1 << 18;

/// Whether a conversation goes on after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Further lines may come.
    Continue,
    /// The line was a `bye`.
    End,
}

/// The backend between a hello and a bye.
#[derive(Clone, Debug, Default)]
pub struct Backend {
    folders: Folders,
}

impl Backend {
    /// Answers one request line by appending an answer line, or nothing where none is due, to `answers`.
    ///
    /// No line makes it panic: a fault of the backend itself is answered with the verdict `error`.
    pub fn handle_line(&mut self, line: &[u8], answers: &mut Vec<u8>) -> Flow {
        let request = match json::parse(line, json::REQUEST_DEPTH) {
            Ok(Value::Object(request)) => request,
            Ok(other) => return failed("", &format!("a request is an object, not {other}"), answers),
            Err(rejection) => return failed("", &format!("the request is not JSON: {}", rejection.message), answers),
        };
        match string(&request, "cmd") {
            "run" => run(&self.folders, &request, answers),
            "hello" => {
                self.folders.root = string(&request, "root").into();
                self.folders.scratch = string(&request, "scratch").into();
                hello(answers)
            }
            "root" => {
                self.folders.root = string(&request, "root").into();
                Flow::Continue
            }
            "bye" => Flow::End,
            other => failed(string(&request, "id"), &format!("unknown cmd {other:?}"), answers),
        }
    }
}

/// A member that is a string, or "".
fn string<'v>(object: &'v Object<'_>, key: &str) -> &'v str {
    match object.get(key) {
        Some(Value::String(text)) => text,
        _ => "",
    }
}

fn hello(answers: &mut Vec<u8>) -> Flow {
    line(answers, |answer| {
        writer::int(answer.key("protocol"), PROTOCOL);
        answer.string("name", "rust");
        answer.string("version", env!("CARGO_PKG_VERSION"));
        answer.string("language", "Rust");
        answer.strings("ops", operation::ALL.map(|(name, _)| name));
        answer.strings("codes", Rule::ALL.iter().map(|rule| rule.code()));
        answer.strings("profiles", operation::PROFILES);
        answer.string("target_feature", Level::widest().name());
    })
}

fn run(folders: &Folders, request: &Object<'_>, answers: &mut Vec<u8>) -> Flow {
    let id = string(request, "id");
    let name = string(request, "op");
    let operation = operation::ALL.iter().find(|(known, _)| *known == name);
    match (operation, request.get("input")) {
        (Some((_, operation)), Some(Value::Object(input))) => accept(id, *operation, (folders, input), answers),
        (Some(_), _) => failed(id, "the input of the request is not an object", answers),
        (None, _) => refuse(id, Refusal::Unsupported(format!("unknown op {name:?}")), answers),
    }
}

/// Runs one case; whatever was written before a refusal or panic is taken back.
fn accept(id: &str, operation: Operation, (folders, input): (&Folders, &Object<'_>), answers: &mut Vec<u8>) -> Flow {
    let start = answers.len();
    let mut result = Ok(());
    let written = panic::catch_unwind(AssertUnwindSafe(|| {
        line(answers, |answer| {
            answer.string("id", id);
            answer.string("verdict", "accept");
            writer::object(answer.key("output"), |output| {
                result = operation(folders, input, output)
            });
        })
    }));
    match (written, result) {
        (Ok(flow), Ok(())) => flow,
        (_, result) => {
            answers.truncate(start);
            let panicked = || Refusal::Failed("the backend panicked; its log says where".into());
            refuse(id, result.err().unwrap_or_else(panicked), answers)
        }
    }
}

fn refuse(id: &str, refusal: Refusal, answers: &mut Vec<u8>) -> Flow {
    match refusal {
        Refusal::Failed(message) => failed(id, &message, answers),
        Refusal::Unsupported(reason) => line(answers, |answer| {
            answer.string("id", id);
            answer.string("verdict", "unsupported");
            answer.string("reason", &reason);
        }),
        Refusal::Rejected(rejection) => line(answers, |answer| {
            answer.string("id", id);
            answer.string("verdict", "reject");
            answer.string("code", rejection.rule.code());
            answer.string("path", &rejection.path);
            answer.string("message", &rejection.message);
        }),
    }
}

/// The verdict `error`: the request is outside the protocol, the backend at fault, or the system failed.
fn failed(id: &str, message: &str, answers: &mut Vec<u8>) -> Flow {
    line(answers, |answer| {
        answer.string("id", id);
        answer.string("verdict", "error");
        answer.string("message", message);
    })
}

fn line(answers: &mut Vec<u8>, members: impl FnOnce(&mut Members<'_>)) -> Flow {
    writer::object(answers, members);
    answers.push(b'\n');
    Flow::Continue
}

/// Answers the lines of `input` on `output` until a `bye` or the end of input.
///
/// Answers are handed on in the order of their requests, and at the latest before waiting for input.
///
/// # Errors
///
/// Whatever reading or writing fails with.
pub fn serve(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let mut backend = Backend::default();
    let mut lines = Lines::default();
    let mut answers = Vec::new();
    loop {
        while let Some(line) = lines.next() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let flow = backend.handle_line(line, &mut answers);
            if flow == Flow::End {
                return hand_on(&mut answers, &mut output);
            }
            if answers.len() >= WAITING_BYTES {
                hand_on(&mut answers, &mut output)?;
            }
        }
        hand_on(&mut answers, &mut output)?;
        if lines.ended {
            return Ok(());
        }
        lines.fill(&mut input)?;
    }
}

fn hand_on(answers: &mut Vec<u8>, output: &mut impl Write) -> io::Result<()> {
    output.write_all(answers)?;
    output.flush()?;
    answers.clear();
    Ok(())
}

/// The lines of an input that is read in large chunks.
#[derive(Default)]
struct Lines {
    /// What was read lies in the first `filled` bytes.
    buffer: Vec<u8>,
    filled: usize,
    /// Where the next line starts.
    start: usize,
    /// Up to where that line is known to have no end.
    searched: usize,
    ended: bool,
}

impl Lines {
    /// The next complete line without its end, as far as it has been read; at the end of input also an incomplete one.
    fn next(&mut self) -> Option<&[u8]> {
        let start = self.start;
        let end = match memchr::memchr(b'\n', &self.buffer[self.searched..self.filled]) {
            Some(length) => self.searched + length,
            None if self.ended && start < self.filled => self.filled,
            None => {
                self.searched = self.filled;
                return None;
            }
        };
        self.start = self.filled.min(end + 1);
        self.searched = self.start;
        Some(&self.buffer[start..end])
    }

    /// Waits for input and reads a chunk of it.
    fn fill(&mut self, input: &mut impl Read) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.searched -= self.start;
        self.start = 0;
        if self.buffer.len() < self.filled + CHUNK_BYTES {
            self.buffer.resize(2 * self.buffer.len() + CHUNK_BYTES, 0);
        }
        let read = loop {
            match input.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => break result?,
            }
        };
        self.filled += read;
        self.ended = read == 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_answered_with_an_error_and_leaves_nothing_behind() {
        let operation: Operation = |_, _, output| {
            output.string("half", "written");
            panic!("as if there were a bug")
        };
        let mut answers = b"before\n".to_vec();
        assert_eq!(
            accept("x", operation, (&Folders::default(), &Object::default()), &mut answers),
            Flow::Continue
        );
        let due = r#"{"id":"x","verdict":"error","message":"the backend panicked; its log says where"}"#;
        assert_eq!(String::from_utf8(answers).unwrap(), format!("before\n{due}\n"));
    }
}
