//! Writes zip archives of npy members: the same members give the same bytes each time.
#![forbid(unsafe_code)]

use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use crc32fast::Hasher;
use flate2::write::DeflateEncoder;
use sha2::{Digest, Sha256};

use crate::archive::{
    self, hex, CENTRAL_HEADER, DEFLATE, END_RECORD, LOCAL_HEADER, LOCAL_HEADER_BYTES, SATURATED, STORED,
    ZIP64_END_RECORD, ZIP64_EXTRA, ZIP64_LOCATOR,
};
use crate::npy;

/// How the members of an archive are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Deflated.
    #[default]
    Deflate,
    /// As they are, each beginning at a multiple of 64 bytes, so that it can be mapped into memory.
    Stored,
}

/// Where stored data begins: at a multiple of this.
const ALIGNMENT: u64 = 64;

/// The extra field that aligns stored data; readers pass over what they do not know.
const PADDING_EXTRA: u16 = 0xd935;

/// An extra field has an id and a length, and this one also the alignment.
const PADDING_BYTES: u64 = 6;

/// The first of January 1980, as DOS writes it.
const DATE: u16 = 0x21;

/// Versions of the format that are needed: deflate, zip64.
const VERSION: u16 = 20;
const VERSION_ZIP64: u16 = 45;

/// Values that are encoded at once.
const CHUNK_VALUES: usize = 8192;

/// A member that was written.
struct Written {
    name: String,
    method: u16,
    crc: u32,
    compressed: u64,
    uncompressed: u64,
    offset: u64,
    is_wide: bool,
}

/// The file, and where in it the next byte goes: a buffered writer would have to empty its buffer to know.
struct Output<W: Write> {
    file: BufWriter<W>,
    position: u64,
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.position += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl<W: Write + Seek> Output<W> {
    /// Writes over what is there.
    fn replace(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(bytes)?;
        self.file.seek(SeekFrom::Start(self.position))?;
        Ok(())
    }
}

/// Writes an archive of arrays of binary64, each with a name, a shape and its values; the answer is its digest.
pub(crate) fn write<'a>(
    file: impl Write + Seek,
    members: impl IntoIterator<Item = (&'a str, &'a [u64], &'a [f64])>,
    compression: Compression,
) -> io::Result<String> {
    let mut file = Output {
        file: BufWriter::new(file),
        position: 0,
    };
    let mut written = Vec::new();
    for (name, shape, values) in members {
        written.push(member(&mut file, name, shape, values, compression)?);
    }
    let end = end(&written, file.position);
    file.write_all(&end)?;
    file.flush()?;
    Ok(hex(&Sha256::digest(&end)))
}

/// Writes one member, then its sizes and CRC into its local header.
fn member(
    file: &mut Output<impl Write + Seek>,
    name: &str,
    shape: &[u64],
    values: &[f64],
    compression: Compression,
) -> io::Result<Written> {
    let preamble = npy::preamble(shape);
    let uncompressed = (preamble.len() + 8 * values.len()) as u64;
    let mut member = Written {
        name: format!("{name}.npy"),
        method: if compression == Compression::Deflate {
            DEFLATE
        } else {
            STORED
        },
        crc: 0,
        compressed: 0,
        uncompressed,
        offset: file.position,
        // Deflate makes data that it cannot compress longer by less than a thousandth.
        is_wide: uncompressed + uncompressed / 1000 + 1024 >= u64::from(SATURATED),
    };
    file.write_all(&member.local_header())?;
    let data = file.position;
    let mut crc = Hasher::new();
    if compression == Compression::Deflate {
        let mut encoder = DeflateEncoder::new(&mut *file, flate2::Compression::default());
        encode(&mut encoder, &mut crc, &preamble, values)?;
        encoder.finish()?;
    } else {
        encode(file, &mut crc, &preamble, values)?;
    }
    member.crc = crc.finalize();
    member.compressed = file.position - data;
    file.replace(member.offset, &member.local_header())?;
    Ok(member)
}

/// Writes an npy array.
fn encode(out: &mut impl Write, crc: &mut Hasher, preamble: &[u8], values: &[f64]) -> io::Result<()> {
    let mut put = |bytes: &[u8]| {
        crc.update(bytes);
        out.write_all(bytes)
    };
    put(preamble)?;
    let mut bytes = Vec::new();
    for values in values.chunks(CHUNK_VALUES) {
        bytes.clear();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        put(&bytes)?;
    }
    Ok(())
}

impl Written {
    fn version(&self) -> u16 {
        if self.is_wide || self.offset >= u64::from(SATURATED) {
            VERSION_ZIP64
        } else {
            VERSION
        }
    }

    /// What local and central header have in common, from the version to the length of the name.
    fn common(&self) -> Vec<u8> {
        let size = |size: u64| if self.is_wide { SATURATED } else { size as u32 };
        let mut bytes = Vec::new();
        for field in [self.version(), 0, self.method, 0, DATE] {
            bytes.extend(field.to_le_bytes());
        }
        for field in [self.crc, size(self.compressed), size(self.uncompressed)] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend((self.name.len() as u16).to_le_bytes());
        bytes
    }

    fn local_header(&self) -> Vec<u8> {
        let mut extra = Vec::new();
        if self.is_wide {
            extra = zip64_extra(&[self.uncompressed, self.compressed]);
        }
        if self.method == STORED {
            let unpadded = self.offset + LOCAL_HEADER_BYTES + (self.name.len() + extra.len()) as u64 + PADDING_BYTES;
            let padding = unpadded.next_multiple_of(ALIGNMENT) - unpadded;
            for field in [PADDING_EXTRA, 2 + padding as u16, ALIGNMENT as u16] {
                extra.extend(field.to_le_bytes());
            }
            extra.resize(extra.len() + padding as usize, 0);
        }
        let length = (extra.len() as u16).to_le_bytes();
        [&LOCAL_HEADER[..], &self.common(), &length, self.name.as_bytes(), &extra].concat()
    }

    fn central_header(&self) -> Vec<u8> {
        let is_far = self.offset >= u64::from(SATURATED);
        let mut wide = Vec::new();
        if self.is_wide {
            wide.extend([self.uncompressed, self.compressed]);
        }
        if is_far {
            wide.push(self.offset);
        }
        let extra = if wide.is_empty() {
            Vec::new()
        } else {
            zip64_extra(&wide)
        };
        let offset = if is_far { SATURATED } else { self.offset as u32 };
        [
            &CENTRAL_HEADER[..],
            &self.version().to_le_bytes(), // made by: the version alone, no system
            &self.common(),
            &(extra.len() as u16).to_le_bytes(),
            &[0; 10], // no comment, disk 0, no attributes
            &offset.to_le_bytes(),
            self.name.as_bytes(),
            &extra,
        ]
        .concat()
    }
}

fn zip64_extra(values: &[u64]) -> Vec<u8> {
    let mut extra = ZIP64_EXTRA.to_le_bytes().to_vec();
    extra.extend((8 * values.len() as u16).to_le_bytes());
    extra.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    extra
}

/// The directory, which begins at `offset`, and the end records.
fn end(members: &[Written], offset: u64) -> Vec<u8> {
    let mut bytes: Vec<u8> = members.iter().flat_map(Written::central_header).collect();
    let (entries, size) = (members.len() as u64, bytes.len() as u64);
    let saturated = u64::from(SATURATED);
    if entries >= u64::from(u16::MAX) || size >= saturated || offset >= saturated {
        bytes.extend(zip64_end(entries, size, offset));
    }
    let entries = (entries.min(u64::from(u16::MAX)) as u16).to_le_bytes();
    bytes.extend([&END_RECORD[..], &[0; 4], &entries, &entries].concat());
    for field in [size, offset] {
        bytes.extend((field.min(saturated) as u32).to_le_bytes());
    }
    bytes.extend([0; 2]); // no comment
    bytes
}

/// The zip64 end record and its locator.
fn zip64_end(entries: u64, size: u64, offset: u64) -> Vec<u8> {
    let mut bytes = ZIP64_END_RECORD.to_vec();
    bytes.extend((archive::ZIP64_END_RECORD_BYTES - 12).to_le_bytes());
    bytes.extend([VERSION_ZIP64.to_le_bytes(), VERSION_ZIP64.to_le_bytes()].concat());
    bytes.extend([0; 8]); // disk 0
    for field in [entries, entries, size, offset] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(ZIP64_LOCATOR);
    bytes.extend([0; 4]); // disk 0
    bytes.extend((offset + size).to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;
    use crate::archive::{central_header, Archive};
    use crate::files::Place;

    const FAR: u64 = 5 << 30;

    fn member(offset: u64, uncompressed: u64) -> Written {
        Written {
            name: "layer_0.npy".into(),
            method: STORED,
            crc: 7,
            compressed: uncompressed,
            uncompressed,
            offset,
            is_wide: uncompressed >= u64::from(SATURATED),
        }
    }

    #[test]
    fn what_does_not_fit_into_32_bits_is_in_the_zip64_field() {
        for (offset, size) in [(3, 5), (3, FAR), (FAR, 5), (FAR, FAR + 1)] {
            let header = member(offset, size).central_header();
            let mut rest = header.as_slice();
            let entry = central_header(&mut rest, u64::MAX).unwrap();
            assert!(rest.is_empty());
            assert_eq!(
                (entry.offset, entry.compressed, entry.uncompressed),
                (offset, size, size)
            );
            let local = member(offset, size).local_header();
            assert_eq!((offset + local.len() as u64) % ALIGNMENT, 0);
        }
    }

    #[test]
    fn more_members_and_bytes_than_the_end_record_can_count() {
        for (count, offset) in [(65_534, 100), (65_535, 100), (1, FAR)] {
            let members: Vec<Written> = (0..count).map(|_| member(0, 0)).collect();
            let end = end(&members, offset);
            assert_eq!(
                end.windows(4).any(|window| window == ZIP64_LOCATOR),
                (count, offset) != (65_534, 100)
            );
            let path = std::env::temp_dir().join(format!("spikeparity-end-{}", std::process::id()));
            let mut file = File::create(&path).unwrap();
            file.write_all(&LOCAL_HEADER).unwrap();
            file.seek(SeekFrom::Start(offset)).unwrap(); // what is between takes no room
            file.write_all(&end).unwrap();
            let file = Place::anywhere(&path).unwrap().open().unwrap().unwrap();
            fs::remove_file(&path).unwrap();
            let archive = Archive::open(file, "").unwrap();
            assert_eq!(archive.digest().unwrap(), hex(&Sha256::digest(&end)));
        }
    }
}
