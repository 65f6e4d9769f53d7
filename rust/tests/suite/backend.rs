//! The protocol.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;

use spikeparity::backend::{serve, Backend, Flow};

use crate::answer;

fn conversation(input: &str) -> String {
    let mut output = Vec::new();
    serve(input.as_bytes(), &mut output).unwrap();
    String::from_utf8(output).unwrap()
}

fn parse_request(id: &str, text: &str) -> String {
    format!("{{\"cmd\":\"run\",\"id\":\"{id}\",\"op\":\"json.parse\",\"input\":{{\"text\":{text:?}}}}}\n")
}

fn parse_answer(id: &str, value: &str) -> String {
    format!("{{\"id\":\"{id}\",\"verdict\":\"accept\",\"output\":{{\"value\":{value}}}}}\n")
}

#[test]
fn requests_are_answered_in_order_until_bye() {
    let input = format!(
        "{}{}{{\"cmd\":\"bye\"}}\n{}",
        parse_request("1", "1"),
        parse_request("2", "[]"),
        parse_request("3", "3")
    );
    assert_eq!(
        conversation(&input),
        parse_answer("1", r#"{"i":"1"}"#) + &parse_answer("2", r#"{"a":[]}"#)
    );
}

#[test]
fn the_end_of_input_ends_the_last_line_too() {
    let input = parse_request("1", "null");
    assert_eq!(conversation(input.trim_end()), parse_answer("1", r#"{"z":null}"#));
    assert_eq!(conversation(""), "");
    assert_eq!(conversation("\n\r\n"), "");
}

#[test]
fn root_has_no_answer() {
    assert_eq!(conversation("{\"cmd\":\"root\",\"root\":\"/elsewhere\"}\n"), "");
}

#[test]
fn values_are_tagged() {
    for (text, tagged) in [
        (
            r#"{\"b\":-0,\"a\":\"\\u0001\"}"#,
            r#"{"o":[["b",{"i":"-0"}],["a",{"s":"\u0001"}]]}"#,
        ),
        ("[true,null]", r#"{"a":[{"b":true},{"z":null}]}"#),
        ("1e0", r#"{"n":"3ff0000000000000"}"#),
        ("9007199254740992", r#"{"n":"4340000000000000"}"#),
    ] {
        let due = format!(r#""verdict":"accept","output":{{"value":{tagged}}}"#);
        assert_eq!(answer("json.parse", &format!(r#"{{"text":"{text}"}}"#)), due);
    }
}

#[test]
fn base64_carries_any_bytes() {
    assert_eq!(
        answer("json.parse", r#"{"base64":"LTA="}"#),
        r#""verdict":"accept","output":{"value":{"i":"-0"}}"#
    );
    assert!(answer("json.parse", r#"{"base64":"/w=="}"#).contains(r#""code":"json.encoding","path":"""#));
}

#[test]
fn an_id_is_echoed_unchanged() {
    let request = parse_request(r#"é😀\"\\\n/"#, "1");
    assert_eq!(
        conversation(&request),
        parse_answer(r#"é😀\"\\\u000a/"#, r#"{"i":"1"}"#)
    );
}

#[test]
fn a_malformed_request_is_an_error_and_the_process_goes_on() {
    let good = parse_request("x", "1");
    for bad in [
        "[]",
        "{",
        "\u{0}",
        "{\"cmd\":\"dance\"}",
        "{\"cmd\":\"run\",\"id\":\"x\",\"op\":\"json.parse\"}",
    ] {
        let output = conversation(&format!("{bad}\n{good}"));
        let (first, second) = output.split_once('\n').unwrap();
        assert!(first.contains(r#""verdict":"error""#), "{first}");
        assert_eq!(second, parse_answer("x", r#"{"i":"1"}"#));
    }
}

#[test]
fn an_unknown_op_is_unsupported() {
    assert!(answer("activation.relu", "{}").starts_with(r#""verdict":"unsupported","reason":"#));
}

#[test]
fn no_line_makes_the_backend_panic() {
    let mut lines = vec![
        "[".repeat(1 << 20),
        "{\"a\":".repeat(1 << 16),
        "9".repeat(1 << 20),
        "\"".repeat(99),
    ];
    let request = r#"{"cmd":"run","id":"x","op":"simulate","input":{"network":{"layers":[{"weights":[[0.5,1]],
        "bias":[1],"neuron":{"model":"lif","threshold":1,"decay":0.5}}]},"steps":2,"input":{"kind":"poisson",
        "rates":[[0.5,1]],"seed":9007199254740991},"record":["trace","spikes","counts","potential"]}}"#;
    for at in 0..request.len() {
        lines.push(request[..at].to_owned());
        for replacement in ["", "[]", "{}", "-", "1e308", "null", "\\", "9007199254740991", "\""] {
            lines.push(format!("{}{replacement}{}", &request[..at], &request[at + 1..]));
        }
    }
    for line in lines {
        let mut answers = Vec::new();
        assert_eq!(
            Backend::default().handle_line(line.as_bytes(), &mut answers),
            Flow::Continue
        );
        let answer = String::from_utf8(answers).unwrap();
        assert!(
            answer.ends_with('\n') && !answer.contains("panicked"),
            "{line}: {answer}"
        );
    }
}

/// An input in given pieces, which notes at each reading how much of the answers has been flushed by then.
struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    output: Output,
    flushed_before_reading: Rc<RefCell<Vec<usize>>>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.flushed_before_reading.borrow_mut().push(self.output.0.borrow().1);
        let Some(mut piece) = self.pieces.pop_front() else {
            return Ok(0);
        };
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        if length < piece.len() {
            self.pieces.push_front(piece.split_off(length));
        }
        Ok(length)
    }
}

/// What was written, and how many lines of it were flushed.
#[derive(Clone, Default)]
struct Output(Rc<RefCell<(Vec<u8>, usize)>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.1 = state.0.iter().filter(|&&byte| byte == b'\n').count();
        Ok(())
    }
}

#[test]
fn answers_are_flushed_before_waiting_for_input() {
    let (first, second, third) = (
        parse_request("1", "1"),
        parse_request("2", "2"),
        parse_request("3", "3"),
    );
    let (half, rest) = third.split_at(20);
    let pieces = [format!("{first}{second}{half}"), rest.to_owned()].map(String::into_bytes);
    let output = Output::default();
    let flushed = Rc::new(RefCell::new(Vec::new()));
    let input = Pieces {
        pieces: pieces.into(),
        output: output.clone(),
        flushed_before_reading: flushed.clone(),
    };
    serve(input, output.clone()).unwrap();
    assert_eq!(*flushed.borrow(), [0, 2, 3]);
}

#[test]
fn a_line_may_be_longer_than_any_chunk() {
    let items = format!("[{}1]", "1,".repeat(1_000_000));
    let mut output = Vec::new();
    let request = parse_request("long", &items) + &parse_request("next", "2");
    serve(request.as_bytes(), &mut output).unwrap();
    let output = String::from_utf8(output).unwrap();
    let (long, next) = output.trim_end().split_once('\n').unwrap();
    assert_eq!(long.matches(r#"{"i":"1"}"#).count(), 1_000_001);
    assert_eq!(next, parse_answer("next", r#"{"i":"2"}"#).trim_end());
}

#[test]
fn a_closed_output_ends_the_serving() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = serve(parse_request("1", "1").as_bytes(), Closed).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
