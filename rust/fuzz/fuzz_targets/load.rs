//! Loads any pair: nothing but a rejection with a path, or a pair, may come of it.
//!
//! An input is what `scripts/pair_fuzz/artefact.py` packs: two bytes with the length of the sidecar, the sidecar, the
//! archive. Checksums and the digest are mended first in most inputs, so that the search gets past them.
#![no_main]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use spikeparity::pair::{load_checkpoint, load_network, LoadError};

const END_BYTES: usize = 22;

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first_chunk::<2>() else {
        return;
    };
    let length = u16::from_le_bytes(*length);
    let (sidecar, archive) = rest.split_at(usize::from(length).min(rest.len()));
    let (mut sidecar, mut archive) = (sidecar.to_vec(), archive.to_vec());
    // One input in eight keeps its faults.
    if rest.len() % 8 != 0 {
        mend(&mut sidecar, &mut archive);
    }
    let base = base();
    write(base, "json", &sidecar);
    write(base, "npz", &archive);
    judge(load_checkpoint(base).err());
    judge(load_network(base).err());
});

fn judge(fault: Option<LoadError>) {
    match fault {
        None => {}
        Some(LoadError::Rejected(rejection)) => assert!(rejection.path.is_empty() || rejection.path.starts_with('/')),
        Some(LoadError::Io(failure)) => panic!("a failure of the system: {failure}"),
    }
}

/// A place of this process's own; whoever starts it names a folder in memory by `TMPDIR`, and clears it.
fn base() -> &'static Path {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    BASE.get_or_init(|| std::env::temp_dir().join(format!("spikeparity-fuzz-{}", std::process::id())))
}

fn write(base: &Path, extension: &str, content: &[u8]) {
    std::fs::write(base.with_extension(extension), content).expect("a temporary file");
}

/// Puts the right checksums into the directory and the right digest into the sidecar, where these are to be found.
fn mend(sidecar: &mut [u8], archive: &mut [u8]) {
    let Some(end) = archive.len().checked_sub(END_BYTES) else {
        return;
    };
    let start = number(archive, end + 16, 4);
    let mut at = start;
    while archive
        .get(at..at + 46)
        .is_some_and(|header| header.starts_with(b"PK\x01\x02"))
    {
        if let Some(crc) = checksum(archive, at) {
            archive[at + 16..at + 20].copy_from_slice(&crc.to_le_bytes());
        }
        at += 46 + number(archive, at + 28, 2) + number(archive, at + 30, 2) + number(archive, at + 32, 2);
    }
    let key = b"\"archive_digest\": \"";
    let place = sidecar
        .windows(key.len())
        .position(|window| window == key)
        .map(|place| place + key.len());
    if let (Some(place), Some(directory)) = (place, archive.get(start..)) {
        let digits: String = Sha256::digest(directory)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        if let Some(old) = sidecar.get_mut(place..place + digits.len()) {
            old.copy_from_slice(digits.as_bytes());
        }
    }
}

/// The CRC-32 of the member whose central header begins at `at`.
fn checksum(archive: &[u8], at: usize) -> Option<u32> {
    let (method, packed, local) = (
        number(archive, at + 10, 2),
        number(archive, at + 20, 4),
        number(archive, at + 42, 4),
    );
    archive.get(local..local + 30)?;
    let begin = local + 30 + number(archive, local + 26, 2) + number(archive, local + 28, 2);
    let data = archive.get(begin..begin.checked_add(packed)?)?;
    if method == 0 {
        return Some(crc32fast::hash(data));
    }
    let mut content = vec![0; 1 << 17];
    let mut stream = flate2::Decompress::new(false);
    stream
        .decompress(data, &mut content, flate2::FlushDecompress::Finish)
        .ok()?;
    Some(crc32fast::hash(&content[..usize::try_from(stream.total_out()).ok()?]))
}

/// A little-endian number.
fn number(bytes: &[u8], at: usize, width: usize) -> usize {
    bytes.get(at..at + width).map_or(0, |part| {
        part.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    })
}
