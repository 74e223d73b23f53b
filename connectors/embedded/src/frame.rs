//! How a record lies in the store: a checksum, two lengths, then key, header and value.
//!
//! The store verifies its pages only when it opens a file, so each record brings a checksum of its own, which covers
//! its position too: a page that went bad, or landed in the wrong place, is an error and never a wrong record.

use protocol::log::{NewRecord, Record};

/// CRC-32, length of the key, length of the header.
const HEAD: usize = 12;

/// How many bytes a record takes.
pub fn size(record: &NewRecord) -> usize {
    HEAD + record.key.len() + record.header.len() + record.value.len()
}

/// Writes a record; `to` has its size.
pub fn encode(position: u64, record: &NewRecord, to: &mut [u8]) {
    let (key, header) = (record.key.len(), record.header.len());
    to[4..8].copy_from_slice(&length(key));
    to[8..HEAD].copy_from_slice(&length(header));
    to[HEAD..HEAD + key].copy_from_slice(&record.key);
    to[HEAD + key..HEAD + key + header].copy_from_slice(&record.header);
    to[HEAD + key + header..].copy_from_slice(&record.value);
    let sum = checksum(position, &to[4..]);
    to[..4].copy_from_slice(&sum.to_le_bytes());
}

/// Reads a record; `None` when it is not what was written.
pub fn decode(position: u64, from: &[u8]) -> Option<Record> {
    let (sum, rest) = from.split_first_chunk::<4>()?;
    if checksum(position, rest) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (key, rest) = rest.split_first_chunk::<4>()?;
    let (header, rest) = rest.split_first_chunk::<4>()?;
    let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*key) as usize)?;
    let (header, value) = rest.split_at_checked(u32::from_le_bytes(*header) as usize)?;
    Some(Record { position, key: key.to_vec(), header: header.to_vec(), value: value.to_vec(), appended: None })
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).expect("an append is bounded far below 4 GiB").to_le_bytes()
}

fn checksum(position: u64, bytes: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&position.to_le_bytes());
    sum.update(bytes);
    sum.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_and_no_flipped_bit_goes_unseen() {
        for (key, header, value) in [("k", "h", "value"), ("", "", ""), ("", "h", ""), ("k", "", "v")] {
            let record = NewRecord { key: key.into(), header: header.into(), value: value.into() };
            let mut bytes = vec![0; size(&record)];
            encode(7, &record, &mut bytes);
            let read = decode(7, &bytes).unwrap();
            assert_eq!((read.key, read.header, read.value), (record.key, record.header, record.value));
            assert_eq!(decode(8, &bytes), None, "a record of another position");
            for bit in 0..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(decode(7, &bytes), None, "bit {bit}");
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            assert_eq!(decode(7, &bytes[..bytes.len() - 1]), None, "cut short");
        }
    }
}
