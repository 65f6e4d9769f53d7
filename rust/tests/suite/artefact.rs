//! Pairs on disk for tests: zips put together byte by byte, with every field open to damage.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use flate2::write::DeflateEncoder;
use spikeparity::checkpoint::Checkpoint;
use spikeparity::pair::{load_checkpoint, LoadError};

/// A folder that is removed in the end.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("spikeparity-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    /// The names of all that is in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A zip file and where its records are.
#[derive(Clone)]
pub struct Zip {
    pub bytes: Vec<u8>,
    pub local: Vec<usize>,
    pub central: Vec<usize>,
    pub end: usize,
}

/// One member: its name, its method, the data as it lies in the file, the size and the CRC-32 of the data inflated.
pub struct Member {
    pub name: String,
    pub method: u16,
    pub data: Vec<u8>,
    pub size: usize,
    pub crc: u32,
}

pub fn stored(name: &str, content: &[u8]) -> Member {
    Member {
        name: name.into(),
        method: 0,
        data: content.into(),
        size: content.len(),
        crc: crc32fast::hash(content),
    }
}

pub fn deflated(name: &str, content: &[u8]) -> Member {
    let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    Member {
        method: 8,
        data: encoder.finish().unwrap(),
        ..stored(name, content)
    }
}

impl Zip {
    pub fn of(members: &[Member]) -> Self {
        let mut zip = Zip {
            bytes: Vec::new(),
            local: Vec::new(),
            central: Vec::new(),
            end: 0,
        };
        for member in members {
            zip.local.push(zip.bytes.len());
            zip.bytes.extend(b"PK\x03\x04\x14\0");
            zip.common(member);
            zip.bytes.extend(member.name.bytes());
            zip.bytes.extend(&member.data);
        }
        let directory = zip.bytes.len();
        for (member, local) in members.iter().zip(zip.local.clone()) {
            zip.central.push(zip.bytes.len());
            zip.bytes.extend(b"PK\x01\x02\x14\0\x14\0");
            zip.common(member);
            zip.bytes.extend([0; 10]);
            zip.bytes.extend((local as u32).to_le_bytes());
            zip.bytes.extend(member.name.bytes());
        }
        zip.end = zip.bytes.len();
        let count = (members.len() as u16).to_le_bytes();
        zip.bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &count, &count].concat());
        zip.bytes.extend(((zip.end - directory) as u32).to_le_bytes());
        zip.bytes.extend((directory as u32).to_le_bytes());
        zip.bytes.extend([0; 2]);
        zip
    }

    /// Flags to the length of the extra field.
    fn common(&mut self, member: &Member) {
        self.bytes
            .extend([[0; 2], member.method.to_le_bytes(), [0; 2], [0; 2]].concat());
        for field in [member.crc, member.data.len() as u32, member.size as u32] {
            self.bytes.extend(field.to_le_bytes());
        }
        self.bytes
            .extend([(member.name.len() as u16).to_le_bytes(), [0; 2]].concat());
    }

    pub fn set(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    pub fn add(&mut self, at: usize, difference: i32) {
        let sum = self.u32(at).wrapping_add_signed(difference);
        self.set(at, &sum.to_le_bytes());
    }

    /// Puts bytes before all that begins at `at` or behind it; the end record is not told.
    pub fn insert(&mut self, at: usize, bytes: &[u8]) {
        self.bytes.splice(at..at, bytes.iter().copied());
        let places = self.local.iter_mut().chain(&mut self.central).chain([&mut self.end]);
        places
            .filter(|place| **place >= at)
            .for_each(|place| *place += bytes.len());
    }
}

/// An npy file of version 1.0 with this header.
pub fn npy_with(header: &[u8], data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header, data].concat()
}

/// An npy file of this type and shape.
pub fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    npy_with(header.as_bytes(), data)
}

/// Binary64 values as they lie in a file.
pub fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// What comes of a pair: the code and the path of its rejection.
pub type Loaded = Result<Checkpoint, (&'static str, String)>;

/// Loads `base` and tells what comes of it.
pub fn load(base: &Path) -> Loaded {
    load_checkpoint(base).map_err(|error| match error {
        LoadError::Rejected(rejection) => {
            assert!(!rejection.message.is_empty());
            (rejection.rule.code(), rejection.path)
        }
        LoadError::Io(failure) => ("i/o", failure.to_string()),
    })
}

/// Loads a pair of this sidecar and this archive.
pub fn load_pair(sidecar: impl AsRef<[u8]>, archive: &[u8]) -> Loaded {
    let folder = Folder::new();
    folder.write("pair.json", sidecar);
    folder.write("pair.npz", archive);
    load(&folder.path("pair"))
}

/// A sidecar of two layers: (1, 2) and (1, 1).
pub const SIDECAR: &str =
    r#"{"n_layers":2,"layer_names":["a","b"],"layer_sizes":[[2,1],[1,1]],"total_params":3,"metadata":{}}"#;

/// The archive that belongs to it.
pub fn archive() -> Zip {
    Zip::of(&[
        stored("layer_0.npy", &npy("<f8", "(1, 2)", &doubles(&[0.5, -0.0]))),
        deflated("layer_1.npy", &npy("<f8", "(1, 1)", &doubles(&[0.25]))),
    ])
}

/// The weights of a checkpoint, layer after layer.
pub fn weights(checkpoint: &Checkpoint) -> Vec<Vec<f64>> {
    checkpoint
        .weights()
        .iter()
        .map(|matrix| matrix.entries.clone())
        .collect()
}
