//! Zip archives, read strictly (pairs.md, section 3), so that every reader sees the same members in the same bytes.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Display;

use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};
use sha2::{Digest, Sha256};

use crate::files::{LoadError, RegularFile};
use crate::json::shortened;
use crate::rule::{Rejection, Rule};

pub(crate) const LOCAL_HEADER: [u8; 4] = *b"PK\x03\x04";
pub(crate) const CENTRAL_HEADER: [u8; 4] = *b"PK\x01\x02";
pub(crate) const END_RECORD: [u8; 4] = *b"PK\x05\x06";
pub(crate) const ZIP64_END_RECORD: [u8; 4] = *b"PK\x06\x06";
pub(crate) const ZIP64_LOCATOR: [u8; 4] = *b"PK\x06\x07";

pub(crate) const LOCAL_HEADER_BYTES: u64 = 30;
const CENTRAL_HEADER_BYTES: usize = 46;
const END_RECORD_BYTES: u64 = 22;
pub(crate) const ZIP64_END_RECORD_BYTES: u64 = 56;
const ZIP64_LOCATOR_BYTES: u64 = 20;

/// The extra field that holds what does not fit into 32 bits.
pub(crate) const ZIP64_EXTRA: u16 = 1;

/// A field of all ones, whose value is in the zip64 extra field.
pub(crate) const SATURATED: u32 = u32::MAX;

/// How much of the directory there may be per entry.
const DIRECTORY_BYTES_PER_ENTRY: u64 = 1024;

/// Encrypted (bit 0), strongly encrypted (6), central directory encrypted (13).
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;

pub(crate) const STORED: u16 = 0;
pub(crate) const DEFLATE: u16 = 8;

/// What is read from a file, and inflated, at once.
const CHUNK_BYTES: usize = 1 << 16;

/// A zip file whose end records are sound.
#[derive(Debug)]
pub(crate) struct Archive {
    file: RegularFile,
    end: EndRecord,
}

/// What the end records say of the central directory.
#[derive(Debug)]
struct EndRecord {
    entries: u64,
    size: u64,
    offset: u64,
}

/// A member that is looked for.
#[derive(Debug)]
pub(crate) struct Due {
    /// The name of its entry.
    pub(crate) entry: String,
    /// What names it in rejections.
    pub(crate) path: String,
}

/// What an archive is to hold.
pub(crate) struct Terms<'a> {
    /// What names the archive as a whole in rejections.
    pub(crate) root: &'a str,
    /// The members due, in due order.
    pub(crate) due: &'a [Due],
    /// Whether it may hold anything else.
    pub(crate) others: bool,
    /// How many entries there may be.
    pub(crate) most_entries: u64,
}

/// A member and where its data lies.
#[derive(Debug)]
pub(crate) struct Member {
    entry: Entry,
    data: u64,
}

/// An entry of the central directory.
#[derive(Debug)]
pub(crate) struct Entry {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    pub(crate) compressed: u64,
    pub(crate) uncompressed: u64,
    pub(crate) offset: u64,
}

fn reject<T>(rule: Rule, path: &str, message: impl Display) -> Result<T, LoadError> {
    Err(Rejection::new(rule, path, message).into())
}

/// The rejection of a file that is not there.
pub(crate) fn missing(root: &str, place: &std::path::Path) -> Rejection {
    Rejection::new(
        Rule::ArchiveMissing,
        root,
        format_args!("there is no {}", place.display()),
    )
}

pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(std::array::from_fn(|index| bytes[at + index]))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|index| bytes[at + index]))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|index| bytes[at + index]))
}

impl Archive {
    /// The rules `archive.not-zip`, `archive.truncated` and `archive.end-record`, at the path `root`.
    pub(crate) fn open(file: RegularFile, root: &str) -> Result<Self, LoadError> {
        not_zip(&file, root)?;
        let last = truncated(&file, root)?;
        match end_record(&file, &last)? {
            Ok(end) => Ok(Archive { file, end }),
            Err(message) => reject(Rule::ArchiveEndRecord, root, message),
        }
    }

    /// The SHA-256 from the first header of the directory to the end of the file, in hex digits.
    pub(crate) fn digest(&self) -> Result<String, LoadError> {
        let mut hasher = Sha256::new();
        self.each_chunk(self.end.offset, self.file.length() - self.end.offset, |chunk| {
            hasher.update(chunk);
            Ok(true)
        })?;
        Ok(hex(&hasher.finalize()))
    }

    /// Finds the members due: the rules `archive.entry-count` to `archive.local-header`.
    pub(crate) fn members(&self, terms: &Terms<'_>) -> Result<Vec<Member>, LoadError> {
        entry_count(self.end.entries, terms)?;
        let entries = self.directory(terms.root)?;
        let wanted: HashMap<&[u8], usize> = terms.due.iter().map(|due| due.entry.as_bytes()).zip(0..).collect();
        if !terms.others {
            member_path(&entries, terms.root)?;
            member_unexpected(&entries, &wanted, terms.root)?;
        }
        member_twice(&entries, &wanted, terms.root)?;
        let entries = member_missing(entries, &wanted, terms.due)?;
        for (entry, due) in entries.iter().zip(terms.due) {
            encrypted(entry, &due.path)?;
        }
        for (entry, due) in entries.iter().zip(terms.due) {
            compression(entry, &due.path)?;
        }
        let mut taken = BTreeMap::new();
        let due = entries.into_iter().zip(terms.due);
        due.map(|(entry, due)| self.local_header(entry, &due.path, &mut taken))
            .collect()
    }

    /// `archive.directory`.
    fn directory(&self, root: &str) -> Result<Vec<Entry>, LoadError> {
        if self.end.size > self.end.entries.saturating_mul(DIRECTORY_BYTES_PER_ENTRY) {
            let (size, entries) = (self.end.size, self.end.entries);
            return reject(
                Rule::ArchiveDirectory,
                root,
                format_args!("a directory of {size} bytes for {entries} entries"),
            );
        }
        let mut directory = vec![0; self.end.size as usize]; // so many bytes are there: offset + size is in the file
        self.file.read_at(self.end.offset, &mut directory)?;
        let mut rest = directory.as_slice();
        let mut entries = Vec::new();
        for index in 0..self.end.entries {
            match central_header(&mut rest, self.end.offset) {
                Ok(entry) => entries.push(entry),
                Err(message) => {
                    return reject(
                        Rule::ArchiveDirectory,
                        root,
                        format_args!("header {index} of the directory: {message}"),
                    );
                }
            }
        }
        if rest.is_empty() {
            Ok(entries)
        } else {
            let message = format!("{} bytes of the directory are behind its last header", rest.len());
            reject(Rule::ArchiveDirectory, root, message)
        }
    }

    /// `archive.local-header`; `taken` has the ends of the members so far, by their beginnings.
    fn local_header(&self, entry: Entry, path: &str, taken: &mut BTreeMap<u64, u64>) -> Result<Member, LoadError> {
        let unlike = |message: &str| reject(Rule::ArchiveLocalHeader, path, message);
        let mut header = [0; LOCAL_HEADER_BYTES as usize];
        self.file.read_at(entry.offset, &mut header)?; // these bytes lie before the directory
        if header[..4] != LOCAL_HEADER {
            return unlike("there is no local header where the directory says so");
        }
        if u16_at(&header, 8) != entry.method {
            return unlike("the compression method is unlike that of the directory");
        }
        if (u16_at(&header, 6) ^ entry.flags) & 1 != 0 {
            return unlike("it is encrypted, and not so in the directory");
        }
        let mut name = vec![0; usize::from(u16_at(&header, 26))];
        // The name in the directory comes after the header, so that one of the same length is within the file.
        if name.len() == entry.name.len() {
            self.file.read_at(entry.offset + LOCAL_HEADER_BYTES, &mut name)?;
        }
        if name != entry.name {
            return unlike("the name is unlike that of the directory");
        }
        let data = entry.offset + LOCAL_HEADER_BYTES + name.len() as u64 + u64::from(u16_at(&header, 28));
        let end = data.checked_add(entry.compressed).filter(|end| *end <= self.end.offset);
        let Some(end) = end else {
            return unlike("its data does not end before the directory");
        };
        let before = taken.range(..end).next_back();
        if before.is_some_and(|(_, before)| *before > entry.offset) {
            return unlike("it overlaps an earlier member");
        }
        taken.insert(entry.offset, end);
        Ok(Member { entry, data })
    }

    /// Reads a member of at most `most` bytes into `sink`: the rules `archive.size`, `archive.data` and `archive.crc`.
    pub(crate) fn read(
        &self,
        member: &Member,
        path: &str,
        most: u64,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<(), LoadError> {
        size_declared(&member.entry, path, most)?;
        let mut crc = Hasher::new();
        let mut take = |bytes: &[u8]| {
            crc.update(bytes);
            sink(bytes);
        };
        if member.entry.method == STORED {
            self.each_chunk(member.data, member.entry.compressed, |chunk| {
                take(chunk);
                Ok(true)
            })?;
        } else {
            self.inflate(member, path, take)?;
        }
        let (found, declared) = (crc.finalize(), member.entry.crc);
        if found == declared {
            return Ok(());
        }
        reject(
            Rule::ArchiveCrc,
            path,
            format_args!("the CRC-32 is {found:08x}, not {declared:08x}: the data is damaged"),
        )
    }

    /// Inflates a member, up to one byte beyond its declared size: `archive.data`, `archive.size`.
    fn inflate(&self, member: &Member, path: &str, mut take: impl FnMut(&[u8])) -> Result<(), LoadError> {
        let mut inflation = Inflation {
            stream: Decompress::new(false),
            declared: member.entry.uncompressed,
            ended: false,
            buffer: vec![0; CHUNK_BYTES],
        };
        let mut left = member.entry.compressed;
        self.each_chunk(member.data, member.entry.compressed, |chunk| {
            left -= chunk.len() as u64;
            inflation.chunk(chunk, left == 0, path, &mut take)
        })?;
        inflation.finish(left, path)
    }

    /// Hands on `length` bytes from `offset` on, in order, as long as that is wanted.
    fn each_chunk(
        &self,
        mut offset: u64,
        length: u64,
        mut take: impl FnMut(&[u8]) -> Result<bool, LoadError>,
    ) -> Result<(), LoadError> {
        let end = offset + length;
        let mut buffer = vec![0; CHUNK_BYTES.min(length as usize)];
        while offset < end {
            let chunk = &mut buffer[..(end - offset).min(CHUNK_BYTES as u64) as usize];
            self.file.read_at(offset, chunk)?;
            offset += chunk.len() as u64;
            if !take(chunk)? {
                break;
            }
        }
        Ok(())
    }
}

/// A deflate stream that is being read.
struct Inflation {
    stream: Decompress,
    declared: u64,
    ended: bool,
    buffer: Vec<u8>,
}

impl Inflation {
    /// Inflates what a chunk gives; false where the stream ends in it.
    fn chunk(
        &mut self,
        mut chunk: &[u8],
        is_last: bool,
        path: &str,
        take: &mut impl FnMut(&[u8]),
    ) -> Result<bool, LoadError> {
        loop {
            let (read, made) = (self.stream.total_in(), self.stream.total_out());
            let room = (self.declared + 1 - made).min(CHUNK_BYTES as u64) as usize;
            let result = self
                .stream
                .decompress(chunk, &mut self.buffer[..room], FlushDecompress::None);
            let total = self.stream.total_out();
            let (read, made) = ((self.stream.total_in() - read) as usize, (total - made) as usize);
            if total > self.declared {
                let declared = self.declared;
                return reject(
                    Rule::ArchiveSize,
                    path,
                    format_args!("more than the {declared} bytes declared"),
                );
            }
            take(&self.buffer[..made]);
            chunk = &chunk[read..];
            match result {
                Err(error) => {
                    return reject(
                        Rule::ArchiveData,
                        path,
                        format_args!("the deflate stream is invalid after {total} bytes: {error}"),
                    );
                }
                Ok(Status::StreamEnd) if chunk.is_empty() && is_last => {
                    self.ended = true;
                    return Ok(false);
                }
                Ok(Status::StreamEnd) => {
                    return reject(
                        Rule::ArchiveData,
                        path,
                        "the deflate stream ends before the compressed data",
                    );
                }
                Ok(_) if made < room => return Ok(true), // all of the chunk is read
                Ok(_) => {}
            }
        }
    }

    /// That the stream has ended, with as many bytes as declared.
    fn finish(&self, left: u64, path: &str) -> Result<(), LoadError> {
        if !self.ended {
            let message = format!("the deflate stream goes on behind its {left} last bytes");
            return reject(Rule::ArchiveData, path, message);
        }
        let (total, declared) = (self.stream.total_out(), self.declared);
        if total == declared {
            return Ok(());
        }
        reject(
            Rule::ArchiveSize,
            path,
            format_args!("{total} bytes instead of the {declared} declared"),
        )
    }
}

fn not_zip(file: &RegularFile, root: &str) -> Result<(), LoadError> {
    let mut first = [0; 4];
    if file.length() >= 4 {
        file.read_at(0, &mut first)?;
    }
    if first == LOCAL_HEADER || first == END_RECORD {
        return Ok(());
    }
    reject(Rule::ArchiveNotZip, root, "the archive does not begin like a zip file")
}

/// The answer is the end record.
fn truncated(file: &RegularFile, root: &str) -> Result<[u8; END_RECORD_BYTES as usize], LoadError> {
    let mut last = [0; END_RECORD_BYTES as usize];
    if file.length() >= END_RECORD_BYTES {
        file.read_at(file.length() - END_RECORD_BYTES, &mut last)?;
    }
    if last[..4] == END_RECORD && u16_at(&last, 20) == 0 {
        return Ok(last);
    }
    reject(
        Rule::ArchiveTruncated,
        root,
        "the archive does not end with an end-of-central-directory record: something is cut off, or follows",
    )
}

/// What the end records say, or what is wrong with them.
fn end_record(file: &RegularFile, last: &[u8]) -> Result<Result<EndRecord, &'static str>, LoadError> {
    let mut begins = file.length() - END_RECORD_BYTES;
    let mut disks = [u32::from(u16_at(last, 4)), u32::from(u16_at(last, 6))];
    let mut counts = [u64::from(u16_at(last, 8)), u64::from(u16_at(last, 10))];
    let (mut size, mut offset) = (u64::from(u32_at(last, 12)), u64::from(u32_at(last, 16)));
    if disks != [0, 0] {
        return Ok(Err("an end record that is not on disk 0"));
    }
    let saturated = u64::from(SATURATED);
    if counts.contains(&u64::from(u16::MAX)) || size == saturated || offset == saturated {
        let Some((at, record)) = zip64_end_record(file, begins)? else {
            return Ok(Err("a zip64 end record is due, and there is none"));
        };
        begins = at;
        disks = [u32_at(&record, 16), u32_at(&record, 20)];
        counts = [u64_at(&record, 24), u64_at(&record, 32)];
        (size, offset) = (u64_at(&record, 40), u64_at(&record, 48));
    }
    Ok(if disks != [0, 0] {
        Err("an end record that is not on disk 0")
    } else if counts[0] != counts[1] {
        Err("two numbers of entries that differ")
    } else if offset.checked_add(size) != Some(begins) {
        Err("a central directory that does not end where the end records begin")
    } else {
        Ok(EndRecord {
            entries: counts[0],
            size,
            offset,
        })
    })
}

/// The zip64 end record and its offset, if there is a sound one before the end record at `end`.
fn zip64_end_record(
    file: &RegularFile,
    end: u64,
) -> Result<Option<(u64, [u8; ZIP64_END_RECORD_BYTES as usize])>, LoadError> {
    let Some(at) = end.checked_sub(ZIP64_LOCATOR_BYTES) else {
        return Ok(None);
    };
    let mut locator = [0; ZIP64_LOCATOR_BYTES as usize];
    file.read_at(at, &mut locator)?;
    let begins = u64_at(&locator, 8);
    let is_sound = locator[..4] == ZIP64_LOCATOR && u32_at(&locator, 4) == 0 && u32_at(&locator, 16) == 1;
    if !is_sound || begins > at || at - begins < ZIP64_END_RECORD_BYTES {
        return Ok(None);
    }
    let mut record = [0; ZIP64_END_RECORD_BYTES as usize];
    file.read_at(begins, &mut record)?;
    let size = u64_at(&record, 4);
    let is_sound = record[..4] == ZIP64_END_RECORD && size.checked_add(12) == Some(at - begins);
    Ok(is_sound.then_some((begins, record)))
}

fn entry_count(entries: u64, terms: &Terms<'_>) -> Result<(), LoadError> {
    if entries <= terms.most_entries {
        return Ok(());
    }
    let message = format!("the archive has {entries} entries, expected {}", terms.most_entries);
    reject(Rule::ArchiveEntryCount, terms.root, message)
}

/// Reads a header of the directory, which begins at `directory`, from the front of `rest`.
pub(crate) fn central_header(rest: &mut &[u8], directory: u64) -> Result<Entry, &'static str> {
    let header = rest.get(..CENTRAL_HEADER_BYTES).ok_or("it does not fit")?;
    if header[..4] != CENTRAL_HEADER {
        return Err("no signature");
    }
    let mut at = CENTRAL_HEADER_BYTES;
    let mut variable = |length: u16| {
        let part = rest.get(at..at + usize::from(length)).ok_or("it does not fit");
        at += usize::from(length);
        part
    };
    let name = variable(u16_at(header, 28))?;
    let extra = variable(u16_at(header, 30))?;
    variable(u16_at(header, 32))?;
    if u16_at(header, 34) != 0 {
        return Err("a disk that is not 0");
    }
    let mut zip64 = zip64_values(extra);
    let mut wide = |at: usize| match u32_at(header, at) {
        SATURATED => zip64.next().ok_or("a saturated field without its value"),
        value => Ok(u64::from(value)),
    };
    let (uncompressed, compressed, offset) = (wide(24)?, wide(20)?, wide(42)?);
    let is_before = offset
        .checked_add(LOCAL_HEADER_BYTES)
        .is_some_and(|end| end <= directory);
    if !is_before {
        return Err("a local header that does not lie before the directory");
    }
    let entry = Entry {
        name: name.to_owned(),
        flags: u16_at(header, 8),
        method: u16_at(header, 10),
        crc: u32_at(header, 16),
        compressed,
        uncompressed,
        offset,
    };
    *rest = &rest[at..];
    Ok(entry)
}

/// The values in the zip64 extra field.
fn zip64_values(mut extra: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let mut values: &[u8] = &[];
    while extra.len() >= 4 {
        let length = usize::from(u16_at(extra, 2));
        let Some(data) = extra.get(4..4 + length) else { break };
        if u16_at(extra, 0) == ZIP64_EXTRA {
            values = data;
            break;
        }
        extra = &extra[4 + length..];
    }
    values.chunks_exact(8).map(|value| u64_at(value, 0))
}

fn named(entry: &Entry) -> String {
    let name = String::from_utf8_lossy(&entry.name);
    format!("{:?}", shortened(&name))
}

fn member_path(entries: &[Entry], root: &str) -> Result<(), LoadError> {
    match entries
        .iter()
        .find(|entry| entry.name.iter().any(|byte| b"/\\".contains(byte)))
    {
        None => Ok(()),
        Some(entry) => reject(
            Rule::ArchiveMemberPath,
            root,
            format_args!("the entry {} is in a folder", named(entry)),
        ),
    }
}

fn member_unexpected(entries: &[Entry], wanted: &HashMap<&[u8], usize>, root: &str) -> Result<(), LoadError> {
    match entries.iter().find(|entry| !wanted.contains_key(&*entry.name)) {
        None => Ok(()),
        Some(entry) => reject(
            Rule::ArchiveMemberUnexpected,
            root,
            format_args!("no layer has the entry {}", named(entry)),
        ),
    }
}

fn member_twice(entries: &[Entry], wanted: &HashMap<&[u8], usize>, root: &str) -> Result<(), LoadError> {
    let mut seen = HashSet::new();
    let mut relevant = entries.iter().filter(|entry| wanted.contains_key(&*entry.name));
    match relevant.find(|entry| !seen.insert(&entry.name)) {
        None => Ok(()),
        Some(entry) => reject(
            Rule::ArchiveMemberTwice,
            root,
            format_args!("a second entry {}", named(entry)),
        ),
    }
}

/// The answer is the entries of the members due, in due order.
fn member_missing(entries: Vec<Entry>, wanted: &HashMap<&[u8], usize>, due: &[Due]) -> Result<Vec<Entry>, LoadError> {
    let mut found: Vec<Option<Entry>> = due.iter().map(|_| None).collect();
    for entry in entries {
        if let Some(&index) = wanted.get(&*entry.name) {
            found[index] = Some(entry);
        }
    }
    let present = |(entry, due): (Option<Entry>, &Due)| match entry {
        Some(entry) => Ok(entry),
        None => reject(
            Rule::ArchiveMemberMissing,
            &due.path,
            format_args!("the archive has no entry {:?}", shortened(&due.entry)),
        ),
    };
    found.into_iter().zip(due).map(present).collect()
}

fn encrypted(entry: &Entry, path: &str) -> Result<(), LoadError> {
    if entry.flags & ENCRYPTED == 0 {
        return Ok(());
    }
    reject(Rule::ArchiveEncrypted, path, "the member is encrypted")
}

fn compression(entry: &Entry, path: &str) -> Result<(), LoadError> {
    if [STORED, DEFLATE].contains(&entry.method) {
        return Ok(());
    }
    let message = format!("expected the method 0 (stored) or 8 (deflate), got {}", entry.method);
    reject(Rule::ArchiveCompression, path, message)
}

/// `archive.size`, of what the directory declares.
fn size_declared(entry: &Entry, path: &str, most: u64) -> Result<(), LoadError> {
    let declared = entry.uncompressed;
    if declared > most {
        let message = format!("{declared} bytes declared, at most {most} can be due");
        return reject(Rule::ArchiveSize, path, message);
    }
    if entry.method == STORED && declared != entry.compressed {
        let message = format!("stored in {} bytes, {declared} declared", entry.compressed);
        return reject(Rule::ArchiveSize, path, message);
    }
    Ok(())
}

/// Bytes in lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
