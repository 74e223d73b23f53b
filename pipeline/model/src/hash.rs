//! A hash that is the same on every machine and in every version: what it was made of is known again by it. It keeps
//! nobody from making two texts alike.

use crate::PoolId;

/// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv).
pub fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The partition of a pool, of so many. FNV-1a stands in for the hash that clients of Kafka use, until that is here.
pub fn partition_of(pool: &PoolId, partitions: u32) -> u32 {
    let partition = fnv1a(pool.as_str().bytes()) % u64::from(partitions.max(1));
    u32::try_from(partition).expect("it is less than the number of partitions")
}

#[cfg(test)]
mod tests {
    #[test]
    fn hashes_are_those_of_the_draft() {
        assert_eq!(super::fnv1a([]), 0xcbf2_9ce4_8422_2325);
        assert_eq!(super::fnv1a(*b"foobar"), 0x8594_4171_f739_67e8);
    }
}
