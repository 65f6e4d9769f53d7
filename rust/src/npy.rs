//! Arrays in the npy format (pairs.md, section 4), decoded to binary64 while their bytes come in.
#![forbid(unsafe_code)]

use crate::expect::unlike;
use crate::number::MAX_INTEGER;
use crate::real::Real;
use crate::rule::{Rejection, Rule};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Magic and version.
const PREAMBLE_BYTES: usize = 8;

/// The largest number of dimensions.
const MAX_RANK: usize = 32;

/// The data that we write begins at a multiple of this.
const ALIGNMENT: usize = 64;

/// An array of binary64 in C order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<u64>,
    pub(crate) values: Vec<f64>,
    /// The first entry, in C order, that was an integer which binary64 cannot hold exactly.
    pub(crate) inexact: Option<usize>,
}

impl Array {
    /// What points from the array to an entry: `/1/2`.
    pub(crate) fn pointer(&self, mut index: usize) -> String {
        let mut pointer = String::new();
        for &length in self.shape.iter().rev() {
            pointer.insert_str(0, &format!("/{}", index as u64 % length));
            index = (index as u64 / length) as usize;
        }
        pointer
    }

    /// No entry was an integer that binary64 cannot hold exactly.
    pub(crate) fn exact(&self, rule: Rule, path: &str) -> Result<(), Rejection> {
        match self.inexact {
            None => Ok(()),
            Some(index) => unlike(
                rule,
                &format!("{path}{}", self.pointer(index)),
                "an integer that binary64 can hold",
                format_args!("one that it rounds to {}", self.values[index]),
            ),
        }
    }

    /// No entry is NaN or an infinity, or becomes one where it is rounded.
    pub(crate) fn finite<F: Real>(&self, rule: Rule, path: &str) -> Result<(), Rejection> {
        match self
            .values
            .iter()
            .position(|&value| !F::from_binary64(value).is_finite())
        {
            None => Ok(()),
            Some(index) => unlike(
                rule,
                &format!("{path}{}", self.pointer(index)),
                F::FINITE,
                self.values[index],
            ),
        }
    }
}

/// The types of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Float,
    Signed,
    Unsigned,
}

/// How entries lie in the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dtype {
    kind: Kind,
    bytes: usize,
    is_big_endian: bool,
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Header {
    dtype: Dtype,
    fortran_order: bool,
    shape: Vec<u64>,
}

/// Decodes an array from its bytes, which come in pieces; memory grows with them, never by a declared size.
#[derive(Debug)]
pub(crate) struct Decoder<'d> {
    due: Option<&'d [u64]>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The header is not there yet.
    Start(Vec<u8>),
    Data(Data),
    /// A rule is broken, for this reason; the bytes that follow do not matter.
    Broken(Rule, String),
}

#[derive(Debug)]
struct Data {
    header: Header,
    /// Entries that the shape needs.
    count: u128,
    values: Vec<f64>,
    /// The first bytes of an entry.
    part: Vec<u8>,
    /// Bytes that the shape does not need.
    surplus: u64,
    inexact: Option<usize>,
}

impl<'d> Decoder<'d> {
    /// Expects an array of the shape due, or of any.
    pub(crate) fn new(due: Option<&'d [u64]>) -> Self {
        Decoder {
            due,
            state: State::Start(Vec::new()),
        }
    }

    /// Takes the next bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Broken(..) => {}
            State::Data(data) => data.push(bytes),
            State::Start(start) => {
                start.extend_from_slice(bytes);
                match begin(start, self.due) {
                    Ok(None) => {}
                    Ok(Some((header, at))) => {
                        let mut data = Data::new(header);
                        data.push(&start[at..]);
                        self.state = State::Data(data);
                    }
                    Err((rule, message)) => self.state = State::Broken(rule, message),
                }
            }
        }
    }

    /// The array, once all bytes are there: the rules `npy.magic` to `npy.length`, at `path`.
    pub(crate) fn finish(self, path: &str) -> Result<Array, Rejection> {
        match self.state {
            State::Broken(rule, message) => Err(Rejection::new(rule, path, message)),
            State::Start(start) => {
                let rule = if start.len() < PREAMBLE_BYTES {
                    Rule::NpyMagic
                } else {
                    Rule::NpyHeader
                };
                let message = format!("the member ends within its header, after {} bytes", start.len());
                Err(Rejection::new(rule, path, message))
            }
            State::Data(data) => data.finish(path),
        }
    }
}

/// The header and where it ends, once it is there whole: `npy.magic`, `npy.header`, `npy.dtype` and
/// `checkpoint.weight-shape`.
fn begin(start: &[u8], due: Option<&[u64]>) -> Result<Option<(Header, usize)>, (Rule, String)> {
    let length_bytes = match magic(start) {
        None => return Ok(None),
        Some(Ok(length_bytes)) => length_bytes,
        Some(Err(message)) => return Err((Rule::NpyMagic, message.into())),
    };
    let begin = PREAMBLE_BYTES + length_bytes;
    let Some(length) = start.get(PREAMBLE_BYTES..begin) else {
        return Ok(None);
    };
    let length = length.iter().rev().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
    let Some(text) = start.get(begin..).and_then(|rest| rest.get(..length)) else {
        return Ok(None);
    };
    let at_fault = |(at, expected): (usize, &str)| {
        let message = format!(
            "the header is not as it must be at byte {}: expected {expected}",
            begin + at
        );
        (Rule::NpyHeader, message)
    };
    let (descr, fortran_order, shape) = header(text).map_err(at_fault)?;
    let header = Header {
        dtype: dtype(descr).map_err(|message| (Rule::NpyDtype, message))?,
        fortran_order,
        shape,
    };
    weight_shape(&header.shape, due)?;
    Ok(Some((header, begin + length)))
}

/// The number of bytes in which the header's length is given; none as long as that is not known.
fn magic(start: &[u8]) -> Option<Result<usize, &'static str>> {
    let known = start.len().min(MAGIC.len());
    if start[..known] != MAGIC[..known] {
        return Some(Err("the member does not begin like an npy file"));
    }
    match start.get(MAGIC.len()..PREAMBLE_BYTES)? {
        [1, 0] => Some(Ok(2)),
        [2 | 3, 0] => Some(Ok(4)),
        _ => Some(Err("expected version 1.0, 2.0 or 3.0 of npy")),
    }
}

fn weight_shape(shape: &[u64], due: Option<&[u64]>) -> Result<(), (Rule, String)> {
    match due {
        Some(due) if due != shape => {
            let message = format!("expected shape {}, got {}", tuple(due), tuple(shape));
            Err((Rule::CheckpointWeightShape, message))
        }
        _ => Ok(()),
    }
}

/// A shape as Python writes it.
fn tuple(shape: &[u64]) -> String {
    let lengths: Vec<String> = shape.iter().map(u64::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    format!("({}{comma})", lengths.join(", "))
}

/// Where a header is at fault, and what was expected there.
type Fault = (usize, &'static str);

/// The values of a header: `descr` (none where it is no string), `fortran_order` and `shape`.
type Values<'t> = (Option<&'t [u8]>, bool, Vec<u64>);

/// Reads the text of a header.
fn header(text: &[u8]) -> Result<Values<'_>, Fault> {
    let is_ascii = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e);
    if let Some(at) = text.iter().position(|byte| !is_ascii(byte)) {
        return Err((at, "ASCII"));
    }
    let mut scan = Scan { text, at: 0 };
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    scan.expect(b'{', "`{`")?;
    while !scan.take(b'}') {
        let key_at = scan.at;
        let key = scan.string()?;
        scan.expect(b':', "`:`")?;
        let is_new = match key {
            b"descr" => descr.replace(scan.descr()?).is_none(),
            b"fortran_order" => fortran_order.replace(scan.boolean()?).is_none(),
            b"shape" => shape.replace(scan.shape()?).is_none(),
            _ => false,
        };
        if !is_new {
            return Err((key_at, "one of the keys descr, fortran_order, shape, each once"));
        }
        if !scan.take(b',') {
            scan.expect(b'}', "`,` or `}`")?;
            break;
        }
    }
    scan.blanks();
    match (descr, fortran_order, shape) {
        _ if scan.at < text.len() => Err((scan.at, "the end of the header")),
        (Some(descr), Some(fortran_order), Some(shape)) => Ok((descr, fortran_order, shape)),
        _ => Err((scan.at, "all of the keys descr, fortran_order, shape")),
    }
}

/// A position in the text of a header.
struct Scan<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Scan<'t> {
    fn blanks(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.blanks();
        self.text.get(self.at).copied()
    }

    /// Goes past a token of one byte, if it is the next one.
    fn take(&mut self, token: u8) -> bool {
        let is_next = self.peek() == Some(token);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, token: u8, expected: &'static str) -> Result<(), Fault> {
        if self.take(token) {
            Ok(())
        } else {
            Err((self.at, expected))
        }
    }

    /// A string without escapes.
    fn string(&mut self) -> Result<&'t [u8], Fault> {
        let Some(quote @ (b'\'' | b'"')) = self.peek() else {
            return Err((self.at, "a string"));
        };
        let rest = &self.text[self.at + 1..];
        match rest.iter().position(|byte| *byte == quote || *byte == b'\\') {
            Some(length) if rest[length] == quote => {
                self.at += length + 2;
                Ok(&rest[..length])
            }
            _ => Err((self.at, "a string without backslashes, and its end")),
        }
    }

    /// A string; or anything within brackets, which is no type of ours.
    fn descr(&mut self) -> Result<Option<&'t [u8]>, Fault> {
        match self.peek() {
            Some(b'(' | b'[') => self.brackets().map(|()| None),
            _ => self.string().map(Some),
        }
    }

    /// Goes past the bracket that matches the next byte.
    fn brackets(&mut self) -> Result<(), Fault> {
        let mut closing = Vec::new();
        loop {
            match self.peek() {
                Some(b'(') => closing.push(b')'),
                Some(b'[') => closing.push(b']'),
                Some(byte @ (b')' | b']')) if closing.pop() != Some(byte) => {
                    return Err((self.at, "the bracket that matches"));
                }
                Some(b'\'' | b'"') => {
                    self.string()?;
                    continue;
                }
                Some(_) => {}
                None => return Err((self.at, "a closing bracket")),
            }
            self.at += 1;
            if closing.is_empty() {
                return Ok(());
            }
        }
    }

    fn boolean(&mut self) -> Result<bool, Fault> {
        self.blanks();
        let rest = &self.text[self.at..];
        let (word, value) = if rest.starts_with(b"True") {
            (4, true)
        } else {
            (5, false)
        };
        if value || rest.starts_with(b"False") {
            self.at += word;
            Ok(value)
        } else {
            Err((self.at, "True or False"))
        }
    }

    /// A tuple of integers: `(3)` is none.
    fn shape(&mut self) -> Result<Vec<u64>, Fault> {
        let mut shape = Vec::new();
        self.expect(b'(', "a tuple")?;
        while !self.take(b')') {
            shape.push(self.integer()?);
            if shape.len() > MAX_RANK {
                return Err((self.at, "at most 32 dimensions"));
            }
            if !self.take(b',') {
                let is_tuple = shape.len() > 1;
                self.expect(if is_tuple { b')' } else { b',' }, "`,` or the end of a tuple")?;
                if is_tuple {
                    break;
                }
            }
        }
        Ok(shape)
    }

    /// A decimal integer without sign and leading zeros.
    fn integer(&mut self) -> Result<u64, Fault> {
        self.blanks();
        let rest = &self.text[self.at..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&rest[..digits]).unwrap_or_default();
        let number = text.parse().ok().filter(|number| *number <= MAX_INTEGER as u64);
        match number.filter(|_| digits == 1 || !text.starts_with('0')) {
            Some(number) => {
                self.at += digits;
                Ok(number)
            }
            None => Err((self.at, "an integer of at most 2^53-1 without leading zeros")),
        }
    }
}

/// `npy.dtype`: the type that a string names.
fn dtype(descr: Option<&[u8]>) -> Result<Dtype, String> {
    const EXPECTED: &str = "expected real numbers of up to 8 bytes, such as '<f8'";
    let Some(name) = descr else {
        return Err(format!("{EXPECTED}, got a structure"));
    };
    let unknown = || {
        format!(
            "{EXPECTED}, got {:?}",
            String::from_utf8_lossy(&name[..name.len().min(60)])
        )
    };
    let &[order, kind, size] = name else {
        return Err(unknown());
    };
    let kind = match (order, kind, size) {
        (b'<' | b'>', b'f', b'2' | b'4' | b'8') => Kind::Float,
        (b'<' | b'>', b'i', b'1' | b'2' | b'4' | b'8') | (b'|', b'i', b'1') => Kind::Signed,
        (b'<' | b'>', b'u', b'1' | b'2' | b'4' | b'8') | (b'|', b'u', b'1') => Kind::Unsigned,
        _ => return Err(unknown()),
    };
    Ok(Dtype {
        kind,
        bytes: usize::from(size - b'0'),
        is_big_endian: order == b'>',
    })
}

/// The number of entries of a shape, or more than there can be bytes.
fn count(shape: &[u64]) -> u128 {
    if shape.contains(&0) {
        return 0;
    }
    let product = |count: u128, &length: &u64| count.saturating_mul(u128::from(length));
    shape.iter().fold(1, product)
}

impl Data {
    fn new(header: Header) -> Self {
        Data {
            count: count(&header.shape),
            values: Vec::new(),
            part: Vec::with_capacity(header.dtype.bytes),
            surplus: 0,
            inexact: None,
            header,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let size = self.header.dtype.bytes;
        let lacking = (self.count - self.values.len() as u128).saturating_mul(size as u128) - self.part.len() as u128;
        let (mut bytes, surplus) = bytes.split_at(lacking.min(bytes.len() as u128) as usize);
        self.surplus += surplus.len() as u64;
        if !self.part.is_empty() {
            let (rest, others) = bytes.split_at(bytes.len().min(size - self.part.len()));
            self.part.extend_from_slice(rest);
            bytes = others;
            if self.part.len() < size {
                return;
            }
            let part = std::mem::take(&mut self.part);
            self.decode(&part);
        }
        let whole = bytes.len() / size * size;
        self.decode(&bytes[..whole]);
        self.part.extend_from_slice(&bytes[whole..]);
    }

    /// Decodes whole entries.
    fn decode(&mut self, bytes: &[u8]) {
        let Dtype {
            kind,
            bytes: size,
            is_big_endian,
        } = self.header.dtype;
        match (kind, size) {
            (Kind::Float, 8) => self.each(bytes, is_big_endian, |entry| (f64::from_le_bytes(entry), true)),
            (Kind::Float, 4) => self.each(bytes, is_big_endian, |entry| (f32::from_le_bytes(entry).into(), true)),
            (Kind::Float, _) => self.each(bytes, is_big_endian, |entry| (half(u16::from_le_bytes(entry)), true)),
            (Kind::Signed, 8) => self.each(bytes, is_big_endian, |entry| {
                let integer = i64::from_le_bytes(entry);
                (integer as f64, integer as f64 as i128 == i128::from(integer))
            }),
            (Kind::Unsigned, 8) => self.each(bytes, is_big_endian, |entry| {
                let integer = u64::from_le_bytes(entry);
                (integer as f64, integer as f64 as u128 == u128::from(integer))
            }),
            (Kind::Signed, 4) => self.each(bytes, is_big_endian, |entry| (i32::from_le_bytes(entry).into(), true)),
            (Kind::Unsigned, 4) => self.each(bytes, is_big_endian, |entry| (u32::from_le_bytes(entry).into(), true)),
            (Kind::Signed, 2) => self.each(bytes, is_big_endian, |entry| (i16::from_le_bytes(entry).into(), true)),
            (Kind::Unsigned, 2) => self.each(bytes, is_big_endian, |entry| (u16::from_le_bytes(entry).into(), true)),
            (Kind::Signed, _) => self.each(bytes, is_big_endian, |entry| (i8::from_le_bytes(entry).into(), true)),
            (Kind::Unsigned, _) => self.each(bytes, is_big_endian, |[entry]| (entry.into(), true)),
        }
    }

    /// Appends the values of entries of `N` bytes; `value` also tells whether the value is exact.
    fn each<const N: usize>(&mut self, bytes: &[u8], is_big_endian: bool, value: impl Fn([u8; N]) -> (f64, bool)) {
        let first = self.values.len();
        let (entries, _) = bytes.as_chunks::<N>();
        let mut inexact = Vec::new();
        let mut values = std::mem::take(&mut self.values);
        values.extend(entries.iter().enumerate().map(|(index, &entry)| {
            let mut entry = entry;
            if is_big_endian {
                entry.reverse();
            }
            let (value, is_exact) = value(entry);
            if !is_exact {
                inexact.push(first + index);
            }
            value
        }));
        self.values = values;
        let inexact = inexact.into_iter().map(|index| self.c_index(index)).min();
        self.inexact = [self.inexact, inexact].into_iter().flatten().min();
    }

    /// Where an entry of the data is in C order.
    fn c_index(&self, index: usize) -> usize {
        if !self.header.fortran_order {
            return index;
        }
        let (mut rest, mut position, mut stride) = (index as u64, 0, self.count as u64);
        for &length in &self.header.shape {
            stride /= length;
            position += rest % length * stride;
            rest /= length;
        }
        position as usize
    }

    fn finish(mut self, path: &str) -> Result<Array, Rejection> {
        self.length(path)?;
        if self.header.fortran_order && self.header.shape.len() > 1 {
            let mut values = vec![0.0; self.values.len()];
            for (index, &value) in self.values.iter().enumerate() {
                values[self.c_index(index)] = value;
            }
            self.values = values;
        }
        Ok(Array {
            shape: self.header.shape,
            values: self.values,
            inexact: self.inexact,
        })
    }

    /// `npy.length`.
    fn length(&self, path: &str) -> Result<(), Rejection> {
        if self.surplus == 0 && self.part.is_empty() && self.count == self.values.len() as u128 {
            return Ok(());
        }
        let size = self.header.dtype.bytes;
        let bytes = (self.values.len() * size + self.part.len()) as u64 + self.surplus;
        let message = format!("{} entries of {size} bytes are due, got {bytes} bytes", self.count);
        Err(Rejection::new(Rule::NpyLength, path, message))
    }
}

/// The value of a binary16.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (bits >> 10 & 0x1f, f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (fraction + 1024.0) * 2f64.powi(i32::from(exponent) - 25),
    };
    if bits >> 15 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// Magic, version and header of an array of binary64 in C order.
pub(crate) fn preamble(shape: &[u64]) -> Vec<u8> {
    let text = format!(
        "{{'descr': '<f8', 'fortran_order': False, 'shape': {}, }}",
        tuple(shape)
    );
    let unpadded = PREAMBLE_BYTES + 2 + text.len() + 1;
    let bytes = unpadded.next_multiple_of(ALIGNMENT);
    let length = (bytes - PREAMBLE_BYTES - 2) as u16; // two lengths of up to 16 digits: always below 2^16
    let blanks = " ".repeat(bytes - unpadded);
    [
        MAGIC.as_slice(),
        &[1, 0],
        &length.to_le_bytes(),
        text.as_bytes(),
        blanks.as_bytes(),
        b"\n",
    ]
    .concat()
}
