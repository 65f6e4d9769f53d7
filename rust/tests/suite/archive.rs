//! The rules archive.*, on zips with one fault each, and near misses.

use crate::artefact::{archive, deflated, doubles, load_pair, npy, stored, weights, Loaded, Member, Zip, SIDECAR};

/// Loads the sound pair with its archive changed.
fn changed(change: impl FnOnce(&mut Zip)) -> Loaded {
    let mut zip = archive();
    change(&mut zip);
    load_pair(SIDECAR, &zip.bytes)
}

fn rejected(change: impl FnOnce(&mut Zip)) -> (&'static str, String) {
    changed(change).expect_err("a rejection is due")
}

fn assert_code(code: &str, path: &str, changes: &[fn(&mut Zip)]) {
    for (index, change) in changes.iter().enumerate() {
        let (found, at) = rejected(change);
        assert_eq!((found, &*at), (code, path), "change {index}");
    }
}

/// Replaces the members.
fn members(members: &[Member]) -> Loaded {
    load_pair(SIDECAR, &Zip::of(members).bytes)
}

fn first() -> Member {
    stored("layer_0.npy", &npy("<f8", "(1, 2)", &doubles(&[0.5, -0.0])))
}

fn second() -> Vec<u8> {
    npy("<f8", "(1, 1)", &doubles(&[0.25]))
}

#[test]
fn the_archive_is_sound() {
    assert_eq!(weights(&changed(|_| {}).unwrap()), [vec![0.5, -0.0], vec![0.25]]);
}

#[test]
fn what_is_no_zip() {
    assert_code(
        "archive.not-zip",
        "",
        &[
            |zip| zip.bytes.clear(),
            |zip| zip.bytes.truncate(3),
            |zip| zip.set(0, b"PK\x03\x05"),
            |zip| zip.insert(0, b"\x7fELF"),
        ],
    );
}

#[test]
fn what_is_cut_off_or_follows() {
    assert_code(
        "archive.truncated",
        "",
        &[
            |zip| zip.bytes.truncate(21),
            |zip| zip.bytes.truncate(zip.bytes.len() - 1),
            |zip| zip.bytes.push(0),
            |zip| zip.bytes.extend(b"PK\x05\x06"),
            |zip| {
                zip.set(zip.end + 20, &[1, 0]);
                zip.bytes.push(b'!');
            },
        ],
    );
}

#[test]
fn end_records_that_contradict_the_file() {
    assert_code(
        "archive.end-record",
        "",
        &[
            |zip| zip.set(zip.end + 4, &[1]),
            |zip| zip.set(zip.end + 6, &[1]),
            |zip| zip.set(zip.end + 8, &[1]),
            |zip| zip.set(zip.end + 10, &[1]),
            |zip| zip.add(zip.end + 12, 1),
            |zip| zip.add(zip.end + 16, -1),
            |zip| zip.insert(zip.end, b"?"),
            |zip| zip.set(zip.end + 8, &[0xff; 4]),  // no zip64 record
            |zip| zip.set(zip.end + 12, &[0xff; 4]), // no zip64 record
        ],
    );
}

/// Puts zip64 records before the end record, which then refers to them, and damages them.
fn zip64(zip: &mut Zip, damage: impl FnOnce(&mut Zip, usize)) {
    let (size, offset) = (zip.u32(zip.end + 12), zip.u32(zip.end + 16));
    let mut records = b"PK\x06\x06\x2c\0\0\0\0\0\0\0-\0-\0\0\0\0\0\0\0\0\0".to_vec();
    for field in [2, 2, u64::from(size), u64::from(offset)] {
        records.extend(field.to_le_bytes());
    }
    records.extend(b"PK\x06\x07\0\0\0\0");
    records.extend((zip.end as u64).to_le_bytes());
    records.extend(1u32.to_le_bytes());
    let at = zip.end;
    zip.bytes.splice(at..at, records);
    zip.end += 76;
    zip.set(zip.end + 8, &[0xff; 12]);
    damage(zip, at);
}

#[test]
fn zip64_records_are_read_where_they_are_due() {
    assert!(changed(|zip| zip64(zip, |_, _| {})).is_ok());
    let damages: [fn(&mut Zip, usize); 9] = [
        |zip, at| zip.set(at, b"?"),
        |zip, at| zip.add(at + 4, 1),
        |zip, at| zip.add(at + 16, 1),
        |zip, at| zip.add(at + 24, 1),
        |zip, at| zip.add(at + 40, 1),
        |zip, at| zip.set(at + 55, &[0xff]),
        |zip, at| zip.set(at + 56, b"?"),
        |zip, at| zip.add(at + 64, 1),
        |zip, at| zip.add(at + 72, 1),
    ];
    for (index, damage) in damages.into_iter().enumerate() {
        let (code, _) = rejected(|zip| zip64(zip, damage));
        assert_eq!(code, "archive.end-record", "damage {index}");
    }
}

#[test]
fn a_saturated_field_needs_its_value() {
    let extra = |values: &[u64]| {
        let length = (8 * values.len() as u16).to_le_bytes();
        let values = values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        [b"\x02\0\x01\0?", &[1, 0][..], &length, &values].concat() // another field comes first
    };
    let with = |values: &[u64]| {
        changed(|zip| {
            let (header, extra) = (zip.central[0], extra(values));
            for field in [20, 24, 42] {
                zip.set(header + field, &[0xff; 4]);
            }
            zip.set(header + 30, &(extra.len() as u16).to_le_bytes());
            zip.insert(header + 46 + "layer_0.npy".len(), &extra);
            zip.add(zip.end + 12, extra.len() as i32);
        })
    };
    let size = first().size as u64;
    assert!(with(&[size, size, 0]).is_ok());
    assert_eq!(with(&[size, size]).unwrap_err().0, "archive.directory");
    assert_eq!(with(&[size, size, u64::MAX]).unwrap_err().0, "archive.directory");
    assert_eq!(with(&[size + 1, size, 0]).unwrap_err().0, "archive.size");
    assert_eq!(with(&[size, u64::MAX, 0]).unwrap_err().0, "archive.local-header");
}

#[test]
fn more_entries_than_members() {
    let more = [first(), deflated("layer_1.npy", &second()), stored("layer_2.npy", b"")];
    assert_eq!(members(&more).unwrap_err(), ("archive.entry-count", "".into()));
    // Before the directory is looked at.
    assert_code(
        "archive.entry-count",
        "",
        &[|zip| {
            zip.set(zip.end + 8, &[3, 0, 3, 0]);
            zip.set(zip.central[0], b"?");
        }],
    );
}

#[test]
fn a_malformed_directory() {
    assert_code(
        "archive.directory",
        "",
        &[
            |zip| zip.set(zip.central[1], b"?"),
            |zip| zip.set(zip.central[1] + 28, &[12]),
            |zip| zip.set(zip.central[1] + 32, &[1]),
            |zip| zip.set(zip.central[1] + 34, &[1]),
            |zip| zip.set(zip.end + 8, &[1, 0, 1]),
            |zip| zip.set(zip.central[1] + 24, &[0xff; 4]),
            |zip| {
                let late = zip.central[0] as u32 - 29;
                zip.set(zip.central[1] + 42, &late.to_le_bytes());
            },
            |zip| {
                zip.insert(zip.end, b"?");
                zip.add(zip.end + 12, 1);
            },
            |zip| {
                let comment = [0; 2 * 1024];
                zip.set(zip.central[1] + 32, &2048u16.to_le_bytes());
                zip.insert(zip.end, &comment);
                zip.add(zip.end + 12, 2048);
            },
        ],
    );
}

#[test]
fn what_an_entry_may_say_beside() {
    for change in [
        |zip: &mut Zip| zip.set(zip.central[0] + 4, &[63, 3]),    // made by
        |zip: &mut Zip| zip.set(zip.central[0] + 12, &[1; 4]),    // date
        |zip: &mut Zip| zip.set(zip.central[0] + 36, &[0xff; 6]), // attributes
        |zip: &mut Zip| zip.set(zip.local[0] + 14, &[0; 12]),     // CRC and sizes, as before a data descriptor
        |zip: &mut Zip| zip.set(zip.central[0] + 8, &[8, 8]),     // data descriptor, UTF-8
        |zip: &mut Zip| {
            zip.set(zip.central[1] + 32, &[3]);
            zip.insert(zip.end, b"why");
            zip.add(zip.end + 12, 3);
        },
    ] {
        assert!(changed(change).is_ok());
    }
}

#[test]
fn names() {
    let named = |name: &str| members(&[first(), deflated(name, &second())]).unwrap_err();
    assert_eq!(named("a/layer_1.npy"), ("archive.member-path", "".into()));
    assert_eq!(named("a\\layer_1.npy"), ("archive.member-path", "".into()));
    assert_eq!(named("layer_1"), ("archive.member-unexpected", "".into()));
    assert_eq!(named("layer_01.npy"), ("archive.member-unexpected", "".into()));
    assert_eq!(named("layer_2.npy"), ("archive.member-unexpected", "".into()));
    assert_eq!(named("layer_0.npy"), ("archive.member-twice", "".into()));
    assert_eq!(
        members(&[first()]).unwrap_err(),
        ("archive.member-missing", "/weights/1".into())
    );
    assert_eq!(
        members(&[]).unwrap_err(),
        ("archive.member-missing", "/weights/0".into())
    );
    assert!(members(&[deflated("layer_1.npy", &second()), first()]).is_ok());
}

#[test]
fn headers_of_members() {
    assert_code(
        "archive.encrypted",
        "/weights/1",
        &[
            |zip| zip.set(zip.central[1] + 8, &[1]),
            |zip| zip.set(zip.central[1] + 8, &[0x40]),
            |zip| zip.set(zip.central[1] + 9, &[0x20]),
        ],
    );
    assert_code(
        "archive.compression",
        "/weights/0",
        &[
            |zip| zip.set(zip.central[0] + 10, &[1]),
            |zip| zip.set(zip.central[0] + 10, &[12]),
        ],
    );
    assert_code(
        "archive.local-header",
        "/weights/1",
        &[
            |zip| zip.set(zip.local[1], b"?"),
            |zip| zip.set(zip.local[1] + 6, &[1]),
            |zip| zip.set(zip.local[1] + 8, &[0]),
            |zip| zip.set(zip.local[1] + 26, &[10]),
            |zip| zip.set(zip.local[1] + 30, b"L"),
            |zip| zip.set(zip.local[1] + 28, &[0xff; 2]),
            |zip| zip.add(zip.central[1] + 20, 1),
            |zip| zip.set(zip.central[1] + 42, &[0; 4]), // the other member's: another name
            |zip| zip.add(zip.central[0] + 20, 1),       // the first one reaches into the second
        ],
    );
}

#[test]
fn sizes_and_checksums() {
    assert_code(
        "archive.size",
        "/weights/0",
        &[
            |zip| zip.add(zip.central[0] + 24, 1),
            |zip| zip.add(zip.central[0] + 24, -1),
        ],
    );
    assert_code(
        "archive.size",
        "/weights/1",
        &[
            |zip| zip.add(zip.central[1] + 24, 1),
            |zip| zip.add(zip.central[1] + 24, -1),
            |zip| zip.set(zip.central[1] + 24, &(8u32 + 65_548 + 1).to_le_bytes()),
        ],
    );
    assert_code(
        "archive.crc",
        "/weights/0",
        &[
            |zip| zip.add(zip.central[0] + 16, 1),
            |zip| zip.set(zip.local[1] - 1, &[1]),
        ],
    );
}

/// The second member with other compressed data, of which so many bytes are declared.
fn inflated(data: Vec<u8>, declared: usize) -> (&'static str, String) {
    let content = second();
    let member = Member {
        data,
        size: declared,
        ..deflated("layer_1.npy", &content)
    };
    match members(&[first(), member]) {
        Ok(_) => ("", String::new()),
        Err(fault) => fault,
    }
}

/// Bytes as deflate blocks that are not compressed, the last one not final.
fn raw(content: &[u8]) -> Vec<u8> {
    let length = content.len() as u16;
    [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes(), content].concat()
}

#[test]
fn inflation_is_sequential() {
    let (content, size) = (second(), second().len());
    let sound = deflated("", &content).data;
    let end = [1, 0, 0, 0xff, 0xff];
    let invalid = [7];
    let at = |code| (code, "/weights/1".to_owned());
    assert_eq!(inflated([raw(&content), end.to_vec()].concat(), size).0, "");
    assert_eq!(inflated(sound[..sound.len() - 1].to_vec(), size), at("archive.data"));
    assert_eq!(inflated([&sound[..], b"?"].concat(), size), at("archive.data"));
    assert_eq!(inflated(Vec::new(), size), at("archive.data"));
    assert_eq!(inflated(raw(&content), size), at("archive.data"));
    // All the bytes are there, then the stream is invalid.
    assert_eq!(
        inflated([&raw(&content)[..], &invalid].concat(), size),
        at("archive.data")
    );
    // One byte more is there before it.
    let longer = raw(&[&content[..], b"?"].concat());
    assert_eq!(inflated([&longer[..], &invalid].concat(), size), at("archive.size"));
    assert_eq!(inflated([&longer[..], &end].concat(), size), at("archive.size"));
    assert_eq!(inflated([&longer[..], &invalid].concat(), size + 1), at("archive.data"));
    // One byte fewer, and something behind the end.
    assert_eq!(inflated([&sound[..], b"?"].concat(), size + 1), at("archive.data"));
    assert_eq!(inflated(sound, size + 1), at("archive.size"));
}

#[test]
fn a_bomb_is_not_inflated() {
    let bomb = deflated("layer_1.npy", &[0; 1 << 20]);
    assert_eq!(inflated(bomb.data, second().len()).0, "archive.size");
}
